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
from ladle.reports.files import figure_bytes, freeze_layout
from ladle.reports.paper_figures import STORED_FIGURES
from ladle.reports.results_page import results_page

PAGE, PICTURES = "results.md", "results"
_FIGURES, _TIMINGS = "figures", "table2.json"


def write_results(
    experiments: Sequence[ExperimentResults],
    folder: Path,
    docs: Path,
    *,
    standing: Mapping[str, tuple[int, int]] = MappingProxyType({}),
) -> Path:
    """Write ``results.md`` and its pictures.

    Args:
        experiments: at least one.
        folder: of saved results; in its ``figures/``, what ``ladle figure`` wrote of the figures that train, and in
            ``table2.json`` the acquisition times that ``benchmarks/table2.py`` measured, where they are there.
        docs: gets the page, and a folder of pictures beside it.
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
    missing: dict[str, str] = {}
    for name, draw in STORED_FIGURES.items():
        try:
            figures, numbers[name] = draw(experiments)
        except InputError as error:
            missing[name] = str(error)
            continue
        for part, figure in figures.items():
            path = out / f"figure-{name}{f'-{part}' if part else ''}.png"
            write_whole(path, figure_bytes(freeze_layout(figure), "png"))
            pictures.setdefault(name, []).append((part, f"{PICTURES}/{path.name}"))
    for path in sorted((folder / _FIGURES).glob("figure-*.json")):
        name = path.stem.removeprefix("figure-")
        numbers[name] = json.loads(path.read_text(encoding="utf-8"))
        drawn = path.with_suffix(".png")
        if drawn.is_file():
            write_whole(out / drawn.name, drawn.read_bytes())
            pictures[name] = [("", f"{PICTURES}/{drawn.name}")]
    timings = folder / _TIMINGS
    times = json.loads(timings.read_text(encoding="utf-8")) if timings.is_file() else {}
    page = docs / PAGE
    write_whole(page, results_page(experiments, numbers, times, pictures, missing, standing))
    return page
