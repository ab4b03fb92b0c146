"""The lines of text in boxes, over areas and at arrows, broken to fit, and the room they take in pixels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from turnflow.diagram.lettering import width, wrapped
from turnflow.diagram.picture import Area, Arrow, Box, Mark, Place
from turnflow.diagram.words import one_line

NAME: Final = 13.0
DETAIL: Final = 11.0
LEADING: Final = 1.3
"""Height of a line, in type sizes."""
_ROOM: Final = 170.0
_CAPTION_ROOM: Final = 440.0
_LONGEST: Final = 200
_MARKERS: Final = {
    "start": "start",
    "end": "end",
    "cancelled": "cancelled",
    "failed": "failed",
    "open": "?",
    "entry": "",
}


class Line(NamedTuple):
    """One line of text."""

    text: str
    size: float = DETAIL
    bold: bool = False

    @property
    def width(self) -> float:
        """How wide it is at most."""
        return width(self.text, self.size, bold=self.bold)

    @property
    def height(self) -> float:
        """How high it is, with the space to the next one."""
        return self.size * LEADING


def box_lines(box: Box) -> tuple[Line, ...]:
    """Return the lines inside a step's box."""
    name = _lines(one_line(box.text, _LONGEST) or box.name, NAME, lines=2, bold=True)
    return (*name, *_more(box))


def area_lines(area: Area) -> tuple[Line, ...]:
    """Return the caption of an area."""
    lines = wrapped(one_line(area.caption, _LONGEST), DETAIL, room=_CAPTION_ROOM, lines=2, bold=True)
    return (*(Line(line, DETAIL, bold=True) for line in lines), *_mark(area.mark, _CAPTION_ROOM))


def arrow_lines(arrow: Arrow) -> tuple[str, ...]:
    """Return the label of an arrow, set in `DETAIL`; after it, how often a run has gone that way, if more than once."""
    lines = wrapped(one_line(arrow.label, _LONGEST), DETAIL, room=_ROOM, lines=3)
    return (*lines, f"×{arrow.times}") if arrow.times is not None and arrow.times > 1 else lines


def marker_text(place: Place, gate: str = "") -> str:
    """Return what stands in a marker; `gate` is the text of a group's gate."""
    if place.kind == "missing":
        return one_line(f"missing: {place.name}", 40)
    return gate if place.kind == "gate" else _MARKERS[place.kind]


def _more(box: Box) -> Iterator[Line]:
    yield from _lines(box.detail, DETAIL, lines=2)
    if box.opens:
        yield Line("in any order")
    yield from _mark(box.mark, _ROOM)


def _mark(mark: Mark | None, room: float) -> Iterator[Line]:
    if mark is not None:
        for line in wrapped(mark.text, DETAIL, room=room, lines=2, bold=True):
            yield Line(line, DETAIL, bold=True)


def _lines(text: str, size: float, *, lines: int, bold: bool = False) -> Iterator[Line]:
    for line in wrapped(one_line(text, _LONGEST), size, room=_ROOM, lines=lines, bold=bold):
        yield Line(line, size, bold)
