"""Records: objects with known fields. Reading one notes unknown and missing fields and reads the others by their shapes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from turnflow.core.ids import Json
from turnflow.core.nodes import Template
from turnflow.declarative.findings import meant
from turnflow.declarative.shapes import JsonSchema, Place, Shape, kind_of


class Field(NamedTuple):
    """A field of a record."""

    name: str
    shape: Shape
    about: str
    """What it is for: the description in the published schema."""
    required: bool = False


class Values(dict[str, object]):
    """What the fields of a record came to; a field that is absent, or wrong, gives its default."""

    def text(self, name: str, default: str = "") -> str:
        """Return a string."""
        value = self.get(name)
        return value if isinstance(value, str) else default

    def flag(self, name: str) -> bool | None:
        """Return a flag."""
        value = self.get(name)
        return value if isinstance(value, bool) else None

    def whole(self, name: str, default: int = 0) -> int:
        """Return a whole number."""
        value = self.get(name)
        return value if isinstance(value, int) else default

    def millis(self, name: str) -> int | None:
        """Return a duration."""
        value = self.get(name)
        return value if isinstance(value, int) else None

    def number(self, name: str, default: float) -> float:
        """Return a number as a float, so that 2 and 2.0 are the same value."""
        value = self.get(name)
        return float(value) if isinstance(value, int | float) else default

    def texts(self, name: str) -> tuple[str, ...]:
        """Return strings."""
        value = self.get(name)
        return value if isinstance(value, tuple) else ()

    def template(self, name: str) -> Template | None:
        """Return a template."""
        value = self.get(name)
        return value if isinstance(value, Template) else None

    def object(self, name: str) -> dict[str, Json]:
        """Return a JSON object."""
        value = self.get(name)
        return value if isinstance(value, dict) else {}


class Record(NamedTuple):
    """The shape of an object with known fields."""

    what: str
    """What the object is, in words for problems."""
    fields: tuple[Field, ...]
    make: Callable[[Values, Place], object] = lambda values, place: values
    """What becomes of the values."""
    elsewhere: Mapping[str, str] = {}
    """Fields that belong to other objects, and what to say about them."""

    def read(self, place: Place) -> object:
        """Return what the record means, or None if it is no object."""
        content = place.node.content
        if not isinstance(content, dict):
            place.wrong(f"must be an object ({self.what}) but is {kind_of(place.node)}")
            return None
        values = Values()
        for field in self.fields:
            if field.name in content:
                value = field.shape.read(place.inner(field.name))
                if value is not None:
                    values[field.name] = value
            elif field.required:
                place.findings.add(
                    "missing_field", (*place.path, field.name), f"{self.what} needs the field {field.name!r}"
                )
        self._unknown(place, content)
        return self.make(values, place)

    def _unknown(self, place: Place, content: Iterable[str]) -> None:
        known = [field.name for field in self.fields]
        for name in content:
            if name not in known:
                hint = self.elsewhere.get(name) or meant(name, known)
                message = f"{self.what} has no field {name!r}; {hint}"
                place.findings.about_field("unknown_field", (*place.path, name), message)

    def schema(self) -> JsonSchema:
        """Return the shape as JSON Schema."""
        described: dict[str, Json] = {
            field.name: {"description": field.about, **field.shape.schema()} for field in self.fields
        }
        required: list[Json] = [field.name for field in self.fields if field.required]
        schema: JsonSchema = {"type": "object", "additionalProperties": False, "properties": described}
        return {**schema, "required": required} if required else schema
