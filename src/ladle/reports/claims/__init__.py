"""The paper's claims, section by section, each held against what was run."""
