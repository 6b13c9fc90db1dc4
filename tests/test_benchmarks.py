"""The page on speed is what the stored results say, and a ratio that misses its target fails it. Nothing is timed."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from ladle.gradients import FactoredGradients, cross_entropy
from ladle.labeling import Forecast
from ladle.selectors import farthest_first

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def module(name: str) -> ModuleType:
    """Return a script of the benchmarks, which are no package, without leaving its name behind."""
    spec = importlib.util.spec_from_file_location(f"ladle_benchmark_{name}", BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = loaded
    try:
        spec.loader.exec_module(loaded)
    finally:
        del sys.modules[spec.name]
    return loaded


report, floor, plain = module("report"), module("floor"), module("plain_numpy")

MACHINE = {"processor": "one", "cores": 2, "threads": 2, "memory": 3 << 30, "date": "2026-01-01"}
MACHINE |= {"python": "3", "torch": "2", "numpy": "1"}


def check(ratio: float, **bound: float) -> dict[str, Any]:
    return {"name": "BADGE, 500 of 25,000", "ratio": ratio, "of": "its product", **bound}


def selection(ratio: float = 2.0, peers: int = 2) -> dict[str, Any]:
    both = {name: {"ratio": ratio, "ratio_of_least": ratio} for name in ("badge", "k-center")}
    names = ("badge floor", "badge", "k-center floor", "k-center", "plain badge", "plain k-center")
    other = {"library": "another 1.0", "seconds": 30.0, "distinct": 20, "memory": 1 << 30}
    return {
        "machine": MACHINE,
        "setting": {"rows": 25_000, "width": 256, "classes": 10, "labeled": 1000, "budget": 500},
        "ways": {"badge": "whole", "k-center": "whole"},
        "passes": {"badge": [1, 400], "k-center": [1000, 300]},
        "seconds": {name: [0.3, 0.1, 0.2] for name in names},
        "memory": {name: 1 << 20 for name in names if "floor" not in name},
        "sweeps": {
            by: [{"size": size, **both, "seconds": {name: [0.1 * size] for name in names}} for size in (50, 500)]
            for by in ("rows", "width", "classes", "budget")
        },
        "real": None,
        "peers": [other | {"method": "BADGE", "picks": 500}, other | {"method": "k-center", "picks": 20}][:peers],
        "checks": [
            check(ratio, at_most=2.5),
            check(1.0, at_most=2.0) | {"name": "k-center, 500 of 25,000"},
        ],
    }


def run(results: Path, docs: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    docs.mkdir()
    monkeypatch.setattr(sys, "argv", ["report.py", "--results", str(results), "--docs", str(docs)])
    with pytest.raises(SystemExit) as stop:
        report.main()
    return stop.value.code


@pytest.mark.parametrize(
    ("ratio", "bound", "expected"),
    [
        (2.5, {"at_most": 2.5}, True),
        (2.51, {"at_most": 2.5}, False),
        (1.7, {"at_least": 1.7}, True),
        (1.69, {"at_least": 1.7}, False),
        (float("nan"), {"at_most": 2.5}, False),
        (float("nan"), {"at_least": 1.7}, False),
    ],
)
def test_a_ratio_passes_up_to_its_target_and_nan_never(ratio: float, bound: dict[str, float], expected: bool) -> None:
    assert report.passed(check(ratio, **bound)) is expected


def test_the_page_is_written_with_its_figures_when_every_target_is_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "selection.json").write_text(json.dumps(selection()))
    assert run(tmp_path, tmp_path / "docs", monkeypatch) == 0
    page = (tmp_path / "docs" / "performance.md").read_text()
    assert "Every ratio below reaches its target." in page
    assert "Not measured yet: scoring, training, table2, large, shards, device-cpu." in page
    assert "another 1.0 (20 picks only)" in page
    for picture in ("performance-selection.png", "performance-scaling.png"):
        assert f"({picture})" in page
        assert (tmp_path / "docs" / picture).stat().st_size > 10_000


def test_a_miss_fails_and_is_named_on_the_page_and_in_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "selection.json").write_text(json.dumps(selection(ratio=3.0)))
    assert run(tmp_path, tmp_path / "docs", monkeypatch) == 1
    line = "BADGE, 500 of 25,000: 3.00 × its product, target at most 2.5 ×"
    assert capsys.readouterr().err == f"missed: {line}\n"
    page = (tmp_path / "docs" / "performance.md").read_text()
    assert f"**Misses its target:** {line}." in page
    assert "Every ratio" not in page


def test_the_page_says_when_other_libraries_were_left_out() -> None:
    assert "Other libraries were left out" in report.page({"selection": selection(peers=0)})
    assert "Other libraries ran once" in report.page({"selection": selection()})


def test_another_library_that_did_not_run_is_named_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = selection()
    found["peers"][1] = {"library": "another", "method": "k-center", "failed": "ImportError: no such thing"}
    (tmp_path / "selection.json").write_text(json.dumps(found))
    assert run(tmp_path, tmp_path / "docs", monkeypatch) == 1
    assert capsys.readouterr().err == "missed: another k-center: ImportError: no such thing\n"


def test_the_page_names_the_machine_and_the_versions() -> None:
    assert "2 cores (one, 3 GiB), 2 threads, Python 3, torch 2, numpy 1." in report.page({"selection": selection()})


def test_the_stored_results_make_a_page_without_paths_or_host_names() -> None:
    results = report.load(BENCHMARKS / "results")
    page = report.page(results)
    for word in ("/work", "/tmp", "/home", "/root"):
        assert word not in page
        assert word not in json.dumps(results)


@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize(("rows", "centers"), [(7, 4), (40, 11), (64, 64)])
def test_the_floor_multiplies_every_row_with_every_center(
    rows: int, centers: int, columns: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pools = [torch.randn(40, 6, dtype=torch.float64), torch.randn(40, 3, dtype=torch.float64)]
    products: list[torch.Tensor] = []
    multiply = floor.product(pools, 11, floor.Way(rows, centers, columns))
    real = torch.mm

    def kept(left: torch.Tensor, right: torch.Tensor, *, out: torch.Tensor) -> torch.Tensor:
        products.append(real(left, right, out=out).clone())
        return out

    monkeypatch.setattr(torch, "mm", kept)
    multiply()
    assert sum(product.numel() for product in products) == 2 * 40 * 11
    expected = sum(float((pool @ pool[:11].T).sum()) for pool in pools)
    assert sum(float(product.sum()) for product in products) == pytest.approx(expected)


def test_the_plain_loops_pick_what_the_selectors_may_pick() -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(200, 5, dtype=torch.float64, generator=generator)
    residuals = cross_entropy.pseudo_residuals(torch.randn(200, 3, dtype=torch.float64, generator=generator))
    labeled = np.arange(10)
    assert plain.k_center(features.numpy(), labeled, 20) == farthest_first(features, labeled, 20).tolist()
    picks = plain.badge(residuals.numpy(), features.numpy(), 20, 0)
    assert len(set(picks)) == 20
    assert picks[0] == int(FactoredGradients(residuals, features).squared_norms().argmax())


def test_operations_are_counted_as_by_hand_and_the_roof_bounds_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    device = module("device")
    layers = torch.nn.Sequential(torch.nn.Linear(6, 4), torch.nn.Linear(4, 3))
    forward, step = device.operations_of(layers, torch.zeros(1, 6))
    assert forward == 2 * (6 * 4 + 4 * 3)
    # Backward: the weights of both, and the inputs of the second; nobody asks for those of the first.
    assert step == forward + 2 * (6 * 4 + 2 * 4 * 3)
    top = {"operations": 100.0, "bytes": 10.0}
    monkeypatch.setattr(device, "seconds_of", lambda *_: [8.0, 4.0, 4.0])
    found = device.measured(lambda: None, torch.device("cpu"), top, 200.0, 10.0)
    assert (found["bound"], found["fraction"]) == ("arithmetic", 0.5)
    found = device.measured(lambda: None, torch.device("cpu"), top, 200.0, 30.0)
    assert (found["bound"], found["fraction"]) == ("memory", 0.75)


def test_the_true_saving_is_read_off_the_mean_random_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    forecast_page = module("forecast_page")
    sizes, curves = [10, 20, 40, 80], [[0.2, 0.5, 0.4, 0.8], [0.4, 0.5, 0.6, 1.0]]
    # The mean is 0.3, 0.5, 0.5, 0.9: half of the way from 40 to 80 labels, in logarithms, to 0.7.
    assert forecast_page.truth_of(sizes, curves, 0.7, 20) == pytest.approx(40 * 2**0.5 / 20)
    assert forecast_page.truth_of(sizes, curves, 0.95, 20) == float("inf")
    forecast = Forecast(20, 10, "margin", "too early", "", 1.5, 1.2, 3.0)
    covered = [forecast_page.Point({}, forecast, truth, reach).covered for truth, reach in ((2, 4), (3.5, 4), (1.1, 4))]
    assert covered == [True, False, False]
    # Never reached: the interval's end has to lie beyond all that could be seen.
    assert forecast_page.Point({}, forecast, float("inf"), 2.5).covered
    assert not forecast_page.Point({}, forecast, float("inf"), 4).covered


def test_the_page_on_forecasts_counts_every_stored_run() -> None:
    stored = json.loads((BENCHMARKS / "results" / "forecast.json").read_text())
    text = (BENCHMARKS.parent / "docs" / "forecast.md").read_text()
    rows = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith(("| digits", "| 20news"))]
    assert sum(int(row[3]) for row in rows) == len(stored["runs"]) > 40
    assert f"Of {len(stored['runs'])} forecasts" in text
