"""The type of a value as far as its JSON Schema plainly tells, in CEL's kinds.

Every answer is an upper bound: a keyword that is not understood here only narrows a schema, so it is left out of account. A
JSON integer counts as `int` only, though JSON Schema also takes `5.0` for one, which CEL calculates with as a `double`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from msgspec import Struct

from turnflow.core.ids import Json
from turnflow.declarative.kinds import EVERY, JSON, NUMBERS, WHOLE, Kind, Kinds

DEPTH: Final = 20
"""References that lead to references are followed so far."""

_KINDS: Final[dict[str, Kinds]] = {
    "null": frozenset({"null"}),
    "boolean": frozenset({"bool"}),
    "integer": WHOLE,
    "number": NUMBERS,
    "string": frozenset({"string"}),
    "array": frozenset({"list"}),
    "object": frozenset({"map"}),
}


class ValueType(Struct, frozen=True):
    """What a value may be; made by `of_schema`, or of kinds alone."""

    kinds: Kinds
    schema: Json = True
    """Of values that have one."""
    document: Json = True
    """The whole schema, in which its `$ref`s are looked up."""
    members: Mapping[str, ValueType] = {}
    """Of a map that no schema describes; others it has not."""

    def member(self, name: str) -> ValueType:
        """Return the type of a member of it, if it is a map that has one."""
        if self.members:
            return self.members.get(name, UNKNOWN)
        found = [_member(node, name, self.document) for node in variants(self.schema, self.document, "map")]
        return either(found) if found else UNKNOWN

    def item(self) -> ValueType:
        """Return the type of its items, if it is a list."""
        found = [_item(node, self.document) for node in variants(self.schema, self.document, "list")]
        return either(found) if found else UNKNOWN


UNKNOWN: Final = ValueType(EVERY)


def of_kind(*kinds: Kind) -> ValueType:
    """Return the type of which only the kinds are known."""
    return ValueType(frozenset(kinds))


def of_members(members: Mapping[str, ValueType]) -> ValueType:
    """Return the type of a map."""
    return ValueType(frozenset({"map"}), members=members)


def of_schema(schema: Json, document: Json = None) -> ValueType:
    """Return the type of values that a schema is for; `document` is the schema that it is a part of."""
    whole = schema if document is None else document
    return ValueType(schema_kinds(schema, whole), schema, whole)


def either(types: Iterable[ValueType]) -> ValueType:
    """Return the type of a value that is of one of some types, at least one."""
    first, *others = types
    if all(other == first for other in others):
        return first
    return ValueType(first.kinds.union(*(other.kinds for other in others)))


def schema_kinds(schema: Json, document: Json) -> Kinds:
    """Return the kinds of the values that fit a schema; all of JSON if none seem to."""
    return _fitting(schema, document, {})


def json_kinds(value: Json) -> Kinds:
    """Return the kinds that a JSON value may have; numbers are all alike, as JSON Schema compares them."""
    match value:
        case None:
            return frozenset({"null"})
        case bool():
            return frozenset({"bool"})
        case int() | float():
            return NUMBERS
        case str():
            return frozenset({"string"})
        case list():
            return frozenset({"list"})
        case dict():
            return frozenset({"map"})


def resolved(schema: Json, document: Json) -> Json:
    """Return a schema, or what it refers to inside its document; True (anything) if that is not there."""
    for _ in range(DEPTH):
        if not isinstance(schema, dict) or "$ref" not in schema:
            return schema
        schema = _referred(schema["$ref"], document)
    return True


def variants(schema: Json, document: Json, kind: Kind) -> Iterator[dict[str, Json]]:
    """Yield the schemas without alternatives that values of a kind may fit; one that cannot be split is yielded whole."""
    rest, seen = [schema], set[int]()
    while rest:
        node = resolved(rest.pop(), document)
        if not isinstance(node, dict):
            yield {}
            continue
        if id(node) in seen:
            continue
        seen.add(id(node))
        choices = node.get("anyOf", node.get("oneOf"))
        if not isinstance(choices, list) or "properties" in node or "items" in node:
            yield node
        else:
            rest += (choice for choice in choices if kind in schema_kinds(choice, document))


def _fitting(schema: Json, document: Json, known: dict[int, Kinds]) -> Kinds:
    """Return the kinds that fit; `known` has those of the schemas looked at before, or all if that is still going on."""
    schema = resolved(schema, document)
    if not isinstance(schema, dict):
        return JSON
    if id(schema) in known:
        return known[id(schema)]
    known[id(schema)] = found = JSON
    kind = schema.get("type")
    if isinstance(kind, str | list):
        listed = kind if isinstance(kind, list) else [kind]
        found &= frozenset[Kind]().union(*(_KINDS.get(str(one), JSON) for one in listed))
    if isinstance(values := schema.get("enum"), list):
        found &= frozenset[Kind]().union(*(json_kinds(value) for value in values))
    if "const" in schema:
        found &= json_kinds(schema["const"])
    for word in ("anyOf", "oneOf"):
        if isinstance(choices := schema.get(word), list):
            found &= frozenset[Kind]().union(*(_fitting(one, document, known) for one in choices))
    if isinstance(parts := schema.get("allOf"), list):
        for part in parts:
            found &= _fitting(part, document, known)
    known[id(schema)] = found or JSON
    return known[id(schema)]


def _referred(reference: Json, document: Json) -> Json:
    if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
        return True
    found = document
    for part in reference.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, dict) or name not in found:
            return True
        found = found[name]
    return found


def _member(schema: dict[str, Json], name: str, document: Json) -> ValueType:
    listed = schema.get("properties")
    if isinstance(listed, dict) and name in listed:
        return of_schema(listed[name], document)
    others = schema.get("additionalProperties")
    if isinstance(others, dict) and "patternProperties" not in schema:
        return of_schema(others, document)
    return UNKNOWN


def _item(schema: dict[str, Json], document: Json) -> ValueType:
    items = schema.get("items")
    return of_schema(items, document) if isinstance(items, dict) and "prefixItems" not in schema else UNKNOWN
