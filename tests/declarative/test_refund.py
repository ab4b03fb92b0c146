"""The document in the manual, loaded whole."""

from __future__ import annotations

from pathlib import Path

from turnflow.core.definition import Accepts, HandlerStep
from turnflow.core.ids import StepName
from turnflow.core.nodes import ActionStep, EndStep, Output, Retry, Settings, Template
from turnflow.declarative import load_flow

REFUND = Path(__file__).with_name("refund.yaml")


def test_an_action_has_its_input_settings_and_ordered_outputs() -> None:
    flow = load_flow(REFUND.read_text()).flow
    assert flow.nodes[StepName("lookup")] == ActionStep(
        StepName("lookup"),
        "http.get",
        Template({"url": "https://shop.example/orders/${input.orderId}"}, static=False),
        (
            Output(StepName("pay"), "small", when="output.body.total < 50.0"),
            Output(StepName("apologise"), "gone", ("http.404",)),
            Output(StepName("approve"), "default"),
        ),
        Settings(timeout=10_000, retry=Retry(3, 1000, 2.0, jitter=0.2)),
    )


def test_a_question_with_choices_makes_buttons_and_a_wait_with_a_time_limit() -> None:
    step = load_flow(REFUND.read_text()).flow.steps[StepName("approve")]
    assert isinstance(step, HandlerStep)
    assert step.kind == "ask"
    assert step.say == Template("Refund ${steps.lookup.output.body.total}?", static=False)
    assert step.buttons == (("yes", "no"),)
    assert step.question is not None
    wait = step.question.wait
    assert wait.accepts == Accepts(("text", "press"), "choice", {"options": [["yes", "yes"], ["no", "no"]]})
    assert (wait.timeout, wait.who, step.settings.timeout) == (24 * 3_600_000, ("role:operator",), None)


def test_the_head_and_the_end_of_the_document_are_read() -> None:
    flow = load_flow(REFUND.read_text()).flow
    assert (flow.name, flow.version, flow.start) == ("refund", 3, "lookup")
    assert flow.input["required"] == ["orderId"]
    assert flow.nodes[StepName("done")] == EndStep(
        StepName("done"), output=Template({"order": "${input.orderId}"}, static=False)
    )
