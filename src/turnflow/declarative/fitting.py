"""Templates held against the schema of what they are given to: what is missing, what is too much, and what is of the wrong type.

Only what is wrong in every run counts. Models that read a text as a number (pydantic's) describe themselves with a title for each
field: below such an object the kinds of plain values are not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from turnflow.core.ids import Json
from turnflow.declarative.findings import meant
from turnflow.declarative.kinds import JSON, NUMBERS, Kind, Kinds, in_words
from turnflow.declarative.value_type import ValueType, json_kinds, resolved, schema_kinds
from turnflow.expressions.leaves import is_literal

REFERENCE: Final = "$secret"
"""Key of a reference to a secret, which stands for a text."""
PLAIN: Final[Kinds] = NUMBERS | {"null", "bool", "string"}
WRITTEN: Final[dict[Kind, Kinds]] = {
    "int": NUMBERS, "uint": NUMBERS, "double": NUMBERS, "timestamp": frozenset({"string"}),
    "duration": frozenset({"string"}), "bytes": JSON, "type": JSON,
}  # fmt: skip
"""As what values arrive in JSON. A whole number and one with the fraction 0 are the same there."""


class Misfit(NamedTuple):
    """One thing that is wrong with a template."""

    path: str
    """Inside the template: `.order.lines[0]`."""
    message: str


class Fitting(NamedTuple):
    """Holds templates against one schema; `type_of` tells what a part of them comes to."""

    document: Json
    type_of: Callable[[Json], ValueType]
    is_coerced: bool
    """Whoever takes the values may read them more generously than the schema says, as actions do and flows do not."""

    def misfits(
        self, value: Json, schema: Json, path: str = "", lenient: bool = False, seen: set[int] | None = None
    ) -> Iterator[Misfit]:
        """Yield what is wrong with a template (or a part of it, at a path) that is to fit a schema (or a part of it).

        `seen`: identities of the schemas that this very part has been held against.
        """
        schema = resolved(schema, self.document)
        seen = set() if seen is None else seen
        if not isinstance(schema, dict) or id(schema) in seen or (isinstance(value, dict) and REFERENCE in value):
            return
        seen.add(id(schema))
        takes, gives = schema_kinds(schema, self.document), self._gives(value)
        if self.is_coerced and schema.get("format") == "decimal":
            takes |= NUMBERS
        if not takes & gives:
            if not (lenient and takes & PLAIN and gives & PLAIN):
                yield Misfit(path, f"{_said(value, gives)}, but {in_words(takes)} is wanted")
            return
        yield from self._parts(value, schema, path, lenient, seen)

    def _parts(
        self, value: Json, schema: dict[str, Json], path: str, lenient: bool, seen: set[int]
    ) -> Iterator[Misfit]:
        for part in _listed(schema.get("allOf")):
            yield from self.misfits(value, part, path, lenient, seen)
        for word in ("anyOf", "oneOf"):
            gives = self._gives(value)
            fitting = [one for one in _listed(schema.get(word)) if schema_kinds(one, self.document) & gives]
            if len(fitting) == 1:
                yield from self.misfits(value, fitting[0], path, lenient, seen)
        match value:
            case dict():
                yield from self._object(value, schema, path, lenient)
            case list() if isinstance(schema.get("items"), dict) and "prefixItems" not in schema:
                for index, item in enumerate(value):
                    yield from self.misfits(item, schema["items"], f"{path}[{index}]", lenient)
            case list():
                pass
            case str() if not is_literal(value):
                pass
            case _:
                allowed = schema.get("enum", [schema["const"]] if "const" in schema else None)
                if isinstance(allowed, list) and not lenient and not any(_is_same(value, one) for one in allowed):
                    yield Misfit(path, f"{value!r} is not allowed; {_offer(value, allowed)}")

    def _object(self, value: dict[str, Json], schema: dict[str, Json], path: str, lenient: bool) -> Iterator[Misfit]:
        properties = schema.get("properties")
        properties = properties if isinstance(properties, dict) else {}
        others = schema.get("additionalProperties")
        generous = self.is_coerced and any(
            isinstance(inner, dict) and "title" in inner for inner in properties.values()
        )
        if not (generous and value.keys() - properties.keys()):  # such a model may go by other names, too
            for name in _listed(schema.get("required")):
                if isinstance(name, str) and name not in value and not _has_default(properties.get(name)):
                    yield Misfit(path, f"the required field {name!r} is missing")
        for name, inner in value.items():
            below = f"{path}.{name}"
            if name in properties:
                yield from self.misfits(inner, properties[name], below, lenient or generous)
            elif "patternProperties" in schema or generous:
                continue
            elif others is False:
                hint = meant(name, properties) if properties else "none is allowed"
                yield Misfit(below, f"there is no field {name!r} in the schema; {hint}")
            elif isinstance(others, dict):
                yield from self.misfits(inner, others, below, lenient)

    def _gives(self, value: Json) -> Kinds:
        """Return the kinds that a part may have where it arrives."""
        if not isinstance(value, str) or is_literal(value):
            return json_kinds(value) if not isinstance(value, float) or value.is_integer() else frozenset({"double"})
        found: Kinds = frozenset()
        for kind in self.type_of(value).kinds:
            found |= WRITTEN.get(kind, frozenset({kind}))
        return found


def _said(value: Json, gives: Kinds) -> str:
    what = repr(value) if isinstance(value, str | int | float | None) else "it"
    return f"{what if len(what) <= 80 else 'it'} is of type {in_words(gives)}"


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _has_default(schema: Json) -> bool:
    return isinstance(schema, dict) and "default" in schema


def _is_same(value: Json, other: Json) -> bool:
    return value == other and isinstance(value, bool) == isinstance(other, bool)


def _offer(value: Json, allowed: list[Json]) -> str:
    texts = [one for one in allowed if isinstance(one, str)]
    if isinstance(value, str) and len(texts) == len(allowed):
        return meant(value, texts)
    return f"there are: {', '.join(map(repr, allowed))}"
