"""Flows as SVG and PNG: what stands where, and that nothing stands on anything else."""

from __future__ import annotations

import struct
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from xml.etree import ElementTree as xml

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from tests.declarative.random_graphs import graphs
from tests.diagram.flows import ALL
from tests.diagram.graphs import GRAPHS, KINDS, NESTED, REFUND, action, graph, large, names, to
from tests.diagram.tangles import tangle
from tests.diagram.test_mermaid import TITLES
from turnflow.core.definition import Flow
from turnflow.core.ids import StepName
from turnflow.core.nodes import Loop, Sequence
from turnflow.declarative import GraphFlow
from turnflow.diagram import draw, to_png, to_svg
from turnflow.diagram.lettering import width
from turnflow.diagram.picture import Picture, Place
from turnflow.diagram.placing import placed
from turnflow.diagram.plan import Plan
from turnflow.diagram.shapes import Point, Spot
from turnflow.diagram.texts import box_lines
from turnflow.diagram.tracing import trace
from turnflow.errors import MissingExtra

FLOWS = {
    **GRAPHS,
    **{f"tangle-{seed}": tangle(seed) for seed in range(8)},
    **{f"handlers-{name}": flow for name, flow in ALL.items()},
    "large": large(),
}
each = pytest.mark.parametrize("flow", FLOWS.values(), ids=FLOWS)
SVG = "{http://www.w3.org/2000/svg}"


def drawn(flow: Flow) -> xml.Element:
    return xml.fromstring(to_svg(flow))


def classed(root: xml.Element, kind: str) -> list[xml.Element]:
    return [group for group in root.iter(f"{SVG}g") if kind in group.attrib["class"].split()]


def texts(group: xml.Element) -> list[str]:
    return [element.text or "" for element in group.findall(f"{SVG}text")]


def plan_of(flow: Flow) -> tuple[Picture, Plan]:
    picture = trace(flow)
    return picture, placed(picture)


def solid_spots(plan: Plan) -> list[Spot]:
    """Where boxes and markers stand."""
    return [one.spot for one in plan.boxes] + [one.spot for one in plan.markers]


def overlap(one: Spot, other: Spot) -> bool:
    return (
        one.x < other.x + other.width and other.x < one.x + one.width
        and one.y < other.y + other.height and other.y < one.y + one.height
    )  # fmt: skip


def inside(inner: Spot, outer: Spot) -> bool:
    return (
        inner.x >= outer.x and inner.x + inner.width <= outer.x + outer.width
        and inner.y >= outer.y and inner.y + inner.height <= outer.y + outer.height
    )  # fmt: skip


def pieces(stroke: tuple[Point, ...]) -> Iterator[Spot]:
    """Each straight piece of a line."""
    for one, other in pairwise(stroke):
        left, top = min(one.x, other.x), min(one.y, other.y)
        yield Spot(left, top, abs(one.x - other.x), abs(one.y - other.y))


def crosses(piece: Spot, spot: Spot) -> bool:
    return overlap(Spot(piece.x, piece.y, piece.width + 0.01, piece.height + 0.01), spot)


def shrunk(spot: Spot, by: float = 1.0) -> Spot:
    return Spot(spot.x + by, spot.y + by, spot.width - 2 * by, spot.height - 2 * by)


@each
def test_each_step_and_each_group_is_drawn_once(flow: Flow) -> None:
    picture, root = trace(flow), drawn(flow)
    assert Counter(group.attrib["data-step"] for group in classed(root, "box")) == {
        box.name: 1 for box in picture.boxes
    }
    groups = [group.attrib["data-group"] for group in classed(root, "area")]
    assert sorted(groups) == sorted(area.name for area in picture.areas if area.caption)


@each
def test_each_arrow_is_drawn_once_with_its_whole_label(flow: Flow) -> None:
    picture, root = trace(flow), drawn(flow)
    expected = Counter(
        (arrow.source.name or arrow.source.kind, arrow.target.name or arrow.target.kind, arrow.label)
        for arrow in picture.arrows
    )
    found = Counter(
        (group.attrib["data-from"], group.attrib["data-to"], " ".join(texts(group))) for group in classed(root, "arrow")
    )
    assert found == expected


@each
def test_nothing_stands_on_anything_else(flow: Flow) -> None:
    _, plan = plan_of(flow)
    solid = solid_spots(plan)
    solid += [arrow.label for arrow in plan.arrows if arrow.label is not None]
    clashes = [(one, other) for index, one in enumerate(solid) for other in solid[:index] if overlap(one, other)]
    assert clashes == []
    for area in plan.areas:
        for spot in solid:
            assert inside(spot, area.spot) or not overlap(spot, area.spot)


@each
def test_no_line_runs_through_a_box_or_a_label(flow: Flow) -> None:
    _, plan = plan_of(flow)
    spots = [(Place("step", one.box.name), shrunk(one.spot)) for one in plan.boxes]
    spots += [(one.place, shrunk(one.spot)) for one in plan.markers]
    labels = [shrunk(arrow.label) for arrow in plan.arrows if arrow.label is not None]
    for arrow in plan.arrows:
        for piece in (piece for stroke in arrow.strokes for piece in pieces(stroke)):
            through = [place for place, spot in spots if crosses(piece, spot)]
            assert {*through} <= {arrow.arrow.source, arrow.arrow.target}
            assert not [label for label in labels if crosses(piece, label)]


@each
def test_everything_stands_on_the_canvas(flow: Flow) -> None:
    _, plan = plan_of(flow)
    canvas = Spot(-0.1, -0.1, plan.width + 0.2, plan.height + 0.2)
    for spot in [*solid_spots(plan), *(one.spot for one in plan.areas)]:
        assert inside(spot, canvas)
    for arrow in plan.arrows:
        assert arrow.label is None or inside(arrow.label, canvas)
        for stroke in arrow.strokes:
            assert all(inside(Spot(point.x, point.y, 0, 0), canvas) for point in stroke)


@each
def test_texts_fit_into_their_boxes(flow: Flow) -> None:
    _, plan = plan_of(flow)
    for one in plan.boxes:
        lines = box_lines(one.box)
        assert max(line.width for line in lines) < one.spot.width
        assert sum(line.height for line in lines) < one.spot.height


def test_a_long_condition_is_cut_and_stands_whole_in_its_tooltip() -> None:
    condition = (
        "output.total > 100.0 && input.country in ['DE', 'AT', 'CH', 'LI'] && size(input.items) < 20 && !input.draft"
    )
    root = drawn(graph("long", action("first", to("last", when=condition), to("last")), action("last")))
    arrow = next(group for group in classed(root, "arrow") if texts(group))
    assert len(texts(arrow)) == 3
    assert texts(arrow)[-1].endswith("…")
    assert arrow.findtext(f"{SVG}title") == condition


def test_a_text_is_measured_by_its_letters() -> None:
    assert width("iiii", 10) < width("nnnn", 10) < width("WWWW", 10) < width("\u6f22\u6f22\u6f22\u6f22", 10)
    assert width("e\u0301", 10) == width("e", 10)


@settings(max_examples=40, deadline=None)
@given(graphs())
def test_any_graph_can_be_drawn_and_nothing_stands_on_anything_else(graph: GraphFlow) -> None:
    for promise in (
        test_each_step_and_each_group_is_drawn_once,
        test_nothing_stands_on_anything_else,
        test_no_line_runs_through_a_box_or_a_label,
        test_everything_stands_on_the_canvas,
        test_texts_fit_into_their_boxes,
    ):
        promise(graph.flow)


@pytest.mark.parametrize("format", ["mermaid", "dot", "svg", "png"])
def test_equal_definitions_give_equal_bytes(format: str) -> None:
    first, second = (draw(replace(NESTED), format) for _ in range(2))  # type: ignore[arg-type]  # one of the formats
    assert first == second


def test_a_group_lies_in_the_area_of_the_group_around_it() -> None:
    _, plan = plan_of(NESTED)
    spots = {one.area.name: one.spot for one in plan.areas}
    assert inside(spots[StepName("parcels")], spots[StepName("pack")])
    assert inside(spots[StepName("pack")], spots[StepName("prepare")])
    assert inside(spots[StepName("prepare")], spots[StepName("orders")])
    tape = next(one.spot for one in plan.boxes if one.box.name == "tape")
    assert inside(tape, spots[StepName("parcels")])


def test_a_way_across_a_border_is_drawn_from_the_border() -> None:
    odd = graph(
        "odd",
        action("first", to("inner")),
        Loop(StepName("loop"), names("inner"), while_="true", outputs=(to("first"),)),
        action("inner", to("last"), to("loop", when="output.again")),
        action("last"),
        Sequence(StepName("empty")),
    )
    found = {(group.attrib["data-from"], group.attrib["data-to"]) for group in classed(drawn(odd), "arrow")}
    assert {("first", "inner"), ("inner", "last"), ("inner", "loop"), ("loop", "first")} <= found


def test_a_step_may_lead_to_itself() -> None:
    once = graph(
        "once", action("poll", to("poll", when="!output.done", named="again"), to("poll", error=["*"]), to("end"))
    )
    assert len(classed(drawn(once), "arrow")) == len(trace(once).arrows) == 4


def test_the_start_stands_on_top_whatever_leads_back() -> None:
    for flow in (KINDS, ALL["checkout"], ALL["kyc"]):
        _, plan = plan_of(flow)
        start = next(one.spot.y for one in plan.markers if one.place.kind == "start")
        assert start == min(spot.y for spot in solid_spots(plan))


@given(TITLES)
def test_no_title_adds_an_element(title: str) -> None:
    hostile = drawn(
        replace(REFUND, title=title, nodes={name: replace(n, title=title) for name, n in REFUND.nodes.items()})
    )
    assert {element.tag.removeprefix(SVG) for element in hostile.iter()} <= {
        "svg", "title", "style", "rect", "g", "path", "polygon", "text",
    }  # fmt: skip
    assert not [
        name for element in hostile.iter() for name in element.attrib if name.startswith("on") or "href" in name
    ]


def test_a_png_can_be_read_and_is_twice_as_large_as_the_svg() -> None:
    raw = to_png(REFUND)
    assert raw.startswith(b"\x89PNG\r\n\x1a\n")
    wide, high, depth, colours = struct.unpack(">IIBB", raw[16:26])
    root = drawn(REFUND)
    assert abs(wide - 2 * float(root.attrib["width"])) <= 2
    assert abs(high - 2 * float(root.attrib["height"])) <= 2
    assert (depth, colours) == (8, 6)
    assert len(zlib.decompress(b"".join(chunks(raw)))) == high * (1 + 4 * wide)


def chunks(raw: bytes) -> Iterator[bytes]:
    """The parts of a PNG that hold its pixels."""
    at = 8
    while at < len(raw):
        size, kind = struct.unpack(">I4s", raw[at : at + 8])
        if kind == b"IDAT":
            yield raw[at + 8 : at + 8 + size]
        at += 12 + size


@pytest.mark.parametrize(("format", "library"), [("svg", "graphlay"), ("png", "graphlay"), ("png", "resvg_py")])
def test_what_is_not_installed_is_named_with_the_remedy(
    format: str, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtra, match=r"pip install 'turnflow\[diagram\]'"):
        draw(REFUND, format)  # type: ignore[arg-type]  # one of the formats


@pytest.mark.parametrize("format", ["mermaid", "dot"])
def test_text_needs_no_library(format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "graphlay", None)
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    assert b"lookup" in draw(REFUND, format)  # type: ignore[arg-type]  # one of the formats
