"""What an ask step takes: `accepts: number`, `accepts: {kind: number, min: 1}`, or `choices: [yes, no]`."""

from __future__ import annotations

from typing import Literal, TypeAlias, assert_never, get_args

from turnflow import answers
from turnflow.core.definition import Accepts
from turnflow.core.ids import Json
from turnflow.declarative.findings import meant
from turnflow.declarative.records import Field, Record, Values
from turnflow.declarative.shapes import Flag, JsonSchema, Number, OneOf, Place, Text, Whole, kind_of
from turnflow.errors import AuthorError

AnswerKind: TypeAlias = Literal[
    "any", "audio", "command", "contact", "date", "datetime", "document", "email", "location", "number", "phone", "photo",
    "text", "time", "url", "video", "voice", "yes_no",
]  # fmt: skip
KINDS: tuple[AnswerKind, ...] = get_args(AnswerKind)

_PARAMETERS: dict[AnswerKind, tuple[Field, ...]] = {
    "text": (
        Field("min", Whole(), "Fewest characters; default 1."),
        Field("max", Whole(), "Most characters."),
        Field("pattern", Text(), "Regular expression that all of the text must match."),
    ),
    "number": (
        Field("min", Number(), "Smallest number."),
        Field("max", Number(), "Largest number."),
        Field("whole", Flag(), "Take whole numbers only."),
    ),
    "phone": (Field("region", Text(), "Country whose numbers need no country code: two letters."),),
    "yes_no": (Field("yes", Text(), "Label of yes."), Field("no", Text(), "Label of no.")),
    "command": (Field("name", Text(), "The command, without its slash.", required=True),),
}
RECORDS: dict[AnswerKind, Record] = {
    kind: Record(
        f"accepts {kind}",
        (Field("kind", OneOf((kind,)), "The kind of answer.", required=True), *_PARAMETERS.get(kind, ())),
    )
    for kind in KINDS
}


class AcceptsShape:
    """A kind of answer, with its parameters if it has any."""

    def read(self, place: Place) -> Accepts | None:
        """Return what the wait takes."""
        content = place.node.content
        named = content.get("kind") if isinstance(content, dict) else place.node
        if named is None:
            place.findings.add("missing_field", place.path, "accepts needs the field 'kind'")
            return None
        kind = next((kind for kind in KINDS if kind == named.content), None)
        if kind is None:
            hint = meant(named.content, KINDS) if isinstance(named.content, str) else f"there are: {', '.join(KINDS)}"
            path = (*place.path, "kind") if isinstance(content, dict) else place.path
            place.findings.add("unknown_accepts", path, f"{kind_of(named)} is no kind of answer; {hint}")
            return None
        values = RECORDS[kind].read(place) if isinstance(content, dict) else Values()
        if kind == "command" and not isinstance(content, dict):
            place.wrong("say which: {kind: command, name: ...}", "missing_field")
            return None
        try:
            return accepts_of(kind, values) if isinstance(values, Values) else None
        except AuthorError as error:
            place.wrong(str(error), "bad_accepts")
            return None

    def schema(self) -> JsonSchema:
        """Return the shape as JSON Schema."""
        plain: list[Json] = [kind for kind in KINDS if kind != "command"]
        return {"anyOf": [{"enum": plain}, *(record.schema() for record in RECORDS.values())]}


def accepts_of(kind: AnswerKind, values: Values) -> Accepts:
    """Return what a wait for a kind of answer takes. Raises `AuthorError` for parameters that fit no answer."""
    match kind:
        case "text":
            pattern = values.text("pattern") or None
            most = values.whole("max") if "max" in values else None
            return answers.text(values.whole("min", 1), most, pattern)
        case "number":
            return answers.number(_bound(values, "min"), _bound(values, "max"), whole=values.flag("whole") or False)
        case "phone":
            return answers.phone(values.text("region") or None)
        case "yes_no":
            return answers.yes_no(values.text("yes", "Yes"), values.text("no", "No"))
        case "command":
            return answers.command(values.text("name"))
        case "any":
            return answers.any_input()
        case "email" | "url" | "date" | "time" | "datetime":
            return Accepts(("text",), kind)
        case "photo" | "video" | "voice" | "audio" | "document" | "location" | "contact":
            return Accepts((kind,))
        case _:
            assert_never(kind)


def written_accepts(accepts: Accepts) -> Json:
    """Return how a document says what a wait takes."""
    if accepts.command:
        return {"kind": "command", "name": accepts.command}
    kind = accepts.answer or accepts.kinds[0]
    return {"kind": kind, **accepts.params} if accepts.params else kind


def _bound(values: Values, name: str) -> int | float | None:
    value = values.get(name)
    return value if isinstance(value, int | float) else None
