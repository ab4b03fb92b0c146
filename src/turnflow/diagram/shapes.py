"""The outlines of boxes, as polygons: which one stands for which kind of step, and where lines meet them."""

from __future__ import annotations

from collections.abc import Iterator
from math import cos, pi, sin
from typing import Final, NamedTuple, TypeAlias, assert_never

from turnflow.diagram.picture import BoxKind

SLANT: Final = 12.0
"""How far slanted sides reach into a shape, in pixels."""
_ROUND: Final = 14.0
_SHARP: Final = 4.0
_ARC: Final = 6
"""Straight pieces that a round corner is made of."""


class Point(NamedTuple):
    """A place on the canvas, in pixels from its upper left corner."""

    x: float
    y: float


class Spot(NamedTuple):
    """A rectangle on the canvas, in pixels."""

    x: float
    y: float
    width: float
    height: float


Outline: TypeAlias = tuple[Point, ...]


def outline(kind: BoxKind, spot: Spot) -> Outline:
    """Return the corners of a step's shape, clockwise; it touches all four sides of its spot."""
    x, y, right, bottom = spot.x, spot.y, spot.x + spot.width, spot.y + spot.height
    middle = y + spot.height / 2
    match kind:
        case "code" | "action" | "flow":
            return rounded(spot, _SHARP)
        case "ask" | "say":
            return rounded(spot, _ROUND)
        case "end" | "failure":
            return rounded(spot, spot.height / 2)
        case "decision":
            left, far = x + SLANT, right - SLANT
            points = [(left, y), (far, y), (right, middle), (far, bottom), (left, bottom), (x, middle)]
        case "event":
            points = [(x, y), (right, y), (right, bottom), (x, bottom), (x + SLANT, middle)]
        case "timer":
            low, high = y + SLANT, bottom - SLANT
            left, far = x + SLANT, right - SLANT
            points = [
                (left, y),
                (far, y),
                (right, low),
                (right, high),
                (far, bottom),
                (left, bottom),
                (x, high),
                (x, low),
            ]
        case _:
            assert_never(kind)
    return tuple(Point(*point) for point in points)


def rounded(spot: Spot, radius: float) -> Outline:
    """Return a rectangle with round corners."""
    radius = min(radius, spot.width / 2, spot.height / 2)
    left, top = spot.x + radius, spot.y + radius
    right, bottom = spot.x + spot.width - radius, spot.y + spot.height - radius
    corners = ((right, top, -90), (right, bottom, 0), (left, bottom, 90), (left, top, 180))
    return tuple(point for x, y, start in corners for point in _arc(Point(x, y), radius, start))


def meeting(shape: Outline, end: Point, before: Point) -> Point:
    """Return where an upright or level line from `before` to `end`, both outside or on the rim, first meets a shape.

    It is looked for beyond `end`, too: lines are laid out for rectangles. A line that meets nothing keeps its end.
    """
    upright = abs(end.x - before.x) < abs(end.y - before.y)
    across = end.x if upright else end.y
    found = [*_crossings(shape, across, upright=upright)]
    if not found:
        return end
    start = before.y if upright else before.x
    nearest = min(found, key=lambda along: abs(along - start))
    return Point(end.x, nearest) if upright else Point(nearest, end.y)


def _crossings(shape: Outline, across: float, *, upright: bool) -> Iterator[float]:
    for one, other in zip(shape, (*shape[1:], shape[0]), strict=True):
        (a, p), (b, q) = ((one.x, one.y), (other.x, other.y)) if upright else ((one.y, one.x), (other.y, other.x))
        if min(a, b) <= across <= max(a, b):
            yield p if a == b else p + (q - p) * (across - a) / (b - a)


def _arc(centre: Point, radius: float, start: float) -> Iterator[Point]:
    for step in range(_ARC + 1):
        angle = (start + 90 * step / _ARC) * pi / 180
        yield Point(round(centre.x + radius * cos(angle), 2), round(centre.y + radius * sin(angle), 2))
