"""The desk: hands examples to people who label, takes their answers, and has the next batch ready in time."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from ladle.errors import ConfigError, LadleError, SessionError, StoreConflictError, StoreError
from ladle.labeling.annotators import Agreement, Opinion, agreement
from ladle.labeling.answers import UNSURE
from ladle.labeling.cross_validation import Snapshot
from ladle.labeling.forecast import forecast_saving
from ladle.labeling.project import LabelingProject, Status

_LEASE_SECONDS = 15 * 60
_SECONDS_TO_THE_NEXT_TRY = 2
_T = TypeVar("_T")


@dataclass(frozen=True)
class Handed:
    """An example on somebody's desk.

    Attributes:
        place: whole-pool index.
        second: whether somebody else has answered it, and a second opinion is wanted.
        control: whether it was drawn at random, to measure accuracy on.
    """

    place: int
    second: bool
    control: bool


@dataclass(frozen=True)
class Planning:
    """What the background is doing.

    Attributes:
        busy: whether a batch is being chosen.
        done: epochs of the training done.
        total: epochs in all; 0 while nothing is trained.
        trouble: why the last batch was not chosen by the strategy, in one line; empty if it was.
        exhausted: nothing is left to pick.
    """

    busy: bool = False
    done: int = 0
    total: int = 0
    trouble: str = ""
    exhausted: bool = False


@dataclass(frozen=True)
class Forecasting:
    """What is known of what choosing saves.

    Attributes:
        busy: whether a forecast is being made.
        done: trainings done.
        total: trainings in all; 0 before the first.
        sentence: the last forecast, for people; empty before one was asked for.
        labeled: labels that it was made with.
    """

    busy: bool = False
    done: int = 0
    total: int = 0
    sentence: str = ""
    labeled: int = 0


def check_desk(batch: int, overlap: float) -> None:
    """Raise for settings that no desk has, before there is a project to put on it.

    Raises:
        ConfigError: a batch below 1, or an overlap that is no share.
    """
    if batch < 1:
        raise ConfigError(f"a batch has at least 1 example (got batch={batch}); 20 is usual")
    if not 0 <= overlap <= 1:
        raise ConfigError(f"the overlap is a share from 0 to 1 (got overlap={overlap}); 0.1 is usual")


class Desk:
    """One project with any number of people at it, from any threads.

    An example lies with one person at a time: who has it gets it again after a reload. After a quarter of an hour it
    goes to somebody else who would have nothing to do. While a batch is being labeled, the next one is chosen in the
    background, from the labels that are there by then. Everything but who has what is in the store.

    Args:
        project: what is labeled; the desk drives it from here on.
        batch: examples in a batch, at least 1.
        overlap: share of the examples, 0 to 1, that two people are asked for.
        clock: seconds, for how long an example has lain with somebody.

    Raises:
        ConfigError: a batch or share out of range.
    """

    def __init__(
        self,
        project: LabelingProject,
        *,
        batch: int = 20,
        overlap: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        check_desk(batch, overlap)
        self.project = project
        self.batch = batch
        self.overlap = overlap
        self.planning = Planning()
        self.forecasting = Forecasting()
        #: A hint to stop, as of the last batch; empty where there is none.
        self.hint = ""
        self._clock = clock
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._leases: dict[int, tuple[str, float]] = {}
        self._opinions: list[Opinion] = project.opinions()
        self._arm = project.control_arm()
        self._closing = False
        self._thread = threading.Thread(target=self._keep_filled, name="ladle-desk", daemon=True)
        self._forecaster: threading.Thread | None = None

    def start(self) -> None:
        """Begin to choose batches in the background."""
        self._thread.start()

    def close(self) -> None:
        """Stop choosing and forecasting; a training that runs is given up at its next epoch."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        for thread in (self._thread, self._forecaster):
            if thread is not None and thread.is_alive():
                thread.join()

    def hand(self, annotator: str) -> Handed | None:
        """Return the example that lies with this person, or the next one; None while there is none to hand out."""
        with self._changed:
            now = self._clock()
            wanted = self._wanted_by(annotator)
            mine = [place for place, (who, _) in self._leases.items() if who == annotator]
            place = next((place for place in mine if place in wanted), None)
            if place is None:
                place = next((place for place in wanted if place not in self._leases), None)
            if place is None:
                # Only now: nothing is taken off a desk while there is something else to do.
                place = next((place for place in wanted if self._leases[place][1] + _LEASE_SECONDS < now), None)
            for left in mine:
                if left != place:
                    del self._leases[left]
            if place is None:
                self._changed.notify_all()
                return None
            if place not in mine:
                self._leases[place] = (annotator, now)
                self._changed.notify_all()
            return Handed(place, wanted[place], place in self._arm)

    def answer(self, annotator: str, place: int, label: str) -> None:
        """Take an answer to the example that lies with this person.

        Raises:
            InputError: no such class.
            SessionError: the example does not lie with this person, for instance since it lay there for too long.
        """
        with self._changed:
            if self._leases.get(place, ("", 0.0))[0] != annotator:
                raise SessionError(
                    f"an answer is to the example on your desk (got index {place}, which is not); reload the page"
                )
            self._write(lambda: self.project.answer(place, label, annotator))
            del self._leases[place]
            self._changed.notify_all()

    def undo(self, annotator: str, place: int | None = None) -> int:
        """Take back this person's last answer, or the one to an example, and lay that on their desk again.

        Where somebody else has labeled it too, that is the label from then on, and what this person says anew is the
        second opinion.

        Raises:
            SessionError: nothing of theirs is left to undo.
        """
        with self._changed:
            back = self._write(lambda: self.project.take_back(annotator, place))
            for left in [one for one, (who, _) in self._leases.items() if who == annotator]:
                del self._leases[left]
            self._leases[back] = (annotator, self._clock())
            self._changed.notify_all()
            return back

    def look_again(self, annotator: str) -> int:
        """Bring back what this person was not sure of, and return how many examples that are."""
        with self._changed:
            places = [one.place for one in self._opinions if one.annotator == annotator and one.kind == UNSURE]
            for place in places:
                self.undo(annotator, place)
            return len(places)

    def add_class(self, name: str) -> None:
        """Add a class behind the others.

        Raises:
            ConfigError: a name that is empty, too long or there already.
        """
        with self._changed:
            self._write(lambda: self.project.add_class(name))

    def forecast(self) -> None:
        """Begin a forecast of what choosing saves, in the background; one at a time.

        Cost: about nine times the training of a batch.
        """
        with self._lock:
            if self.forecasting.busy:
                return
            self.forecasting = replace(self.forecasting, busy=True, done=0, total=0)
            snapshot = self.project.snapshot()
            self._forecaster = threading.Thread(
                target=self._make_forecast, args=(snapshot,), name="ladle-forecast", daemon=True
            )
            self._forecaster.start()

    def status(self) -> Status:
        """Return where the project stands."""
        with self._lock:
            return self.project.status()

    def labels(self) -> dict[str, str]:
        """Return the class of each labeled example by its name, in the order the labels came in."""
        with self._lock:
            return self.project.labels()

    def agreement(self) -> Agreement | None:
        """Return how far people agree on what two of them labeled; None while there is nothing of that kind."""
        with self._lock:
            return agreement(self._opinions)

    def answered_by(self, annotator: str) -> list[Opinion]:
        """Return this person's answers in force, oldest first."""
        with self._lock:
            return [one for one in self._opinions if one.annotator == annotator]

    def _wanted_by(self, annotator: str) -> dict[int, bool]:
        """Return what this person may be handed, in order, and whether it is a second opinion."""
        answered: dict[int, set[str]] = {}
        for one in self._opinions:
            answered.setdefault(one.place, set()).add(one.annotator)
        pending = self.project.session.state.pending.tolist()
        wanted = {place: False for place in pending if annotator not in answered.get(place, ())}
        labeled = {one.place for one in self._opinions if one.kind == "label"}.difference(pending)
        # What they took back lies with them, whether it would be shared or not.
        mine = {place for place, (who, _) in self._leases.items() if who == annotator}
        for place in sorted(labeled if self.overlap else labeled & mine):
            alone = len(answered[place]) == 1 and annotator not in answered[place]
            if alone and (place in mine or self._is_shared(place)):
                wanted[place] = True
        # Second opinions first: they are few, and agreement is told early.
        return dict(sorted(wanted.items(), key=lambda item: not item[1]))

    def _is_shared(self, place: int) -> bool:
        # From the index alone: the same examples after a restart.
        digest = hashlib.sha256(f"overlap {place}".encode()).digest()
        return int.from_bytes(digest[:8], "big") < self.overlap * 2**64

    def _write(self, change: Callable[[], _T]) -> _T:
        """Run a change; when the store is ahead of this desk, take over what it has and try once more."""
        try:
            found = change()
        except StoreConflictError:
            # Another process has written, or the store kept a change and went away before it said so.
            self.project.reload()
            found = change()
        self._opinions = self.project.opinions()
        return found

    def _running_low(self) -> bool:
        state = self.project.session.state
        free = len(self.project.source) - len(state.labeled) - len(state.pending) - len(state.skipped)
        if not free:
            self.planning = Planning(exhausted=True)
            return False
        waiting = sum(place not in self._leases for place in state.pending.tolist())
        if len(state.pending) and not len(state.labeled):
            # Nothing to learn from yet: more is drawn only when somebody would wait.
            return waiting == 0
        return waiting <= self.batch // 2

    def _keep_filled(self) -> None:
        while True:
            with self._changed:
                while not self._closing and not self._running_low():
                    self._changed.wait()
                if self._closing:
                    return
                self.planning = Planning(busy=True, trouble=self.planning.trouble)
            try:
                self._choose()
            except _ClosedError:
                return
            except StoreError as error:
                # Full or out of reach: people see why they wait, and it goes on once the store is back.
                with self._changed:
                    self.planning = Planning(trouble=str(error))
                    self._changed.wait(_SECONDS_TO_THE_NEXT_TRY)
            except Exception as error:
                # A page that says nothing would look as if it were still choosing.
                with self._lock:
                    self.planning = Planning(trouble=f"no more batches are chosen ({error}); start ladle label again")
                raise

    def _choose(self) -> None:
        # Beside the project, so that answers come in while a model trains; recording leaves out what they changed.
        beside, trouble = self.project.beside(), ""
        try:
            plan = beside.plan(self.batch, self._show)
        except SessionError as error:
            trouble = f"the last batch is random: {error}"
            plan = beside.plan_at_random(self.batch)
        hint = beside.stopping_hint()
        with self._changed:
            self._write(lambda: self.project.record(plan))
            self._arm = self.project.control_arm()
            self.hint = "" if hint is None else hint.sentence()
            self.planning = Planning(trouble=trouble)

    def _make_forecast(self, snapshot: Snapshot) -> None:
        try:
            found = forecast_saving(snapshot, progress=self._show_forecast)
        except _ClosedError:
            return
        except LadleError as error:
            sentence = f"There is no forecast: {error}"
        else:
            sentence = found.sentence()
        with self._lock:
            self.forecasting = Forecasting(sentence=sentence, labeled=len(snapshot.labels))

    def _show_forecast(self, done: int, total: int) -> None:
        with self._lock:
            if self._closing:
                raise _ClosedError
            self.forecasting = replace(self.forecasting, done=done, total=total)

    def _show(self, done: int, total: int) -> None:
        with self._lock:
            if self._closing:
                raise _ClosedError
            self.planning = Planning(busy=True, done=done, total=total, trouble=self.planning.trouble)


class _ClosedError(Exception):
    """The desk was closed while a model trained."""
