"""The page on conformance is what the stored run says, and the run speaks of the catalog and the contracts of today."""

from __future__ import annotations

import json
from pathlib import Path
from runpy import run_path
from typing import Any

import numpy as np
import pytest

from ladle.strategies import list_strategies, select
from ladle.testing import CONTRACTS, make_problem

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "conformance"
PAGE, GIVEN = run_path(str(FOLDER / "page.py")), run_path(str(FOLDER / "given.py"))
page, unaccounted = PAGE["page"], PAGE["unaccounted"]
Answers, LastLayer, committee_of = GIVEN["Answers"], GIVEN["LastLayer"], GIVEN["committee_of"]
WRITTEN_OUT: dict[str, Any] = run_path(str(FOLDER / "written_out.py"))["WRITTEN_OUT"]

KEPT, SINCE = {"verdict": "kept", "why": ""}, {"verdict": "not applicable", "why": "it draws"}
BROKEN = {"verdict": "broken", "why": "picks are distinct (got [3] more than once)"}


@pytest.fixture(scope="module")
def stored() -> dict[str, Any]:
    read: dict[str, Any] = json.loads((FOLDER / "results.json").read_text())
    return read


def run(first: dict[str, str], *, promised: bool = True) -> dict[str, Any]:
    library = {
        "name": "theirs",
        "version": "1.0",
        "how": "`query()`.",
        "remarks": ["It *is* so."],
        "not promised": [] if promised else ["distinct"],
        "public": ["One", "Three", "Two"],
        "left out": {"it needs more": ["Three"]},
        "strategies": {"One": {"distinct": first, "order": SINCE}, "Two": {"distinct": first, "order": KEPT}},
    }
    return {
        "versions": {"Python": "3"},
        "contracts": {"distinct": "Check that nothing is picked twice.", "order": "Check the order."},
        "libraries": [library],
        "equalities": [{"ours": "a", "theirs": "b", "compared": "picks", "same": 3, "of": 4}],
        "differences": ["They differ."],
    }


def test_the_stored_page_is_that_of_the_stored_run(stored: dict[str, Any]) -> None:
    assert (ROOT / "docs" / "conformance.md").read_text() == page(stored)


def test_the_run_speaks_of_todays_catalog_and_contracts(stored: dict[str, Any]) -> None:
    assert [*stored["contracts"]][: len(CONTRACTS)] == list(CONTRACTS)
    assert list(stored["libraries"][0]["strategies"]) == list_strategies()
    for library in stored["libraries"]:
        for outcomes in library["strategies"].values():
            assert outcomes.keys() == stored["contracts"].keys()


def test_every_public_name_of_a_library_is_asked_or_left_out(stored: dict[str, Any]) -> None:
    for library in stored["libraries"]:
        assert library["public"]
        assert unaccounted(library) == []


@pytest.mark.parametrize(
    ("public", "left_out", "found"),
    [
        (["One", "Three", "Two"], ["Three"], []),
        (["Four", "One", "Three", "Two"], ["Three"], ["Four"]),
        (["One", "Two"], ["Three"], ["Three"]),
        (["One", "Three"], ["Three"], ["Two"]),
        (["One", "Three", "Two"], ["One", "Three"], ["One"]),
    ],
    ids=["all there", "forgotten", "left out but not there", "asked but not there", "asked and left out"],
)
def test_what_is_unaccounted_for_is_found(public: list[str], left_out: list[str], found: list[str]) -> None:
    strategies: dict[str, Any] = {"One": {}, "One, otherwise": {}, "Two": {}}
    library = {"public": public, "left out": {"it needs more": left_out}, "strategies": strategies}
    assert unaccounted(library) == found


def test_ours_keep_all_in_the_stored_run_and_are_what_the_long_way_picks(stored: dict[str, Any]) -> None:
    for outcomes in stored["libraries"][0]["strategies"].values():
        assert "broken" not in {outcome["verdict"] for outcome in outcomes.values()}
    long_way = [row for row in stored["equalities"] if row["theirs"] == "gradients written out"]
    assert [row["ours"] for row in long_way] == list(WRITTEN_OUT)
    assert all(row["same"] == row["of"] > 0 for row in long_way)


def test_a_broken_contract_is_marked_and_its_note_said_once_for_all_who_broke_it_so() -> None:
    text = page(run(BROKEN))
    assert "| distinct | ✗ 1 | ✗ 1 |\n| order | – | ✓ |" in text
    assert "1. `One`, `Two`, *distinct*: picks are distinct (got [3] more than once)" in text
    assert "- *order* (`One`): it draws" in text
    assert "**Ladle breaks contracts of its own: `One`, *distinct*; `Two`, *distinct*.**" in text
    assert "| `a` | b | picks | 3 of 4 |" in text
    assert "- *distinct*: Nothing is picked twice." in text
    assert "Left out:\n\n- `Three`: it needs more\n" in text


def test_what_was_not_promised_is_marked_otherwise_and_nothing_broken_has_no_note() -> None:
    assert "| distinct | ○ 1 | ○ 1 |" in page(run(BROKEN, promised=False))
    text = page(run(KEPT))
    assert "\n1. " not in text
    assert "**All 2 strategies of Ladle keep every contract that applies to them.**" in text


def test_the_given_classifier_answers_rows_in_any_order() -> None:
    problem = make_problem(np.random.default_rng(0))
    order = np.random.default_rng(1).permutation(len(problem.features))[:7]
    exponentials = np.exp(problem.logits)
    expected = exponentials / exponentials.sum(axis=1, keepdims=True)
    answers = Answers.of(problem.features, problem.logits)
    np.testing.assert_allclose(answers.to(problem.features[order]), expected[order])
    with pytest.raises(KeyError):
        answers.to(problem.features[:1] + 1)


def test_the_given_classifier_answers_rows_that_were_widened() -> None:
    problem = make_problem(np.random.default_rng(0), dtype=np.float16)
    answers = Answers.of(problem.features, problem.logits)
    assert np.array_equal(answers.to(problem.features.astype(np.float64)), answers.to(problem.features))


def test_the_last_layer_answers_as_the_given_classifier_does() -> None:
    problem = make_problem(np.random.default_rng(0))
    answers, layer = (kind.of(problem.features, problem.logits) for kind in (Answers, LastLayer))
    np.testing.assert_allclose(layer.to(problem.features), answers.to(problem.features))
    assert np.isfinite(layer.to(problem.features * [0.0, 0.0, 0.0, 1.0, 1.0, 1.0])).all()


def test_a_committee_disagrees_in_the_same_way_every_time() -> None:
    problem = make_problem(np.random.default_rng(0))
    one, other = (
        [member.to(problem.features) for member in committee_of(problem.features, problem.logits, members=3)]
        for _ in range(2)
    )
    assert np.array_equal(one, other)
    assert len(np.unique(np.argmax(one, axis=2), axis=0)) == 3


@pytest.mark.parametrize("name", list(WRITTEN_OUT))
def test_strategies_pick_what_they_pick_from_gradients_written_out(name: str) -> None:
    for seed in range(3):
        problem = make_problem(np.random.default_rng(seed), budget=6)
        given = {**problem.arrays(), "budget": 6, "seed": seed}
        assert select(name, **given).tolist() == WRITTEN_OUT[name](**given).tolist()
