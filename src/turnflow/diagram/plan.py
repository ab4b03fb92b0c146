"""A picture with its places: where on the canvas every box, area, marker, arrow and label stands. All lengths are pixels."""

from __future__ import annotations

from typing import NamedTuple

from turnflow.diagram.picture import Area, Arrow, Box, Place
from turnflow.diagram.shapes import Point, Spot


class PlacedBox(NamedTuple):
    """A step's box."""

    box: Box
    spot: Spot


class PlacedArea(NamedTuple):
    """The area of a group; its caption stands along its upper side."""

    area: Area
    spot: Spot


class PlacedMarker(NamedTuple):
    """A start, an end or a gate."""

    place: Place
    text: str
    spot: Spot


class PlacedArrow(NamedTuple):
    """An arrow along lines that are, as a rule, upright and level."""

    arrow: Arrow
    strokes: tuple[tuple[Point, ...], ...]
    """One from the rim of its source to the rim of its target, or two with the label between them."""
    label: Spot | None
    """Where the label stands; None: it has none."""


class Plan(NamedTuple):
    """Everything with its place; areas stand before those inside them."""

    width: float
    height: float
    boxes: tuple[PlacedBox, ...]
    areas: tuple[PlacedArea, ...]
    markers: tuple[PlacedMarker, ...]
    arrows: tuple[PlacedArrow, ...]

    def moved(self, x: float, y: float) -> Plan:
        """Return everything so much further to the right and down; the size stays."""
        return Plan(
            self.width,
            self.height,
            tuple(one._replace(spot=_moved(one.spot, x, y)) for one in self.boxes),
            tuple(one._replace(spot=_moved(one.spot, x, y)) for one in self.areas),
            tuple(one._replace(spot=_moved(one.spot, x, y)) for one in self.markers),
            tuple(
                one._replace(
                    strokes=tuple(tuple(Point(p.x + x, p.y + y) for p in stroke) for stroke in one.strokes),
                    label=_moved(one.label, x, y) if one.label is not None else None,
                )
                for one in self.arrows
            ),
        )


def _moved(spot: Spot, x: float, y: float) -> Spot:
    return spot._replace(x=spot.x + x, y=spot.y + y)
