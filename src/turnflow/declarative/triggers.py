"""What starts a flow, as documents write it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, TypeAlias, get_args

from turnflow.core.definition import Trigger
from turnflow.core.ids import Json
from turnflow.core.inputs import MEDIA_KINDS
from turnflow.declarative.schedules import SCHEDULE
from turnflow.declarative.shapes import Condition, Flag, JsonSchema, OneOf, Place, Text
from turnflow.errors import InvalidExpression, Problem
from turnflow.expressions import compile_condition

TriggerKind: TypeAlias = Literal["command", "callback", "pattern", "media", "any_text", "event"]
TRIGGER_KINDS: Final[tuple[TriggerKind, ...]] = get_args(TriggerKind)
ABOUT: Final[dict[TriggerKind, str]] = {
    "command": "Starts on the command of this name.",
    "callback": "Starts on a press with this data; a trailing * matches any ending.",
    "pattern": "Starts on text in which this regular expression is found.",
    "media": "Starts on media of this kind.",
    "any_text": "Starts on any text that nothing else wants.",
    "event": "Starts on an event of this topic, with what it carries; * stands for one word, a last ** for all that follow.",
}
WHEN: Final = "CEL condition over `event`; without it each one counts."


def condition_problem(source: str) -> str:
    """Return why a text is no condition of an event trigger; "" if it is one. Nothing but the event is there when it is asked."""
    try:
        roots = {path[0] for path in compile_condition(source).references}
    except InvalidExpression as error:
        return str(error)
    return _strange(roots - {"event"})


def condition_problems(triggers: Iterable[Trigger]) -> Iterable[Problem]:
    """Return what is wrong with the conditions of triggers."""
    for index, trigger in enumerate(triggers):
        if trigger.when and (problem := condition_problem(trigger.when)):
            yield Problem("bad_condition", f"triggers[{index}].when", problem)


class TriggerShape:
    """A trigger: `any_text`, or an object whose one field is the kind, `{command: start}`; events and schedules have more."""

    def read(self, place: Place) -> Trigger | None:
        """Return the trigger."""
        content = place.node.content
        if content == "any_text":
            return Trigger("any_text")
        if isinstance(content, dict) and "event" in content:
            return _event(place, tuple(content))
        if isinstance(content, dict) and "schedule" in content:
            made = SCHEDULE.read(place)
            return made if isinstance(made, Trigger) else None
        if not isinstance(content, dict) or len(content) != 1:
            place.wrong("must be any_text, or an object with one field: {command: start}", "bad_trigger")
            return None
        word = next(iter(content))
        kind = next((kind for kind in TRIGGER_KINDS if kind == word), None)
        if kind is None:
            known = ", ".join((*TRIGGER_KINDS, "schedule"))
            message = f"there is no trigger of kind {word!r}; there are: {known}"
            place.findings.about_field("unknown_trigger", (*place.path, word), message)
            return None
        if kind == "any_text":
            return Trigger(kind) if Flag().read(place.inner(word)) else None
        shape = OneOf(("any", *sorted(MEDIA_KINDS))) if kind == "media" else Text()
        value = shape.read(place.inner(word))
        return None if value is None else Trigger(kind, value.removeprefix("/") if kind == "command" else value)

    def schema(self) -> JsonSchema:
        """Return the shape as JSON Schema."""
        shapes: dict[str, JsonSchema] = {"media": {"enum": ["any", *sorted(MEDIA_KINDS)]}, "any_text": {"const": True}}
        fields: dict[str, Json] = {
            kind: {"description": about, **shapes.get(kind, Text().schema())} for kind, about in ABOUT.items()
        }
        event: JsonSchema = {
            "type": "object", "additionalProperties": False, "required": ["event"],
            "properties": {"event": fields.pop("event"), "when": {"description": WHEN, **Condition().schema()}},
        }  # fmt: skip
        one: JsonSchema = {
            "type": "object", "additionalProperties": False, "minProperties": 1, "maxProperties": 1, "properties": fields,
        }  # fmt: skip
        return {"anyOf": [{"const": "any_text"}, one, event, SCHEDULE.schema()]}


def _event(place: Place, words: tuple[str, ...]) -> Trigger | None:
    """Return the trigger of an event."""
    for word in words:
        if word not in ("event", "when"):
            message = f"a trigger of an event has no field {word!r}; it has event and when"
            place.findings.about_field("unknown_field", (*place.path, word), message)
            return None
    topic = Text("a topic").read(place.inner("event"))
    when = ""
    if "when" in words:
        inner = place.inner("when")
        before = len(place.findings.problems)
        when = Condition().read(inner) or ""
        if when and len(place.findings.problems) == before and (problem := condition_problem(when)):
            place.findings.add("unknown_reference", inner.path, problem)
    return None if topic is None else Trigger("event", topic, when)


def _strange(roots: set[str]) -> str:
    if not roots:
        return ""
    return f"the condition of a trigger refers to {', '.join(sorted(roots))}; when it is asked there is only `event`"
