"""The report: one self-contained page, the numbers as CSV, and the figures for a paper."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from ladle.errors import ConfigError, InputError
from ladle.experiments.results import ExperimentResults
from ladle.files import write_whole
from ladle.reports.analysis import analyze
from ladle.reports.csv_files import (
    LEARNING_CURVES,
    PENALTY_MATRIX,
    SUMMARY,
    learning_curves_csv,
    penalty_matrix_csv,
    summary_csv,
)
from ladle.reports.figures.files import figure_bytes, file_stems, short_identities
from ladle.reports.figures.style import strategy_styles
from ladle.reports.page.page import experiment_section, overview_table
from ladle.reports.page.page_figures import PageFigure
from ladle.reports.page.page_together import aggregate_sections

PAGE = "index.html"
FIGURES = "figures"


def write_report(results: Sequence[ExperimentResults], out: Path) -> Path:
    """Write the report of these experiments into a folder.

    There come to stand ``index.html``, which needs no network, no script and no other file; ``learning_curves.csv``,
    ``penalty_matrix.csv`` and ``summary.csv``; and ``figures/`` with every figure as PDF for the text width, as PDF
    for one column (its name ends in "-column") and as PNG (200 dots an inch). Files of an earlier report are replaced
    one by one, each whole or not at all, the page last; files that this report has no use for stay.

    Args:
        results: the experiments, in the order they are to appear.
        out: the folder; made if it is not there.

    Returns:
        The path of ``index.html``.

    Raises:
        InputError: no experiments, or arrays that do not fit together.
        ConfigError: a path that is no folder, or cannot be written to.

    Cost: a few seconds for each experiment, nearly all of it drawing.
    """
    if not results:
        raise InputError(
            "a report needs an experiment with a seed that every strategy has finished (got 0 experiments); "
            "let `ladle run` finish, and report from the same store"
        )
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise ConfigError(f"a report is written into a folder (got out={str(out)!r}, a file); choose another path")
    analyses = [analyze(experiment) for experiment in results]

    styles = strategy_styles(name for experiment in results for name in experiment.strategies)
    identities = short_identities([experiment.identity for experiment in results])
    named = list(zip([experiment.name for experiment in results], identities, strict=True))
    names = [f"{name} ({identity})" for name, identity in named]
    stems = file_stems([f"{name[:48]} {identity}" for name, identity in named])
    sections = [
        experiment_section(analysis, stem=stem, identity=identity, styles=styles)
        for analysis, stem, identity in zip(analyses, stems, identities, strict=True)
    ]
    aggregates = aggregate_sections(analyses, names, styles)
    overview = overview_table(analyses, names) if len(analyses) > 1 else None
    environment = Environment(
        loader=PackageLoader("ladle.reports.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("report.html.j2").render(
        sections=sections,
        aggregates=aggregates,
        overview=overview,
        csv_files=(LEARNING_CURVES, SUMMARY, PENALTY_MATRIX),
        figures=FIGURES,
    )

    try:
        (out / FIGURES).mkdir(parents=True, exist_ok=True)
        write_whole(out / LEARNING_CURVES, learning_curves_csv(results))
        write_whole(out / PENALTY_MATRIX, penalty_matrix_csv(analyses))
        write_whole(out / SUMMARY, summary_csv(analyses))
        for section in sections:
            _write_figures(out / FIGURES, [*section.curves, *section.tests])
        for aggregate in aggregates:
            _write_figures(out / FIGURES, aggregate.figures)
        write_whole(out / PAGE, page)
    except OSError as error:
        raise ConfigError(
            f"a report needs a folder it can write to (got out={str(out)!r}: {error.strerror or error}); "
            "choose another path"
        ) from error
    return out / PAGE


def _write_figures(folder: Path, figures: Sequence[PageFigure]) -> None:
    """Write each figure as PDF in both widths, and as PNG."""
    for figure in figures:
        write_whole(folder / f"{figure.stem}.pdf", figure_bytes(figure.full, "pdf"))
        write_whole(folder / f"{figure.stem}-column.pdf", figure_bytes(figure.column, "pdf"))
        write_whole(folder / f"{figure.stem}.png", figure_bytes(figure.full, "png"))
