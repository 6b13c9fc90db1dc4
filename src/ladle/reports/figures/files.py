"""The files of a report: figures as bytes, and names that any file system takes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from io import BytesIO
from typing import Literal, TypeAlias

from matplotlib.figure import Figure

from ladle.reports.figures.style import paper_style

#: The files a figure can become.
FigureKind: TypeAlias = Literal["png", "pdf", "svg"]


def figure_bytes(figure: Figure, kind: FigureKind) -> bytes:
    """Return a figure as a file of this kind: the same bytes for the same figure; PNG has 200 dots an inch."""
    dated = {"png": {}, "pdf": {"CreationDate": None}, "svg": {"Date": None}}  # no time of day in any of them
    buffer = BytesIO()
    with paper_style():
        figure.savefig(buffer, format=kind, metadata=dated[kind])
    return buffer.getvalue()


def freeze_layout(figure: Figure) -> Figure:
    """Lay the figure out once and for all, so that saving it as several kinds does not do it again each time."""
    with paper_style():
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
    return figure


def file_stems(names: Sequence[str]) -> list[str]:
    """Return a distinct file name, without ending, for each name: small letters, digits and hyphens, 60 at most."""
    stems: list[str] = []
    for name in names:
        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
        stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-") or "experiment"
        number = 2
        free = stem
        while free in stems:
            free = f"{stem}-{number}"
            number += 1
        stems.append(free)
    return stems


def short_identities(identities: Sequence[str]) -> list[str]:
    """Return the first 8 signs of each identity, or as many more as it takes to tell different ones apart."""
    different = set(identities)
    length = 8
    while len({identity[:length] for identity in different}) < len(different):
        length += 1
    return [identity[:length] for identity in identities]
