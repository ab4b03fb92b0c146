"""What a run did, in the picture of its flow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal
from xml.etree import ElementTree as xml

import pytest

from tests.diagram.graphs import KINDS, NESTED, REFUND
from turnflow.diagram import Overlay, Passage, StepMark, draw, mermaid, to_svg
from turnflow.diagram.overlay import overlaid
from turnflow.diagram.picture import Mark
from turnflow.diagram.tracing import trace

SVG = "{http://www.w3.org/2000/svg}"


def marks(*records: StepMark) -> Mapping[str, Mark | None]:
    picture = overlaid(trace(NESTED), Overlay(records))
    found: dict[str, Mark | None] = {box.name: box.mark for box in picture.boxes}
    return found | {area.name: area.mark for area in picture.areas}


@pytest.mark.parametrize("status", ["completed", "failed", "running", "waiting", "cancelled"])
def test_a_step_shows_its_status_and_attempts(
    status: Literal["completed", "failed", "running", "waiting", "cancelled"],
) -> None:
    assert marks(StepMark("load", status))["load"] == Mark(status, status)
    assert marks(StepMark("load", status, 3))["load"] == Mark(status, f"{status}, 3 attempts")


def test_what_is_not_named_was_not_reached() -> None:
    found = marks(StepMark("load", "completed"))
    assert found["report"] == found["orders"] == Mark("not_reached")


def test_of_several_visits_the_last_one_counts() -> None:
    assert marks(StepMark("load", "failed"), StepMark("load", "completed"))["load"] == Mark("completed", "completed")


def test_iterations_are_summed_up() -> None:
    records = [
        StepMark("orders", "running", total=10),
        *(StepMark(f"orders[{index}]", "completed") for index in range(7)),
        StepMark("orders[7]", "failed"),
        *(StepMark(f"orders[{index}]/label", "completed") for index in range(6)),
        StepMark("orders[6]/label", "completed", 2),
        StepMark("orders[7]/label", "failed", 3),
        StepMark("orders#items", "completed"),
    ]
    found = marks(*records)
    assert found["orders"] == Mark("running", "done 7/10, 1 failed")
    assert found["label"] == Mark("failed", "done 7/8, 1 failed, 3 retries")


def test_a_group_tells_how_far_it_is_where_its_iterations_are_left_out() -> None:
    found = marks(
        StepMark("orders", "running", total=10_000, done=8_000),
        StepMark("orders[7998]", "failed"),
        StepMark("orders[7999]", "completed"),
    )
    assert found["orders"] == Mark("running", "done 7999/10000, 1 failed")
    assert marks(StepMark("orders", "running", done=3))["orders"] == Mark("running", "done 3")


def test_iterations_of_a_loop_in_a_loop_are_summed_up_over_both() -> None:
    found = marks(
        StepMark("orders[0]/parcels", "completed", total=2),
        StepMark("orders[0]/parcels[0]", "completed"),
        StepMark("orders[0]/parcels[1]", "completed"),
        StepMark("orders[1]/parcels", "running", total=3),
        StepMark("orders[1]/parcels[0]", "completed"),
        StepMark("orders[1]/parcels[1]", "waiting"),
        StepMark("orders[1]/parcels[1]/wrap", "waiting"),
    )
    assert found["parcels"] == Mark("running", "done 3/5, 1 waiting")
    assert found["wrap"] == Mark("waiting", "waiting")


def test_ways_show_how_often_they_were_taken() -> None:
    root = xml.fromstring(
        to_svg(KINDS, Overlay(passages=(Passage("begin", "left"), Passage("choose", "begin", 3, "again"))))
    )
    arrows = {(group.attrib["data-from"], group.attrib["data-to"]): group for group in root.iter(f"{SVG}g")
              if "arrow" in group.attrib["class"]}  # fmt: skip
    assert "taken" in arrows["begin", "left"].attrib["class"].split()
    assert "untaken" in arrows["begin", "right"].attrib["class"].split()
    assert [text.text for text in arrows["choose", "begin"].findall(f"{SVG}text")][-1] == "×3"
    assert "taken" not in arrows["start", "begin"].attrib["class"]


def test_a_passage_that_names_its_output_counts_for_no_other_way_between_the_same_steps() -> None:
    picture = overlaid(trace(REFUND), Overlay(passages=(Passage("approve", "apologise", 2, "expired"),)))
    times = {arrow.output: arrow.times for arrow in picture.arrows if arrow.source.name == "approve"}
    assert times == {"yes": 0, "expired": 2, "default": 0}


def test_nothing_is_said_of_ways_when_none_is_known() -> None:
    assert {arrow.times for arrow in overlaid(trace(REFUND), Overlay((StepMark("lookup", "failed"),))).arrows} == {None}


def test_every_text_format_shows_it() -> None:
    overlay = Overlay((StepMark("lookup", "failed", 3),))
    assert ":::failed" in draw(REFUND, "mermaid", overlay).decode()
    assert "classDef failed" in draw(REFUND, "mermaid", overlay).decode()
    assert "failed, 3 attempts" in draw(REFUND, "dot", overlay).decode()
    assert "is_failed" in draw(REFUND, "svg", overlay).decode()
    assert draw(REFUND, "mermaid").decode() == mermaid(REFUND)
    assert draw(REFUND, "png", overlay) != draw(REFUND, "png")
