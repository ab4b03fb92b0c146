"""DOT text of a picture, for Graphviz and what reads its language: groups are clusters, markers are small dark nodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from turnflow.core.ids import StepName
from turnflow.diagram.picture import NOTE, Area, Arrow, Box, BoxKind, Mark, Picture, Place, Status
from turnflow.diagram.texts import marker_text
from turnflow.diagram.words import one_line

_LONGEST: Final = 80
_KINDS: Final[Mapping[BoxKind, tuple[str, str, str, str]]] = {
    "code": ("box", "filled", "#f1f5f9", "#64748b"),
    "ask": ("box", "rounded,filled", "#e0f2fe", "#0284c7"),
    "say": ("box", "rounded,filled", "#e0e7ff", "#4f46e5"),
    "decision": ("diamond", "filled", "#fef3c7", "#d97706"),
    "action": ("box", "filled", "#dcfce7", "#16a34a"),
    "event": ("cds", "filled", "#f3e8ff", "#9333ea"),
    "timer": ("octagon", "filled", "#ffedd5", "#ea580c"),
    "flow": ("box3d", "filled", "#ccfbf1", "#0d9488"),
    "end": ("box", "rounded,filled,bold", "#e2e8f0", "#334155"),
    "failure": ("box", "rounded,filled,bold", "#fee2e2", "#dc2626"),
}
"""Shape, style, fill and rim of each kind of step."""
_STATUSES: Final[Mapping[Status, tuple[str, str]]] = {
    "completed": ("#dcfce7", "#16a34a"),
    "failed": ("#fecaca", "#dc2626"),
    "running": ("#dbeafe", "#2563eb"),
    "waiting": ("#fef9c3", "#ca8a04"),
    "cancelled": ("#e2e8f0", "#64748b"),
    "not_reached": ("#f8fafc", "#94a3b8"),
}
"""Fill and rim of what a run has reached."""
_COLOURS: Final = {"error": "#dc2626", "time": "#d97706", "attempts": "#d97706"}


def dot(picture: Picture) -> str:
    """Return a picture as DOT text, ending in a newline. Equal pictures give equal text."""
    return "\n".join(_lines(picture)) + "\n"


def _lines(picture: Picture) -> Iterator[str]:
    yield f"digraph {_text(picture.title)} {{"
    note = f"\\n{_escaped(NOTE)}" if picture.assumes_order else ""
    yield f'  graph [label="{_escaped(picture.title)}{note}", labelloc=t, compound=true, fontname="sans-serif"]'
    yield '  node [fontname="sans-serif", fontsize=11]'
    yield '  edge [fontname="sans-serif", fontsize=10, color="#64748b"]'
    inside = {name for area in picture.areas for name in area.steps}
    yield from (f"  {_node(box)}" for box in picture.boxes if box.name not in inside)
    for area in picture.areas:
        if area.inside is None:
            yield from (f"  {line}" for line in _cluster(area, picture))
    for place in dict.fromkeys(end for arrow in picture.arrows for end in (arrow.source, arrow.target)):
        if place.kind not in ("step", "area", "gate", "entry"):
            yield f"  {_marker(place, marker_text(place))}"
    anchors = {area.name: _id(Place("gate" if area.gate else "entry", area.name)) for area in picture.areas}
    yield from (f"  {_edge(arrow, anchors)}" for arrow in picture.arrows)
    yield "}"


def _cluster(area: Area, picture: Picture) -> Iterator[str]:
    yield f"subgraph {_cluster_id(area.name)} {{"
    text = "\\n".join(_escaped(part) for part in (area.caption, _told(area.mark)) if part)
    yield f'  label="{text}"; style="rounded,filled"; color="#94a3b8"; fillcolor="#94a3b822"; labeljust=l'
    if area.gate:
        yield f"  {_marker(Place('gate', area.name), area.gate)}"
    else:
        yield f"  {_id(Place('entry', area.name))} [shape=point, width=0.12]"
    yield from (f"  {_node(box)}" for box in picture.boxes if box.name in area.steps)
    for other in picture.areas:
        if other.inside == area.name:
            yield from (f"  {line}" for line in _cluster(other, picture))
    yield "}"


def _node(box: Box) -> str:
    shape, style, fill, rim = _KINDS[box.kind]
    if box.mark is not None:
        fill, rim = _STATUSES[box.mark.status]
    parts = (box.text, box.detail, "in any order" if box.opens else "", _told(box.mark))
    text = "\\n".join(_escaped(part) for part in parts if part)
    look = f'shape={shape}, style="{style}", fillcolor="{fill}", color="{rim}"'
    return f'{_id(Place("step", box.name))} [label="{text}", {look}]'


def _marker(place: Place, text: str) -> str:
    dark = place.kind not in ("failed", "missing")
    colours = 'fillcolor="#475569", fontcolor="#ffffff"' if dark else 'fillcolor="#fee2e2", color="#dc2626"'
    return f'{_id(place)} [label="{_escaped(text)}", shape=box, style="rounded,filled", {colours}]'


def _edge(arrow: Arrow, anchors: Mapping[StepName, str]) -> str:
    given: list[str] = []
    label = " ".join(
        part for part in (_escaped(arrow.label), f"×{arrow.times}" if (arrow.times or 0) > 1 else "") if part
    )
    if label:
        given.append(f'label="{label}"')
    if arrow.target.kind == "area":
        given.append(f"lhead={_cluster_id(arrow.target.name)}")
    if arrow.source.kind == "area":
        given.append(f"ltail={_cluster_id(arrow.source.name)}")
    if arrow.kind in _COLOURS:
        given.append(f'color="{_COLOURS[arrow.kind]}", fontcolor="{_COLOURS[arrow.kind]}"')
    if arrow.dashed:
        given.append("style=dashed")
    if arrow.kind in ("branch", "fork") or arrow.times:
        given.append("penwidth=2.5")
    ends = [anchors.get(end.name, "") if end.kind == "area" else _id(end) for end in (arrow.source, arrow.target)]
    return f"{ends[0]} -> {ends[1]}" + (f" [{', '.join(given)}]" if given else "")


def _told(mark: Mark | None) -> str:
    return mark.text if mark is not None else ""


def _id(place: Place) -> str:
    return _text(f"{place.kind}:{place.name}" if place.name else place.kind)


def _cluster_id(name: str) -> str:
    return _text(f"cluster:{name}")


def _text(text: str) -> str:
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    return one_line(text, _LONGEST).replace("\\", "\\\\").replace('"', '\\"')
