"""What stands in the boxes and over the areas of a flow: the kind of a step, what it does, and how a group runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from turnflow.core.definition import HandlerStep
from turnflow.core.nodes import (
    ActionStep,
    DecisionStep,
    EndStep,
    EventStep,
    FlowStep,
    Group,
    Loop,
    Output,
    Parallel,
    Sequence,
    TimerStep,
)
from turnflow.diagram.picture import Box
from turnflow.diagram.spans import span
from turnflow.diagram.words import expression, quoted

Plain = ActionStep | DecisionStep | TimerStep | EventStep | FlowStep | EndStep
"""A step of a flow graph that is no group."""


def handler_box(step: HandlerStep, *, opens: bool = False) -> Box:
    """Return the box of a step with code, or of one that talks. `opens`: it is the start of a parallel group."""
    text = step.title or step.name
    question = step.question
    if question is not None:
        words = question.message.text if question.message is not None else _words(step)
        return Box(step.name, text, "decision" if step.routing else "ask", quoted(words), opens)
    if step.kind == "say":
        return Box(step.name, text, "say", quoted(_words(step)), opens)
    return Box(step.name, text, "decision" if step.routing else "code", "", opens)


def node_box(node: Plain) -> Box:
    """Return the box of a step that needs no code of its own."""
    text = node.title or node.name
    match node:
        case ActionStep():
            return Box(node.name, text, "action", node.action)
        case DecisionStep():
            return Box(node.name, text, "decision")
        case TimerStep():
            until = f"until {expression(node.until.value)}" if node.until is not None else ""
            return Box(node.name, text, "timer", span(node.duration) if node.duration is not None else until)
        case EventStep():
            return Box(node.name, text, "event", _event(node))
        case FlowStep():
            return Box(node.name, text, "flow", f"flow {node.flow}")
        case EndStep():
            if node.outcome == "failed":
                return Box(node.name, text, "failure", f"fails: {node.code}")
            return Box(node.name, text, "end", "cancels" if node.outcome == "cancelled" else "")
        case _:
            assert_never(node)


def group_caption(group: Group) -> str:
    """Return the name, the kind and the settings of a group on one line."""
    return f"{group.title or group.name}: {', '.join(_manners(group))}"


def label(output: Output, number: int = 0) -> str:
    """Return what stands at the arrow of an output; nothing for a default one. `number`: its place where the order counts."""
    name = "" if output.name == "default" and not (output.error or output.when) else output.name
    codes = ", ".join("any error" if code == "*" else code for code in output.error)
    told = " if ".join(part for part in (codes, output.when) if part)
    text = f"{name}: {told}" if name and told else name or told
    return f"{number}. {text}" if number and told else text


def _words(step: HandlerStep) -> str:
    return str(step.say.value) if step.say is not None and isinstance(step.say.value, str) else ""


def _event(step: EventStep) -> str:
    if step.poll is not None:
        return f"asks {step.poll.action} every {span(step.poll.interval)}"
    return f"webhook {step.topic}".rstrip() if step.webhook else step.topic


def _manners(group: Group) -> Iterator[str]:
    match group:
        case Sequence():
            yield "sequential"
        case Parallel():
            yield "parallel"
            yield f"join {group.need} of {len(group.steps)}" if group.join == "n" else f"join {group.join}"
            yield f"limit {group.limit}"
            if group.rest == "leave":
                yield "leaves the rest"
        case Loop():
            if group.over is not None:
                yield f"loop over {expression(group.over.value)}"
                yield f"limit {group.limit}"
            else:
                yield f"loop while {group.while_}" if group.while_ else "loop"
            if group.until:
                yield f"until {group.until}"
            if group.on_item_error == "skip":
                yield "skips failed items"
        case _:
            assert_never(group)
