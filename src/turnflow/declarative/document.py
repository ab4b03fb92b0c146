"""The fields of a document as a whole."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

from turnflow.core.definition import KeyPolicy, OnRepeat, Trigger
from turnflow.core.ids import Json
from turnflow.core.inputs import MEDIA_KINDS
from turnflow.declarative.checked_schema import schema_mistake
from turnflow.declarative.records import Field, Record
from turnflow.declarative.shapes import Duration, Flag, Items, JsonSchema, OneOf, Place, Text, Whole, kind_of

TriggerKind: TypeAlias = Literal["command", "callback", "pattern", "media", "any_text"]
TRIGGER_KINDS: tuple[TriggerKind, ...] = get_args(TriggerKind)
KEYS: tuple[str, ...] = get_args(KeyPolicy)
ON_REPEAT: tuple[str, ...] = get_args(OnRepeat)


class SchemaShape:
    """A JSON Schema; `of_object`: of an object, as inputs are."""

    def __init__(self, *, of_object: bool = True) -> None:
        self.of_object = of_object

    def read(self, place: Place) -> dict[str, Json] | None:
        """Return the schema."""
        plain = place.node.plain()
        if not isinstance(plain, dict):
            place.wrong(f"must be a JSON Schema (an object) but is {kind_of(place.node)}")
            return None
        mistake = schema_mistake(plain)
        if mistake is not None:
            place.wrong(f"is no JSON Schema: {mistake}", "bad_schema")
        elif self.of_object and plain.get("type", "object") != "object":
            place.wrong(
                "must be the schema of an object (type: object): runs are started with named values", "bad_schema"
            )
        return plain

    def schema(self) -> JsonSchema:
        """Return the shape as JSON Schema."""
        return {"type": "object"}


class ByName:
    """An object whose keys are names of the author."""

    def __init__(self, reference: str) -> None:
        self.reference = reference

    def read(self, place: Place) -> bool | None:
        """Tell that the object is there; its members are read by `steps`."""
        if isinstance(place.node.content, dict):
            return True
        place.wrong(f"must be an object with a name for each member but is {kind_of(place.node)}")
        return None

    def schema(self) -> JsonSchema:
        """Return the shape as JSON Schema."""
        names: JsonSchema = {"pattern": r"^[A-Za-z_][A-Za-z0-9_]*$", "maxLength": 100}
        return {
            "type": "object",
            "propertyNames": names,
            "additionalProperties": {"$ref": f"#/$defs/{self.reference}"},
        }


class TriggerShape:
    """A trigger: `any_text`, or an object with one field whose name is the kind, `{command: start}`."""

    def read(self, place: Place) -> Trigger | None:
        """Return the trigger."""
        content = place.node.content
        if content == "any_text":
            return Trigger("any_text")
        if not isinstance(content, dict) or len(content) != 1:
            place.wrong("must be any_text, or an object with one field: {command: start}", "bad_trigger")
            return None
        word = next(iter(content))
        kind = next((kind for kind in TRIGGER_KINDS if kind == word), None)
        if kind is None:
            known = ", ".join(TRIGGER_KINDS)
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
        about = {
            "command": "Starts on the command of this name.",
            "callback": "Starts on a press with this data; a trailing * matches any ending.",
            "pattern": "Starts on text in which this regular expression is found.",
            "media": "Starts on media of this kind.",
            "any_text": "Starts on any text that nothing else wants.",
        }
        shapes: dict[str, JsonSchema] = {"media": {"enum": ["any", *sorted(MEDIA_KINDS)]}, "any_text": {"const": True}}
        fields: dict[str, Json] = {
            kind: {"description": about[kind], **shapes.get(kind, Text().schema())} for kind in TRIGGER_KINDS
        }
        one: JsonSchema = {
            "type": "object", "additionalProperties": False, "minProperties": 1, "maxProperties": 1, "properties": fields,
        }  # fmt: skip
        return {"anyOf": [{"const": "any_text"}, one]}


POLICIES = Record(
    "policies",
    (
        Field("key", OneOf(KEYS), "Whose run it is: user_in_chat (default), user, chat or thread."),
        Field("onRepeat", OneOf(ON_REPEAT), "What a trigger does while a run is live: resume (default), restart, ..."),
        Field("idle", Duration(), "Ends a run this long after its last input."),
        Field("keepButtons", Flag(), "Ignore presses on dead buttons instead of answering them."),
    ),
)
DOCUMENT = Record(
    "a flow",
    (
        Field("flow", Text("a name"), "Name of the flow.", required=True),
        Field("version", Whole(1), "Version of the flow; default 1."),
        Field("title", Text(), "What people see instead of the name; changes nothing."),
        Field("inputSchema", SchemaShape(), "JSON Schema of what a run is started with."),
        Field("outputSchema", SchemaShape(of_object=False), "JSON Schema of a run's result."),
        Field("paramsSchema", SchemaShape(), "JSON Schema of what whoever starts a run may set beside the input."),
        Field("start", Text("a step's name"), "The first step or group; may be left out if one step is of kind start."),
        Field("steps", ByName("step"), "The steps by name.", required=True),
        Field("groups", ByName("group"), "The groups by name; steps and groups share their names."),
        Field("triggers", Items(TriggerShape()), "What starts the flow in a conversation."),
        Field("policies", POLICIES, "How runs are found, repeated and ended."),
        Field("timeout", Duration(), "Ends a run this long after its start."),
    ),
)
