"""Labeling by people: batches with a control arm, answers by name, and a number that says how good the model is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from sqlalchemy import Engine

from ladle.errors import ConfigError, InputError, SessionError
from ladle.labeling.annotators import (
    Opinion,
    answers_in_force,
    count_next_label,
    last_answer,
    mark_undone,
    record_answer,
)
from ladle.labeling.answers import SKIP, UNSURE, new_answers
from ladle.labeling.class_names import check_new_class
from ladle.labeling.control import AccuracyPoint, ControlAnswer, accuracy_curve
from ladle.labeling.cross_validation import Progress, Snapshot
from ladle.labeling.forecast import Forecast, forecast_saving
from ladle.labeling.picked import control_rows, key_of, receipt_of, record_plan
from ladle.labeling.planning import Plan, plan_at_random, plan_batch
from ladle.labeling.settings import check_model, find_or_make_settings
from ladle.labeling.sources import Source
from ladle.labeling.stopping import StoppingHint, stopping_hint
from ladle.models import TrainingConfig, pool_outputs
from ladle.session import Session, Skipped, Told, Undone, hold, open_database
from ladle.session.seeds import Purpose, derived_seed
from ladle.strategies import find_strategy
from ladle.typing import Indices

_LABEL = "label"


@dataclass(frozen=True)
class Pick:
    """An example to label.

    Attributes:
        id: its name.
        shown: what a person needs to see.
        guess: the class the model would give it; None before there is a model.
        control: whether it was drawn at random, for the control arm.
    """

    id: str
    shown: str
    guess: str | None
    control: bool


@dataclass(frozen=True)
class Status:
    """Where a project stands.

    Attributes:
        examples: n.
        labeled: labels in hand.
        skipped: examples that nobody can or wants to label.
        pending: examples asked for and not answered yet.
        counts: labels of each class.
        curve: accuracy of the control arm at each number of labels; empty while it has no answers.
    """

    examples: int
    labeled: int
    skipped: int
    pending: int
    counts: Mapping[str, int]
    curve: Sequence[AccuracyPoint]


class LabelingProject:
    """A source, its classes, and the labels so far; everything is in the store.

    Args:
        source: what is labeled.
        classes: names, two or more. A stored project knows its own: leave them out, or give them with new ones behind.
        store: a database URL such as ``sqlite:///labels.db``, or an open engine.
        name: of the project in the store.
        strategy: what picks beside the control arm; margin for a new project.
        control: share of each batch that is drawn at random, from 0 to below 1; 0.2 for a new project. The first batch
            is random altogether.
        model: the network, by name or ``module:callable``; the source's own for a new project. A stored project keeps
            strategy, control share and model.
        training: how it is trained.
        seed: of everything that is drawn.

    Raises:
        ConfigError: classes that break a rule or contradict the stored ones, or a control share out of range.
        UnknownNameError: a strategy or a model nobody knows.
        InputError: a model that does not take such inputs.
        SessionError: the store has a project of this name on another source or with other settings.
        StoreError: a store that cannot be opened, or that is damaged.
    """

    def __init__(
        self,
        source: Source,
        *,
        classes: Sequence[str] | None = None,
        store: str | Engine,
        name: str = "labels",
        strategy: str | None = None,
        control: float | None = None,
        model: str | None = None,
        training: TrainingConfig | None = None,
        seed: int = 0,
    ) -> None:
        number = isinstance(control, int | float) and not isinstance(control, bool)
        if control is not None and not (number and 0 <= control < 1):
            raise ConfigError(f"the control arm is a share from 0 to below 1 (got control={control!r}); 0.2 is usual")
        if strategy is not None:
            find_strategy(strategy)
            if not isinstance(strategy, str):
                raise ConfigError(f"a project stores the name of its strategy (got {strategy!r}); name one of Ladle's")
        if model is not None:
            check_model(model, source.inputs, classes)
        self.source = source
        self._own = None if isinstance(store, Engine) else open_database(store)
        engine = store if isinstance(store, Engine) else self._own
        assert engine is not None
        self._engine = engine
        self.name = name
        self._training, self._seed = training, seed
        self._places = {identity: place for place, identity in enumerate(source.ids)}
        try:
            self._open(classes, control, strategy, model)
        except BaseException:
            self.close()  # nobody has a project to close
            raise

    def _open(
        self,
        classes: Sequence[str] | None = None,
        control: float | None = None,
        strategy: str | None = None,
        model: str | None = None,
    ) -> None:
        found = find_or_make_settings(
            self._engine,
            self.name,
            classes=classes,
            control=control,
            strategy=strategy,
            model=model,
            usual_model=self.source.model,
        )
        self._project: int = found.id
        self.classes = tuple(found.classes)
        self.control: float = found.control
        self.model: str = found.model
        self.session = Session(
            self.source.inputs,
            found.model,
            strategy=found.strategy,
            classes=len(self.classes),
            training=self._training or TrainingConfig(),
            seed=self._seed,
            store=self._engine,
            name=self.name,
        )

    def __enter__(self) -> LabelingProject:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the store's connections; an engine that was handed in stays open."""
        if self._own is not None:
            self._own.dispose()

    def next(self, budget: int) -> list[Pick]:
        """Return the next batch; what is left of the last one as long as answers to it are awaited.

        Args:
            budget: how many to pick, from 1 to what is neither labeled nor skipped.

        Raises:
            BudgetError: a budget out of range.
            SessionError: the training diverged.

        Cost: one training, one pass over all examples and one selection.
        """
        if not len(self.session.state.pending):
            self.record(self.plan(budget))
        return self._picks(self.session.state.pending)

    def ingest(self, answers: Mapping[str, str]) -> tuple[int, int]:
        """Record answers: all of them, or, when one breaks a rule, none.

        Args:
            answers: name of an example -> its class, or "skip" where no class has that name. Examples that nobody asked
                for are welcome; one that has this label already is passed over.

        Returns:
            How many labels and how many skipped examples were new.

        Raises:
            InputError: a name or a class that does not exist.
            SessionError: an example that has another label already.
        """
        known, gone = self.session.labeled, self.session.state.skipped
        labels = dict(zip(known.tolist(), self.session.labels.tolist(), strict=True))
        told, skipped = new_answers(answers, self._places, self.classes, labeled=labels, skipped=set(gone.tolist()))
        if told:
            self.session.tell(list(told), list(told.values()))
        if skipped:
            self.session.skip(skipped)
        return len(told), len(skipped)

    def add_class(self, name: str) -> None:
        """Add a class behind the others; the next training knows it.

        Raises:
            ConfigError: a name that no new class can have; see ``check_new_class``.
        """
        name = name.strip()
        check_new_class(name, self.classes, (SKIP, UNSURE))
        self._open(classes=(*self.classes, name))

    def reload(self) -> None:
        """Take the project as the store has it, after another process has written to it."""
        self._open()

    def hold(self, name: str, work: str) -> AbstractContextManager[None]:
        """Keep other processes from the same work with this store; see ``ladle.session.hold``."""
        return hold(self._engine, name, work)

    def beside(self) -> LabelingProject:
        """Return the project as the store has it now, to plan with while this one goes on."""
        return LabelingProject(
            self.source, store=self._engine, name=self.name, training=self._training, seed=self._seed
        )

    def answer(self, place: int, label: str, annotator: str) -> None:
        """Record one person's answer; for an example that is labeled or skipped already, it is a second opinion.

        The same answer of the same person again is none: nothing is recorded.

        Args:
            place: whole-pool index.
            label: a class, "skip" for what nobody can say, or "not sure" for what is better left for later.
            annotator: who says so.

        Raises:
            InputError: no such class.
        """
        kind, number = _LABEL, None
        if label in self.classes:
            number = self.classes.index(label)
        elif label in (SKIP, UNSURE):
            kind = label
        else:
            raise InputError(
                f"a label is one of the classes {', '.join(self.classes)}, or {SKIP}, or {UNSURE} (got {label!r}); "
                "correct it, or add the class"
            )
        second = bool(np.isin(place, np.concatenate([self.session.labeled, self.session.state.skipped])))
        with self.session.transaction() as connection:
            if second:
                there = last_answer(connection, self._project, annotator, place)
                if there is not None and (there.kind, there.label) == (kind, number):
                    return  # sent again, since nobody heard that it was recorded
            record_answer(connection, self._project, place, annotator, kind, number, second=second)
            if not second:
                event = Skipped(_indices(place)) if number is None else Told(_indices(place), _indices(number))
                self.session.commit(event, connection)

    def take_back(self, annotator: str, place: int | None = None) -> int:
        """Undo one person's last answer in force, or that to one example, and return the example's index.

        Where it was the label and somebody else has labeled the example too, the oldest such answer is the label from
        then on; otherwise the example is awaited again.

        Raises:
            SessionError: nothing of this person's is left to undo.
        """
        with self.session.transaction() as connection:
            found = last_answer(connection, self._project, annotator, place)
            if found is None:
                raise SessionError("there is nothing to undo (got 0 answers of yours); answer some first")
            mark_undone(connection, found.id)
            if not found.second:
                self.session.commit(Undone(found.example), connection)
                number = count_next_label(connection, self._project, found.example)
                if number is not None:
                    self.session.commit(Told(_indices(found.example), _indices(number)), connection)
        return int(found.example)

    def opinions(self) -> list[Opinion]:
        """Return every answer in force, oldest first."""
        with self._engine.connect() as connection:
            return answers_in_force(connection, self._project, len(self.source))

    def receipt(self, place: int) -> dict[str, Any] | None:
        """Return why an example was picked, as ``Receipt.to_json`` gives it; None where no model picked it."""
        with self._engine.connect() as connection:
            sizes = {"examples": len(self.source), "classes": len(self.classes)}
            return receipt_of(connection, self._project, place, **sizes)

    def control_arm(self) -> set[int]:
        """Return the indices of the examples that were drawn at random to measure accuracy on."""
        return {row.example for row in self._guesses()}

    def key(self) -> str:
        """Return what tells this project from all others, in other tools too: 32 letters, made when first asked for."""
        with self._engine.begin() as connection:
            return key_of(connection, self._project)

    def labels(self) -> dict[str, str]:
        """Return the class of each labeled example by its name, in the order the labels came in."""
        pairs = zip(self.session.labeled.tolist(), self.session.labels.tolist(), strict=True)
        return {self.source.ids[place]: self.classes[label] for place, label in pairs}

    def guesses(self) -> dict[str, tuple[str, float]]:
        """Return the model's class and its probability for each example without a label, by name.

        Raises:
            SessionError: nothing is labeled, or the training diverged.

        Cost: one training, if the labels have changed since the last; one pass over all examples.
        """
        best = torch.softmax(self.session.outputs().logits, dim=1).max(dim=1)
        known = set(self.session.labeled.tolist())
        pairs = zip(self.source.ids, best.indices.tolist(), best.values.tolist(), strict=True)
        return {
            name: (self.classes[number], share)
            for place, (name, number, share) in enumerate(pairs)
            if place not in known
        }

    def status(self) -> Status:
        """Return where the project stands; nothing is trained."""
        state = self.session.state
        counts = np.bincount(state.labels, minlength=len(self.classes)).tolist()
        return Status(
            examples=len(self.source),
            labeled=len(state.labeled),
            skipped=len(state.skipped),
            pending=len(state.pending),
            counts=dict(zip(self.classes, counts, strict=True)),
            curve=accuracy_curve(self._control_answers()),
        )

    def snapshot(self) -> Snapshot:
        """Return what a forecast is made from, as it is now; nothing is trained."""
        session, guesses = self.session, self._guesses()
        labeled = session.labeled
        start = min((row.labeled for row in guesses), default=0)
        # Not the picks of a strategy that happens to draw at random: the forecast is not to know.
        first = np.intersect1d(labeled[:start], session.state.drawn)
        drawn = np.isin(labeled, np.concatenate([first, [row.example for row in guesses]]))
        return Snapshot(
            inputs=self.source.inputs[labeled],
            labels=session.labels,
            drawn=drawn,
            start=start,
            classes=len(self.classes),
            strategy=session.strategy.name,
            build=session.build,
            training=session.training,
            seed=derived_seed(session.seed, Purpose.FORECAST, len(labeled)),
            device=session.device,
        )

    def forecast(self, *, progress: Progress | None = None) -> Forecast:
        """Return how many times as many labels random labeling would need; the project stays as it is.

        A page calls ``forecast_saving`` with a ``snapshot`` in the background instead.

        Args:
            progress: called with the trainings done and the trainings in all.

        Cost: 50 trainings, about nine times as long as that for one batch; none where there are too few labels.
        """
        return forecast_saving(self.snapshot(), progress=progress)

    def stopping_hint(self) -> StoppingHint | None:
        """Return a hint to stop where further labels would bring little; None elsewhere. Nothing is trained."""
        return stopping_hint(self._control_answers(), labeled=len(self.session.labeled), classes=len(self.classes))

    def plan(self, budget: int, progress: Callable[[int, int], None] | None = None) -> Plan:
        """Pick a batch and its control arm without recording them; ``record`` does. See ``plan_batch``."""
        return plan_batch(self.session, budget, control=self.control, progress=progress)

    def plan_at_random(self, budget: int) -> Plan:
        """Draw a batch without a model, where there is none yet or its training failed. See ``plan_at_random``."""
        return plan_at_random(self.session, budget)

    def record(self, plan: Plan) -> None:
        """Record a planned batch; what has been asked for or answered since it was planned is left out.

        Raises:
            StoreConflictError: another process drives this project.
        """
        state = self.session.state
        gone = np.concatenate([state.labeled, state.pending, state.skipped])
        events = [replace(one, indices=one.indices[~np.isin(one.indices, gone)]) for one in plan.events]
        places = {place for one in events for place in one.indices.tolist()}
        with self.session.transaction() as connection:
            # Before anybody has labeled them.
            record_plan(connection, self._project, plan, places)
            for event in events:
                if len(event.indices):
                    self.session.commit(event, connection)

    def _guess(self, places: Indices) -> list[int]:
        logits = pool_outputs(self.session.model, self.source.inputs[places]).logits
        guesses: list[int] = torch.argmax(logits, dim=1).tolist()
        return guesses

    def _control_answers(self) -> list[ControlAnswer]:
        labels = dict(zip(self.session.labeled.tolist(), self.session.labels.tolist(), strict=True))
        return [
            ControlAnswer(row.labeled, row.guess == labels[row.example])
            for row in self._guesses()
            if row.example in labels
        ]

    def _guesses(self) -> Sequence[Any]:
        with self._engine.connect() as connection:
            return control_rows(connection, self._project, len(self.source))

    def _picks(self, places: Indices) -> list[Pick]:
        arm = self.control_arm()
        guesses: list[str | None] = [None] * len(places)
        if len(self.session.labeled):
            guesses = [self.classes[number] for number in self._guess(places)]
        return [
            Pick(self.source.ids[place], self.source.shown[place], guess, place in arm)
            for place, guess in zip(places.tolist(), guesses, strict=True)
        ]


def _indices(one: int) -> Indices:
    return np.array([one], dtype=np.int64)
