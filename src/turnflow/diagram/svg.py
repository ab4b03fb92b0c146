"""A plan as SVG: no script, no link, no font or picture from elsewhere, on a canvas of its own."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from typing import Final
from xml.etree import ElementTree as xml

from turnflow.diagram.lettering import width, wrapped
from turnflow.diagram.picture import NOTE, Mark, Picture
from turnflow.diagram.plan import PlacedArea, PlacedArrow, PlacedBox, PlacedMarker, Plan
from turnflow.diagram.shapes import Point, Spot, outline, rounded
from turnflow.diagram.texts import DETAIL, LEADING, Line, area_lines, arrow_lines, box_lines
from turnflow.diagram.words import one_line

_MARGIN: Final = 20.0
_HEADING: Final = 16.0
_HEAD: Final = 3.5
"""Half the width of an arrow's head; it is three times as long."""
_CORNER: Final = 6.0
_LONGEST: Final = 500


def svg(picture: Picture, plan: Plan) -> str:
    """Return a drawn picture. Equal pictures and plans give equal text.

    Every step is a `g` with its name in `data-step`, every group one with `data-group`, every arrow one with `data-from` and
    `data-to`; their classes are the kind and, where a run is shown, its status.
    """
    heading = wrapped(one_line(picture.title, 120), _HEADING, room=max(plan.width, 260.0), lines=2, bold=True)
    top = _MARGIN + len(heading) * _HEADING * LEADING + 10
    widest = max([plan.width, *(width(line, _HEADING, bold=True) for line in heading)])
    if picture.assumes_order:
        widest = max(widest, width(NOTE, DETAIL))
    wide, high = widest + 2 * _MARGIN, top + plan.height + _MARGIN + (DETAIL * 2 if picture.assumes_order else 0)
    size = {"width": _number(wide), "height": _number(high), "viewBox": f"0 0 {_number(wide)} {_number(high)}"}
    root = xml.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "role": "img", **size})
    xml.SubElement(root, "title").text = one_line(picture.title, _LONGEST)
    xml.SubElement(root, "style").text = files("turnflow.diagram").joinpath("picture.css").read_text("utf-8")
    xml.SubElement(root, "rect", {"class": "canvas", "width": _number(wide), "height": _number(high), "rx": "8"})
    for number, line in enumerate(heading):
        _text(root, line, Point(_MARGIN, _MARGIN + (number + 0.85) * _HEADING * LEADING), kind="heading")
    _draw(root, plan.moved((wide - plan.width) / 2, top))
    if picture.assumes_order:
        _text(root, NOTE, Point(_MARGIN, high - _MARGIN), kind="note")
    return xml.tostring(root, encoding="unicode") + "\n"


def _draw(root: xml.Element, plan: Plan) -> None:
    for area in plan.areas:
        _area(root, area)
    for arrow in plan.arrows:
        _arrow(root, arrow)
    for marker in plan.markers:
        _marker(root, marker)
    for box in plan.boxes:
        _box(root, box)


def _area(root: xml.Element, placed: PlacedArea) -> None:
    area, spot = placed.area, placed.spot
    group = _group(root, "area", *_status(area.mark), **{"data-group": area.name})
    xml.SubElement(group, "title").text = one_line(area.caption, _LONGEST)
    xml.SubElement(group, "path", {"class": "shape", "d": _closed(rounded(spot, 8))})
    y = spot.y + 6
    for line in area_lines(area):
        y += line.height
        _text(group, line.text, Point(spot.x + 12, y - line.size * 0.25), size=line.size, bold=line.bold)


def _box(root: xml.Element, placed: PlacedBox) -> None:
    box, spot = placed
    group = _group(root, "box", box.kind, *_status(box.mark), **{"data-step": box.name})
    told = (f"{box.kind} {box.name}", box.detail, box.mark.status.replace("_", " ") if box.mark is not None else "")
    xml.SubElement(group, "title").text = one_line(", ".join(part for part in told if part), _LONGEST)
    xml.SubElement(group, "path", {"class": "shape", "d": _closed(outline(box.kind, spot))})
    if box.kind == "flow":
        for x in (spot.x + 6, spot.x + spot.width - 6):
            xml.SubElement(
                group, "path", {"class": "shape", "d": _open((Point(x, spot.y), Point(x, spot.y + spot.height)))}
            )
    _middle(group, box_lines(box), spot)


def _marker(root: xml.Element, placed: PlacedMarker) -> None:
    group = _group(root, "marker", placed.place.kind)
    radius = 4.0 if placed.place.kind in ("gate", "missing") else placed.spot.height / 2
    xml.SubElement(group, "path", {"class": "shape", "d": _closed(rounded(placed.spot, radius))})
    if placed.text:
        _middle(group, [Line(placed.text)], placed.spot)


def _arrow(root: xml.Element, placed: PlacedArrow) -> None:
    arrow, points = placed.arrow, placed.strokes[-1]
    classes = ["arrow", arrow.kind, *(["dashed"] if arrow.dashed else [])]
    if arrow.times is not None:
        classes.append("taken" if arrow.times else "untaken")
    ends = {"data-from": arrow.source.name or arrow.source.kind, "data-to": arrow.target.name or arrow.target.kind}
    group = _group(root, *classes, **ends)
    if arrow.label:
        xml.SubElement(group, "title").text = one_line(arrow.label, _LONGEST)
    tip, before = points[-1], points[-2]
    length = max(abs(tip.x - before.x) + abs(tip.y - before.y), 0.1)
    ahead = Point((tip.x - before.x) / length, (tip.y - before.y) / length)
    head_length = min(3 * _HEAD, length)
    neck = Point(tip.x - ahead.x * head_length, tip.y - ahead.y * head_length)
    aside = Point(-ahead.y * _HEAD, ahead.x * _HEAD)
    lines = (*placed.strokes[:-1], (*points[:-1], neck))
    xml.SubElement(group, "path", {"d": " ".join(map(_bent, lines))})
    head = (tip, Point(neck.x + aside.x, neck.y + aside.y), Point(neck.x - aside.x, neck.y - aside.y))
    xml.SubElement(group, "polygon", {"points": " ".join(map(_pair, head))})
    if placed.label is not None:
        _middle(group, [Line(line) for line in arrow_lines(arrow)], placed.label)


def _middle(group: xml.Element, lines: Iterable[Line], spot: Spot) -> None:
    """Write lines in the middle of a spot."""
    lines = [*lines]
    y = spot.y + (spot.height - sum(line.height for line in lines)) / 2
    for line in lines:
        baseline = y + line.size * 1.01
        where = Point(spot.x + spot.width / 2, baseline)
        _text(group, line.text, where, size=line.size, bold=line.bold, middle=True)
        y += line.height


def _text(
    parent: xml.Element,
    text: str,
    where: Point,
    *,
    kind: str = "",
    size: float | None = None,
    bold: bool = False,
    middle: bool = False,
) -> None:
    given = {"x": _number(where.x), "y": _number(where.y)}
    given |= {"class": kind} if kind else {}
    given |= {"font-size": _number(size)} if size is not None else {}
    given |= {"font-weight": "bold"} if bold else {}
    given |= {"text-anchor": "middle"} if middle else {}
    xml.SubElement(parent, "text", given).text = text


def _group(parent: xml.Element, *classes: str, **given: str) -> xml.Element:
    return xml.SubElement(
        parent, "g", {"class": " ".join(classes), **{key: one_line(value, _LONGEST) for key, value in given.items()}}
    )


def _status(mark: Mark | None) -> tuple[str, ...]:
    return (f"is_{mark.status}",) if mark is not None else ()


def _open(points: Iterable[Point]) -> str:
    return "M" + " L".join(map(_pair, points))


def _closed(points: Iterable[Point]) -> str:
    return f"{_open(points)} Z"


def _bent(points: tuple[Point, ...]) -> str:
    """Return a line with round corners."""
    parts = [f"M{_pair(points[0])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        here, there = _towards(corner, before), _towards(corner, after)
        parts.append(f"L{_pair(here)} Q{_pair(corner)} {_pair(there)}")
    return " ".join((*parts, f"L{_pair(points[-1])}"))


def _towards(corner: Point, other: Point) -> Point:
    length = abs(other.x - corner.x) + abs(other.y - corner.y)
    part = min(_CORNER, length / 2) / length if length else 0
    return Point(corner.x + (other.x - corner.x) * part, corner.y + (other.y - corner.y) * part)


def _pair(point: Point) -> str:
    return f"{_number(point.x)},{_number(point.y)}"


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
