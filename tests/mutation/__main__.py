"""``python -m mutation ROOM...``: change one thing at a time in a room's functions, and see whether its tests notice.

Needs mutmut. Each room is mutated in a folder of its own, ``build/mutation/ROOM``, and tested by its own tests alone;
what none of them noticed is left there as ``survivors.diff``. ``--sample N`` takes N mutants a room, drawn with a fixed
seed; ``--matching TEXT`` those whose name holds the text, as ``event_rows``, after a file was changed; ``--survivors``
tries those of the run before once more, after a test was written for one; ``--tests`` leaves slow tests out.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

ROOMS = ("scores", "strategies", "gradients", "selectors", "statistics", "session")
_ROOT = Path(__file__).parents[2]
_WORK = _ROOT / "build" / "mutation"
_SEED = 0
# Beside mutmut's defaults: a statement that raises is left out, since its mutants change the text of a message, and so
# are migrations, which are frozen once released. A mutant may take half a minute and 3 times as long as its tests do
# before it counts as an endless loop: machines are busy. A server of PostgreSQL for every mutant would take hours.
_SETTINGS = """
[tool.mutmut]
source_paths = ["src"]
only_mutate = ["src/ladle/{room}/*"]
do_not_mutate = ["src/ladle/session/migrations/*"]
do_not_mutate_patterns = ['^\\s*raise \\w+']
pytest_add_cli_args = ["-p", "no:xdist", "-p", "no:cacheprovider", "-m", "not torture and not postgres and not slow"{k}]
pytest_add_cli_args_test_selection = ["tests/{room}"]
timeout_constant = 10.0
timeout_multiplier = 3.0
"""


def main() -> None:
    """Mutate one room after another, and print what became of the mutants."""
    parser = argparse.ArgumentParser(prog="python -m mutation", description=__doc__)
    parser.add_argument("rooms", nargs="*", metavar="ROOM", help=f"of {', '.join(ROOMS)}; all by default")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--sample", type=int, metavar="N", help="so many mutants a room, drawn with a fixed seed")
    which.add_argument("--survivors", action="store_true", help="only what survived the run before")
    parser.add_argument("--matching", metavar="TEXT", help="only mutants whose name holds it, as event_rows")
    parser.add_argument("--tests", metavar="EXPRESSION", help="as pytest's -k: which tests, where some take too long")
    given = parser.parse_args()
    if unknown := set(given.rooms) - set(ROOMS):
        parser.error(f"no such room: {', '.join(sorted(unknown))}; there are {', '.join(ROOMS)}")
    for room in given.rooms or ROOMS:
        folder, names = _WORK / room, list[str]()
        if given.survivors:
            names = [name for name, became in _results(folder) if became != "killed"]
            if not names:
                continue
        else:
            shutil.rmtree(folder, ignore_errors=True)
        _prepare(folder, room, given.tests)
        if given.sample is not None or (given.matching is not None and not given.survivors):
            names = _drawn(_names(folder, room, given.matching or ""), given.sample)
            if not names:
                parser.error(f"no mutant of {room} has {given.matching!r} in its name")
        _mutmut(folder, "run", "--max-children", "1", *names)
        results = _results(folder)
        survivors = [name for name, became in results if became != "killed"]
        (folder / "survivors.diff").write_text("".join(_mutmut(folder, "show", name) for name in survivors))
        became = Counter(became for _, became in results)
        print(f"{room}: {became.total()} mutants, {', '.join(f'{n} {word}' for word, n in became.items())}", flush=True)  # noqa: T201


def _prepare(folder: Path, room: str, tests: str | None) -> None:
    """Copy what the room's tests need, with a configuration for this room."""
    for name in ("src", "tests"):
        shutil.rmtree(folder / name, ignore_errors=True)
        shutil.copytree(_ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    settings = _SETTINGS.format(room=room, k="" if tests is None else f", '-k', '{tests}'")
    (folder / "pyproject.toml").write_text((_ROOT / "pyproject.toml").read_text() + settings)


def _names(folder: Path, room: str, matching: str) -> list[str]:
    """Return the names of the room's mutants that hold ``matching``, in the order of its files."""
    from mutmut.configuration import config, reset_config
    from mutmut.mutation.file_mutation import mutate_file_contents
    from mutmut.utils.format_utils import get_mutant_name

    names: list[str] = []
    with contextlib.chdir(folder):
        reset_config()
        for path in sorted(Path("src", "ladle", room).rglob("*.py")):
            if config().should_mutate(path):
                mutated = mutate_file_contents(str(path), path.read_text())
                names += [get_mutant_name(path, name) for name in mutated.mutant_names]
    return [name for name in names if matching in name]


def _drawn(names: list[str], count: int | None) -> list[str]:
    """Return ``count`` of the names, always the same ones; all of them where there are fewer, or none is said."""
    return sorted(names if count is None else random.Random(_SEED).sample(names, min(count, len(names))))


def _results(folder: Path) -> list[tuple[str, str]]:
    """Return (mutant, what became of it) for every mutant that was tried."""
    lines = [line.strip().split(": ") for line in _mutmut(folder, "results", "--all", "true").splitlines()]
    return [(name, became) for name, became in lines if became != "not checked"]


def _mutmut(folder: Path, *words: str) -> str:
    """Run mutmut there and return what it printed; with one thread, since the tests of a mutant run in a fork."""
    command: Sequence[str | Path] = [Path(sys.executable).with_name("mutmut"), *words]
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{done.stdout}\nmutmut {words[0]} ended with {done.returncode}; the reason is above")
    return done.stdout


if __name__ == "__main__":
    main()
