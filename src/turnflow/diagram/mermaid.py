"""Mermaid text of a picture: a `flowchart`, top down.

Texts of authors are written as character codes wherever a character could mean something to Mermaid, Markdown, HTML or YAML,
so that no title ends a label, opens a directive or smuggles in a script.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from turnflow.core.definition import Flow
from turnflow.diagram.picture import NOTE, Area, Arrow, Box, BoxKind, Picture, Place, Status
from turnflow.diagram.tracing import trace
from turnflow.diagram.words import one_line

_LONGEST_TITLE = 80
_LONGEST_LABEL = 60
_PLAIN = frozenset(" ,?!()'…“”’–")
"""Characters besides letters and digits that stand for themselves everywhere."""
_CLASSES = (
    "classDef ask fill:#e0f2fe,stroke:#0284c7,color:#0c4a6e",
    "classDef code fill:#f1f5f9,stroke:#64748b,color:#0f172a",
    "classDef route fill:#fef3c7,stroke:#d97706,color:#78350f",
    "classDef mark fill:#334155,stroke:#334155,color:#ffffff",
    "classDef bad fill:#fee2e2,stroke:#dc2626,color:#7f1d1d",
    "classDef area fill:#f8fafc,stroke:#94a3b8",
    "classDef note fill:none,stroke:none,color:#64748b,font-size:12px",
)
_GRAPH_CLASSES: Mapping[BoxKind, str] = {
    "say": "classDef say fill:#e0e7ff,stroke:#4f46e5,color:#312e81",
    "action": "classDef action fill:#dcfce7,stroke:#16a34a,color:#14532d",
    "event": "classDef event fill:#f3e8ff,stroke:#9333ea,color:#581c87",
    "timer": "classDef timer fill:#ffedd5,stroke:#ea580c,color:#7c2d12",
    "flow": "classDef flow fill:#ccfbf1,stroke:#0d9488,color:#134e4a",
}
_STATUS_CLASSES: Mapping[Status, str] = {
    "completed": "classDef completed fill:#dcfce7,stroke:#16a34a,color:#14532d,stroke-width:2px",
    "failed": "classDef failed fill:#fecaca,stroke:#dc2626,color:#7f1d1d,stroke-width:2px",
    "running": "classDef running fill:#dbeafe,stroke:#2563eb,color:#1e3a8a,stroke-width:2px",
    "waiting": "classDef waiting fill:#fef9c3,stroke:#ca8a04,color:#713f12,stroke-width:2px",
    "cancelled": "classDef cancelled fill:#e2e8f0,stroke:#64748b,color:#334155,stroke-width:2px",
    "not_reached": "classDef not_reached fill:#f8fafc,stroke:#94a3b8,color:#64748b,stroke-dasharray:3 3",
}
_SHAPES: Mapping[BoxKind, tuple[str, str]] = {
    "code": ('["{}"]', "code"),
    "ask": ('("{}")', "ask"),
    "say": ('("{}")', "say"),
    "decision": ('{{"{}"}}', "route"),
    "action": ('["{}"]', "action"),
    "event": ('>"{}"]', "event"),
    "timer": ('{{{{"{}"}}}}', "timer"),
    "flow": ('[["{}"]]', "flow"),
    "end": ('(["{}"])', "mark"),
    "failure": ('(["{}"])', "bad"),
}
_COLOURS = {"error": "#dc2626", "time": "#d97706", "attempts": "#d97706"}
_MARKERS = {
    "start": ("start_", '(["start"])', "mark"),
    "end": ("end_", '(["end"])', "mark"),
    "cancelled": ("cancelled_", '(["cancelled"])', "mark"),
    "failed": ("failed_", '(["failed"])', "bad"),
}


def mermaid(flow: Flow, *, title: bool = True) -> str:
    """Return a flow as Mermaid text, ending in a newline. Equal definitions give equal text.

    Declared ways on are solid, undeclared ones dashed. Questions are rounded, routing steps are rhombs, parallel groups are
    boxes around their branches. `title=False` leaves out the heading.
    """
    return mermaid_of(trace(flow), title=title)


def mermaid_of(picture: Picture, *, title: bool) -> str:
    """Return a picture as Mermaid text, ending in a newline; `title` says whether with its heading."""
    return "\n".join(_lines(picture, title)) + "\n"


def escaped(text: str, limit: int = _LONGEST_LABEL) -> str:
    """Return `text` on one line of at most `limit` characters, as it may stand between quotes in Mermaid."""
    line = one_line(text, limit)
    return "".join(
        c if c.isalnum() or c in _PLAIN or _joins(line[:index], c, line[index + 1 :]) else f"#{ord(c)};"
        for index, c in enumerate(line)
    )


def _lines(picture: Picture, title: bool) -> Iterator[str]:
    if title:
        yield from ("---", f"title: {_yaml(one_line(picture.title, _LONGEST_TITLE))}", "---")
    yield "flowchart TD"
    ids = _Ids(picture)
    inside = {name for area in picture.areas for name in area.steps}
    yield f"  {_marker(Place('start'))}"
    for box in picture.boxes:
        if box.name not in inside:
            yield f"  {_node(ids, box)}"
    for area in picture.areas:
        if area.inside is None:
            yield from _subgraph(ids, area, picture)
    yield from _other_places(ids, picture.arrows)
    for arrow in picture.arrows:
        yield f"  {ids[arrow.source]} {_line(arrow)} {ids[arrow.target]}"
    if picture.assumes_order:
        yield f'  note_["{escaped(NOTE, 100)}"]:::note'
    for colour in sorted(set(_COLOURS.values())):
        chosen = [str(index) for index, arrow in enumerate(picture.arrows) if _COLOURS.get(arrow.kind) == colour]
        if chosen:
            yield f"  linkStyle {','.join(chosen)} stroke:{colour}"
    for line in _CLASSES:
        yield f"  {line}"
    kinds = {box.kind for box in picture.boxes}
    yield from (f"  {line}" for kind, line in _GRAPH_CLASSES.items() if kind in kinds)
    statuses = {box.mark.status for box in picture.boxes if box.mark is not None}
    yield from (f"  {line}" for status, line in _STATUS_CLASSES.items() if status in statuses)


class _Ids:
    """Names of places in Mermaid: plain, unique, and never a word of its language."""

    def __init__(self, picture: Picture) -> None:
        self._taken: set[str] = set()
        self._ids: dict[Place, str] = {}
        for box in picture.boxes:
            self._add(Place("step", box.name))
        for area in picture.areas:
            self._add(Place("area", area.name))
        for arrow in picture.arrows:
            for place in (arrow.source, arrow.target):
                self._add(place)

    def __getitem__(self, place: Place) -> str:
        return self._ids[place]

    def _add(self, place: Place) -> None:
        if place in self._ids:
            return
        if place.kind in _MARKERS:
            self._ids[place] = _MARKERS[place.kind][0]
            return
        plain = f"{place.kind}_" + "".join(c if c.isascii() and c.isalnum() else "_" for c in place.name)
        unique, count = plain, 1
        while unique in self._taken:
            count += 1
            unique = f"{plain}_{count}"
        self._taken.add(unique)
        self._ids[place] = unique


def _node(ids: _Ids, box: Box) -> str:
    lines = [escaped(box.text)]
    if box.detail:
        lines.append(escaped(box.detail, _LONGEST_LABEL + 2))
    if box.opens:
        lines.append("in any order")
    if box.mark is not None and box.mark.text:
        lines.append(escaped(box.mark.text))
    shape, style = _SHAPES[box.kind]
    style = box.mark.status if box.mark is not None else style
    return f"{ids[Place('step', box.name)]}{shape.format('<br/>'.join(lines))}:::{style}"


def _subgraph(ids: _Ids, area: Area, picture: Picture) -> Iterator[str]:
    around = ids[Place("area", area.name)]
    told = f"<br/>{escaped(area.mark.text)}" if area.mark is not None and area.mark.text else ""
    yield f'  subgraph {around}["{escaped(area.caption, _LONGEST_TITLE) or " "}{told}"]'
    for box in picture.boxes:
        if box.name in area.steps:
            yield f"    {_node(ids, box)}"
    if area.gate:
        yield f'    {ids[Place("gate", area.name)]}(["{escaped(area.gate)}"]):::mark'
    for arrow in picture.arrows:
        if arrow.source == Place("entry", area.name):
            yield f"    {ids[arrow.source]}(( )):::mark"
            break
    for other in picture.areas:
        if other.inside == area.name:
            yield from (f"  {line}" for line in _subgraph(ids, other, picture))
    yield "  end"
    yield f"  class {around} area"


def _other_places(ids: _Ids, arrows: Iterable[Arrow]) -> Iterator[str]:
    for place in dict.fromkeys(place for arrow in arrows for place in (arrow.source, arrow.target)):
        match place.kind:
            case "end" | "cancelled" | "failed":
                yield f"  {_marker(place)}"
            case "open":
                yield f'  {ids[place]}(("?")):::mark'
            case "missing":
                yield f'  {ids[place]}["missing: {escaped(place.name)}"]:::bad'
            case "start" | "step" | "gate" | "area" | "entry":
                pass


def _marker(place: Place) -> str:
    name, shape, style = _MARKERS[place.kind]
    return f"{name}{shape}:::{style}"


def _line(arrow: Arrow) -> str:
    line = "-.->" if arrow.dashed else "==>" if arrow.kind in ("branch", "fork") else "-->"
    label = " ".join(
        part for part in (escaped(arrow.label), escaped(f"×{arrow.times}") if (arrow.times or 0) > 1 else "") if part
    )
    return f'{line}|"{label}"|' if label else line


def _joins(before: str, sign: str, behind: str) -> bool:
    """Tell whether a sign stands where it means nothing but itself, as in `e-mail`, `card.declined`, `Done.`, `Note: x`."""
    word_before, word_behind = before[-1:].isalnum(), behind[:1].isalnum()
    match sign:
        case "." | "-" | "_":
            return (word_before and word_behind) or (sign == "." and before[-1:].isalpha())
        case ":":
            return word_before and behind[:1] in ("", " ")
        case _:
            return False


def _yaml(text: str) -> str:
    """Return a heading as YAML; Mermaid would drop what looks like a tag, so brackets become their typographic likes."""
    quoted = json.dumps(text.replace("<", "‹").replace(">", "›"), ensure_ascii=False)
    return "".join(f"\\u{ord(c):04x}" if c in "&%{}" else c for c in quoted)
