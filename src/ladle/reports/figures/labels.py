"""Names as figures can show them: on one line, not too long, in letters that the font has."""

from __future__ import annotations

from functools import cache

from matplotlib.font_manager import FontProperties, findfont, get_font

#: Roughly the width of a letter of DejaVu Sans, in parts of the font size.
_LETTER_WIDTH = 0.62


def figure_label(name: str, limit: int = 24) -> str:
    """Return the name for a figure: at most `limit` letters, the middle left out where there are more.

    White space becomes a single space, and letters that the figures' font lacks become "?", since matplotlib would
    warn and draw boxes. A leading underscore, which hides an entry from legends, gets a space before it.
    """
    letters = "".join(letter if _in_font(letter) else "?" for letter in " ".join(name.split()))
    if len(letters) > limit:
        tail = (limit - 1) // 2
        letters = f"{letters[: limit - 1 - tail].rstrip()}…{letters[len(letters) - tail :].lstrip()}"
    return f" {letters}" if letters.startswith("_") or not letters else letters


def text_width(text: str, points: float) -> float:
    """Return about how many inches a text takes at a font size; a little more rather than less."""
    return len(text) * _LETTER_WIDTH * points / 72


@cache
def _in_font(letter: str) -> bool:
    """Say whether the figures' font has this letter."""
    return bool(get_font(findfont(FontProperties(family="DejaVu Sans"))).get_char_index(ord(letter)))
