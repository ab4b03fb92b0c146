"""Mermaid text of a picture: a `flowchart`, top down.

Texts of authors are written as character codes wherever a character could mean something to Mermaid, Markdown, HTML or YAML,
so that no title ends a label, opens a directive or smuggles in a script.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from turnflow.core.definition import Flow
from turnflow.core.ids import StepName
from turnflow.diagram.picture import Area, Arrow, Box, Picture, Place
from turnflow.diagram.tracing import trace

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
_COLOURS = {"error": "#dc2626", "time": "#d97706", "attempts": "#d97706"}
_MARKERS = {
    "start": ("start_", '(["start"])', "mark"),
    "end": ("end_", '(["end"])', "mark"),
    "cancelled": ("cancelled_", '(["cancelled"])', "mark"),
    "failed": ("failed_", '(["failed"])', "bad"),
}
_NOTE = "Dashed: chosen by the step's code, drawn to the step listed next"


def mermaid(flow: Flow, *, title: bool = True) -> str:
    """Return a flow as Mermaid text, ending in a newline. Equal definitions give equal text.

    Declared ways on are solid, undeclared ones dashed. Questions are rounded, routing steps are rhombs, parallel groups are
    boxes around their branches. `title=False` leaves out the heading.
    """
    return "\n".join(_lines(trace(flow), title)) + "\n"


def escaped(text: str, limit: int = _LONGEST_LABEL) -> str:
    """Return `text` on one line of at most `limit` characters, as it may stand between quotes in Mermaid."""
    line = _one_line(text, limit)
    return "".join(
        c if c.isalnum() or c in _PLAIN or _joins(line[:index], c, line[index + 1 :]) else f"#{ord(c)};"
        for index, c in enumerate(line)
    )


def _lines(picture: Picture, title: bool) -> Iterator[str]:
    if title:
        yield from ("---", f"title: {_yaml(_one_line(picture.title, _LONGEST_TITLE))}", "---")
    yield "flowchart TD"
    ids = _Ids(picture)
    inside = {name for area in picture.areas for name in area.steps}
    yield f"  {_marker(Place('start'))}"
    for box in picture.boxes:
        if box.name not in inside:
            yield f"  {_node(ids, box)}"
    boxes = {box.name: box for box in picture.boxes}
    for area in picture.areas:
        yield from _subgraph(ids, area, boxes)
    yield from _other_places(ids, picture.arrows)
    for arrow in picture.arrows:
        yield f"  {ids[arrow.source]} {_line(arrow)} {ids[arrow.target]}"
    if picture.assumes_order:
        yield f'  note_["{escaped(_NOTE, 100)}"]:::note'
    for colour in sorted(set(_COLOURS.values())):
        chosen = [str(index) for index, arrow in enumerate(picture.arrows) if _COLOURS.get(arrow.kind) == colour]
        if chosen:
            yield f"  linkStyle {','.join(chosen)} stroke:{colour}"
    for line in _CLASSES:
        yield f"  {line}"


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
    text = escaped(box.text)
    if box.question:
        text += f"<br/>“{escaped(box.question)}”"
    if box.opens:
        text += "<br/>in any order"
    here = ids[Place("step", box.name)]
    if box.routing:
        return f'{here}{{"{text}"}}:::route'
    return f'{here}("{text}"):::ask' if box.asks else f'{here}["{text}"]:::code'


def _subgraph(ids: _Ids, area: Area, boxes: dict[StepName, Box]) -> Iterator[str]:
    around = ids[Place("area", area.name)]
    yield f'  subgraph {around}[" "]'
    for name in area.steps:
        yield f"    {_node(ids, boxes[name])}"
    yield f'    {ids[Place("gate", area.name)]}(["{escaped(area.gate)}"]):::mark'
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
            case "start" | "step" | "gate" | "area":
                pass


def _marker(place: Place) -> str:
    name, shape, style = _MARKERS[place.kind]
    return f"{name}{shape}:::{style}"


def _line(arrow: Arrow) -> str:
    line = "-.->" if arrow.dashed else "==>" if arrow.kind == "branch" else "-->"
    return f'{line}|"{escaped(arrow.label)}"|' if arrow.label else line


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


def _one_line(text: str, limit: int) -> str:
    line = "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(line.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
