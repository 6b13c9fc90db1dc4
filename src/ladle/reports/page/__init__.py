"""The report of a store: one self-contained HTML page."""
