"""Labeling by people: batches with a control arm, answers by name, and a number that says how good the model is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from ladle.errors import ConfigError, InputError, SessionError
from ladle.labeling.control import AccuracyPoint, ControlAnswer, accuracy_curve
from ladle.labeling.cross_validation import Progress, Snapshot
from ladle.labeling.forecast import Forecast, forecast_saving
from ladle.labeling.sources import Source
from ladle.labeling.stopping import StoppingHint, stopping_hint
from ladle.labeling.tables import control_guesses, projects
from ladle.models import TrainingConfig, pool_outputs
from ladle.session import Session, open_database
from ladle.session.seeds import Purpose, derived_seed
from ladle.strategies import find_strategy
from ladle.typing import Indices

#: What stands for "nobody can say" in an answer, unless a class has this name.
SKIP = "skip"
_RANDOM = "random"
_STRATEGY, _CONTROL = "margin", 0.2


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
        self._places = {identity: place for place, identity in enumerate(source.ids)}
        if strategy is not None:
            find_strategy(strategy)
        found = self._find_or_make(name, classes, control, strategy, model)
        self._project: int = found.id
        self.classes = tuple(found.classes)
        self.control: float = found.control
        self.session = Session(
            source.inputs,
            found.model,
            strategy=found.strategy,
            classes=len(self.classes),
            training=training or TrainingConfig(),
            seed=seed,
            store=engine,
            name=name,
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
            self._choose(budget)
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

    def labels(self) -> dict[str, str]:
        """Return the class of each labeled example by its name, in the order the labels came in."""
        pairs = zip(self.session.labeled.tolist(), self.session.labels.tolist(), strict=True)
        return {self.source.ids[place]: self.classes[label] for place, label in pairs}

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

    def _choose(self, budget: int) -> None:
        session = self.session
        free = len(self.source) - len(session.labeled) - len(session.state.skipped)
        count = min(budget, free) if free else budget
        if not len(session.labeled):
            session.commit(session.plan(count))
            return
        drawn = min(count, round(self.control * count))
        if drawn:
            arm = session.plan(drawn, strategy=_RANDOM)
            guesses = self._guess(arm.indices)
            with self._engine.begin() as connection:
                self._remember(arm.indices, guesses, connection)
                session.commit(arm, connection)
        # On its own: planning trains, and no lock is held meanwhile. Cut off here, the batch is the control arm alone.
        if count > drawn:
            session.commit(session.plan(count - drawn))

    def _guess(self, places: Indices) -> list[int]:
        logits = pool_outputs(self.session.model, self.source.inputs[places]).logits
        guesses: list[int] = torch.argmax(logits, dim=1).tolist()
        return guesses

    def _remember(self, drawn: Indices, guesses: Sequence[int], connection: Connection) -> None:
        """Keep what the model says of the control arm before anybody has labeled it."""
        labeled = len(self.session.labeled)
        rows = [
            {"project_id": self._project, "example": place, "labeled": labeled, "guess": guess}
            for place, guess in zip(drawn.tolist(), guesses, strict=True)
        ]
        connection.execute(insert(control_guesses), rows)

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
        arm = {row.example for row in self._guesses()}
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
