"""Processes to be killed: forked from a parent that has imported everything, or started the plain way.

A life from the warmed-up parent costs a tenth of a second rather than four, so that kills hit the work, not the import.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

_FORKED = multiprocessing.get_context("forkserver")
_FORKED.set_forkserver_preload(
    ["pytest", "torch", "sklearn.datasets", "ladle.cli.main", "ladle.page", "ladle.experiments"]
)


class Life:
    """A process that runs the command line, or a function, with all that it says in a file.

    Args:
        work: words of the command line, or a function and its arguments.
        log: where its output goes, behind what is there.
        plain: ``python -m ladle`` in place of a fork.
    """

    def __init__(self, work: Sequence[Any], log: Path, *, plain: bool = False) -> None:
        self.log = log
        if plain:
            with log.open("ab") as output:
                started = subprocess.Popen(
                    [sys.executable, "-m", "ladle", *work],
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                    env=os.environ | {"OMP_NUM_THREADS": "1"},
                )
            self._adopt(started.pid, started.poll, started.wait)
            return
        function, arguments = (work[0], tuple(work[1:])) if callable(work[0]) else (_command, tuple(work))
        process = _FORKED.Process(target=_live, args=(str(log), function, arguments))
        process.start()
        assert process.pid is not None

        def wait(timeout: float | None = None) -> int | None:
            process.join(timeout)
            return process.exitcode

        self._adopt(process.pid, lambda: process.exitcode, wait)

    def _adopt(self, pid: int, poll: Callable[[], int | None], wait: Callable[[float | None], int | None]) -> None:
        self.pid, self._poll, self._wait = pid, poll, wait

    @property
    def alive(self) -> bool:
        return self._poll() is None

    def end(self, timeout: float = 120) -> int:
        """Wait for its own end, and return its exit code."""
        code = self._wait(timeout)
        assert code is not None, f"it did not end within {timeout} s: {self.said()}"
        return code

    def kill(self, *, group: bool = False) -> bool:
        """Kill it, with its children if wanted; return whether it was still alive."""
        alive = self.alive
        with suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(self.pid, signal.SIGKILL)
        self._wait(30)
        return alive

    def workers(self) -> list[int]:
        """Return the worker processes that it has at the moment."""
        found = []
        with suppress(OSError):
            for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split():
                with suppress(OSError):
                    if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                        found.append(int(pid))
        return found

    def said(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""


def warm_up(log: Path) -> None:
    """Have the parent import all that lives need, so that the first of them is as quick as the others."""
    assert Life([_nothing], log).end() == 0


def sleep_until(moment: float, stop: Callable[[], bool]) -> None:
    """Sleep to a moment of the monotonic clock, or until something has happened."""
    while not stop() and (left := moment - time.monotonic()) > 0:
        time.sleep(min(left, 0.01))


def _nothing() -> None:
    """Live and die."""


def _live(log: str, function: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    os.setsid()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    import torch

    torch.set_num_threads(1)
    function(*arguments)


def _command(*words: str) -> None:
    from ladle.cli.main import main

    sys.argv = ["ladle", *words]
    main()
