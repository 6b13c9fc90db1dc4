"""All contracts by name, and what comes of them for one strategy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ladle.testing.conduct import (
    check_global_randomness_is_left_alone,
    check_inputs_are_left_as_found,
    check_read_only_inputs_are_accepted,
    check_same_in_another_process,
    check_same_seed_same_picks,
)
from ladle.testing.edge_cases import (
    check_equal_rows,
    check_half_precision,
    check_one_class_labeled,
    check_single_precision,
    check_small_pools,
    check_twin_rows,
    check_two_classes,
    check_zero_features,
)
from ladle.testing.failures import ContractError, SelectFunction
from ladle.testing.order import check_order_of_the_picks, check_order_of_the_pool_is_irrelevant
from ladle.testing.picks import (
    check_distinct,
    check_everything_left,
    check_exact_budget,
    check_more_than_is_left,
    check_unlabeled_only,
    check_whole_numbers,
)

#: Every contract by its name, the plainest first. Each takes a strategy and raises ``ContractError`` where a rule is
#: broken; one that says nothing of this strategy returns why.
CONTRACTS: dict[str, Callable[[SelectFunction], str | None]] = {
    "whole numbers": check_whole_numbers,
    "exact budget": check_exact_budget,
    "distinct": check_distinct,
    "unlabeled only": check_unlabeled_only,
    "everything left": check_everything_left,
    "more than is left": check_more_than_is_left,
    "twin rows": check_twin_rows,
    "equal rows": check_equal_rows,
    "zero features": check_zero_features,
    "one class labeled": check_one_class_labeled,
    "two classes": check_two_classes,
    "small pools": check_small_pools,
    "single precision": check_single_precision,
    "half precision": check_half_precision,
    "same seed": check_same_seed_same_picks,
    "order of the pool": check_order_of_the_pool_is_irrelevant,
    "order of the picks": check_order_of_the_picks,
    "inputs left as found": check_inputs_are_left_as_found,
    "read-only inputs": check_read_only_inputs_are_accepted,
    "global randomness": check_global_randomness_is_left_alone,
    "another process": check_same_in_another_process,
}


@dataclass(frozen=True)
class Outcome:
    """What came of one contract.

    Attributes:
        contract: its name in ``CONTRACTS``.
        verdict: whether the strategy kept it.
        why: in one line what was broken, or why it does not apply; empty where it is kept.
        error: what was raised where it is broken: a ``ContractError``, or the strategy's own exception.
    """

    contract: str
    verdict: Literal["kept", "broken", "not applicable"]
    why: str = ""
    error: Exception | None = None


def examine_strategy(select: SelectFunction) -> list[Outcome]:
    """Check every contract and tell what came of each; nothing that the strategy raises gets out.

    Args:
        select: the strategy, picklable (see ``check_same_in_another_process``).

    Returns:
        An outcome for each of ``CONTRACTS``, in its order.

    Cost: a few seconds, nearly all of them to start one process.
    """
    return [_outcome(name, select) for name in CONTRACTS]


def check_strategy(select: SelectFunction) -> None:
    """Check every contract and say all that are broken at once.

    Args:
        select: the strategy, picklable (see ``check_same_in_another_process``).

    Raises:
        ContractError: naming each broken contract, what came and on which problem. An exception of the strategy's own
            breaks the contract it came under; the first of them is the cause.

    Cost: a few seconds, nearly all of them to start one process.
    """
    broken = [outcome for outcome in examine_strategy(select) if outcome.verdict == "broken"]
    if broken:
        lines = [f"{outcome.contract}: {outcome.why}" for outcome in broken]
        raised = [outcome.error for outcome in broken if not isinstance(outcome.error, ContractError)]
        raise ContractError("\n".join([f"{len(broken)} of {len(CONTRACTS)} contracts are broken", *lines])) from (
            raised[0] if raised else None
        )


def _outcome(contract: str, select: SelectFunction) -> Outcome:
    try:
        reason = CONTRACTS[contract](select)
    except ContractError as error:
        return Outcome(contract, "broken", _one_line(str(error)), error)
    except Exception as error:
        words = [f"raised {type(error).__name__}: {error}", *getattr(error, "__notes__", [])]
        return Outcome(contract, "broken", _one_line(" ".join(words)), error)
    return Outcome(contract, "kept") if reason is None else Outcome(contract, "not applicable", reason)


def _one_line(words: str) -> str:
    return " ".join(words.split())
