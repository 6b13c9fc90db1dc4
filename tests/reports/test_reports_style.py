"""Colors that stay apart for every eye, that belong to a name for good, and settings that leave nothing behind."""

from __future__ import annotations

from itertools import combinations, permutations
from typing import Any, cast

import matplotlib as mpl
import numpy as np
from matplotlib.colors import to_rgb
from numpy.typing import NDArray
from report_cases import CATALOG as NAMES

from ladle.reports.figures.style import CATALOG, StrategyStyle, paper_style, strategy_styles

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
VISIONS = {
    "trichromacy": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def lab(color: str, vision: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return CIE Lab of a color as this vision sees it."""
    srgb = np.array(to_rgb(color))
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(vision @ linear, 0, 1) / np.array([0.95047, 1, 1.08883])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_catalog_colors_stay_apart_for_every_kind_of_vision() -> None:
    for kind, vision in VISIONS.items():
        for first, second in combinations(NAMES, 2):
            distance = np.linalg.norm(lab(CATALOG[first].color, vision) - lab(CATALOG[second].color, vision))
            assert distance > 15, (kind, first, second, distance)  # about 2 is just noticeable


def test_catalog_markers_are_all_different() -> None:
    assert set(CATALOG) == set(NAMES)
    assert len({style.marker for style in CATALOG.values()}) == len(NAMES)


def test_a_catalog_name_looks_the_same_in_any_company() -> None:
    alone = {name: strategy_styles([name])[name] for name in NAMES}
    assert strategy_styles([*NAMES, "our-own", "mine"]).items() >= alone.items()
    assert alone == dict(CATALOG)


def test_other_names_have_their_style_for_good() -> None:
    assert strategy_styles(["our-own"]) == {"our-own": StrategyStyle("#999933", "^", "-.")}
    others = ("our-own", "mine", "yours")
    for order in permutations(others):
        assert strategy_styles(order) == strategy_styles(others)


def test_seven_other_names_have_seven_colors_of_their_own() -> None:
    for group in range(20):
        styles = strategy_styles([f"mine-{group}-{number}" for number in range(7)])
        assert len({style.color for style in styles.values()}) == 7
        assert not {style.color for style in styles.values()} & {style.color for style in CATALOG.values()}


def test_fifty_six_other_names_differ_in_color_or_marker_and_more_do_not_fail() -> None:
    styles = strategy_styles(f"mine-{number}" for number in range(56))
    assert len({(style.color, style.marker) for style in styles.values()}) == 56
    assert len(strategy_styles(f"mine-{number}" for number in range(60))) == 60


def test_repeated_and_no_names() -> None:
    assert strategy_styles(["grad", "grad"]) == {"grad": StrategyStyle("#D55E00", "D", "-")}
    assert strategy_styles([]) == {}


def test_settings_hold_inside_only_and_are_legible() -> None:
    before = dict(mpl.rcParams)
    with paper_style():
        inside = cast(dict[str, Any], dict(mpl.rcParams))
    sizes = ("font.size", "axes.labelsize", "axes.titlesize", "xtick.labelsize", "ytick.labelsize", "legend.fontsize")
    assert min(inside[key] for key in sizes) >= 7
    assert inside != before
    assert dict(mpl.rcParams) == before
