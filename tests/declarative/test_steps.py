"""Each kind of step, and each field of it, becomes what the definition holds."""

from __future__ import annotations

import pytest

from turnflow import answers
from turnflow.core.definition import Accepts, HandlerStep, Policies, Question, Reminder, Trigger, WaitSpec
from turnflow.core.ids import FlowName, StepName
from turnflow.core.messages import Message
from turnflow.core.nodes import (
    ActionStep,
    DecisionStep,
    EndStep,
    EventStep,
    FlowStep,
    Loop,
    Node,
    Output,
    Parallel,
    Poll,
    Retry,
    Sequence,
    Settings,
    Template,
    TimerStep,
)
from turnflow.declarative import GraphFlow, load_flow

A, END = StepName("a"), (Output(StepName("end")),)


def loaded(step: str, more: str = "") -> GraphFlow:
    """Load a flow that starts with a step `a`, written so, and has a step `end`."""
    return load_flow(f"flow: f\nstart: a\nsteps:\n  a: {step}\n  end: {{kind: end}}\n{more}")


def node(step: str) -> Node:
    return loaded(step).flow.nodes[A]


def asked(fields: str) -> HandlerStep:
    return loaded(f"{{kind: ask, say: Well?, {fields}}}").flow.steps[A]


def wait_of(fields: str) -> WaitSpec:
    question = asked(fields).question
    assert question is not None
    return question.wait


@pytest.mark.parametrize(
    ("written", "step"),
    [
        ("{action: log}", ActionStep(A, "log", Template({}))),
        ("{kind: action, action: log, title: T, to: end}", ActionStep(A, "log", Template({}), END, title="T")),
        ("{action: log, input: {a: [1, '${input.x}']}}", ActionStep(A, "log", Template({"a": [1, "${input.x}"]}, static=False))),
        ("{action: log, input: '${input}'}", ActionStep(A, "log", Template("${input}", static=False))),
        ("{action: wait, input: {duration: 5m}}", TimerStep(A, 300_000)),
        ("{action: wait, input: {until: '${input.at}'}}", TimerStep(A, until=Template("${input.at}", static=False))),
        ("{duration: 10s}", TimerStep(A, 10_000)),
        ("{duration: '${input.pause}'}", TimerStep(A, until=Template("${input.pause}", static=False))),
        ("{kind: timer, until: 2030-01-01T00:00:00Z}", TimerStep(A, until=Template("2030-01-01T00:00:00Z"))),
        ("{flow: other, input: {x: 1}}", FlowStep(A, FlowName("other"), Template({"x": 1}))),
        ("{topic: order.paid, match: event.ok == true, lookback: 0}", EventStep(A, "order.paid", "event.ok == true", lookback=0)),
        ("{topic: x, correlate: '${input.id}'}", EventStep(A, "x", correlate=Template("${input.id}", static=False))),
        ("{webhook: true}", EventStep(A, webhook=True)),
        ("{poll: {action: check}}", EventStep(A, poll=Poll("check", Template({})))),
        ("{poll: {action: check, input: {n: 1}, interval: 5s}}", EventStep(A, poll=Poll("check", Template({"n": 1}), 5000))),
        ("{kind: decision, outputs: [{when: 1 < 2, to: end}, {to: end}]}",
         DecisionStep(A, (Output(StepName("end"), when="1 < 2"), *END))),
        ("{kind: start, to: end}", DecisionStep(A, END)),
        ("{kind: start, outputs: end}", DecisionStep(A, END)),
        ("{kind: end}", EndStep(A)),
        ("{kind: end, output: 5}", EndStep(A, output=Template(5))),
        ("{kind: end, outcome: failed, code: late, message: 'for ${input.x}'}",
         EndStep(A, "failed", code="late", message=Template("for ${input.x}", static=False))),
    ],
)  # fmt: skip
def test_a_step_becomes_a_node(written: str, step: Node) -> None:
    leads_on = bool(step.outputs)
    graph = loaded(written) if leads_on else load_flow(f"flow: f\nstart: a\nsteps:\n  a: {written}")
    assert graph.flow.nodes[A] == step


def test_outputs_keep_their_order_names_conditions_codes_and_forks() -> None:
    written = "{action: log, outputs: [{name: n, when: output == 1, to: end}, {error: x, to: end}, {to: [end, b]}]}"
    flow = loaded(written, "  b: {kind: say, text: Hi}\n").flow
    end = StepName("end")
    assert flow.nodes[A].outputs == (
        Output(end, "n", when="output == 1"),
        Output(end, error=("x",)),
        Output(end, also=(StepName("b"),)),
    )


@pytest.mark.parametrize(
    ("written", "settings"),
    [
        ("timeout: 10", Settings(timeout=10_000)),
        ("attemptTimeout: 1s, idleTimeout: PT2S", Settings(attempt_timeout=1000, idle_timeout=2000)),
        ("retryCount: 2", Settings(retry=Retry(2))),
        (
            "retry: {count: 1, delay: 0s, factor: 1, maxDelay: 1m, jitter: 1, on: [a, b], within: 1h}",
            Settings(retry=Retry(1, 0, 1.0, 60_000, 1.0, ("a", "b"), 3_600_000)),
        ),
        ("continueOnError: true", Settings(continue_on_error=True)),
        (
            "atMostOnce: true, concurrency: 3, redact: [card]",
            Settings(at_most_once=True, concurrency=3, redact=("card",)),
        ),
        ("idempotencyKey: '${input.id}'", Settings(idempotency_key=Template("${input.id}", static=False))),
    ],
)
def test_settings_say_how_a_step_is_executed(written: str, settings: Settings) -> None:
    assert node(f"{{action: log, settings: {{{written}}}, to: end}}").settings == settings


def test_saying_is_a_template() -> None:
    step = loaded("{text: 'Hi ${input.name}', to: end}").flow.steps[A]
    said = Template("Hi ${input.name}", static=False)
    assert step == HandlerStep(A, outputs=END, declared=True, kind="say", say=said)


@pytest.mark.parametrize(
    ("written", "accepts"),
    [
        ("text", answers.text()),
        ("{kind: text, min: 2, max: 5, pattern: '[a-z]+'}", answers.text(2, 5, "[a-z]+")),
        ("number", answers.number()),
        ("{kind: number, min: 1, max: 130, whole: true}", answers.number(1, 130, whole=True)),
        ("email", answers.email()),
        ("phone", answers.phone()),
        ("{kind: phone, region: gb}", answers.phone("GB")),
        ("url", answers.url()),
        ("date", answers.date()),
        ("time", answers.time()),
        ("datetime", Accepts(("text",), "datetime")),
        ("yes_no", answers.yes_no()),
        ("{kind: yes_no, yes: Ja, no: Nein}", answers.yes_no("Ja", "Nein")),
        ("photo", answers.photo()),
        ("video", answers.video()),
        ("voice", answers.voice()),
        ("audio", answers.audio()),
        ("document", answers.document()),
        ("location", answers.location()),
        ("contact", answers.contact()),
        ("any", answers.any_input()),
        ("{kind: command, name: skip}", answers.command("skip")),
    ],
)
def test_every_kind_of_answer_can_be_accepted(written: str, accepts: Accepts) -> None:
    assert wait_of(f"accepts: {written}, to: end").accepts == accepts


def test_a_question_takes_text_unless_it_says_otherwise() -> None:
    assert asked("to: end").question == Question(WaitSpec(answers.text()))


def test_everything_about_a_wait_can_be_said() -> None:
    wait = wait_of(
        "invalid: 'No: {reason}', attempts: 2, onExhausted: end, otherwise: Text please., who: [{role: operator}, anyone],"
        " remind: [1m, {after: 2m, text: Still there?}], gather: 1s, settings: {timeout: 1h, retryCount: 1}, to: end"
    )
    assert wait == WaitSpec(
        answers.text(),
        timeout=3_600_000,
        remind=(Reminder(60_000), Reminder(120_000, Message("Still there?"))),
        retry=Message("No: {reason}"),
        attempts=2,
        on_exhausted=StepName("end"),
        otherwise=Message("Text please."),
        who=("role:operator", "anyone"),
        gather=1000,
    )


@pytest.mark.parametrize(
    ("written", "rows"),
    [
        ("[a, b]", (("a", "b"),)),
        ("[a rather long label, another long one]", (("a rather long label",), ("another long one",))),
        ("[[a], [b, c]]", (("a",), ("b", "c"))),
        ("[{label: 'Pay ${input.sum}', value: pay}, no]", (("Pay ${input.sum}", "no"),)),
    ],
)
def test_choices_are_buttons_in_rows(written: str, rows: tuple[tuple[str, ...], ...]) -> None:
    assert asked(f"choices: {written}, to: end").buttons == rows


def test_a_choice_may_mean_something_else_than_its_label() -> None:
    accepts = wait_of("choices: [{label: Yes please, value: yes}, no], to: end").accepts
    assert accepts == answers.choice(("Yes please", "yes"), "no")


def test_suggestions_leave_other_answers_open() -> None:
    step = asked("accepts: number, buttons: ['10', '20'], to: end")
    assert step.buttons == (("10", "20"),)
    assert step.question is not None
    assert step.question.wait.accepts == Accepts(("text", "press"), "number")


@pytest.mark.parametrize(
    ("written", "group"),
    [
        ("{kind: sequential, steps: [x, y]}", Sequence(A, (StepName("x"), StepName("y")))),
        ("{kind: parallel, steps: [x, y], limit: 2, join: n, need: 1, rest: leave}",
         Parallel(A, (StepName("x"), StepName("y")), 2, "n", 1, "leave")),
        ("{kind: loop, steps: [x, y], over: '${input.items}', as: thing, limit: 3, onItemError: skip}",
         Loop(A, (StepName("x"), StepName("y")), Template("${input.items}", static=False), "", "", "thing", 3, 10_000, "skip")),
        ("{kind: loop, steps: [x, y], while: 1 < 2, maxIterations: 7}",
         Loop(A, (StepName("x"), StepName("y")), while_="1 < 2", max_iterations=7)),
        ("{kind: loop, steps: [x, y], until: 1 < 2}", Loop(A, (StepName("x"), StepName("y")), until="1 < 2")),
    ],
)  # fmt: skip
def test_a_group_may_be_the_start_and_shares_names_with_steps(written: str, group: Node) -> None:
    graph = load_flow(f"flow: f\nstart: a\nsteps: {{x: {{action: log}}, y: {{action: log}}}}\ngroups: {{a: {written}}}")
    assert graph.flow.nodes[A] == group


def test_inside_a_loop_expressions_know_the_item_by_its_name() -> None:
    text = "flow: f\nstart: a\nsteps: {x: {action: log, input: {v: '${thing.id}'}}}\n"
    graph = load_flow(text + "groups: {a: {kind: loop, steps: [x], over: [1], as: thing}}")
    assert graph.flow.nodes[StepName("x")] == ActionStep(
        StepName("x"), "log", Template({"v": "${thing.id}"}, static=False)
    )


def test_the_head_of_a_document_says_everything_about_the_flow() -> None:
    graph = load_flow(
        "flow: f\nversion: 4\ntitle: T\ntimeout: 7d\npolicies: {key: chat, onRepeat: restart, idle: 1h, keepButtons: true}\n"
        "outputSchema: {type: string}\nparamsSchema: {type: object}\nstart: a\nsteps: {a: {kind: end}}\n"
        "triggers: [{command: /go}, {callback: 'b*'}, {pattern: hi}, {media: photo}, any_text,\n"
        "           {event: order.*}, {event: a.b, when: event.data.n > 1}]\n"
    )
    flow = graph.flow
    assert (flow.version, flow.title, flow.output, flow.params) == (4, "T", {"type": "string"}, {"type": "object"})
    assert flow.policies == Policies("chat", "restart", 604_800_000, 3_600_000, True)
    assert graph.triggers == (
        Trigger("command", "go"),
        Trigger("callback", "b*"),
        Trigger("pattern", "hi"),
        Trigger("media", "photo"),
        Trigger("any_text"),
        Trigger("event", "order.*"),
        Trigger("event", "a.b", "event.data.n > 1"),
    )


def test_the_only_start_marker_is_where_a_flow_starts() -> None:
    flow = load_flow("flow: f\nsteps: {a: {kind: end}, go: {kind: start, to: a}}").flow
    assert flow.start == "go"
