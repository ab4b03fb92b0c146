"""The kinds of steps in documents: which fields each has, how a kind is recognised, and what a step becomes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias, get_args

from turnflow.core.definition import HandlerStep
from turnflow.core.nodes import Node
from turnflow.declarative import nodes, questions
from turnflow.declarative.edges import Outputs
from turnflow.declarative.groups import GROUP_KINDS, GROUPS, group_of
from turnflow.declarative.records import Field, Record, Values
from turnflow.declarative.settings import SETTINGS
from turnflow.declarative.shapes import OneOf, Place, Referred, Text, Texts, kind_of

StepKind: TypeAlias = Literal["start", "action", "say", "ask", "decision", "event", "timer", "flow", "end"]
STEP_KINDS: tuple[StepKind, ...] = get_args(StepKind)

WAIT = "wait"
"""The action that is a timer."""

_TITLE = Field("title", Text(), "What people see instead of the name; changes nothing.")
_WAYS = (
    Field("outputs", Outputs(), "Ways on from here, tried in order; or the name of the one step that follows."),
    Field("to", Texts(), "Short for one output without a condition; several names fork the path."),
)
_SETTINGS = Field("settings", Referred("settings", SETTINGS), "How the step is executed.")
_OWN: dict[StepKind, tuple[Field, ...]] = {
    "start": _WAYS,
    "action": (*nodes.ACTION, *_WAYS, _SETTINGS),
    "say": (*questions.SAY, *_WAYS, _SETTINGS),
    "ask": (*questions.ASK, *_WAYS, _SETTINGS),
    "decision": (*_WAYS, _SETTINGS),
    "event": (*nodes.EVENT, *_WAYS, _SETTINGS),
    "timer": (*nodes.WAIT_FIELDS, *_WAYS, _SETTINGS),
    "flow": (*nodes.FLOW, *_WAYS, _SETTINGS),
    "end": nodes.END,
}
_MAKE: dict[StepKind, Callable[[str, Values, Place], HandlerStep | Node]] = {
    "start": nodes.start_step,
    "action": nodes.action_step,
    "say": questions.say_step,
    "ask": questions.ask_step,
    "decision": nodes.decision_step,
    "event": nodes.event_step,
    "timer": nodes.timer_step,
    "flow": nodes.flow_step,
    "end": nodes.end_step,
}
PLAIN_BY: tuple[tuple[str, StepKind], ...] = (
    ("action", "action"),
    ("flow", "flow"),
    ("choices", "ask"),
    ("accepts", "ask"),
    ("text", "say"),
    ("topic", "event"),
    ("webhook", "event"),
    ("poll", "event"),
    ("duration", "timer"),
    ("until", "timer"),
)
"""Fields that make a kind plain, the first one that is there."""

STEPS: dict[StepKind, Record] = {
    kind: Record(
        f"a step of kind {kind}",
        (Field("kind", OneOf((kind,)), "The kind of step."), _TITLE, *fields),
        elsewhere={
            field.name: f"steps of kind {other} have one"
            for other, others in reversed(_OWN.items())
            for field in others
        },
    )
    for kind, fields in _OWN.items()
}
GROUP_RECORDS = {
    kind: Record(
        f"a group of kind {kind}",
        (Field("kind", OneOf((kind,)), "The kind of group."), _TITLE, *fields, *_WAYS, _SETTINGS),
    )
    for kind, fields in GROUPS.items()
}


def read_step(name: str, place: Place) -> HandlerStep | Node | None:
    """Return a step, or None if it cannot be told what it is."""
    kind = _step_kind(place)
    if kind is None:
        return None
    content = place.node.content
    if kind == "action" and isinstance(content, dict) and content.get("action", place.node).content == WAIT:
        values = STEPS["action"].read(place)
        return nodes.wait_action(name, values, place) if isinstance(values, Values) else None
    values = STEPS[kind].read(place)
    return _MAKE[kind](name, values, place) if isinstance(values, Values) else None


def read_group(name: str, place: Place) -> Node | None:
    """Return a group, or None if it cannot be told what it is."""
    content = place.node.content
    if not isinstance(content, dict):
        place.wrong(f"must be an object (a group) but is {kind_of(place.node)}")
        return None
    if "kind" not in content:
        hint = f"say which: {', '.join(GROUP_KINDS)}"
        place.findings.add("missing_field", (*place.path, "kind"), f"a group needs the field 'kind'; {hint}")
        return None
    word = OneOf(GROUP_KINDS, "unknown_group_kind").read(place.inner("kind"))
    kind = next((kind for kind in GROUP_KINDS if kind == word), None)
    values = GROUP_RECORDS[kind].read(place) if kind is not None else None
    return group_of(kind, name, values, place) if kind is not None and isinstance(values, Values) else None


def _step_kind(place: Place) -> StepKind | None:
    content = place.node.content
    if not isinstance(content, dict):
        place.wrong(f"must be an object (a step) but is {kind_of(place.node)}")
        return None
    if "kind" in content:
        word = content["kind"].content
        if isinstance(word, str) and word in GROUP_KINDS:
            place.inner("kind").wrong(f"{word!r} is a kind of group; write it under `groups`", "unknown_step_kind")
            return None
        found = OneOf(STEP_KINDS, "unknown_step_kind").read(place.inner("kind"))
        return next((kind for kind in STEP_KINDS if kind == found), None)
    for field, kind in PLAIN_BY:
        if field in content:
            return kind
    kinds = ", ".join(STEP_KINDS)
    place.findings.add("missing_field", (*place.path, "kind"), f"the step needs the field 'kind': {kinds}")
    return None
