"""Figures 1, 6 and the bound: their numbers are those of every seed, and nothing is cut off or hidden."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex

from ladle.errors import InputError
from ladle.experiments.bound import BoundedTraining, BoundOverTraining
from ladle.experiments.contraction import DiscrepancyOverTraining
from ladle.experiments.geometry import AcquisitionGeometry, Space
from ladle.reports.figures.bound_figure import bound_figure, bound_numbers
from ladle.reports.figures.contraction_figure import contraction_figure, contraction_numbers
from ladle.reports.figures.files import freeze_layout
from ladle.reports.figures.geometry_figure import geometry_figure, geometry_numbers
from ladle.reports.figures.style import paper_style
from ladle.reports.results.captions import caption

NAMES, SIZES = ("grad", "entropy", "badge"), (10, 20, 40)


def draw(seed: int) -> AcquisitionGeometry:
    generator = np.random.default_rng(seed)
    keys = [(name, size) for name in NAMES for size in SIZES]
    spaces = [
        Space(
            name=name,
            coordinates=generator.normal(size=(60, 2)),
            explained=np.array([0.5, 0.2]),
            dispersion={key: float(generator.uniform(0.5, 2)) for key in keys},
        )
        for name in ("input space", "gradient space")
    ]
    picks = {(name, size): generator.choice(60, size=size, replace=False) for name, size in keys}
    return AcquisitionGeometry("made-up", np.arange(5), picks, (spaces[0], spaces[1]), 0.3, 70)


def followed(data: str, seed: int, losses: tuple[float, float] = (2.0, 1.0)) -> DiscrepancyOverTraining:
    values = np.array([0.4, 0.5, *(0.45 * 0.9 ** np.arange(18))]) + seed / 100
    return DiscrepancyOverTraining(data, values, np.linspace(*losses, 20), 1000, 500, seed)


def bounded(*, moved: int = 0, growing: bool = True) -> BoundOverTraining:
    values = np.linspace(0.1, 0.2, 30) if growing else np.linspace(0.2, 0.1, 30)
    trainings = tuple(
        BoundedTraining(
            precision=0.1 * ratio,
            discrepancies=values,
            sums=np.cumsum((values / ratio) ** 2),
            moved=np.full(30, moved),
            empirical_risks=np.full(30, 0.25),
            held_out_risks=np.full(30, 0.26),
            bounds={eta: np.linspace(0.5, 5000, 30) for eta in (0.5, 1.0, 2.0)},
            simplified={eta: np.linspace(0.5, 400, 30) for eta in (0.5, 1.0, 2.0)},
        )
        for ratio in (0.01, 0.1, 1.0)
    )
    return BoundOverTraining("made-up", 720, 360, 16_386, 280, 0.1, 0.05, trainings)


def test_dispersions_are_those_of_every_draw_in_order() -> None:
    draws = [draw(seed) for seed in range(4)]
    numbers = json.loads(json.dumps(geometry_numbers(draws)))
    assert numbers["seeds"] == 4
    assert set(numbers["dispersions"]) == {"input space", "gradient space"}
    for space, values in numbers["dispersions"].items():
        place = ("input space", "gradient space").index(space)
        assert set(values) == {f"{name}, {size}" for name in NAMES for size in SIZES}
        for name in NAMES:
            for size in SIZES:
                assert values[f"{name}, {size}"] == [one.spaces[place].dispersion[name, size] for one in draws]
                assert numbers["dispersion"][space][f"{name}, {size}"] == values[f"{name}, {size}"][0]


def test_the_caption_of_figure_1_speaks_of_all_draws() -> None:
    draws = [draw(seed) for seed in range(4)]
    numbers = geometry_numbers(draws)
    grad, entropy = (np.array(numbers["dispersions"]["gradient space"][f"{name}, 20"]) for name in ("grad", "entropy"))
    said = caption("1", numbers)
    assert f"{grad.mean():.2f} against {entropy.mean():.2f} ({(grad > entropy).sum()})" in said
    assert "the first of 4 draws" in said
    assert "A draw has 60 of 70 examples" in said
    assert "draws" not in caption("1", geometry_numbers(draws[:1]))


def test_all_seeds_of_figure_6_are_drawn_and_kept() -> None:
    seeds = [followed("german-credit", seed) for seed in range(3)]
    numbers = json.loads(json.dumps(contraction_numbers(seeds)))
    assert (numbers["examples"], numbers["subset"], numbers["seeds"]) == (1000, 500, 3)
    assert numbers["discrepancies"] == seeds[0].discrepancies.tolist()
    assert numbers["violations"] == [1]
    assert numbers["losses"] == [2.0, 1.0]
    assert [one["seed"] for one in numbers["others"]] == [1, 2]
    assert numbers["others"][1]["discrepancies"] == seeds[2].discrepancies.tolist()
    (axes,) = contraction_figure([seeds]).axes
    colors = [to_hex(str(line.get_color())).upper() for line in axes.get_lines()]
    assert colors == ["#B0B0B0", "#B0B0B0", "#0072B2", "#D55E00"]
    assert axes.get_ylim()[1] > max(float(one.discrepancies.max()) for one in seeds)
    with pytest.raises(InputError, match="data set at hand"):
        contraction_figure([])


def test_the_caption_of_figure_6_says_the_real_sizes_the_other_seeds_and_where_little_was_learned() -> None:
    numbers: dict[str, Any] = {
        "german-credit": contraction_numbers([followed("german-credit", seed) for seed in range(3)]),
        "20newsgroups": contraction_numbers([followed("20newsgroups", 0, (2.9963, 2.9954))]),
    }
    numbers["20newsgroups"] |= {"examples": 900, "subset": 450}
    said = caption("6", numbers)
    assert "1,000 (500) on german-credit and 900 (450) on 20newsgroups" in said
    assert "2.0000 to 1.0000 on german-credit and 2.9963 to 2.9954 on 20newsgroups" in said
    assert "On 20newsgroups the model has hardly begun to learn" in said
    first, last = (followed("", 2).discrepancies[place] for place in (0, -1))
    assert f"and {first:.3g} to {last:.3g} (ρ = " in said
    assert "Gisette could not be fetched" in said
    assert "hardly begun" not in caption("6", {"gisette": numbers["german-credit"]})


def test_the_numbers_of_the_bound_are_those_of_the_last_step() -> None:
    numbers = json.loads(json.dumps(bound_numbers(bounded(moved=2))))
    assert list(numbers["trainings"]) == ["0.01", "0.1", "1"]
    one = numbers["trainings"]["0.1"]
    assert one["bound"] == {"0.5": 5000.0, "1": 5000.0, "2": 5000.0}
    assert one["simplified"]["1"] == 400.0
    assert (one["moved"], one["growing"], one["held_out_risk"]) == (60, 29, 0.26)
    assert one["sum"] == pytest.approx(float((np.linspace(0.1, 0.2, 30) ** 2).sum()) * 100)


def test_the_caption_of_the_bound_says_where_it_bounds_nothing() -> None:
    still = caption("bound", bound_numbers(bounded()))
    assert "eq. 6 with η = 1 is 5,000.00 for ε = 0.01 γ (held-out share 0.260)" in still
    assert "grows in 29, 29 and 29 of 29 steps, against assumption 1" in still
    assert "With ε = 0.01 γ, 0.1 γ and 1 γ no entry of the model ever moves" in still
    other = caption("bound", bound_numbers(bounded(moved=1, growing=False)))
    assert "against assumption 1" not in other
    assert "ever moves" not in other


def test_every_bound_is_drawn_in_every_panel() -> None:
    figure = bound_figure(bounded())
    assert len(figure.axes) == 3
    for axes in figure.axes:
        lines = {str(line.get_label()): line for line in axes.get_lines()}
        for eta in ("0.5", "1", "2"):
            assert lines[f"eq. 6, η = {eta}"].get_color() == lines[f"eq. 10, η = {eta}"].get_color()
        assert np.asarray(lines["held-out examples"].get_ydata()).tolist() == [0.26] * 30
    assert "5,000" in [label.get_text() for label in freeze_layout(figure).axes[0].get_yticklabels()]


def test_nothing_is_cut_off_in_the_trained_figures() -> None:
    runs = [[followed(data, seed) for seed in range(2)] for data in ("german-credit", "gisette", "20newsgroups")]
    for figure in (geometry_figure(draw(0)), contraction_figure(runs), bound_figure(bounded())):
        freeze_layout(figure)
        with paper_style():
            drawn = figure.get_tightbbox()  # of everything that is drawn, texts and ticks included
        width, height = figure.get_size_inches()
        assert drawn.x0 >= 0
        assert drawn.y0 >= 0
        assert drawn.x1 <= width
        assert drawn.y1 <= height


def test_titles_of_panels_do_not_meet() -> None:
    runs = [[followed(data, 0)] for data in ("german-credit", "gisette", "20newsgroups")]
    for figure in (geometry_figure(draw(0)), contraction_figure(runs), bound_figure(bounded())):
        boxes = [axes.title.get_window_extent() for axes in freeze_layout(figure).axes]
        for place, first in enumerate(boxes):
            assert not any(first.overlaps(second) for second in boxes[place + 1 :])
