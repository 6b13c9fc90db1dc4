"""The page of results says what its runs are a record of: which machines, which days, and whose times."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from report_cases import made_up

from ladle.experiments import ExperimentResults
from ladle.reports import write_results
from ladle.reports.results.results_page import _machines

pytest.importorskip("statsmodels")
pytest.importorskip("scikit_posthocs")

ROOT = Path(__file__).parents[2]


def began(name: str, *environments: Mapping[str, Any], days: tuple[str, str] | None) -> ExperimentResults:
    made = made_up(name=name)
    config = {"data": {"name": name}, "model": {"name": "mlp"}, "schedule": {"batch": 20}, "training": {"epochs": 30}}
    return replace(made, config=config, environments=environments, days=days)


def test_every_machine_that_runs_began_on_is_told_once() -> None:
    old, new = {"torch": "2.13"}, {"torch": "2.13", "processor": "A"}
    told = _machines([began("one", old, new, days=("2026-01-01", "2026-01-02")), began("two", new, days=None)])
    assert "Runs began with processor not on record, torch 2.13 (one); processor A, torch 2.13 (one, two)." in told
    assert "Rounds of several days (one) may be of several processors" in told
    told = _machines([began("one", new, days=("2026-01-01", "2026-01-01"))])
    assert told == "Runs began with processor A, torch 2.13 (one)."


def test_times_are_taken_from_the_folder_of_results(tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    saved.mkdir()
    experiments = [began(name, days=None) for name in ("one", "two")]
    before = write_results(experiments, saved, tmp_path / "docs").read_text()
    seconds = {"selection": [0.001, 0.0], "with_forward": [0.02, 0.0]}
    times = {"models": {"lenet": dict.fromkeys(("entropy", "grad", "badge", "k-center"), seconds)}}
    (saved / "table2.json").write_text(json.dumps(times))
    after = write_results(experiments, saved, tmp_path / "docs").read_text()
    assert "grad takes 2.3 × the time of entropy" in before
    assert "1.000 ×, the pass over the pool counted" in after
    assert "the pass over the pool counted" not in before


def test_the_times_of_the_results_are_those_that_were_measured() -> None:
    measured = (ROOT / "benchmarks" / "results" / "table2.json").read_bytes()
    assert (ROOT / "results" / "table2.json").read_bytes() == measured, "make results"
