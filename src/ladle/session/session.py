"""The session: ask for a batch, tell its labels, and so on until the money is spent."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from sqlalchemy import Connection, Engine
from torch import nn

from ladle.arrays import as_indices, as_tensor
from ladle.data import digest_of, fingerprint_of
from ladle.errors import InputError, SessionError
from ladle.gradients import ResidualLoss, cross_entropy, find_loss
from ladle.models import (
    Loss,
    Rows,
    SparseRows,
    TrainingConfig,
    as_rows,
    build_model,
    evaluate,
    find_last_layer,
    pool_outputs,
    train,
)
from ladle.selectors import unlabeled_indices
from ladle.session.database import open_database
from ladle.session.environment import describe_environment
from ladle.session.log import EventLog
from ladle.session.reading import (
    PoolInputs,
    read_class_numbers,
    read_embeddings,
    read_indices,
    read_multi_labels,
    read_pool,
    read_seed,
)
from ladle.session.seeds import Purpose, derived_seed
from ladle.session.state import Asked, Event, Skipped, Told, Undone
from ladle.strategies import PoolOutputs, Strategy, distance_rows, find_cold_start, find_strategy, is_cold
from ladle.typing import Array, Indices, Inputs


class Session:
    """Pool-based active learning over one pool: the loop of the paper's algorithm 1, one step at a time.

    The model is trained from scratch on all labels so far whenever a batch is asked for or an accuracy is wanted, once
    per set of labels. Every step is an event in the store: a session opened again under its name goes on where it was,
    with the same picks as if it had never stopped.

    Args:
        inputs: the pool: n examples along the first axis (NumPy, torch) or a sparse (n, columns) SciPy matrix. A tuple
            of arrays is a module's arguments in order, a dict its arguments by name, as transformers' tokenizers give
            them. float64 NumPy arrays are read as float32, the type of a torch model's weights.
        model: a function that builds a torch module that ends in a linear layer, its first weights drawn from the seed;
            a module, whose own weights every training starts from and which a resumed session must bring again; or the
            name of one of Ladle's own (mlp, lenet, resnet18, vgg16; then ``classes`` is needed). A module returns its
            logits, or an object that has them as ``logits``.
        strategy: a name from ``ladle.list_strategies()``, or a ``Strategy``.
        classes: the number of classes, which no label may reach; only needed for a model given by name.
        loss: what the model is trained with, by the mean over examples, and picks by: cross-entropy, squared-error,
            binary-cross-entropy, or a ``ladle.gradients.ResidualLoss``, such as ``weighted_cross_entropy`` and
            ``smoothed_cross_entropy`` make. With a multi-label loss labels are rows of zeros and ones, one a class.
        training: epochs, batch size, learning rate, momentum.
        seed: at least 0; with it every pick and every weight is reproducible.
        store: a database URL such as ``sqlite:///labels.db``, or an open engine; None keeps the session in memory.
        name: the session's name in the store.
        device: where the model trains and the pool is scored.
        last_layer: dotted name of the linear layer that gives the logits; None takes the one registered last.
        cold_start: what picks in place of a strategy that needs a model while nothing, or one class only, is labeled:
            "random", as in the paper, or "k-center" or "k-means++" on the inputs as they are (sparse ones reduced).
        embeddings: (n, d) rows for the distances of such a cold start, in place of the inputs.

    Attributes:
        build: makes a new, untrained model.

    Raises:
        InputError: a pool without examples or in parts that do not match, classes missing, no such last layer, a loss
            that cannot be trained with, a strategy that has no meaning for it, or a cold start without distances.
        UnknownNameError: an unknown strategy, model, loss or cold start.
        StoreError: a store that cannot be opened, or that is damaged.
        SessionError: the store has a session of this name with other settings.

    Reference: Khosravani and Zilles (2026), algorithm 1.
    """

    def __init__(
        self,
        inputs: PoolInputs,
        model: str | nn.Module | Callable[[], nn.Module],
        *,
        strategy: str | Strategy = "grad",
        classes: int | None = None,
        loss: str | ResidualLoss = "cross-entropy",
        training: TrainingConfig | None = None,
        seed: int = 0,
        store: str | Engine | None = None,
        name: str = "session",
        device: str | torch.device = "cpu",
        last_layer: str | None = None,
        cold_start: str = "random",
        embeddings: Inputs | Array | None = None,
    ) -> None:
        seed = read_seed(seed)
        pool = read_pool(inputs)
        self._rows = as_rows(pool)
        self.build = _builder(model, self._rows, classes)
        if last_layer is not None and isinstance(model, nn.Module):
            find_last_layer(model, last_layer)
        self._last_layer = last_layer
        self._classes = classes
        self.loss = find_loss(loss)
        self._mean_loss = _mean_of(self.loss)
        self.strategy = find_strategy(strategy)
        self.strategy.check_loss(self.loss)
        self.cold_start = find_cold_start(cold_start)
        if embeddings is not None and not self.cold_start.needs_model:
            raise InputError(
                f"embeddings are for the distances of a cold start (got cold_start={cold_start!r}, which takes none); "
                "name k-center or k-means++, or leave them out"
            )
        self._distances = read_embeddings(embeddings, pool, len(self)) if self.cold_start.needs_model else None
        self.training = training or TrainingConfig()
        self.seed = seed
        self.device = torch.device(device)
        self._model: nn.Module | None = None
        self._training_seconds = 0.0
        config = {
            "strategy": self.strategy.name,
            "seed": seed,
            "training": vars(self.training),
            "pool": fingerprint_of(pool),
            "model": _signature(model),
        }
        if self.loss is not cross_entropy:
            config["loss"] = self.loss.name
        if self._distances is not None:
            config["cold_start"] = cold_start
        if embeddings is not None and self._distances is not None:
            config["embeddings"] = fingerprint_of(self._distances)
        self._own_engine = None if isinstance(store, Engine) else open_database(store)
        engine = store if isinstance(store, Engine) else self._own_engine
        assert engine is not None
        try:
            self.log = EventLog(engine, name, config, describe_environment())
            self.state = self.log.replay(size=len(self), classes=classes, multi_label=self.loss.multi_label)
        except BaseException:
            self.close()  # nobody has a session to close
            raise

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the store's connections; an engine that was handed in stays open. Also done by ``with``."""
        if self._own_engine is not None:
            self._own_engine.dispose()

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def labeled(self) -> Indices:
        """Whole-pool indices of the labeled examples, in the order their labels came in."""
        return self.state.labeled

    @property
    def labels(self) -> Indices:
        """Their class numbers, one to one; with a multi-label loss (m, C) zeros and ones."""
        return self.state.labels

    @property
    def model(self) -> nn.Module:
        """The model trained on all labels so far; trained now if that has not happened yet.

        Raises:
            SessionError: nothing is labeled.
        """
        return self.fit()

    def fit(self, progress: Callable[[int, int], None] | None = None) -> nn.Module:
        """Return the model trained on all labels so far; trained now if that has not happened yet.

        Args:
            progress: called after each epoch with the epochs done and the epochs in all.

        Raises:
            SessionError: nothing is labeled.
        """
        if self._model is None:
            if len(self.labeled) == 0:
                raise SessionError("a model is trained on labels (got 0); ask for a first batch and tell its labels")
            started = time.perf_counter()
            self._model = train(
                self.build,
                self._rows.take(torch.from_numpy(self.labeled)),
                torch.from_numpy(self.labels),
                self.training,
                seed=derived_seed(self.seed, Purpose.TRAINING, len(self.labeled)),
                device=self.device,
                progress=progress,
                loss=self._mean_loss,
            )
            self._training_seconds = time.perf_counter() - started
        return self._model

    @property
    def training_seconds(self) -> float:
        """Seconds the last training took; 0 while nothing has been trained."""
        return self._training_seconds

    def ask(self, budget: int, *, strategy: str | Strategy | None = None) -> Indices:
        """Return the next batch to label.

        While labels of an earlier batch are still awaited, that batch (what is left of it) is returned again, whatever
        the budget. While nothing, or one class only, is labeled, a strategy that needs a model gives way to the cold
        start: uniform draws, unless another was named.

        Args:
            budget: how many to pick, from 1 to the number of unlabeled examples.
            strategy: another one for this batch only.

        Returns:
            Distinct unlabeled whole-pool indices in pick order; (budget,), or fewer of an unfinished batch.

        Raises:
            BudgetError: a budget below 1 or above what is unlabeled.
            SessionError: the training diverged, and there is nothing to pick by.

        Cost: one training, one pass over the pool and one selection.
        """
        if len(self.state.pending) == 0:
            self.commit(self.plan(budget, strategy=strategy))
        return self.state.pending.copy()

    def plan(
        self,
        budget: int,
        *,
        strategy: str | Strategy | None = None,
        outputs: PoolOutputs | None = None,
        after: Sequence[Event] = (),
    ) -> Asked:
        """Pick a batch without recording it; ``commit`` records it, inside a transaction if need be.

        Errors are those of ``ask``.

        Args:
            budget: how many to pick, from 1 to what can be picked.
            strategy: another one for this batch only.
            outputs: what ``outputs`` returned, to pass the pool once for several plans.
            after: events to plan behind, as if they had been committed.
        """
        state = self.state
        for event in after:
            state = state.after(event)
        # None rather than an empty array: the labeled rows then stay in the order their labels came in.
        closed = np.concatenate([state.pending, state.skipped])
        unlabeled_indices(len(self), np.concatenate([state.labeled, closed]), budget)
        chosen = find_strategy(strategy or self.strategy)
        chosen.check_loss(self.loss)
        cold = chosen.needs_model and is_cold(state.labels)
        chosen = self.cold_start if cold else chosen
        seconds: dict[str, float] = {}
        if cold or not chosen.needs_model:
            outputs = self._inputs_alone(self._distances if chosen.needs_model else None)
        elif outputs is None:
            outputs = self.outputs(seconds)
        started = time.perf_counter()
        generator = np.random.default_rng(derived_seed(self.seed, Purpose.SELECTION, state.rounds))
        indices = chosen.select(outputs, budget, generator=generator, closed=closed if len(closed) else None)
        seconds["selection"] = time.perf_counter() - started
        return Asked(indices, chosen.name, seconds)

    def commit(self, event: Event, connection: Connection | None = None) -> None:
        """Record an event and move to the state after it.

        Args:
            event: what happened.
            connection: a transaction to be part of; one of its own by default.

        Raises:
            SessionError: an event that cannot follow.
            StoreConflictError: another process drives this session.
        """
        after = self.state.after(event)
        self.log.append(event, connection)
        if isinstance(event, Told | Undone):
            self._model = None
        self.state = after

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Give a transaction of the store to ``commit`` in; where it fails, the session is again as it was before.

        Raises:
            StoreError: a store that has no room left or went out of reach.
        """
        state, model, length = self.state, self._model, self.log.length
        try:
            with self.log.engine.begin() as connection:
                yield connection
        except BaseException:
            # Else the next event would follow one that is not in the store.
            self.state, self._model, self.log.length = state, model, length
            raise

    def tell(self, indices: Any, labels: Any) -> None:
        """Record labels, of examples that were asked for or of any others.

        Args:
            indices: (k,) distinct unlabeled whole-pool indices; one number for a single example.
            labels: (k,) their class numbers, from 0; one number for a single example. With a multi-label loss (k, C)
                zeros and ones, (C,) for a single example.

        Raises:
            InputError: indices or labels that break these rules; nothing is recorded then.
            SessionError: an example that already has a label.
        """
        rows = as_indices(indices)
        multi = self.loss.multi_label
        found = read_multi_labels(labels, len(rows), self.labels) if multi else read_class_numbers(labels)
        if len(rows) != len(found) or len(rows) == 0:
            raise InputError(
                f"every index needs one label (got indices={len(rows)}, labels={len(found)}); pass them one to one"
            )
        if self._classes is not None and not multi and found.max() >= self._classes:
            raise InputError(
                f"labels must be class numbers from 0 to {self._classes - 1} (got {found.max()}); correct it, or make "
                "the session for as many classes as there are"
            )
        self.commit(Told(read_indices(rows, len(self)), found))

    def skip(self, indices: Any) -> None:
        """Record that nobody can or wants to label these examples: they are not asked for again.

        Args:
            indices: (k,) distinct whole-pool indices without a label; one number for a single example.

        Raises:
            InputError: indices that break these rules; nothing is recorded then.
            SessionError: an example that has a label, or was skipped before.
        """
        self.commit(Skipped(read_indices(indices, len(self))))

    def undo(self, index: int | None = None) -> None:
        """Take back the last ``tell`` or ``skip`` in force; what belonged to a batch is awaited again.

        Args:
            index: an example: then the answer to it, whatever came after.

        Raises:
            SessionError: nothing to undo, or an answer to several examples of which one was answered anew since.
        """
        self.commit(Undone(index))

    def evaluate(self, inputs: PoolInputs, labels: Any) -> float:
        """Return the accuracy, from 0 to 1, of the current model on labeled examples of one's own.

        Args:
            inputs: examples like those of the pool, not from it.
            labels: their class numbers, one to one. With a multi-label loss zeros and ones, and an example is answered
                right when all its classes are.
        """
        targets = as_tensor(labels)
        return evaluate(self.model, read_pool(inputs), targets, device=self.device)

    def outputs(self, seconds: dict[str, float] | None = None) -> PoolOutputs:
        """Return what the current model says of the whole pool, and the labels it was trained on.

        Args:
            seconds: where the seconds of training and of the pass are noted.

        Raises:
            SessionError: nothing is labeled, or the training diverged.

        Cost: one training, if the labels have changed since the last; one pass over the pool.
        """
        seconds = {} if seconds is None else seconds
        model = self.model
        seconds["training"] = self._training_seconds
        started = time.perf_counter()
        outputs = pool_outputs(model, self._rows, device=self.device, last_layer=self._last_layer)
        seconds["outputs"] = time.perf_counter() - started
        # The sum of anything that is not finite is not finite either, and costs far less than a mask of the pool.
        if not torch.isfinite(outputs.logits.sum() + outputs.features.sum()):
            raise SessionError(
                "a model that picks must answer with finite numbers (got NaN or infinity: its training diverged at "
                f"learning_rate={self.training.learning_rate}); lower the learning rate"
            )
        labels = torch.from_numpy(self.labels).to(outputs.logits.device)
        return PoolOutputs(outputs.features, outputs.logits, self.labeled, labels, self.loss, outputs.bias)

    def _inputs_alone(self, distances: Inputs | None) -> PoolOutputs:
        nothing = torch.empty(len(self), 0)
        features = nothing if distances is None else distance_rows(distances)
        return PoolOutputs(features, nothing, self.labeled, torch.from_numpy(self.labels), self.loss, bias=True)


def _mean_of(loss: ResidualLoss) -> Loss:
    if loss.mean is None:
        raise InputError(
            f"a session trains by the mean loss (got {loss}, of which the residuals alone are known); make it with "
            "ladle.gradients.loss_by_autograd"
        )
    return loss.mean


def _signature(model: str | nn.Module | Callable[[], nn.Module]) -> str:
    """Return what a stored session is told apart by: a name, or the weights a module starts from."""
    if isinstance(model, str):
        return model
    if not isinstance(model, nn.Module):
        return "built by a function"
    return "module " + digest_of("", [(name, weight.detach()) for name, weight in model.state_dict().items()])[:16]


def _builder(
    model: str | nn.Module | Callable[[], nn.Module], rows: Rows, classes: int | None
) -> Callable[[], nn.Module]:
    if isinstance(model, nn.Module):
        return partial(copy.deepcopy, model)
    if not isinstance(model, str):
        return model
    if classes is None or classes < 2:
        raise InputError(f"a model by name needs the number of classes (got classes={classes}); pass classes=2 or more")
    sparse = isinstance(rows, SparseRows)
    return build_model(model, example_shape=rows.example_shape, classes=classes, sparse=sparse)
