"""Exchanges with Label Studio one after the other, in a thread of their own, so that no signal breaks into one."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ladle.adapters.label_studio_exchange import Exchange, Exchanged
from ladle.errors import LadleError

# How long a wait goes on before Python looks whether Ctrl-C was pressed; on Windows it does not look earlier.
_SECONDS_DEAF = 0.2


class Rounds:
    """The loop with Label Studio: every few seconds an exchange, and at once when somebody says that it is time.

    Where another thread waits for it, Ctrl-C ends the waiting, never an exchange: code in between could swallow the
    interrupt, as the SDK does while it reads an answer.

    Args:
        exchange: what is repeated; nobody else calls it from here on.
        every: seconds from the end of one exchange to the next, above 0.
        after: called with what an exchange did; it says whether to go on.
        failed: called with an error of Ladle's own; it says whether to go on. None ends the rounds with the error.
        progress: called after each epoch of a training with the epochs done and the epochs in all.
    """

    def __init__(
        self,
        exchange: Exchange,
        *,
        every: float,
        after: Callable[[Exchanged], bool],
        failed: Callable[[LadleError], bool] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.exchange = exchange
        self._every = every
        self._after, self._failed, self._progress = after, failed, progress
        self._due = threading.Event()
        self._learn = threading.Event()
        self._closing = False
        self._ended = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="ladle-label-studio", daemon=True)

    def start(self, at_end: Callable[[], None] = lambda: None) -> None:
        """Begin.

        Args:
            at_end: called once the rounds are over, in their thread.
        """
        self._at_end = at_end
        self._thread.start()

    def wake(self, *, learn: bool = False) -> None:
        """Have the next exchange now, or as soon as the one that runs is over.

        Args:
            learn: whether it trains where no batch is due either.
        """
        if learn:
            self._learn.set()
        self._due.set()

    def wait(self) -> None:
        """Wait for the end.

        Raises:
            LadleError: what ended the rounds.
        """
        while not self._ended.wait(_SECONDS_DEAF):
            pass
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """End after the exchange that runs; a training is given up at its next epoch."""
        self._closing = True
        self._due.set()
        if self._thread.is_alive():
            self._thread.join()
        self._ended.set()  # also where Ctrl-C came before the thread ran

    def _run(self) -> None:
        try:
            while not self._closing and self._round():
                self._due.wait(self._every)
        except _ClosedError:
            pass
        except BaseException as error:  # told to who waits
            self._error = error
        finally:
            self._ended.set()
            self._at_end()

    def _round(self) -> bool:
        # Before the exchange: what is said while it runs brings another one.
        self._due.clear()
        learn = self._learn.is_set()
        if learn:
            self._learn.clear()
        try:
            found = self.exchange.once(self._show, learn=learn)
        except LadleError as error:
            if self._failed is None:
                raise
            if learn:
                self._learn.set()
            return self._failed(error)
        return self._after(found)

    def _show(self, done: int, total: int) -> None:
        if self._closing:
            raise _ClosedError
        if self._progress is not None:
            self._progress(done, total)


class _ClosedError(Exception):
    """The rounds were closed while a model trained."""
