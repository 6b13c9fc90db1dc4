"""All contracts by name, and the check that runs them all."""

from __future__ import annotations

from collections.abc import Callable

from ladle.testing.conduct import (
    check_global_randomness_is_left_alone,
    check_inputs_are_left_as_found,
    check_read_only_inputs_are_accepted,
    check_same_in_another_process,
    check_same_seed_same_picks,
)
from ladle.testing.edge_cases import (
    check_equal_rows,
    check_one_class_labeled,
    check_single_precision,
    check_small_pools,
    check_twin_rows,
    check_two_classes,
    check_zero_features,
)
from ladle.testing.failures import ContractError, SelectFunction
from ladle.testing.order import check_order_of_the_pool_is_irrelevant
from ladle.testing.picks import (
    check_distinct,
    check_everything_left,
    check_exact_budget,
    check_unlabeled_only,
    check_whole_numbers,
)

#: Every contract by its name, the plainest first; each takes a strategy and raises ``ContractError`` or returns.
CONTRACTS: dict[str, Callable[[SelectFunction], None]] = {
    "whole numbers": check_whole_numbers,
    "exact budget": check_exact_budget,
    "distinct": check_distinct,
    "unlabeled only": check_unlabeled_only,
    "everything left": check_everything_left,
    "twin rows": check_twin_rows,
    "equal rows": check_equal_rows,
    "zero features": check_zero_features,
    "one class labeled": check_one_class_labeled,
    "two classes": check_two_classes,
    "small pools": check_small_pools,
    "single precision": check_single_precision,
    "same seed": check_same_seed_same_picks,
    "order of the pool": check_order_of_the_pool_is_irrelevant,
    "inputs left as found": check_inputs_are_left_as_found,
    "read-only inputs": check_read_only_inputs_are_accepted,
    "global randomness": check_global_randomness_is_left_alone,
    "another process": check_same_in_another_process,
}


def check_strategy(select: SelectFunction) -> None:
    """Check every contract and say all that are broken at once.

    Args:
        select: the strategy, picklable (see ``check_same_in_another_process``).

    Raises:
        ContractError: naming each broken contract, what came and on which problem. Any other exception is the
            strategy's own, with a note on the problem it came from.

    Cost: a few seconds, nearly all of them to start one process.
    """
    broken = []
    for name, check in CONTRACTS.items():
        try:
            check(select)
        except ContractError as error:
            broken.append(f"{name}: {error}")
    if broken:
        raise ContractError(f"{len(broken)} of {len(CONTRACTS)} contracts are broken\n" + "\n".join(broken))
