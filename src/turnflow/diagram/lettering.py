"""How much room texts take, so that boxes fit around them.

Widths are those of DejaVu Sans and Verdana, the widest of the usual fonts: in any other one a text leaves a little room over.
"""

from __future__ import annotations

from typing import Final
from unicodedata import combining, east_asian_width

_FIRST: Final = 32
_WIDTHS: Final = (
    32, 40, 46, 84, 64, 95, 78, 27, 39, 39, 50, 84, 32, 36, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 34, 34, 84, 84, 84,
    53, 100, 68, 69, 70, 77, 63, 58, 77, 75, 29, 29, 66, 56, 86, 75, 79, 60, 79, 69, 63, 61, 73, 68, 99, 69, 61, 69, 39, 34, 39,
    84, 50, 50, 61, 63, 55, 63, 62, 35, 63, 63, 28, 28, 58, 28, 97, 63, 61, 63, 63, 41, 52, 39, 63, 59, 82, 59, 59, 52, 64, 34,
    64, 84,
)  # fmt: skip
"""Of the characters from space to tilde, in hundredths of the type size."""
_OTHER: Final = 80
_WIDE: Final = 105
_BOLD: Final = 1.12


def width(text: str, size: float, *, bold: bool = False) -> float:
    """Return how wide `text` is at most, in pixels, when set in `size` pixels."""
    return sum(map(_hundredths, text)) / 100 * size * (_BOLD if bold else 1)


def wrapped(text: str, size: float, *, room: float, lines: int, bold: bool = False) -> tuple[str, ...]:
    """Return `text` in at most `lines` lines of at most `room` pixels; an ellipsis stands for what does not fit.

    Lines break between words, and inside of words that are longer than a line.
    """
    found: list[str] = []
    for word in text.split():
        joined = f"{found[-1]} {word}" if found else word
        if found and width(joined, size, bold=bold) <= room:
            found[-1] = joined
            continue
        rest = word
        while rest:
            piece = rest
            while len(piece) > 1 and width(piece, size, bold=bold) > room:
                piece = piece[:-1]
            found.append(piece)
            rest = rest[len(piece) :]
    if len(found) > lines:
        last = found[lines - 1]
        while last and width(f"{last}…", size, bold=bold) > room:
            last = last[:-1]
        found[lines - 1 :] = [f"{last.rstrip()}…"]
    return tuple(found)


def _hundredths(character: str) -> int:
    index = ord(character) - _FIRST
    if 0 <= index < len(_WIDTHS):
        return _WIDTHS[index]
    if combining(character):
        return 0
    return _WIDE if east_asian_width(character) in ("W", "F") else _OTHER
