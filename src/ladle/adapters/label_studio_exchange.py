"""The loop with Label Studio: batches go there as tasks, what people annotate comes back as answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from ladle.adapters.label_studio import (
    ANNOTATOR,
    Annotation,
    answers_of,
    choices_config,
    classes_of,
    place_of,
    task_of,
)
from ladle.errors import ConfigError, InputError, SessionError, StoreConflictError
from ladle.labeling import SKIP, LabelingProject
from ladle.strategies import is_cold

_LONGEST_TITLE = 50


@dataclass(frozen=True)
class TaskState:
    """What a list of tasks says of one, without its data.

    Attributes:
        id: the server's number for it.
        meta: what was pushed with it.
        annotations: how many there are, skips included.
        changed: a text that is another one after each change.
    """

    id: int
    meta: Mapping[str, Any] | None
    annotations: int
    changed: str


class Server(Protocol):
    """What Ladle asks of a Label Studio server; every call may raise ``ServerError``."""

    def find_project(self, key: str) -> tuple[int, str] | None:
        """Return number and labeling config of the project with the key in its description; None if there is none."""

    def create_project(self, title: str, description: str, config: str) -> int:
        """Make a project and return its number."""

    def set_config(self, project: int, config: str) -> None:
        """Replace the labeling config."""

    def tasks(self, project: int) -> Sequence[TaskState]:
        """Return all tasks of a project."""

    def annotations(self, task: int) -> Sequence[Annotation]:
        """Return what people submitted for a task."""

    def push(self, project: int, tasks: Sequence[Mapping[str, Any]]) -> None:
        """Add tasks, all or none, at most once."""


@dataclass(frozen=True)
class Exchanged:
    """What one exchange did.

    Attributes:
        answers: answers that were new, changed or taken back.
        pushed: tasks added.
        done: nothing is awaited, and nothing is left to pick.
    """

    answers: int
    pushed: int
    done: bool


@dataclass(frozen=True)
class Guesses:
    """What one model says of what has no label yet.

    The control arm is left out: it is labeled without a hint, since an answer that follows the guess would flatter it.

    Attributes:
        labels: how many labels it learned from; 0 where there is no model.
        by_id: the class and its probability, by the example's name.
    """

    labels: int = 0
    by_id: Mapping[str, tuple[str, float]] = field(default_factory=dict)


class Exchange:
    """One labeling project and its project on a Label Studio server.

    The server holds what was pushed, the store what was answered; each exchange compares the two and does what is
    missing. So it goes on after a stop at any moment, with nothing doubled and nothing lost. The server's project is
    known by a key in its description; where there is none with that key, it is made.

    Args:
        project: what is labeled.
        server: where people label it.
        batch: examples in a batch, at least 1. The next one is chosen when half of it or less is left to answer.

    Attributes:
        number: the project's number on the server.
        guesses: what the model of the last training says; replaced, never changed, so that any thread may read it.

    Raises:
        ConfigError: a batch out of range, or a class called "skip", which Label Studio's own button says.
        ServerError: a server that refuses or is out of reach.
    """

    def __init__(self, project: LabelingProject, server: Server, *, batch: int = 20) -> None:
        if batch < 1:
            raise ConfigError(f"a batch has at least 1 example (got batch={batch}); 20 is usual")
        if SKIP in project.classes:
            raise ConfigError(f"Label Studio has a button {SKIP!r} (got a class of that name); call it something else")
        self.project = project
        self.batch = batch
        self.guesses = Guesses()
        self._server = server
        self._annotations: dict[int, tuple[str, Sequence[Annotation]]] = {}
        config = choices_config(project.classes, project.source)
        key = project.key()
        found = server.find_project(key)
        if found is None:
            description = f"Ladle chooses what comes next here. It knows this project by: {key}"
            title = f"Ladle: {project.source.path.resolve().name}"[:_LONGEST_TITLE]
            self.number = server.create_project(title, description, config)
        else:
            self.number, stored = found
            if not classes_of(stored).issuperset(project.classes):
                server.set_config(self.number, config)

    def once(self, progress: Callable[[int, int], None] | None = None, *, learn: bool = False) -> Exchanged:
        """Take back what people annotated, choose the next batch where it is time, and push it.

        Args:
            progress: called after each epoch of a training with the epochs done and the epochs in all.
            learn: whether to train, for ``guesses``, where no batch is due either.

        Raises:
            ServerError: a server that refuses or is out of reach, or a project that was deleted there.
            InputError: somebody chose what is none of the classes.

        Cost: one request for every 100 tasks, one for each task that has changed, and where a batch is due one
            training, one pass over all examples and one selection.
        """
        try:
            return self._once(progress, learn)
        except StoreConflictError:
            # Another process labels in the same store. All that was done stands, and is not done again.
            self.project.reload()
            return self._once(progress, learn)

    def _once(self, progress: Callable[[int, int], None] | None, learn: bool) -> Exchanged:
        tasks = {task.id: task for task in self._server.tasks(self.number)}
        places = {number: place_of(task.meta, self.project.source) for number, task in tasks.items()}
        answers = self._take(tasks, places)
        self._choose(progress)
        there = {place for place in places.values() if place is not None}
        missing = [place for place in self.project.session.state.pending.tolist() if place not in there]
        arm = self.project.control_arm()
        if learn or not arm.issuperset(missing):
            self._learn(arm, progress)
        if missing:
            guesses, source = self.guesses.by_id, self.project.source
            self._server.push(
                self.number, [task_of(source, place, guesses.get(source.ids[place])) for place in missing]
            )
        return Exchanged(answers, len(missing), done=not len(self.project.session.state.pending) and not self._free())

    def _take(self, tasks: Mapping[int, TaskState], places: Mapping[int, int | None]) -> int:
        given: dict[int, list[Annotation]] = defaultdict(list)
        for number, task in tasks.items():
            place = places[number]
            if place is None:
                continue
            known = self._annotations.get(number)
            if known is None or known[0] != task.changed:
                known = (task.changed, self._server.annotations(number) if task.annotations else ())
                self._annotations[number] = known
            given[place].extend(known[1])
        wanted = {place: answers_of(annotations) for place, annotations in given.items()}
        self._check(wanted)
        in_force = self._in_force()
        return sum(self._settle(place, answers, in_force.get(place, {})) for place, answers in wanted.items())

    def _check(self, wanted: Mapping[int, Mapping[str, str]]) -> None:
        """Refuse a choice that is no class before anything is recorded."""
        for place, answers in wanted.items():
            for label in answers.values():
                if label not in (*self.project.classes, SKIP):
                    names = ",".join((*self.project.classes, label))
                    raise InputError(
                        f"an answer is one of the classes {', '.join(self.project.classes)} (got {label!r} for "
                        f"{self.project.source.ids[place]!r}); correct it there, or add the class: --classes {names}"
                    )

    def _in_force(self) -> dict[int, dict[str, str]]:
        found: dict[int, dict[str, str]] = defaultdict(dict)
        for one in self.project.opinions():
            found[one.place][one.annotator] = one.kind if one.label is None else self.project.classes[one.label]
        return found

    def _settle(self, place: int, answers: Mapping[str, str], in_force: Mapping[str, str]) -> int:
        """Make the store say of one example what the server says, and return how many answers that changed."""
        ours = {who: label for who, label in in_force.items() if who.startswith(ANNOTATOR)}
        count = 0
        if any(answers.get(who) != label for who, label in ours.items()):
            # An annotation was changed or deleted. All are given anew, in the order in which people came: whoever was
            # first and changes their mind is still first, and after a deletion another one is.
            for who in ours:
                self.project.take_back(who, place)
            count, ours = len(ours.keys() - answers.keys()), {}
        for who, label in answers.items():
            if who not in ours:
                self.project.answer(place, label, who)
                count += in_force.get(who) != label
        return count

    def _free(self) -> int:
        state = self.project.session.state
        return len(self.project.source) - len(state.labeled) - len(state.pending) - len(state.skipped)

    def _choose(self, progress: Callable[[int, int], None] | None) -> None:
        state = self.project.session.state
        waiting = len(state.pending)
        if not self._free() or waiting > self.batch // 2 or (waiting and not len(state.labeled)):
            return
        try:
            plan = self.project.plan(self.batch, progress)
        except SessionError:  # the training diverged
            plan = self.project.plan_at_random(self.batch)
        self.project.record(plan)

    def _learn(self, arm: set[int], progress: Callable[[int, int], None] | None) -> None:
        state = self.project.session.state
        found: dict[str, tuple[str, float]] = {}
        if not is_cold(state.labels):
            with suppress(SessionError):  # the training diverged
                self.project.session.fit(progress)
                found = self.project.guesses()
        for place in arm:
            found.pop(self.project.source.ids[place], None)
        self.guesses = Guesses(len(state.labels) if found else 0, found)
