"""The session: ask for a batch, tell its labels, and so on until the money is spent."""

from __future__ import annotations

import copy
import operator
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse
import torch
from sqlalchemy import Connection, Engine
from torch import nn

from ladle.arrays import as_indices, as_tensor
from ladle.data import digest_of, fingerprint_of
from ladle.errors import InputError, SessionError
from ladle.gradients import cross_entropy
from ladle.models import TrainingConfig, build_model, evaluate, pool_outputs, train
from ladle.selectors import unlabeled_indices
from ladle.session.database import open_database
from ladle.session.environment import describe_environment
from ladle.session.log import EventLog
from ladle.session.seeds import Purpose, derived_seed
from ladle.session.state import RANDOM, Asked, Event, Skipped, Told, Undone, replay
from ladle.strategies import CATALOG, PoolOutputs, Strategy, find_strategy
from ladle.typing import Array, Indices, Inputs


class Session:
    """Pool-based active learning over one pool: the loop of the paper's algorithm 1, one step at a time.

    The model is trained from scratch on all labels so far whenever a batch is asked for or an accuracy is wanted, once
    per set of labels. Every step is an event in the store: a session opened again under its name goes on where it was,
    with the same picks as if it had never stopped.

    Args:
        inputs: the pool: n examples along the first axis (NumPy, torch) or a sparse (n, columns) SciPy matrix. float64
            NumPy arrays are read as float32, the type of a torch model's weights.
        model: a function that builds a torch module that ends in a linear layer, its first weights drawn from the seed;
            a module, whose own weights every training starts from and which a resumed session must bring again; or the
            name of one of Ladle's own (mlp, lenet, resnet18, vgg16; then ``classes`` is needed).
        strategy: a name from ``ladle.list_strategies()``, or a ``Strategy``.
        classes: the number of classes; only needed for a model given by name.
        training: epochs, batch size, learning rate, momentum.
        seed: at least 0; with it every pick and every weight is reproducible.
        store: a database URL such as ``sqlite:///labels.db``, or an open engine; None keeps the session in memory.
        name: the session's name in the store.
        device: where the model trains and the pool is scored.

    Attributes:
        build: makes a new, untrained model.

    Raises:
        InputError: a pool without examples, or classes missing.
        UnknownNameError: an unknown strategy or model.
        StoreError: a store that cannot be opened.
        SessionError: the store has a session of this name with other settings.

    Reference: Khosravani and Zilles (2026), algorithm 1.
    """

    def __init__(
        self,
        inputs: Inputs | Array,
        model: str | nn.Module | Callable[[], nn.Module],
        *,
        strategy: str | Strategy = "grad",
        classes: int | None = None,
        training: TrainingConfig | None = None,
        seed: int = 0,
        store: str | Engine | None = None,
        name: str = "session",
        device: str | torch.device = "cpu",
    ) -> None:
        seed = _checked_seed(seed)
        self._inputs = _read_inputs(inputs)
        self.build = _builder(model, self._inputs, classes)
        self.strategy = find_strategy(strategy)
        self.training = training or TrainingConfig()
        self.seed = seed
        self.device = torch.device(device)
        self._model: nn.Module | None = None
        self._training_seconds = 0.0
        self._own_engine = None if isinstance(store, Engine) else open_database(store)
        engine = store if isinstance(store, Engine) else self._own_engine
        assert engine is not None
        config = {
            "strategy": self.strategy.name,
            "seed": seed,
            "training": vars(self.training),
            "pool": fingerprint_of(self._inputs),
            "model": _signature(model),
        }
        self.log = EventLog(engine, name, config, describe_environment())
        self.state = replay(self.log.read())

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the store's connections; an engine that was handed in stays open. Also done by ``with``."""
        if self._own_engine is not None:
            self._own_engine.dispose()

    def __len__(self) -> int:
        return self._inputs.shape[0]

    @property
    def labeled(self) -> Indices:
        """Whole-pool indices of the labeled examples, in the order their labels came in."""
        return self.state.labeled

    @property
    def labels(self) -> Indices:
        """Their class numbers, one to one."""
        return self.state.labels

    @property
    def model(self) -> nn.Module:
        """The model trained on all labels so far; trained now if that has not happened yet.

        Raises:
            SessionError: nothing is labeled.
        """
        if self._model is None:
            if len(self.labeled) == 0:
                raise SessionError("a model is trained on labels (got 0); ask for a first batch and tell its labels")
            started = time.perf_counter()
            self._model = train(
                self.build,
                self._inputs[self.labeled],
                torch.from_numpy(self.labels),
                self.training,
                seed=derived_seed(self.seed, Purpose.TRAINING, len(self.labeled)),
                device=self.device,
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
        the budget. The first batch, before there is any label, is drawn uniformly at random.

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

    def plan(self, budget: int, *, strategy: str | Strategy | None = None) -> Asked:
        """Pick a batch without recording it; ``commit`` records it, inside a transaction if need be.

        Arguments and errors are those of ``ask``.
        """
        # None rather than an empty array: the labeled rows then stay in the order their labels came in.
        closed = np.concatenate([self.state.pending, self.state.skipped])
        unlabeled_indices(len(self), np.concatenate([self.labeled, closed]), budget)
        first = len(self.labeled) == 0 and strategy is None
        chosen = CATALOG[RANDOM] if first else find_strategy(strategy or self.strategy)
        seconds: dict[str, float] = {}
        outputs = self._outputs(seconds) if chosen.needs_model else self._no_outputs()
        started = time.perf_counter()
        generator = np.random.default_rng(derived_seed(self.seed, Purpose.SELECTION, self.state.rounds))
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

    def tell(self, indices: Any, labels: Any) -> None:
        """Record labels, of examples that were asked for or of any others.

        Args:
            indices: (k,) distinct unlabeled whole-pool indices; one number for a single example.
            labels: (k,) their class numbers, from 0; one number for a single example.

        Raises:
            InputError: indices or labels that break these rules; nothing is recorded then.
            SessionError: an example that already has a label.
        """
        self.commit(_check_told(indices, labels, len(self)))

    def skip(self, indices: Any) -> None:
        """Record that nobody can or wants to label these examples: they are not asked for again.

        Args:
            indices: (k,) distinct whole-pool indices without a label; one number for a single example.

        Raises:
            InputError: indices that break these rules; nothing is recorded then.
            SessionError: an example that has a label, or was skipped before.
        """
        self.commit(Skipped(_checked_indices(as_indices(indices), len(self))))

    def undo(self) -> None:
        """Take back the last ``tell`` or ``skip`` in force; what belonged to a batch is awaited again.

        Raises:
            SessionError: nothing is left to undo.
        """
        self.commit(Undone())

    def evaluate(self, inputs: Inputs | Array, labels: Any) -> float:
        """Return the accuracy, from 0 to 1, of the current model on labeled examples of one's own.

        Args:
            inputs: examples like those of the pool, not from it.
            labels: their class numbers, one to one.
        """
        targets = as_tensor(labels)
        return evaluate(self.model, _read_inputs(inputs), targets, device=self.device)

    def _outputs(self, seconds: dict[str, float]) -> PoolOutputs:
        model = self.model
        seconds["training"] = self._training_seconds
        started = time.perf_counter()
        outputs = pool_outputs(model, self._inputs, device=self.device)
        seconds["outputs"] = time.perf_counter() - started
        # The sum of anything that is not finite is not finite either, and costs far less than a mask of the pool.
        if not torch.isfinite(outputs.logits.sum() + outputs.features.sum()):
            raise SessionError(
                "a model that picks must answer with finite numbers (got NaN or infinity: its training diverged at "
                f"learning_rate={self.training.learning_rate}); lower the learning rate"
            )
        labels = torch.from_numpy(self.labels).to(outputs.logits.device)
        return PoolOutputs(outputs.features, outputs.logits, self.labeled, labels, cross_entropy, outputs.bias)

    def _no_outputs(self) -> PoolOutputs:
        nothing = torch.empty(len(self), 0)
        return PoolOutputs(nothing, nothing, self.labeled, torch.from_numpy(self.labels), cross_entropy, bias=True)


def _checked_seed(seed: int) -> int:
    try:
        number = operator.index(seed)
    except TypeError:
        number = -1
    if number < 0:
        raise InputError(f"a seed must be an integer of at least 0 (got seed={seed!r}); choose another")
    return number


def _signature(model: str | nn.Module | Callable[[], nn.Module]) -> str:
    """Return what a stored session is told apart by: a name, or the weights a module starts from."""
    if isinstance(model, str):
        return model
    if not isinstance(model, nn.Module):
        return "built by a function"
    return "module " + digest_of("", [(name, weight.detach()) for name, weight in model.state_dict().items()])[:16]


def _read_inputs(inputs: Inputs | Array) -> Inputs:
    if not isinstance(inputs, torch.Tensor | np.ndarray):
        if not scipy.sparse.issparse(inputs):
            raise InputError(
                f"a pool must be a NumPy array, a torch tensor or a SciPy sparse matrix (got {type(inputs).__name__}); "
                "convert it, for instance with numpy.asarray"
            )
        return inputs.tocsr()
    tensor = as_tensor(inputs)
    if isinstance(inputs, np.ndarray) and tensor.dtype == torch.float64:
        tensor = tensor.float()
    if tensor.ndim == 0 or len(tensor) == 0:
        raise InputError(f"a pool needs examples along its first axis (got shape {tuple(tensor.shape)}); add some")
    return tensor


def _builder(
    model: str | nn.Module | Callable[[], nn.Module], inputs: Inputs, classes: int | None
) -> Callable[[], nn.Module]:
    if isinstance(model, nn.Module):
        return partial(copy.deepcopy, model)
    if not isinstance(model, str):
        return model
    if classes is None or classes < 2:
        raise InputError(f"a model by name needs the number of classes (got classes={classes}); pass classes=2 or more")
    sparse = not isinstance(inputs, torch.Tensor)
    return build_model(model, example_shape=tuple(inputs.shape[1:]), classes=classes, sparse=sparse)


def _check_told(indices: Any, labels: Any, size: int) -> Told:
    rows = as_indices(indices)
    try:
        classes = as_indices(labels)
    except InputError:
        kind = np.asarray(labels).dtype
        raise InputError(f"labels must be class numbers (got {kind}); encode them as integers from 0") from None
    if len(rows) != len(classes) or len(rows) == 0:
        raise InputError(
            f"every index needs one label (got indices={len(rows)}, labels={len(classes)}); pass them one to one"
        )
    _checked_indices(rows, size)
    if classes.min() < 0:
        raise InputError(f"labels must be class numbers from 0 (got {classes.min()}); encode them so")
    return Told(rows, classes)


def _checked_indices(rows: Indices, size: int) -> Indices:
    if len(rows) == 0 or rows.min() < 0 or rows.max() >= size:
        got = f"{rows.min()} to {rows.max()}" if len(rows) else "none"
        raise InputError(f"indices must be from 0 to {size - 1} (got {got}); count in the whole pool")
    if len(np.unique(rows)) < len(rows):
        raise InputError("an example is told once (got an index twice); name each once")
    return rows
