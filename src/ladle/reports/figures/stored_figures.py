"""Every figure that a store can draw, by the name that ``ladle figure`` takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ladle.experiments import ExperimentResults
from ladle.reports.figures.paper_contests import by_data, by_model, overall
from ladle.reports.figures.paper_figures import Drawn, images, other_images, profiles, ranks, text_and_tables

STORED_FIGURES: dict[str, Callable[[Sequence[ExperimentResults]], Drawn]] = {
    "3": text_and_tables,
    "4": images,
    "5": overall,
    "7-9": other_images,
    "10": by_model,
    "11": by_data,
    "ranks": ranks,
    "profiles": profiles,
}
