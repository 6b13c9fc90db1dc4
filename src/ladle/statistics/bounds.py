"""The paper's generalization bound as a function of its constants, and the contraction that simplifies it.

Diagnostics: the paper takes the discrepancy from this bound, and says itself that it does not claim a guarantee. It
prints eq. 6 and refers to Luo et al. (2022) for C_η; of that source only the abstract was at hand at the last check, so
what is said of its lemma and theorem below is from an earlier reading. The form agrees with Catoni (2007): for a loss
from 0 to 1 and a divergence KL between posterior and prior, R ≤ C_η (η R(S_I) + (KL + ln(1/δ)) / (n - m)).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import expm1, isfinite, log

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ladle.errors import InputError
from ladle.statistics.checks import finite_numbers, fraction

# A rate fitted to fewer epochs than this would be noise.
_LEAST_EPOCHS = 10


@dataclass(frozen=True)
class BoundConstants:
    """What eq. 6 and eq. 10 need beside the discrepancies.

    Attributes:
        eta: η, above 0.
        delta: δ, the bound fails with at most this probability, strictly between 0 and 1.
        examples: n, size of the sample S.
        subset: m, size of the index sequence J, below n.
        dimension: d, number of parameters, at least 1.

    Raises:
        InputError: a constant out of its range.
    """

    eta: float
    delta: float
    examples: int
    subset: int
    dimension: int

    def __post_init__(self) -> None:
        fraction("delta", self.delta)
        if not (isfinite(self.eta) and self.eta > 0):
            raise InputError(f"eta is above 0 (got {self.eta}); 1 is usual")
        if not 0 <= self.subset < self.examples or self.dimension < 1:
            raise InputError(
                f"the bound needs 0 <= m < n and d >= 1 (got m={self.subset}, n={self.examples}, d={self.dimension}); "
                "correct them"
            )

    @property
    def c_eta(self) -> float:
        """C_η = 1 / (1 - exp(-η)), as in Luo et al. (2022), lemma 3.2, after Catoni (2007)."""
        return -1 / expm1(-self.eta)


@dataclass(frozen=True)
class Contraction:
    """How a discrepancy shrinks while a model trains.

    Attributes:
        rate: ρ, the factor an epoch, fitted by least squares to the logarithms from ``start`` on; NaN where fewer than
            two positive values are left.
        start: t_0, first epoch of the fit, counted from 0: the one after the last violation, or 0 where fewer than ten
            would be left.
        violations: (v,) epochs, counted from 0, whose discrepancy is above that of the epoch before (assumption 1).
    """

    rate: float
    start: int
    violations: NDArray[np.int64]


def discrepancy_sum(discrepancies: ArrayLike, step_sizes: ArrayLike, precisions: ArrayLike) -> float:
    """Return Σ γ_t² / ε_t² |DF(S, S_J, t)|², the sum in eq. 6.

    Args:
        discrepancies: (T,) norms |DF|, at least 0.
        step_sizes: (T,) γ_t, or one number.
        precisions: (T,) ε_t above 0, or one number.

    Raises:
        InputError: shapes that do not fit, or numbers out of range.
    """
    return float((_weights(discrepancies, step_sizes, precisions) * _norms(discrepancies) ** 2).sum())


def generalization_bound(
    constants: BoundConstants,
    empirical_risk: float,
    discrepancies: ArrayLike,
    step_sizes: ArrayLike,
    precisions: ArrayLike,
) -> float:
    """Return the right side of eq. 6: what bounds the risk after T steps with probability 1 - δ.

    Args:
        constants: of the bound.
        empirical_risk: R(W_T, S_I) on the examples outside of J, at least 0; of a loss from 0 to 1, the share of wrong
            answers for one. The bound says nothing where it is above 1.
        discrepancies: (T,) norms |DF(S, S_J, t)| of all steps.
        step_sizes: (T,) γ_t, or one number.
        precisions: (T,) ε_t above 0, or one number.

    Raises:
        InputError: shapes that do not fit, or numbers out of range.

    Reference: Khosravani and Zilles (2026), eq. 6. Its source, theorem 5.2 of Luo et al. (2022), multiplies the 3 by
    C_η too and is larger by 3 (C_η - 1) / (n - m): what is returned is the paper's number.
    """
    steps = _norms(discrepancies).size
    return _bound(constants, empirical_risk, steps, discrepancy_sum(discrepancies, step_sizes, precisions))


def contraction_factor(step_sizes: ArrayLike, precisions: ArrayLike, *, start: int, steps: int) -> float:
    """Return κ = (T - t_0 + 1) max γ_t² / ε_t² over t from t_0 to T, of eq. 10.

    Args:
        step_sizes: (T,) γ_t, or one number.
        precisions: (T,) ε_t above 0, or one number.
        start: t_0, from 1 to T.
        steps: T.

    Raises:
        InputError: shapes that do not fit, or numbers out of range.
    """
    if not 1 <= start <= steps:
        raise InputError(f"t_0 is from 1 to T (got t_0={start}, T={steps}); correct it")
    weights = _weights(np.zeros(steps), step_sizes, precisions)
    return (steps - start + 1) * float(weights[start - 1 :].max())


def simplified_bound(
    constants: BoundConstants,
    empirical_risk: float,
    discrepancy: float,
    step_sizes: ArrayLike,
    precisions: ArrayLike,
    *,
    start: int,
    steps: int,
) -> float:
    """Return the right side of eq. 10, which holds where the discrepancy does not grow from step t_0 on.

    The paper's eq. 10 drops the steps before t_0; with t_0 = 1 it is never below eq. 6 under assumption 1.

    Args:
        constants: of the bound.
        empirical_risk: R(W_T, S_I), at least 0.
        discrepancy: |DF(S, S_J, t_0)|, at least 0.
        step_sizes: (T,) γ_t, or one number.
        precisions: (T,) ε_t above 0, or one number.
        start: t_0, from 1 to T.
        steps: T.

    Raises:
        InputError: shapes that do not fit, or numbers out of range.

    Reference: Khosravani and Zilles (2026), eq. 9 and 10.
    """
    size = float(_norms([discrepancy])[0])
    return _bound(
        constants,
        empirical_risk,
        steps,
        contraction_factor(step_sizes, precisions, start=start, steps=steps) * size**2,
    )


def contraction(discrepancies: ArrayLike) -> Contraction:
    """Fit a rate to a sequence of discrepancies, and find where it grows.

    Args:
        discrepancies: (T,) norms |DF| by epoch, at least 0; T at least 2.

    Raises:
        InputError: fewer than two, or numbers out of range.

    Reference: Khosravani and Zilles (2026), assumption 1 and proposition A.1.
    """
    values = _norms(discrepancies)
    if values.size < 2:
        raise InputError(f"a contraction is seen over at least two epochs (got {values.size}); train longer")
    violations = np.flatnonzero(values[1:] > values[:-1]) + 1
    start = int(violations[-1]) if violations.size else 0
    if values.size - start < _LEAST_EPOCHS:
        start = 0
    epochs = np.arange(start, values.size)
    positive = values[start:] > 0
    if positive.sum() < 2:
        return Contraction(float("nan"), start, violations)
    slope = np.polyfit(epochs[positive], np.log(values[start:][positive]), 1)[0]
    return Contraction(float(np.exp(slope)), start, violations)


def _bound(constants: BoundConstants, empirical_risk: float, steps: int, total: float) -> float:
    if not (isfinite(empirical_risk) and empirical_risk >= 0):
        raise InputError(
            f"an empirical risk is at least 0 (got {empirical_risk}); measure it on the rest of the sample"
        )
    rest = constants.examples - constants.subset
    return (
        constants.eta * constants.c_eta * empirical_risk
        + (constants.c_eta * log(1 / constants.delta) + 3) / rest
        + constants.c_eta * log(constants.dimension * steps) / rest * total
    )


def _norms(discrepancies: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(finite_numbers("discrepancies", discrepancies), dtype=np.float64)
    if values.ndim != 1 or not values.size or (values < 0).any():
        raise InputError(f"discrepancies are (T,) norms, at least 0 (got shape {values.shape}); pass one a step")
    return values


def _weights(discrepancies: ArrayLike, step_sizes: ArrayLike, precisions: ArrayLike) -> NDArray[np.float64]:
    count = _norms(discrepancies).size
    sizes, units = (np.asarray(values, dtype=np.float64) for values in (step_sizes, precisions))
    for name, values in (("step_sizes", sizes), ("precisions", units)):
        if values.shape not in ((), (count,)) or not np.isfinite(values).all() or (values <= 0).any():
            raise InputError(f"{name} are above 0, one a step or one for all (got shape {values.shape}); correct them")
    ratio: NDArray[np.float64] = np.broadcast_to((sizes / units) ** 2, (count,))
    return ratio
