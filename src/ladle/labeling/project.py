"""Labeling by people: batches with a control arm, answers by name, and a number that says how good the model is."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from sqlalchemy import Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from ladle.errors import ConfigError, InputError, SessionError
from ladle.labeling.annotators import Opinion, answers_in_force, last_answer, mark_undone, record_answer
from ladle.labeling.control import AccuracyPoint, ControlAnswer, accuracy_curve
from ladle.labeling.receipts import Receipt, receipts
from ladle.labeling.sources import Source
from ladle.labeling.tables import control_guesses, project_keys, projects
from ladle.labeling.tables import receipts as stored_receipts
from ladle.models import TrainingConfig, pool_outputs
from ladle.session import Asked, Session, Skipped, Told, Undone, open_database
from ladle.strategies import find_strategy
from ladle.typing import Indices

#: What stands for "nobody can say" in an answer, unless a class has this name.
SKIP = "skip"
#: What stands for "I can't say now": set aside, and it may come again.
UNSURE = "not sure"
_RANDOM = "random"
_STRATEGY, _CONTROL = "margin", 0.2
# A model of one class has nothing to tell apart.
_LEAST_CLASSES = 2
_LONGEST_NAME = 100
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
class Plan:
    """A batch that was picked and is not recorded yet.

    Attributes:
        events: what to record: the control arm, if there is one, and the batch.
        guesses: what the model says of each example of the control arm.
        receipts: why each example was picked; none before there is a model.
        labeled: labels in hand when it was planned.
    """

    events: tuple[Asked, ...]
    guesses: Mapping[int, int]
    receipts: Mapping[int, Receipt]
    labeled: int


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
        SessionError: the store has a project of this name on another source or with other settings.
        StoreError: a store that cannot be opened.
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
        if control is not None and not 0 <= control < 1:
            raise ConfigError(f"the control arm is a share from 0 to below 1 (got control={control}); 0.2 is usual")
        self.source = source
        self._own = None if isinstance(store, Engine) else open_database(store)
        engine = store if isinstance(store, Engine) else self._own
        assert engine is not None
        self._engine = engine
        self.name = name
        self._training, self._seed = training, seed
        self._places = {identity: place for place, identity in enumerate(source.ids)}
        if strategy is not None:
            find_strategy(strategy)
        self._open(classes, control, strategy, model)

    def _open(
        self,
        classes: Sequence[str] | None = None,
        control: float | None = None,
        strategy: str | None = None,
        model: str | None = None,
    ) -> None:
        found = self._find_or_make(self.name, classes, control, strategy, model)
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
        numbers = {name: number for number, name in enumerate(self.classes)}
        known = dict(zip(self.session.labeled.tolist(), self.session.labels.tolist(), strict=True))
        gone = set(self.session.state.skipped.tolist())
        told: dict[int, int] = {}
        skipped: list[int] = []
        for identity, label in answers.items():
            if identity not in self._places:
                raise InputError(f"answers are to examples of the source (got id {identity!r}); ask for a batch anew")
            place = self._places[identity]
            if label in numbers:
                if known.get(place, numbers[label]) != numbers[label]:
                    raise SessionError(
                        f"an example is labeled once (got {label!r} for {identity!r}, which is "
                        f"{self.classes[known[place]]!r}); undo that first"
                    )
                if place not in known:
                    told[place] = numbers[label]
            elif label == SKIP:
                if place not in gone and place not in known:
                    skipped.append(place)
            else:
                raise InputError(
                    f"a label is one of the classes {', '.join(self.classes)}, or {SKIP} (got {label!r} for "
                    f"{identity!r}); correct it, or add the class"
                )
        if told:
            self.session.tell(list(told), list(told.values()))
        if skipped:
            self.session.skip(skipped)
        return len(told), len(skipped)

    def add_class(self, name: str) -> None:
        """Add a class behind the others; the next training knows it.

        Raises:
            ConfigError: a name that is empty, longer than 100 characters, or there already.
        """
        name = name.strip()
        if not name or len(name) > _LONGEST_NAME or name in (*self.classes, SKIP, UNSURE):
            raise ConfigError(
                f"a class has a name of its own, of 1 to {_LONGEST_NAME} characters (got {name[:20]!r}, there are "
                f"{', '.join(self.classes)}); choose another"
            )
        self._open(classes=(*self.classes, name))

    def reload(self) -> None:
        """Take the project as the store has it, after another process has written to it."""
        self._open()

    def beside(self) -> LabelingProject:
        """Return the project as the store has it now, to plan with while this one goes on."""
        return LabelingProject(
            self.source, store=self._engine, name=self.name, training=self._training, seed=self._seed
        )

    def answer(self, place: int, label: str, annotator: str) -> None:
        """Record one person's answer; for an example that is labeled or skipped already, it is a second opinion.

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
        indices = np.array([place], dtype=np.int64)
        with self._engine.begin() as connection:
            record_answer(connection, self._project, place, annotator, kind, number, second=second)
            if not second:
                event = Skipped(indices) if number is None else Told(indices, np.array([number], dtype=np.int64))
                self.session.commit(event, connection)

    def take_back(self, annotator: str, place: int | None = None) -> int:
        """Undo one person's last answer in force, or that to one example, and return the example's index.

        Raises:
            SessionError: nothing of this person's is left to undo.
        """
        with self._engine.begin() as connection:
            found = last_answer(connection, self._project, annotator, place)
            if found is None:
                raise SessionError("there is nothing to undo (got 0 answers of yours); answer some first")
            mark_undone(connection, found.id)
            if not found.second:
                self.session.commit(Undone(found.example), connection)
        return int(found.example)

    def opinions(self) -> list[Opinion]:
        """Return every answer in force, oldest first."""
        with self._engine.connect() as connection:
            return answers_in_force(connection, self._project)

    def receipt(self, place: int) -> dict[str, Any] | None:
        """Return why an example was picked, as ``Receipt.to_json`` gives it; None where no model picked it."""
        query = select(stored_receipts.c.payload).where(
            stored_receipts.c.project_id == self._project, stored_receipts.c.example == place
        )
        with self._engine.connect() as connection:
            payload: dict[str, Any] | None = connection.execute(query).scalar()
        return payload

    def control_arm(self) -> set[int]:
        """Return the indices of the examples that were drawn at random to measure accuracy on."""
        return {row.example for row in self._guesses()}

    def key(self) -> str:
        """Return what tells this project from all others, in other tools too: 32 letters, made when first asked for."""
        query = select(project_keys.c.key).where(project_keys.c.project_id == self._project)
        with self._engine.begin() as connection:
            key: str | None = connection.execute(query).scalar()
            if key is None:
                key = uuid.uuid4().hex
                connection.execute(insert(project_keys).values(project_id=self._project, key=key))
        return key

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

    def plan(self, budget: int, progress: Callable[[int, int], None] | None = None) -> Plan:
        """Pick a batch and its control arm without recording them; ``record`` does.

        While fewer than two classes have a label there is nothing to learn from, and the whole batch is random.

        Args:
            budget: how many to pick; what is left where that is fewer.
            progress: called after each epoch of the training with the epochs done and the epochs in all.

        Raises:
            BudgetError: a budget below 1, or nothing left to pick.
            SessionError: the training diverged.

        Cost: one training, one pass over all examples and one selection.
        """
        session = self.session
        state = session.state
        if len(np.unique(state.labels)) < _LEAST_CLASSES:
            return self.plan_at_random(budget)
        count = self._count(budget)
        session.fit(progress)
        outputs = session.outputs()
        drawn = min(count, round(self.control * count))
        arm = (session.plan(drawn, strategy=_RANDOM),) if drawn else ()
        chosen = (session.plan(count - drawn, outputs=outputs, after=arm),) if count > drawn else ()
        guesses = {place: int(outputs.logits[place].argmax()) for event in arm for place in event.indices.tolist()}
        picks = [place for event in (*arm, *chosen) for place in event.indices.tolist()]
        closed = np.concatenate([state.pending, state.skipped])
        score = session.strategy.view(outputs) if session.strategy.is_score else None
        return Plan((*arm, *chosen), guesses, receipts(outputs, picks, closed, score), len(state.labeled))

    def plan_at_random(self, budget: int) -> Plan:
        """Draw a batch uniformly without a model: where there is none yet, or where its training failed.

        Raises:
            BudgetError: a budget below 1, or nothing left to pick.
        """
        event = self.session.plan(self._count(budget), strategy=_RANDOM)
        return Plan((event,), {}, {}, len(self.session.labeled))

    def record(self, plan: Plan) -> None:
        """Record a planned batch; what has been asked for or answered since it was planned is left out.

        Raises:
            StoreConflictError: another process drives this project.
        """
        state = self.session.state
        gone = np.concatenate([state.labeled, state.pending, state.skipped])
        events = [replace(one, indices=one.indices[~np.isin(one.indices, gone)]) for one in plan.events]
        places = {place for one in events for place in one.indices.tolist()}
        guesses = [
            {"project_id": self._project, "example": place, "labeled": plan.labeled, "guess": guess}
            for place, guess in plan.guesses.items()
            if place in places
        ]
        reasons = [
            {"project_id": self._project, "example": place, "payload": receipt.to_json()}
            for place, receipt in plan.receipts.items()
            if place in places
        ]
        with self._engine.begin() as connection:
            if guesses:
                # Before anybody has labeled them.
                connection.execute(insert(control_guesses), guesses)
            if reasons:
                connection.execute(insert(stored_receipts), reasons)
            for event in events:
                if len(event.indices):
                    self.session.commit(event, connection)

    def _count(self, budget: int) -> int:
        """Return the budget, or what is left to pick where that is fewer and not nothing."""
        state = self.session.state
        free = len(self.source) - len(state.labeled) - len(state.pending) - len(state.skipped)
        return min(budget, free) if free else budget

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
        query = select(control_guesses).where(control_guesses.c.project_id == self._project)
        with self._engine.connect() as connection:
            return connection.execute(query.order_by(control_guesses.c.labeled, control_guesses.c.example)).all()

    def _picks(self, places: Indices) -> list[Pick]:
        arm = self.control_arm()
        guesses: list[str | None] = [None] * len(places)
        if len(self.session.labeled):
            guesses = [self.classes[number] for number in self._guess(places)]
        return [
            Pick(self.source.ids[place], self.source.shown[place], guess, place in arm)
            for place, guess in zip(places.tolist(), guesses, strict=True)
        ]

    def _find_or_make(
        self,
        name: str,
        classes: Sequence[str] | None,
        control: float | None,
        strategy: str | None,
        model: str | None,
    ) -> Any:
        """Return the project's row; made if it is not there, its classes extended if there are new ones."""
        wanted = None if classes is None else list(classes)
        if wanted is not None and (len(wanted) < 2 or len(set(wanted)) < len(wanted) or not all(wanted)):
            raise ConfigError(f"classes are two or more distinct names (got {', '.join(wanted) or 'none'}); name them")
        query = select(projects).where(projects.c.name == name)
        with self._engine.begin() as connection:
            found = connection.execute(query).first()
            if found is None:
                if wanted is None:
                    raise ConfigError(
                        f"a new project needs its classes (got none for {name!r}); say them, as in cat,dog"
                    )
                values = {
                    "name": name,
                    "classes": wanted,
                    "control": _CONTROL if control is None else control,
                    "strategy": strategy or _STRATEGY,
                    "model": model or self.source.model,
                }
                try:
                    connection.execute(insert(projects).values(values))
                except IntegrityError as error:
                    raise SessionError(f"a project is made once (got a second {name!r}); open it again") from error
                return connection.execute(query).one()
            for what, given in (("strategy", strategy), ("control", control), ("model", model)):
                if given is not None and given != getattr(found, what):
                    raise ConfigError(
                        f"a project keeps its {what} (got {given}, stored {getattr(found, what)}); leave it out, or "
                        "use another store"
                    )
            stored = list(found.classes)
            if wanted is None or wanted == stored:
                return found
            if wanted[: len(stored)] != stored:
                raise ConfigError(
                    f"a project keeps its classes, and new ones come behind (got {', '.join(wanted)}, stored "
                    f"{', '.join(stored)}); give them in that order, or leave them out"
                )
            connection.execute(update(projects).where(projects.c.id == found.id).values(classes=wanted))
            return connection.execute(query).one()
