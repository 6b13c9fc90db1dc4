"""``python -m fuzz TARGET --seconds N``: drive one target by coverage of Ladle's own code, and keep count.

Needs atheris. What is found is left in the corpus folder as ``TARGET/crash-…``, ``timeout-…`` or ``oom-…``; a file of
these as another argument runs that one input again.
"""

from __future__ import annotations

import argparse
import importlib
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path

from fuzz.record import add_run, executions_in

TARGETS = ("choosing", "shards", "tables", "images", "configs", "archives", "stores", "trained")
_CORPUS = Path(__file__).parents[2] / "build" / "fuzz"
#: One input may take so many seconds on a busy machine, and so much memory beside torch and pandas.
_SECONDS_AN_INPUT = 30
_MEBIBYTES = 3072
_LONGEST_INPUT = 512
# What libFuzzer ends with after Ctrl-C.
_INTERRUPTED = 72


def main() -> None:
    """Run the fuzzer in a process of its own, which a crash ends, and add what it did to the record."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("input", nargs="?", type=Path, help="one input to run again")
    parser.add_argument("--seconds", type=int, default=60, help="how long to look for new inputs")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        _fuzz(given.target, given.seconds)
    elif given.input is not None:
        importlib.import_module(f"fuzz.{given.target}").check(given.input.read_bytes())
    else:
        sys.exit(_supervise(given.target, given.seconds))


def _supervise(target: str, seconds: int) -> int:
    """Run the fuzzer to its end and record seconds and executions; return its exit code."""
    folder = _CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    log = folder.with_suffix(".log")
    command = [sys.executable, "-m", "fuzz", target, "--seconds", str(seconds), "--inside"]
    began = time.monotonic()
    with log.open("w") as output:
        code = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False).returncode
    took = time.monotonic() - began
    add_run(
        target,
        seconds=took,
        executions=executions_in(log.read_text(errors="replace")),
        found=code not in (0, _INTERRUPTED),
    )
    if code not in (0, _INTERRUPTED):
        sys.stderr.write(f"{target}: found something, see the end of {log}\n")
    return code


def _fuzz(target: str, seconds: int) -> None:
    import atheris

    # What a reader warns of is no answer either.
    warnings.simplefilter("error")
    with atheris.instrument_imports(include=["ladle"]):
        check = importlib.import_module(f"fuzz.{target}").check
    import torch

    torch.set_num_threads(1)
    folder = _CORPUS / target
    options = [
        f"-max_total_time={seconds}",
        f"-timeout={_SECONDS_AN_INPUT}",
        f"-rss_limit_mb={_MEBIBYTES}",
        f"-max_len={_LONGEST_INPUT}",
        "-len_control=0",
        f"-artifact_prefix={folder}{os.sep}",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(folder)], check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
