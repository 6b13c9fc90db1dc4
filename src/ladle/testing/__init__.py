"""The contracts every strategy keeps, for the tests of any library that has strategies.

A contract is a plain function that calls ``select(*, features, logits, labeled, labels, budget, seed)`` on generated
problems and raises ``ContractError``, an ``AssertionError``, where a rule is broken. No test framework is needed::

    import functools

    import ladle.testing
    from ladle.strategies import select

    def test_margin_keeps_all_contracts():
        ladle.testing.check_strategy(functools.partial(select, "margin"))

``examine_strategy`` tells of each contract whether it is kept, broken or not applicable, and why.

Left out on purpose, since not every sound method keeps it: that a smaller batch is the beginning of a larger one.
Methods that pick one by one do that; a uniform draw of the whole batch does not.
"""

from ladle.testing.conduct import (
    check_global_randomness_is_left_alone,
    check_inputs_are_left_as_found,
    check_read_only_inputs_are_accepted,
    check_same_in_another_process,
    check_same_seed_same_picks,
)
from ladle.testing.contracts import CONTRACTS, Outcome, check_strategy, examine_strategy
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
from ladle.testing.failures import ContractError, ScoreFunction, SelectFunction
from ladle.testing.order import check_order_of_the_picks, check_order_of_the_pool_is_irrelevant
from ladle.testing.picks import (
    check_distinct,
    check_everything_left,
    check_exact_budget,
    check_more_than_is_left,
    check_unlabeled_only,
    check_whole_numbers,
)
from ladle.testing.problems import Problem, make_problem
from ladle.testing.scores import check_score

__all__ = [
    "CONTRACTS",
    "ContractError",
    "Outcome",
    "Problem",
    "ScoreFunction",
    "SelectFunction",
    "check_distinct",
    "check_equal_rows",
    "check_everything_left",
    "check_exact_budget",
    "check_global_randomness_is_left_alone",
    "check_half_precision",
    "check_inputs_are_left_as_found",
    "check_more_than_is_left",
    "check_one_class_labeled",
    "check_order_of_the_picks",
    "check_order_of_the_pool_is_irrelevant",
    "check_read_only_inputs_are_accepted",
    "check_same_in_another_process",
    "check_same_seed_same_picks",
    "check_score",
    "check_single_precision",
    "check_small_pools",
    "check_strategy",
    "check_twin_rows",
    "check_two_classes",
    "check_unlabeled_only",
    "check_whole_numbers",
    "check_zero_features",
    "examine_strategy",
    "make_problem",
]
