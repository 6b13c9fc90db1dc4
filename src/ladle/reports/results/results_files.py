"""The results in the documentation: the page and its pictures, from saved experiments and the numbers of figures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from matplotlib.figure import Figure

from ladle.errors import InputError
from ladle.experiments import ExperimentResults
from ladle.files import write_whole
from ladle.reports.claims.claimed_orderings import COMPARED
from ladle.reports.figures.files import figure_bytes, freeze_layout
from ladle.reports.figures.paper_contests import CONTESTS, contests_among
from ladle.reports.figures.paper_figures import Drawn
from ladle.reports.figures.stored_figures import STORED_FIGURES
from ladle.reports.results.results_page import results_page

PAGE, PICTURES = "results.md", "results"
_FIGURES, _TIMINGS = "figures", "table2.json"


@dataclass(frozen=True)
class ResultsDocument:
    """The page of results and what goes with it, before anything is written.

    Attributes:
        text: of the page, in Markdown.
        pictures: by file name, what is drawn, or the file that was drawn before.
    """

    text: str
    pictures: Mapping[str, Figure | Path]


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
    document = results_document(experiments, folder, standing=standing)
    out = docs / PICTURES
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("figure-*.png"):
        old.unlink()
    for name, picture in document.pictures.items():
        if isinstance(picture, Path):
            write_whole(out / name, picture.read_bytes())
        else:
            write_whole(out / name, figure_bytes(freeze_layout(picture), "png"))
    page = docs / PAGE
    write_whole(page, document.text)
    return page


def results_document(
    experiments: Sequence[ExperimentResults],
    folder: Path,
    *,
    standing: Mapping[str, tuple[int, int]] = MappingProxyType({}),
) -> ResultsDocument:
    """Return what `write_results` writes, from the same arguments; nothing is written.

    Raises:
        InputError: no experiment.
    """
    if not experiments:
        raise InputError("the page of results needs a finished experiment (got none); save some with 'ladle results'")
    drawn, missing = _draw(experiments)
    found = _Gathered()
    for name, (figures, numbers) in drawn.items():
        found.numbers[name], found.shown[name] = numbers, []
        for part, figure in figures.items():
            found.add(name, part, f"figure-{name}{f'-{part}' if part else ''}.png", figure)
    for path in sorted((folder / _FIGURES).glob("figure-*.json")):
        name = path.stem.removeprefix("figure-")
        found.numbers[name] = json.loads(path.read_text(encoding="utf-8"))
        picture = path.with_suffix(".png")
        if picture.is_file():
            found.shown[name] = []
            found.add(name, "", picture.name, picture)
    timings = folder / _TIMINGS
    times = json.loads(timings.read_text(encoding="utf-8")) if timings.is_file() else {}
    text = results_page(experiments, found.numbers, times, found.shown, missing, standing)
    return ResultsDocument(text, found.pictures)


@dataclass
class _Gathered:
    """What is known of the figures, each by its name, and their pictures by file name."""

    numbers: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    shown: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    pictures: dict[str, Figure | Path] = field(default_factory=dict)

    def add(self, name: str, part: str, file: str, picture: Figure | Path) -> None:
        self.pictures[file] = picture
        self.shown[name].append((part, f"{PICTURES}/{file}"))


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
