"""How figures look: one color, marker and dash a strategy, the same in every figure, and settings for print.

The colors of the catalog are those of Okabe and Ito (2008), their yellow (too pale on white) replaced by an indigo of
Paul Tol's, and three more as far from them as can be; they stay apart under protanopia, deuteranopia and tritanopia.
Markers tell them apart in grayscale.
Nothing here is global: settings hold inside `paper_style` only, and figures are made without pyplot.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, cast
from zlib import crc32

import matplotlib as mpl
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

#: Inches: one column of a two-column page, and the whole text width.
COLUMN_WIDTH = 3.3
FULL_WIDTH = 6.9

#: "column" stacks panels in one column, "full" sets them side by side over the text width.
Width: TypeAlias = Literal["column", "full"]
WIDTHS: tuple[Width, ...] = ("full", "column")


@dataclass(frozen=True)
class StrategyStyle:
    """How one strategy is drawn.

    Attributes:
        color: "#RRGGBB".
        marker: a matplotlib marker.
        dash: a matplotlib line style.
    """

    color: str
    marker: str
    dash: str


CATALOG: Mapping[str, StrategyStyle] = MappingProxyType(
    {
        "random": StrategyStyle("#4D4D4D", "o", "--"),
        "entropy": StrategyStyle("#E69F00", "s", "-"),
        "margin": StrategyStyle("#56B4E9", "^", "-"),
        "least-confidence": StrategyStyle("#332288", "v", "-"),
        "egl": StrategyStyle("#CC79A7", "p", "-"),
        "grad": StrategyStyle("#D55E00", "D", "-"),
        "badge": StrategyStyle("#0072B2", "P", "-"),
        "k-center": StrategyStyle("#009E73", "X", "-"),
        "grad-cosine": StrategyStyle("#9900FF", "<", "-."),
        "grad-volume": StrategyStyle("#772200", ">", "-."),
        "grad-d2": StrategyStyle("#110011", "h", "-."),
    }
)

# Coprime lengths: every slot number gives another pair of color and marker, 7 × 8 in all.
_SPARE_COLORS = ("#882255", "#999933", "#117733", "#AA4499", "#661100", "#44AA99", "#CC6677")
_SPARE_MARKERS = ("*", "<", ">", "h", "d", "o", "s", "^")
_SPARE_DASHES = ("-.", ":", "--")
_SLOTS = len(_SPARE_COLORS) * len(_SPARE_MARKERS)

_SETTINGS: Mapping[str, Any] = MappingProxyType(
    {
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib, so that figures are the same everywhere
        "font.size": 7.5,
        "axes.labelsize": 8,
        "axes.titlesize": 8,
        "xtick.labelsize": 7,
        "ytick.labelsize": 7,
        "legend.fontsize": 7,
        "text.usetex": False,
        "text.parse_math": False,  # a strategy may be called "a$b$c"
        "axes.unicode_minus": True,
        "axes.linewidth": 0.6,
        "axes.edgecolor": "#404040",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": "#E4E4E4",
        "grid.linewidth": 0.5,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "xtick.major.size": 2.5,
        "ytick.major.size": 2.5,
        "lines.linewidth": 1.2,
        "lines.markersize": 3.6,
        "legend.frameon": False,
        "legend.handlelength": 2.4,
        "legend.columnspacing": 1.2,
        "legend.borderpad": 0.0,
        "figure.facecolor": "white",
        "savefig.facecolor": "white",
        "figure.dpi": 100,
        "savefig.dpi": 200,
        "savefig.bbox": None,
        "pdf.fonttype": 42,  # TrueType: text in the PDF stays text, as publishers ask
        "svg.fonttype": "path",  # a browser need not have the font
        "svg.hashsalt": "ladle",  # the same figure gives the same bytes
    }
)


@contextmanager
def paper_style() -> Iterator[None]:
    """Hold the settings for print while a figure is made or saved; matplotlib's own come back afterwards.

    Text is 7 to 8 points at the sizes `COLUMN_WIDTH` and `FULL_WIDTH`. Not for threads: matplotlib's settings are one
    per process.
    """
    with mpl.rc_context(cast(Any, dict(_SETTINGS))):
        yield


def strategy_styles(strategies: Iterable[str]) -> dict[str, StrategyStyle]:
    """Return the style of each strategy: fixed for the catalog, the same in every process for any other name.

    Another name takes a slot by a checksum of its letters. Two names that would share a color are set apart in
    alphabetical order, so give all strategies of a report at once: then all its figures agree.

    Args:
        strategies: names, in any order; repeats are allowed.

    Returns:
        A style for each name, in the order given. Up to 7 names outside the catalog have colors of their own, up to 56
        pairs of color and marker.
    """
    names = list(dict.fromkeys(strategies))
    taken: set[int] = set()
    spare: dict[str, StrategyStyle] = {}
    for name in sorted(set(names) - CATALOG.keys()):
        first = crc32(name.encode()) % _SLOTS
        slots = [(first + step) % _SLOTS for step in range(_SLOTS)]
        colors = {slot % len(_SPARE_COLORS) for slot in taken}
        free = [slot for slot in slots if slot not in taken]
        slot = next((slot for slot in free if slot % len(_SPARE_COLORS) not in colors), (free or slots)[0])
        taken.add(slot)
        spare[name] = StrategyStyle(
            _SPARE_COLORS[slot % len(_SPARE_COLORS)],
            _SPARE_MARKERS[slot % len(_SPARE_MARKERS)],
            _SPARE_DASHES[slot % len(_SPARE_DASHES)],
        )
    return {name: CATALOG.get(name) or spare[name] for name in names}


def plain_log_axis(axis: Axis) -> None:
    """Label a logarithmic axis with a few plain numbers: the usual labels are formulas, which are switched off here."""
    axis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0), numticks=8))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
