"""From a picture to a plan: groups are laid out from the inside out, each then stands as one box where its group stands.

An arrow across the border of a group, which only a flow graph with mistakes has, is drawn from or to the border. The branches
of a handler flow may lead anywhere, so their groups have no border here: their gates show where branches come together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias

from turnflow.core.ids import StepName
from turnflow.diagram.layering import Layers, Link, Size, layered
from turnflow.diagram.lettering import width
from turnflow.diagram.picture import Area, Arrow, Box, Picture, Place
from turnflow.diagram.plan import PlacedArea, PlacedArrow, PlacedBox, PlacedMarker, Plan
from turnflow.diagram.shapes import SLANT, Outline, Spot, meeting, outline, rounded
from turnflow.diagram.texts import DETAIL, LEADING, Line, area_lines, arrow_lines, box_lines, marker_text

Level: TypeAlias = StepName | None
"""The inside of an area; None: the whole picture."""

_PAD: Final = Size(14.0, 9.0)
_AREA_PAD: Final = 16.0
_LEAST_WIDTH: Final = 72.0
_PER_ARROW: Final = 11.0
"""Room for an arrow's head along the side of a box."""
_ENTRY: Final = 9.0
"""A point, or a bar as wide as the paths that begin at it need."""
_BETWEEN: Final = 22.0


def placed(picture: Picture) -> Plan:
    """Return where everything of a picture stands, from (0, 0) on. Equal pictures give equal plans.

    Raises `MissingExtra` where the library that computes it is not installed.
    """
    return _Placing(picture).level(None)


class _Item(NamedTuple):
    """Something that stands on a level: a box, a marker, or an area with all that is inside."""

    size: Size
    content: Box | Place | tuple[Area, Plan]


class _Placing:
    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._areas = {area.name: area for area in picture.areas if area.caption}
        self._gates = {area.name: area.gate for area in picture.areas}
        self._home: dict[Place, Level] = {Place("step", box.name): None for box in picture.boxes}
        for area in self._areas.values():
            self._home[Place("area", area.name)] = area.inside
            self._home[Place("entry", area.name)] = area.name
            self._home |= {Place("step", name): area.name for name in area.steps}
        self._arrows: dict[Level, list[tuple[Arrow, Place, Place]]] = {}
        for arrow in picture.arrows:
            level, source, target = self._ends(arrow)
            self._arrows.setdefault(level, []).append((arrow, source, target))

    def level(self, level: Level) -> Plan:
        """Return the plan of one level, with all levels inside."""
        items = self._items(level)
        numbers = {place: number for number, place in enumerate(items)}
        arrows = self._arrows.get(level, [])
        links = [Link(numbers[source], numbers[target], _label_size(arrow)) for arrow, source, target in arrows]
        layers = layered([item.size for item in items.values()], links)
        return self._plan(layers, items, arrows)

    def _items(self, level: Level) -> Mapping[Place, _Item]:
        items: dict[Place, _Item] = {}
        boxes = {Place("step", box.name): box for box in self._picture.boxes}
        ends = [end for _, source, target in self._arrows.get(level, []) for end in (source, target)]
        here = [place for place, home in self._home.items() if home == level and place.kind != "entry"]
        for place in dict.fromkeys((*ends, *here)):
            if place.kind == "area":
                items[place] = self._area(self._areas[place.name])
            elif place.kind == "step":
                items[place] = _Item(_box_size(boxes[place], ends.count(place)), boxes[place])
            else:
                items[place] = _Item(self._marker_size(place, ends.count(place)), place)
        return items

    def _area(self, area: Area) -> _Item:
        empty = not any(home == area.name for place, home in self._home.items() if place.kind != "entry")
        inner = Plan(0, 0, (), (), (), ()) if empty else self.level(area.name)
        lines = area_lines(area)
        head = sum(line.height for line in lines) + 8
        wide = max(inner.width, *(line.width for line in lines)) + 2 * _AREA_PAD
        plan = inner.moved((wide - inner.width) / 2, _AREA_PAD / 2 + head)
        return _Item(Size(wide, inner.height + 1.5 * _AREA_PAD + head), (area, plan))

    def _plan(self, layers: Layers, items: Mapping[Place, _Item], arrows: list[tuple[Arrow, Place, Place]]) -> Plan:
        plan = Plan(layers.size.width, layers.size.height, (), (), (), ())
        spots = dict(zip(items, layers.spots, strict=True))
        for place, item in items.items():
            match item.content:
                case Box() as box:
                    plan = plan._replace(boxes=(*plan.boxes, PlacedBox(box, spots[place])))
                case Place() as marker:
                    text = marker_text(marker, self._gates.get(marker.name, ""))
                    plan = plan._replace(markers=(*plan.markers, PlacedMarker(marker, text, spots[place])))
                case (area, inner):
                    inside = inner.moved(spots[place].x, spots[place].y)
                    plan = plan._replace(
                        boxes=plan.boxes + inside.boxes,
                        areas=(*plan.areas, PlacedArea(area, spots[place]), *inside.areas),
                        markers=plan.markers + inside.markers,
                        arrows=plan.arrows + inside.arrows,
                    )
        drawn: list[PlacedArrow] = []
        for (arrow, source, target), route in zip(arrows, layers.routes, strict=True):
            strokes = [[*line] for line in route.lines]
            first, last = strokes[0], strokes[-1]
            first[0] = meeting(_shape(items[source], spots[source]), first[0], first[1])
            last[-1] = meeting(_shape(items[target], spots[target]), last[-1], last[-2])
            drawn.append(PlacedArrow(arrow, tuple(map(tuple, strokes)), route.label))
        return plan._replace(arrows=(*plan.arrows, *drawn))

    def _marker_size(self, place: Place, arrows: int) -> Size:
        if place.kind == "entry":
            return Size(_ENTRY + _BETWEEN * (arrows - 1), _ENTRY)
        line = Line(marker_text(place, self._gates.get(place.name, "")))
        return Size(round(line.width + 2 * _PAD.width), 24.0)

    def _ends(self, arrow: Arrow) -> tuple[Level, Place, Place]:
        """Return the level on which an arrow is drawn, and what it joins there."""
        source, target = self._chain(arrow.source), self._chain(arrow.target)
        if source is None or target is None:  # a marker stands wherever its arrow does
            chain = source or target or [None]
            return chain[-1], arrow.source, arrow.target
        depth = 0
        while depth + 1 < min(len(source), len(target)) and source[depth + 1] == target[depth + 1]:
            depth += 1
        return source[depth], _at(depth, source, arrow.source), _at(depth, target, arrow.target)

    def _chain(self, place: Place) -> list[Level] | None:
        """Return the levels a place lies in, outermost first; None for a marker."""
        if place not in self._home:
            return None
        chain: list[Level] = []
        level = self._home[place]
        while level is not None and level not in chain:
            chain.append(level)
            level = self._areas[level].inside
        return [None, *reversed(chain)]


def _at(depth: int, chain: list[Level], place: Place) -> Place:
    """Return what stands for a place on the level at `depth` of its chain: itself, or the area around it."""
    area = chain[depth + 1] if depth + 1 < len(chain) else None
    return place if area is None else Place("area", area)


def _shape(item: _Item, spot: Spot) -> Outline:
    match item.content:
        case Box() as box:
            return outline(box.kind, spot)
        case Place():
            return rounded(spot, spot.height / 2)
        case _:
            return rounded(spot, 8)


def _box_size(box: Box, arrows: int) -> Size:
    lines = box_lines(box)
    slanted = SLANT if box.kind in ("decision", "event", "timer", "flow") else 0
    wide = max((line.width for line in lines), default=0) + 2 * (_PAD.width + slanted)
    least = max(_LEAST_WIDTH, arrows * _PER_ARROW + 2 * slanted)
    return Size(round(max(wide, least)), round(sum(line.height for line in lines) + 2 * _PAD.height))


def _label_size(arrow: Arrow) -> Size | None:
    lines = arrow_lines(arrow)
    if not lines:
        return None
    return Size(round(max(width(line, DETAIL) for line in lines) + 4), round(len(lines) * DETAIL * LEADING + 2))
