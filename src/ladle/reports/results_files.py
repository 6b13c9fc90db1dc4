"""The results in the documentation: the page and its pictures, from saved experiments and the numbers of figures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ladle.errors import InputError
from ladle.experiments import ExperimentResults
from ladle.files import write_whole
from ladle.reports.claimed_orderings import COMPARED
from ladle.reports.files import figure_bytes, freeze_layout
from ladle.reports.paper_contests import CONTESTS, contests_among
from ladle.reports.paper_figures import Drawn
from ladle.reports.results_page import results_page
from ladle.reports.stored_figures import STORED_FIGURES

PAGE, PICTURES = "results.md", "results"
_FIGURES = "figures"


def write_results(
    experiments: Sequence[ExperimentResults],
    folder: Path,
    docs: Path,
    *,
    timings: Path | None = None,
    standing: Mapping[str, tuple[int, int]] = MappingProxyType({}),
) -> Path:
    """Write ``results.md`` and its pictures.

    Args:
        experiments: at least one.
        folder: of saved results; in its ``figures/``, what ``ladle figure`` wrote of the figures that train.
        docs: gets the page, and a folder of pictures beside it.
        timings: the JSON of ``benchmarks/table2.py``, where there is one.
        standing: of each experiment that is planned, the rounds finished and the rounds in all.

    Returns:
        The page.

    Raises:
        InputError: no experiment.
    """
    if not experiments:
        raise InputError("the page of results needs a finished experiment (got none); save some with 'ladle results'")
    out = docs / PICTURES
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("figure-*.png"):
        old.unlink()
    pictures: dict[str, list[tuple[str, str]]] = {}
    numbers: dict[str, Mapping[str, Any]] = {}
    drawn, missing = _draw(experiments)
    for name, (figures, found) in drawn.items():
        numbers[name], pictures[name] = found, []
        for part, figure in figures.items():
            path = out / f"figure-{name}{f'-{part}' if part else ''}.png"
            write_whole(path, figure_bytes(freeze_layout(figure), "png"))
            pictures[name].append((part, f"{PICTURES}/{path.name}"))
    for path in sorted((folder / _FIGURES).glob("figure-*.json")):
        name = path.stem.removeprefix("figure-")
        numbers[name] = json.loads(path.read_text(encoding="utf-8"))
        picture = path.with_suffix(".png")
        if picture.is_file():
            write_whole(out / picture.name, picture.read_bytes())
            pictures[name] = [("", f"{PICTURES}/{picture.name}")]
    times = json.loads(timings.read_text(encoding="utf-8")) if timings is not None and timings.is_file() else {}
    page = docs / PAGE
    write_whole(page, results_page(experiments, numbers, times, pictures, missing, standing))
    return page


def _draw(experiments: Sequence[ExperimentResults]) -> tuple[dict[str, Drawn], dict[str, str]]:
    """Return the figures of what is stored by name, and of those that cannot be drawn, why.

    Who beats whom is drawn for the strategies that the paper compares, as the claims are judged: the correction depends
    on how many there are.
    """
    drawn: dict[str, Drawn] = {}
    missing: dict[str, str] = {}
    for name, draw in STORED_FIGURES.items():
        if name in CONTESTS:
            continue
        try:
            drawn[name] = draw(experiments)
        except InputError as error:
            missing[name] = str(error)
    try:
        drawn |= contests_among(experiments, COMPARED)
    except InputError as error:
        missing |= dict.fromkeys(CONTESTS, str(error))
    return drawn, missing
