"""Graphs written in Python are the graphs documents describe, validated in the same way."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from turnflow import answers
from turnflow.core.definition import HandlerStep, Question, Trigger, WaitSpec
from turnflow.core.ids import StepName
from turnflow.core.messages import Message
from turnflow.core.nodes import ActionStep, EndStep, Node, Output, Template, TimerStep
from turnflow.declarative import GraphFlow, graph, load_flow
from turnflow.errors import InvalidFlow

REFUND = Path(__file__).with_name("refund.yaml")
END = (Output(StepName("end")),)
ASK = HandlerStep(
    StepName("ask"), question=Question(WaitSpec(answers.number())), outputs=END, kind="ask", say=Template("How many?")
)


def problems_of(*steps: HandlerStep | Node, **head: object) -> list[str]:
    with pytest.raises(InvalidFlow) as raised:
        graph("f", start=steps[0].name, steps=[*steps, EndStep(StepName("end"))], triggers=head.get("triggers", ()))  # type: ignore[arg-type]  # tests hand over what they like
    return [f"{problem.path} {problem.code}" for problem in raised.value.problems]


def test_the_same_steps_make_the_same_graph_as_a_document() -> None:
    loaded = load_flow(REFUND.read_text())
    flow = loaded.flow
    steps = [*flow.steps.values(), *flow.nodes.values()]
    assert graph("refund", version=3, start="lookup", steps=steps, input=flow.input) == loaded


def test_templates_need_not_say_that_they_hold_expressions() -> None:
    made: GraphFlow = graph("f", start="a", steps=[ActionStep(StepName("a"), "log", Template("${input.x}"))])
    step = made.flow.nodes[StepName("a")]
    assert isinstance(step, ActionStep)
    assert not step.input.static


def test_a_graph_has_the_triggers_it_was_given() -> None:
    go = Trigger("command", "go")
    assert graph("f", start="end", steps=[EndStep(StepName("end"))], triggers=[go]).triggers == (go,)


def test_problems_have_paths_and_no_lines() -> None:
    with pytest.raises(InvalidFlow) as raised:
        graph("f", start="a", steps=[ActionStep(StepName("a"), "log", outputs=(Output(StepName("b")),))])
    (problem,) = raised.value.problems
    assert (problem.code, problem.path, problem.line) == ("unknown_step", "steps.a.to", 0)
    assert str(problem).startswith("steps.a.to: there is no step 'b'")


@pytest.mark.parametrize(
    ("step", "found"),
    [
        (ActionStep(StepName("a"), "log", Template({"x": ["${nope}"]}), END), "steps.a.input.x[0] bad_expression"),
        (ActionStep(StepName("a"), "", outputs=END), "steps.a.action wrong_type"),
        (TimerStep(StepName("a"), -5, outputs=END), "steps.a.duration bad_duration"),
        (TimerStep(StepName("a"), outputs=END), "steps.a bad_timer"),
        (HandlerStep(StepName("a"), outputs=END), "steps.a python_step"),
        (HandlerStep(StepName("a"), outputs=END, kind="say"), "steps.a missing_field"),
        (replace(ASK, question=None), "steps.ask missing_field"),
        (replace(ASK, name=StepName("end")), "steps.end duplicate_name"),
        (ActionStep(StepName("a"), "wait", outputs=END), "steps.a bad_timer"),
        (replace(ASK, question=Question(WaitSpec(answers.number(), retry_handler=True))),
         "flow.steps.ask.question.wait.retry_handler not_in_documents"),
        (replace(ASK, question=Question(WaitSpec(answers.number()), Message("static"))),
         "flow.steps.ask.question.message not_in_documents"),
    ],
)  # fmt: skip
def test_what_no_document_can_say_and_every_mistake_is_named(step: HandlerStep | Node, found: str) -> None:
    assert problems_of(step) == [found]


def test_a_filter_needs_a_flow_in_python() -> None:
    (found,) = problems_of(ASK, triggers=[Trigger("filter", "f")])
    assert found == "triggers[0].filter unknown_trigger"
