"""Flow graphs as Mermaid and DOT text. The Mermaid files beside this one were looked at; TURNFLOW_REDRAW=1 draws them anew."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.diagram.graphs import GRAPHS, KINDS, NESTED, REFUND, action, graph, names, to
from turnflow.core.definition import Flow
from turnflow.core.graph import names as steps_of
from turnflow.core.ids import StepName
from turnflow.core.nodes import GROUPS, Loop, Node
from turnflow.diagram import mermaid, to_dot

PICTURES = Path(__file__).parent / "pictures"


@pytest.mark.parametrize("name", GRAPHS)
def test_a_graph_is_drawn_as_it_was_looked_at(name: str) -> None:
    path = PICTURES / f"{name}.mmd"
    if os.environ.get("TURNFLOW_REDRAW"):
        path.write_text(mermaid(GRAPHS[name]), encoding="utf-8")
    assert mermaid(GRAPHS[name]) == path.read_text(encoding="utf-8")


def test_outputs_are_labelled_in_their_order_and_default_ones_are_plain() -> None:
    text = mermaid(REFUND)
    assert 'step_lookup -->|"1#46; small: output.body.total #60; 50.0"| step_pay' in text
    assert 'step_lookup -.->|"2#46; gone: http.404"| step_apologise' in text
    assert "step_lookup --> step_approve" in text


def test_errors_are_red_and_dashed_with_their_codes() -> None:
    lines = [line for line in mermaid(NESTED).splitlines() if re.search(r" (-->|-\.->|==>)", line)]
    red = next(line for line in mermaid(NESTED).splitlines() if line.endswith("stroke:#dc2626") and "linkStyle" in line)
    errors = {lines[int(number)].strip() for number in red.split()[1].split(",")}
    assert 'step_load -.->|"any error"| step_broken' in errors
    assert errors == {line.strip() for line in lines if "-.->" in line}


def test_a_timeout_that_an_error_output_takes_leads_there_and_nowhere_else() -> None:
    text = mermaid(REFUND)
    assert 'step_approve -.->|"2#46; expired: timeout after 1 d"| step_apologise' in text
    assert "failed_" not in text


def test_a_fork_is_thick_in_each_of_its_ways() -> None:
    text = mermaid(KINDS)
    assert 'step_begin ==>|"both"| step_left' in text
    assert 'step_begin ==>|"both"| step_right' in text


def test_groups_lie_inside_each_other_and_say_how_they_run() -> None:
    found = re.findall(r"^( +)subgraph area_(\w+)\[\"(.*)\"\]", mermaid(NESTED), re.MULTILINE)
    assert [(len(indent) // 2, name) for indent, name, _ in found] == [
        (1, "orders"), (2, "prepare"), (3, "pack"), (4, "parcels"),
    ]  # fmt: skip
    captions = {name: re.sub(r"#(\d+);", lambda match: chr(int(match[1])), caption) for _, name, caption in found}
    assert captions == {
        "orders": "orders: loop over steps.load.output.orders, limit 8, skips failed items",
        "prepare": "prepare: parallel, join 2 of 3, limit 2, leaves the rest",
        "pack": "pack: sequential",
        "parcels": "parcels: loop while size(steps.pick.output.left) > 0, until output.full",
    }


def test_a_path_begins_in_a_group_where_the_group_does_and_goes_on_down_its_list() -> None:
    text = mermaid(NESTED)
    for line in ("entry_orders --> step_reserve", "step_reserve --> area_prepare", "entry_prepare --> area_pack"):
        assert line in text
    assert "step_notify -->" not in text


def test_a_graph_that_lies_in_itself_is_drawn_all_the_same() -> None:
    odd = graph(
        "odd",
        action("first", to("one")),
        Loop(StepName("one"), names("two"), while_="true"),
        Loop(StepName("two"), names("one"), while_="true"),
        action("lost", to("nowhere")),
    )
    assert "area_one" in mermaid(odd)
    assert 'missing_nowhere["missing: nowhere"]' in mermaid(odd)
    assert "missing: nowhere" in to_dot(odd)


@pytest.mark.parametrize("flow", GRAPHS.values(), ids=GRAPHS)
def test_dot_names_every_step_once_and_its_brackets_match(flow: Flow) -> None:
    text = to_dot(flow)
    outside = re.sub(r'"(?:[^"\\]|\\.)*"', '""', text)
    assert outside.count("{") == outside.count("}")
    assert '"' not in outside.replace('""', "")
    lines = [line.strip() for line in text.splitlines()]
    for name, step in steps_of(flow).items():
        start = f'subgraph "cluster:{name}" {{' if isinstance(step, GROUPS) else f'"step:{name}" [label='
        assert sum(line.startswith(start) for line in lines) == 1


@pytest.mark.parametrize("title", ['a"]; b', "back\\", "\\N\\G", "</svg>", "line\nbreak"])
def test_no_title_breaks_out_of_a_dot_label(title: str) -> None:
    def named(text: str) -> str:
        return re.sub(r'"(?:[^"\\]|\\.)*"', '""', to_dot(replace(REFUND, title=text, nodes=_titled(REFUND, text))))

    assert named(title) == named("harmless")


def _titled(flow: Flow, title: str) -> dict[StepName, Node]:
    return {name: replace(node, title=title) for name, node in flow.nodes.items()}
