"""Steps that need no Python: actions, decisions, events, timers, nested flows, ends."""

from __future__ import annotations

from typing import Literal, cast

from turnflow.core.ids import FlowName, StepName
from turnflow.core.nodes import ActionStep, DecisionStep, EndStep, EventStep, FlowStep, Poll, Template, TimerStep
from turnflow.declarative.edges import outputs_of
from turnflow.declarative.records import Field, Record, Values
from turnflow.declarative.settings import settings_of
from turnflow.declarative.shapes import Condition, Duration, Flag, JsonSchema, OneOf, Place, Templated, Text

OUTCOMES = ("completed", "failed", "cancelled")
NO_INPUT = Template({})


class DurationOrTemplate:
    """A duration, or a text with `${...}` that comes to one."""

    def read(self, place: Place) -> int | Template | None:
        """Return milliseconds, or the template."""
        if isinstance(place.node.content, str) and "${" in place.node.content:
            return place.findings.template(place.node.content, place.path)
        return Duration().read(place)

    def schema(self) -> JsonSchema:
        """Return the shape as JSON Schema."""
        return {"anyOf": [Duration().schema(), {"type": "string", "pattern": r"\$\{"}]}


WAIT_FIELDS = (
    Field("duration", DurationOrTemplate(), "How long; may be a `${...}` that comes to a duration."),
    Field("until", Templated(), "Until when: RFC 3339 text or milliseconds since the epoch; may be a `${...}`."),
)
WAIT_INPUT = Record("the input of wait", WAIT_FIELDS)
POLL = Record(
    "poll",
    (
        Field("action", Text("an action's name"), "The action that is asked again and again.", required=True),
        Field("input", Templated("object"), "Its input."),
        Field("interval", Duration(), "Pause between two calls; default 60s."),
    ),
    lambda values, place: Poll(
        values.text("action"), values.template("input") or NO_INPUT, values.whole("interval", 60_000)
    ),
)
ACTION = (
    Field("action", Text("an action's name"), "The action that is called.", required=True),
    Field("input", Templated("object"), "Its input: JSON whose strings may hold `${...}`."),
)
FLOW = (
    Field("flow", Text("a flow's name"), "The flow that is run.", required=True),
    Field("input", Templated("object"), "What it is started with: JSON whose strings may hold `${...}`."),
)
EVENT = (
    Field("topic", Text(), "Topic of the event: dotted words, `*` for one of them, a last `**` for all that follow."),
    Field("webhook", Flag(), "The event comes to a signed address of its own."),
    Field("poll", POLL, "The event is found by calling an action until its result satisfies `match`."),
    Field("match", Condition(), "CEL condition over `event`; without it the first one counts."),
    Field("correlate", Templated(), "What the event's correlation key must equal."),
    Field("lookback", Duration(0), "How far back an earlier event may lie; default: until the start of the run."),
)
END = (
    Field("outcome", OneOf(OUTCOMES), "How the run ends; default completed."),
    Field("output", Templated("any"), "The run's result: JSON whose strings may hold `${...}`."),
    Field("code", Text(), "Of a failure: its code; default failed."),
    Field("message", Templated("text"), "Of a failure or cancellation: why."),
)


def action_step(name: str, values: Values, place: Place) -> ActionStep:
    """Return a step that calls an action."""
    return ActionStep(
        StepName(name),
        values.text("action"),
        values.template("input") or NO_INPUT,
        outputs_of(values, place),
        settings_of(values),
        values.text("title"),
    )


def decision_step(name: str, values: Values, place: Place) -> DecisionStep:
    """Return a step that only chooses its output."""
    return DecisionStep(StepName(name), outputs_of(values, place), settings_of(values), values.text("title"))


def start_step(name: str, values: Values, place: Place) -> DecisionStep:
    """Return the marker of a start, which goes on unconditionally."""
    step = decision_step(name, values, place)
    if any(output.when or output.error for output in step.outputs):
        place.findings.add(
            "conditional_start", place.path, "a start goes on at once; use kind: decision for conditions"
        )
    return step


def timer_step(name: str, values: Values, place: Place) -> TimerStep:
    """Return a step that waits for a time."""
    return _timer(name, values, values, place)


def wait_action(name: str, values: Values, place: Place) -> TimerStep:
    """Return the timer that `action: wait` means."""
    node = place.node.content
    found: object = Values()
    if isinstance(node, dict) and "input" in node:
        found = WAIT_INPUT.read(place.inner("input"))
    return _timer(name, found if isinstance(found, Values) else Values(), values, place)


def flow_step(name: str, values: Values, place: Place) -> FlowStep:
    """Return a step that runs another flow."""
    return FlowStep(
        StepName(name),
        FlowName(values.text("flow")),
        values.template("input") or NO_INPUT,
        outputs_of(values, place),
        settings_of(values),
        values.text("title"),
    )


def event_step(name: str, values: Values, place: Place) -> EventStep:
    """Return a step that waits for an event."""
    poll = values.get("poll")
    return EventStep(
        StepName(name),
        topic=values.text("topic"),
        match=values.text("match"),
        correlate=values.template("correlate"),
        lookback=values.millis("lookback"),
        poll=poll if isinstance(poll, Poll) else None,
        webhook=values.flag("webhook") or False,
        outputs=outputs_of(values, place),
        settings=settings_of(values),
        title=values.text("title"),
    )


def end_step(name: str, values: Values, place: Place) -> EndStep:
    """Return a step that ends the run."""
    return EndStep(
        StepName(name),
        cast(Literal["completed", "failed", "cancelled"], values.text("outcome", "completed")),
        values.template("output") or Template(),
        values.text("code", "failed"),
        values.template("message") or Template(""),
        values.text("title"),
    )


def _timer(name: str, times: Values, values: Values, place: Place) -> TimerStep:
    duration, until = times.get("duration"), times.template("until")
    if isinstance(duration, Template) and until is not None:
        place.findings.add("bad_timer", place.path, "say either how long it waits (duration) or until when (until)")
    return TimerStep(
        StepName(name),
        duration if isinstance(duration, int) else None,
        duration if isinstance(duration, Template) else until,
        outputs_of(values, place),
        settings_of(values),
        values.text("title"),
    )
