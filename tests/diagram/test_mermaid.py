"""Flows as Mermaid text. The pictures beside this file were looked at in a browser; set TURNFLOW_REDRAW=1 to draw them anew."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.diagram.flows import ALL, CHECKOUT, KYC, MIXED, SIGNUP, asking, flow, group, step
from turnflow.core.definition import Flow, Output
from turnflow.core.ids import StepName
from turnflow.diagram import mermaid

PICTURES = Path(__file__).parent / "pictures"


def arrows(drawn: Flow) -> set[str]:
    return {line.strip() for line in mermaid(drawn).splitlines() if re.search(r" (-->|-\.->|==>)", line)}


@pytest.mark.parametrize("name", ALL)
def test_a_flow_is_drawn_as_it_was_looked_at(name: str) -> None:
    path = PICTURES / f"{name}.mmd"
    if os.environ.get("TURNFLOW_REDRAW"):
        path.write_text(mermaid(ALL[name]), encoding="utf-8")
    assert mermaid(ALL[name]) == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ALL)
def test_equal_definitions_give_equal_pictures(name: str) -> None:
    assert mermaid(replace(ALL[name])) == mermaid(ALL[name])


def test_declared_ways_are_solid_and_named_after_their_outputs() -> None:
    drawn = arrows(CHECKOUT)
    assert "step_cart --> step_address" in drawn
    assert 'step_stock -->|"sold out"| step_cart' in drawn


def test_undeclared_ways_are_dashed_and_the_picture_says_what_they_are() -> None:
    assert {"step_name -.-> step_age", "step_age -.-> step_confirm", "step_confirm -.-> end_"} <= arrows(SIGNUP)
    assert "Dashed: chosen by the step's code, drawn to the step listed next" in mermaid(SIGNUP)
    assert "Dashed" not in mermaid(CHECKOUT)


def test_ways_an_undeclared_step_names_are_dashed_too_but_its_errors_are_certain() -> None:
    drawn = arrows(MIXED)
    assert 'step_second -.->|"guess"| step_third' in drawn
    assert 'step_second -->|"any error"| missing_lost' in drawn


def test_errors_timeouts_and_bad_answers_lead_where_they_were_told_to() -> None:
    drawn = arrows(CHECKOUT)
    assert 'step_pay -->|"card.declined"| step_cart' in drawn
    assert 'step_pay -->|"timeout, any error"| step_help' in drawn
    assert 'step_address -->|"after 30 min"| cancelled_' in drawn
    assert 'step_help -->|"after 10 min"| failed_' in drawn
    assert 'step_cart -->|"3 bad answers"| step_help' in drawn
    assert 'step_age -->|"after 1 d"| step_name' in arrows(SIGNUP)


def test_a_timeout_that_code_handles_leads_to_a_question_mark() -> None:
    assert 'step_email -.->|"after 1 min 30 s"| open_email' in arrows(KYC)
    assert 'open_email(("?")):::mark' in mermaid(KYC)


def test_a_declared_step_without_ways_on_ends_the_run() -> None:
    assert {"step_done --> end_", "step_help --> end_"} <= arrows(CHECKOUT)
    assert "start_ --> step_cart" in arrows(CHECKOUT)


def test_branches_stand_in_a_box_and_come_together_before_the_join() -> None:
    text = mermaid(KYC)
    box = text[text.index("subgraph") : text.index("\n  end\n")]
    assert [name for name in KYC.steps if f"step_{name}(" in box] == ["email", "phone", "code", "passport", "face"]
    assert '(["2 of 3 done"])' in box
    assert "in any order" in text
    assert {"step_start ==> step_email", "step_start ==> step_phone", "step_start ==> step_passport"} <= arrows(KYC)
    assert {"step_email ==> gate_start", "step_face ==> gate_start", "gate_start ==> step_complete"} <= arrows(KYC)
    assert 'step_start -->|"after 3 d"| failed_' in arrows(KYC)


def test_a_branch_that_runs_in_a_circle_still_comes_to_an_end() -> None:
    assert {"step_phone --> step_code", "step_code --> step_phone", "step_code ==> gate_start"} <= arrows(KYC)


def test_no_step_outside_is_drawn_into_a_branch() -> None:
    later = flow(
        "kyc", step("start"), step("join"), step("email"), step("phone"), step("after"),
        groups=[group("start", ["email", "phone"], "join")],
    )  # fmt: skip
    assert {"step_phone ==> gate_start", "step_join -.-> step_after"} <= arrows(later)
    assert "step_phone -.-> step_after" not in arrows(later)


def test_routing_steps_are_rhombs_and_questions_are_round() -> None:
    text = mermaid(CHECKOUT)
    assert 'step_stock{"Left?"}:::route' in text
    assert 'step_cart("cart<br/>“What would you like?”"):::ask' in text
    assert 'step_pay["Pay"]:::code' in text


def test_retired_steps_are_not_drawn_and_ways_to_them_lead_on() -> None:
    assert "old" not in mermaid(MIXED)
    assert 'step_second -.->|"guess"| step_third' in arrows(MIXED)


def test_a_target_that_does_not_exist_is_shown_as_missing() -> None:
    assert 'missing_lost["missing: lost"]:::bad' in mermaid(MIXED)


def test_the_heading_may_be_left_out() -> None:
    assert mermaid(SIGNUP).startswith('---\ntitle: "signup (version 1)"\n---\nflowchart TD\n')
    assert mermaid(SIGNUP, title=False) == mermaid(SIGNUP).split("---\n", 2)[2]


def test_names_that_look_alike_stay_apart() -> None:
    drawn = flow(
        "f", step("a-b", ["a b"]), step("a b", ["a_b"]), step("a_b", ["größe"]), step("größe", ["end"]), step("end", [])
    )
    assert arrows(drawn) == {
        "start_ --> step_a_b", "step_a_b --> step_a_b_2", "step_a_b_2 --> step_a_b_3", "step_a_b_3 --> step_gr__e",
        "step_gr__e --> step_end", "step_end --> end_",
    }  # fmt: skip


HOSTILE = [
    '"]; click step_a href "javascript:alert(1)"', "<script>alert(1)</script>", "%%{init: {'securityLevel': 'loose'}}%%",
    "\n---\nconfig: {}\n---\n", "`**markdown**`", "a\nb --> c", "end", "1. list", "#quot;", "&lt;b&gt;",
    "\\", "{", "}", "|", "\u202e", "\x00",
]  # fmt: skip
TITLES = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=100), st.lists(st.sampled_from(HOSTILE)).map("".join))
LABEL = re.compile(r'"(?:[^"#<>%{}\[\]`\\|&;\x00-\x1f]|#\d+;|<br/>)*"')


@given(TITLES)
def test_no_title_breaks_out_of_its_label(title: str) -> None:
    def named(text: str) -> str:
        first = asking("a", text, [Output(StepName("b"), text)])
        return mermaid(flow("f", replace(first, title=text), step("b", [], title=text), title=text))

    hostile, harmless = named(title).splitlines(), named("harmless").splitlines()
    assert len(hostile) == len(harmless) or not title.strip()
    assert re.fullmatch(r'title: "(?:[^"\\%{}<>&\x00-\x1f]|\\["\\]|\\u[0-9a-f]{4})*"', hostile[1])
    for line in hostile[4:]:
        outside = LABEL.sub('""', line)
        assert '"' not in outside.replace('""', ""), line
        assert re.fullmatch(r"[ \w()\[\]{}\"|>:.=#,-]*", outside, re.ASCII), line


@given(st.text())
def test_long_texts_are_cut(text: str) -> None:
    drawn = mermaid(flow("f", asking("a", text * 1000)))
    assert max(map(len, drawn.splitlines())) < 1000
