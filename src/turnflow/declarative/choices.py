"""Closed sets of answers and the buttons for them: `choices: [yes, no]`, `{label, value}` for each, or lists as rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from turnflow.core.ids import Json
from turnflow.declarative.records import Field, Record, Values
from turnflow.declarative.shapes import JsonSchema, Place, Templated, Text

ROW_WIDTH = 24
"""Characters of labels that still look good side by side on a phone."""

Rows: TypeAlias = "tuple[tuple[Option, ...], ...]"


class Option(NamedTuple):
    """One answer: what its button says, and what the answer then is."""

    label: str
    value: str


OPTION = Record(
    "a choice",
    (
        Field("label", Templated("text"), "What the button says; may hold `${...}`.", required=True),
        Field("value", Text(), "What the answer is; default the label."),
    ),
)


class Choices(NamedTuple):
    """Options, in rows if they are lists; `plain`: labels only."""

    plain: bool = False

    def read(self, place: Place) -> Rows | None:
        """Return rows of options."""
        content = place.node.content
        if not isinstance(content, list) or not content:
            place.wrong("must be a list of what people may choose")
            return None
        if isinstance(content[0].content, list):
            rows = tuple(self._row(place.inner(index)) for index in range(len(content)))
            return tuple(row for row in rows if row)
        return laid_out(self._row(place))

    def schema(self) -> JsonSchema:
        """Return the shape as JSON Schema."""
        one: JsonSchema = Text().schema() if self.plain else {"anyOf": [Text().schema(), OPTION.schema()]}
        row: JsonSchema = {"type": "array", "minItems": 1, "items": one}
        return {"anyOf": [row, {"type": "array", "minItems": 1, "items": row}]}

    def _row(self, place: Place) -> tuple[Option, ...]:
        content = place.node.content
        if not isinstance(content, list):
            place.wrong("is no list, though other rows are; make all of them lists, or none")
            return ()
        found = [self._option(place.inner(index)) for index in range(len(content))]
        return tuple(option for option in found if option is not None)

    def _option(self, place: Place) -> Option | None:
        if not isinstance(place.node.content, dict) or self.plain:
            label = Text("a text or {label, value}" if not self.plain else "a text").read(place)
            if label is not None:
                place.findings.template(label, place.path)
            return None if label is None else Option(label, label)
        values = OPTION.read(place)
        shown = values.template("label") if isinstance(values, Values) else None
        if not isinstance(values, Values) or shown is None or not isinstance(shown.value, str):
            return None
        return Option(shown.value, values.text("value", shown.value))


def laid_out(options: Sequence[Option]) -> Rows:
    """Return options side by side if they are short, else one below the other."""
    if sum(len(option.label) for option in options) <= ROW_WIDTH:
        return (tuple(options),) if options else ()
    return tuple((option,) for option in options)


def written_rows(rows: Rows) -> list[Json]:
    """Return how a document says rows of options: flat if they are laid out like that anyway."""
    options = [option for row in rows for option in row]
    if rows == laid_out(options):
        return [_written(option) for option in options]
    return [[_written(option) for option in row] for row in rows]


def _written(option: Option) -> Json:
    return option.label if option.label == option.value else {"label": option.label, "value": option.value}
