"""Every expression of a flow graph with its place: in which step it stands, where in the document, and when it is evaluated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple, TypeAlias, assert_never

from turnflow.core.definition import Flow, HandlerStep
from turnflow.core.graph import names
from turnflow.core.graph_validation import path_of
from turnflow.core.ids import Json, StepName
from turnflow.core.nodes import (
    ActionStep,
    DecisionStep,
    EndStep,
    EventStep,
    FlowStep,
    Loop,
    Node,
    Parallel,
    Sequence,
    Template,
    TimerStep,
)

Moment: TypeAlias = Literal["before", "while", "until", "after"]
"""When: before the step does anything; before or after a round of the loop that it is; after it has succeeded."""


class Occurrence(NamedTuple):
    """One expression, or one text with `${...}` in it."""

    step: StepName
    path: str
    source: str
    is_text: bool
    """A text with expressions in it, not an expression by itself."""
    moment: Moment


def occurrences(flow: Flow) -> Iterator[Occurrence]:
    """Yield the expressions of a flow graph in the order of its definition."""
    for name, step in names(flow).items():
        for field, value, moment in (*_fields(step), *_labels(step), *_shared(step)):
            path = f"{path_of(flow, name)}.{field}"
            if isinstance(value, str):
                yield Occurrence(name, path, value, False, moment)
            elif not value.static:
                for inner, text in _texts(value.value, path):
                    yield Occurrence(name, inner, text, True, moment)


def _fields(step: HandlerStep | Node) -> Iterator[tuple[str, Template | str, Moment]]:
    match step:
        case HandlerStep():
            found = {"say" if step.kind == "ask" else "text": step.say}
        case ActionStep() | FlowStep():
            found = {"input": step.input}
        case TimerStep():
            found = {"until": step.until}
        case EventStep():
            if step.match:
                yield "match", step.match, "before"
            found = {"correlate": step.correlate, "poll.input": step.poll.input if step.poll is not None else None}
        case EndStep():
            found = {"output": step.output, "message": step.message}
        case Loop():
            if step.while_:
                yield "while", step.while_, "while"
            if step.until:
                yield "until", step.until, "until"
            found = {"over": step.over}
        case DecisionStep() | Sequence() | Parallel():
            found = {}
        case _:
            assert_never(step)
    for field, template in found.items():
        if template is not None:
            yield field, template, "before"


def _labels(step: HandlerStep | Node) -> Iterator[tuple[str, Template | str, Moment]]:
    if isinstance(step, HandlerStep) and step.question is not None:
        field = "choices" if step.question.wait.accepts.answer == "choice" else "buttons"
        for row in step.buttons:
            for label in row:
                yield field, Template(label, static="${" not in label), "before"


def _shared(step: HandlerStep | Node) -> Iterator[tuple[str, Template | str, Moment]]:
    if step.settings.idempotency_key is not None:
        yield "settings.idempotencyKey", step.settings.idempotency_key, "before"
    for index, output in enumerate(step.outputs):
        if output.when:
            yield f"outputs[{index}].when", output.when, "after"


def _texts(value: Json, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str) and "${" in value:
        yield path, value
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, f"{path}[{index}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, f"{path}.{key}")
