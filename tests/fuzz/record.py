"""How long each target has run and how often: kept over all runs beside the targets, and shown in the documents."""

from __future__ import annotations

import fcntl
import json
import re
import tempfile
from pathlib import Path
from typing import TypedDict

RECORD = Path(__file__).with_name("runs.json")
PAGE = Path(__file__).parents[2] / "docs" / "bad-input.md"
# Targets run side by side, and both write what they did.
_LOCK = Path(tempfile.gettempdir()) / "ladle-fuzz.lock"
_BEGIN, _END = "<!-- runs -->", "<!-- end of runs -->"


class Runs(TypedDict):
    """What one target has done: seconds on the clock, inputs tried, and runs that found something."""

    seconds: float
    executions: int
    runs: int
    found: int


def read_record() -> dict[str, Runs]:
    """Return the runs of every target; empty before the first."""
    record: dict[str, Runs] = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    return record


def add_run(target: str, *, seconds: float, executions: int, found: bool) -> None:
    """Add a run to the record, and put the new table into the page."""
    with _LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _add(target, seconds, executions, found)


def _add(target: str, seconds: float, executions: int, found: bool) -> None:
    record = read_record()
    before = record.get(target, Runs(seconds=0.0, executions=0, runs=0, found=0))
    record[target] = Runs(
        seconds=round(before["seconds"] + seconds, 1),
        executions=before["executions"] + executions,
        runs=before["runs"] + 1,
        found=before["found"] + found,
    )
    RECORD.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    head, _, rest = page.partition(_BEGIN)
    PAGE.write_text(f"{head}{_BEGIN}\n{table_of(record)}{_END}{rest.partition(_END)[2]}", encoding="utf-8")


def table_of(record: dict[str, Runs]) -> str:
    """Return the table of the page: a line a target."""
    lines = [
        "| target | inputs tried | minutes | runs | of them with a finding |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| `{target}` | {runs['executions']:,} | {runs['seconds'] / 60:.0f} | {runs['runs']} | {runs['found']} |"
        for target, runs in sorted(record.items())
    ]
    return "\n".join(lines) + "\n"


def executions_in(log: str) -> int:
    """Return how many inputs libFuzzer's output says it has tried: the last number that stands before a status."""
    counts = re.findall(r"^#(\d+)\s", log, flags=re.MULTILINE)
    total = re.search(r"stat::number_of_executed_units:\s*(\d+)", log)
    return int(total.group(1)) if total else max(map(int, counts), default=0)
