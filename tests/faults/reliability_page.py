"""docs/reliability.md from the figures of `make torture`: `python tests/faults/reliability_page.py` writes it anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[2]
#: What is written after a kill, by its kind; kinds come on the page in this order.
_KINDS = {
    "labeling server": "three people label over HTTP; the server is started again on the same store",
    "labeling server, started plainly": "the same, from `python -m ladle label`, its imports too",
    "experiment": "the driver of the rounds, from its start to its last write",
    "ladle run, parent": "the command; its workers see that it is gone",
    "ladle run, all": "the command and its workers at once",
    "worker of ladle run": "one worker; the command says so in one line and is run again",
    "PostgreSQL postmaster": "the server's first process, under people who label or under an experiment",
    "PostgreSQL backend": "one connection's process; the server ends all others and recovers",
    "Ray node": "one of two nodes, in the middle of a selection",
}
_INTRODUCTION = """\
# Reliability

What was acknowledged is there, whatever is killed. Processes are ended with `kill -9` at random moments, drawn over \
their whole life: while they start, read, train and write. Then they are started again, and in the end the store is \
held against what people were told and against an undisturbed run.
"""
_REST = """\
## What is checked

- **Labeling.** Each person remembers every answer and undo that the server said is recorded. In the end each answer \
that stands is in the store, once, with its label; one that was taken back is not; nobody is asked again what they \
have answered; no batch holds an example of an earlier one; the labels by the event log are those by the answers. A \
change whose acknowledgement never came may have been made or not.
- **Experiments.** Rounds, accuracies, picks and labels are those of a run that nobody cut off.
- **A database that goes away.** The labeling server outlives it: people are told in one line, what they send \
meanwhile is refused, and it goes on once the database is back. An experiment ends with one line, and the same command \
goes on.

## Other faults

These run in `make test`, in `tests/faults/`:

- **A full disk.** The store takes no more: the answer is refused in one line, all that was acknowledged is there, and \
the same process goes on once there is room. Exports, trained models, saved experiments, sorted images and shards are \
written beside and renamed when they are whole: what stood there before stays, and nothing half written is left. A \
pool is saved to an empty folder, which is empty again.
- **The network goes away in a download.** It is said in one line, and the next try fetches what is missing; a file of \
the hub has its name only when it is whole.
- **Torn files**, cut short at random lengths, and rows of a store that are not as they were written. What happens \
depends on whose file it is:

| what is damaged | what happens |
| --- | --- |
| a store, or a row in it | named in one line, and left as it is: a copy of it, or the last export, takes its place |
| a saved experiment, a saved pool, a trained model, a shard; a saved experiment whose tables are of two savings | \
named in one line, and left as it is |
| a plain copy of a Parquet shard in the scratch folder; what an encoder has encoded, in the cache | made again, over \
the damaged one, without a word |
| what scikit-learn has kept of OpenML's answers and of 20 Newsgroups | fetched again, over the damaged one, without a \
word |
| what the `datasets` package has made of a data set of the hub | fetched and made again, over the damaged one, once, \
without a word; where that fails too, its folder is named, to be removed |

## What is not covered

- A power cut, or a disk that loses what it has confirmed: a killed process leaves what it wrote to the operating \
system. SQLite runs with `synchronous=FULL`, and files are synced before they are renamed, for that case; nobody has \
pulled a plug.
- Bytes that change inside a file of the same length. Saved experiments have digests; stores and shards do not. What \
no longer can be is seen in a store (`docs/bad-input.md`); a person's label that became another is not.
- What a killed process was writing beside: a hidden file, `.NAME.PROCESS-LETTERS`, stays and is never read. Remove it \
as you like.
- A store cut to nothing, or a write-ahead log (`-wal`) that was deleted or left behind: SQLite takes the one for a \
new store, and the other for an empty log. Copy a store with `sqlite3 labels.db ".backup copy.db"`, also while it is \
in use.
- Networks between machines: Ray and PostgreSQL ran on one machine, and the head node of a cluster was not killed.
"""


def write_page(figures: dict[str, Any], page: Path) -> None:
    """Write the page from the figures, as `benchmarks/results/reliability.json` has them."""
    page.write_text(reliability_page(figures))


def reliability_page(figures: dict[str, Any]) -> str:
    """Return the page."""
    kills, stories = figures["kills"], figures["stories"]
    rows = [f"| {kind} | {kills[kind]:,} | {what} |" for kind, what in _KINDS.items() if kills.get(kind)]
    rows += [f"| {kind} | {count:,} |  |" for kind, count in kills.items() if kind not in _KINDS]
    wrong = [figures[name] for name in ("lost", "twice", "different", "unclear")]
    head = (
        f"**{sum(kills.values()):,} kills: {_count(wrong[0], 'change')} lost, {_count(wrong[1], 'example')} asked or "
        f"answered twice, {_count(wrong[2], 'experiment')} that ended differently, {_count(wrong[3], 'failure')} told "
        f"in more than one line.** {figures['acknowledged']:,} answers, undos and rounds had been acknowledged, in "
        f"{sum(stories.values())} stores."
    )
    measured = (
        f"Measured with `{figures['command']}` on {figures['date']}, {figures['minutes']} minutes"
        f"{'' if figures.get('finished', True) else ', and stopped there before its end'}. Most processes are "
        "forked from one that has imported everything, so that a kill hits their work. Only processes that were still "
        "alive are counted."
    )
    if figures.get("since"):
        measured += f" {figures['since']}"
    table = ["| killed | times | what that is |", "| --- | --- | --- |", *rows]
    return "\n".join([_INTRODUCTION, head, "", *table, "", measured, "", _REST])


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"


if __name__ == "__main__":
    figures = json.loads((_ROOT / "benchmarks/results/reliability.json").read_text())
    write_page(figures, _ROOT / "docs/reliability.md")
