"""Boxes in layers, arrows around them: the layout of one level, computed by the library graphlay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import msgspec

from turnflow.diagram.shapes import Point, Spot
from turnflow.errors import MissingExtra

_MANY: Final = 400
"""From so many boxes on, haste is better than fewer crossings."""
_HAIR: Final = 1.0
_OPTIONS: Final = {
    "direction": "topbottom",
    "spacing": {"layer_gap": 36.0, "node_gap": 30.0, "isolated_gap": 30.0, "dummy_gap": 14.0, "stub": 18.0},
}


class Size(NamedTuple):
    """Of a box or a label, in pixels."""

    width: float
    height: float


class Link(NamedTuple):
    """An arrow between two boxes, named by their places in the list of sizes."""

    source: int
    target: int
    label: Size | None


class Route(NamedTuple):
    """How a link runs."""

    lines: tuple[tuple[Point, ...], ...]
    """One from rim to rim, or two with the label between them; as a rule of upright and level pieces."""
    label: Spot | None
    """Where its label stands."""


class Layers(NamedTuple):
    """Where everything stands, from (0, 0) on."""

    size: Size
    spots: tuple[Spot, ...]
    routes: tuple[Route, ...]


def layered(sizes: Sequence[Size], links: Sequence[Link]) -> Layers:
    """Return the layout of boxes and the links between them, top down. Equal input gives equal output.

    Raises `MissingExtra` where graphlay is not installed.
    """
    try:
        import graphlay
    except ImportError:
        raise MissingExtra(
            "a picture needs graphlay, which is not installed; pip install 'turnflow[diagram]', or draw Mermaid or DOT text"
        ) from None
    nodes = [*sizes, *(link.label for link in links if link.label is not None)]
    edges = [edge for pieces in _pieces(len(sizes), links) for edge in pieces]
    back = _leading_back(len(nodes), edges)
    request = {
        "nodes": [{"size": size._asdict()} for size in nodes],
        "edges": [
            {"source": target, "target": source} if index in back else {"source": source, "target": target}
            for index, (source, target) in enumerate(edges)
        ],
    }
    effort = "balanced" if len(sizes) < _MANY else "fast"
    drawn = graphlay.layout(request, options={**_OPTIONS, "effort": effort})
    drawing = msgspec.json.decode(drawn.to_json(), type=_Drawing)
    for index in back:
        drawing.edges[index].points.reverse()
    for edge in drawing.edges:
        _straighten(edge.points)
    return _layers(drawing, nodes, links, len(sizes))


def _pieces(boxes: int, links: Sequence[Link]) -> Iterator[tuple[tuple[int, int], ...]]:
    """Yield each link as one edge, or as two with its label for a box between them, so that nothing can touch the label."""
    label = boxes
    for link in links:
        if link.label is None:
            yield ((link.source, link.target),)
        else:
            yield (link.source, label), (label, link.target)
            label += 1


def _leading_back(count: int, edges: Sequence[tuple[int, int]]) -> set[int]:
    """Return the edges that lead back to where a path from the first box on has come by: without them there is no circle."""
    ways: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    for index, (source, target) in enumerate(edges):
        ways[source].append((index, target))
    back: set[int] = set()
    state = [0] * count  # 1: on the path, 2: left behind
    for first in range(count):
        if state[first]:
            continue
        state[first] = 1
        path = [(first, iter(ways[first]))]
        while path:
            here, rest = path[-1]
            index, target = next(rest, (-1, -1))
            if index < 0:
                state[here] = 2
                path.pop()
            elif state[target] == 1:
                back |= {index} if target != here else set()
            elif not state[target]:
                state[target] = 1
                path.append((target, iter(ways[target])))
    return back


class _Vector(msgspec.Struct):
    x: float
    y: float


class _Node(msgspec.Struct):
    center: _Vector


class _Edge(msgspec.Struct):
    points: list[_Vector]


class _Drawing(msgspec.Struct):
    """The part of graphlay's answer that is used."""

    nodes: tuple[_Node, ...]
    edges: tuple[_Edge, ...]


def _straighten(points: list[_Vector]) -> None:
    """Make pieces that are a hair's breadth off upright and level."""
    for before, point in pairwise(points):
        if abs(point.x - before.x) < _HAIR:
            point.x = before.x
        elif abs(point.y - before.y) < _HAIR:
            point.y = before.y


def _layers(drawing: _Drawing, sizes: Sequence[Size], links: Sequence[Link], boxes: int) -> Layers:
    corners = [
        Point(node.center.x - size.width / 2, node.center.y - size.height / 2)
        for node, size in zip(drawing.nodes, sizes, strict=True)
    ]
    bends = [point for edge in drawing.edges for point in edge.points]
    left = min([*(x for x, _ in corners), *(point.x for point in bends)])
    top = min([*(y for _, y in corners), *(point.y for point in bends)])
    spots = [Spot(round(x - left, 1), round(y - top, 1), *size) for (x, y), size in zip(corners, sizes, strict=True)]
    lines = iter(
        [tuple(Point(round(p.x - left, 1), round(p.y - top, 1)) for p in edge.points) for edge in drawing.edges]
    )
    labels = iter(spots[boxes:])
    routes = tuple(
        Route((next(lines),), None) if link.label is None else Route((next(lines), next(lines)), next(labels))
        for link in links
    )
    right = max([*(spot.x + spot.width for spot in spots), *(point.x - left for point in bends)])
    bottom = max([*(spot.y + spot.height for spot in spots), *(point.y - top for point in bends)])
    return Layers(Size(round(right, 1), round(bottom, 1)), tuple(spots[:boxes]), routes)
