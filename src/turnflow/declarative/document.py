"""The fields of a document as a whole."""

from __future__ import annotations

from typing import get_args

from turnflow.core.definition import KeyPolicy, OnRepeat
from turnflow.core.ids import Json
from turnflow.declarative.checked_schema import schema_mistake
from turnflow.declarative.records import Field, Record
from turnflow.declarative.shapes import Duration, Flag, Items, JsonSchema, OneOf, Place, Text, Whole, kind_of
from turnflow.declarative.triggers import TriggerShape

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
        Field("triggers", Items(TriggerShape()), "What starts the flow: input in a conversation, events, or time."),
        Field("policies", POLICIES, "How runs are found, repeated and ended."),
        Field("timeout", Duration(), "Ends a run this long after its start."),
    ),
)
