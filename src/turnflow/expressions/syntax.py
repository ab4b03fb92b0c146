"""The checked syntax tree of an expression, read from the bytes that the CEL library serializes.

The library shows its tree only as a protobuf message (`cel.expr.CheckedExpr` of cel-spec, inside `google.protobuf.Any`). The few
fields that matter here are read from the wire format directly; macros (`exists`, `map`, ...) arrive expanded to folds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from turnflow.errors import InternalError

ConstantKind: TypeAlias = Literal["null", "bool", "int", "uint", "double", "string", "bytes"]

_CONSTANTS: Final[dict[int, ConstantKind]] = {
    1: "null", 2: "bool", 3: "int", 4: "uint", 5: "double", 6: "string", 7: "bytes",
}  # fmt: skip
"""Field numbers of `cel.expr.Constant`."""


class Constant(Struct, frozen=True):
    """A literal; `value` if it is a string or an integer from 0 on, `size` the bytes it takes."""

    value: str | int | None
    size: int
    kind: ConstantKind


class Name(Struct, frozen=True):
    """A root, a name bound by a macro, or a type."""

    name: str


class Member(Struct, frozen=True):
    """`operand.field`, or `has(operand.field)`."""

    operand: Node
    field: str
    is_asked: bool = False
    """It is the question `has(...)`."""


class Call(Struct, frozen=True):
    """A function or operator; the object of a method call is the first argument."""

    function: str
    arguments: tuple[Node, ...]


class Items(Struct, frozen=True):
    """What a list or map literal is made of; keys stand before their values."""

    items: tuple[Node, ...]
    is_map: bool = False


class Fold(Struct, frozen=True):
    """An expanded macro: for each of `over`, bound to `names`, `step` computes the next `result_name`."""

    over: Node
    names: tuple[str, ...]
    result_name: str
    start: Node
    condition: Node
    step: Node
    result: Node


Node: TypeAlias = Constant | Name | Member | Call | Items | Fold

Field: TypeAlias = tuple[int, int | bytes]


def read_syntax(serialized: bytes) -> Node:
    """Return the tree of a serialized checked expression. Raises `InternalError` for bytes of another shape."""
    return _node(_message(_message(serialized)[2])[4])


def _fields(raw: bytes) -> Iterator[Field]:
    """Each field of a protobuf message with its number, in order."""
    at, end = 0, len(raw)
    while at < end:
        key, at = _varint(raw, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            integer, at = _varint(raw, at)
            yield number, integer
            continue
        length = 8
        if wire == 2:
            length, at = _varint(raw, at)
        elif wire != 1:
            raise InternalError(f"the serialized expression has a field of wire type {wire}; expected 0, 1 or 2")
        yield number, raw[at : at + length]
        at += length


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


def _message(raw: bytes) -> dict[int, bytes]:
    """The fields of a message that are not repeated, integers left out."""
    return {number: value for number, value in _fields(raw) if isinstance(value, bytes)}


def _node(raw: bytes) -> Node:
    for number, value in _fields(raw):
        if isinstance(value, int):
            continue  # the node's id
        match number:
            case 3:
                return _constant(value)
            case 4:
                return Name(_message(value)[1].decode().removeprefix("."))
            case 5:
                parts = _message(value)
                return Member(_node(parts[1]), parts[2].decode(), any(field == 3 for field, _ in _fields(value)))
            case 6:
                return _call(value)
            case 7:
                return Items(
                    tuple(_node(part) for field, part in _fields(value) if field == 1 and isinstance(part, bytes))
                )
            case 8:
                return _map(value)
            case 9:
                return _fold(value)
            case _:
                break
    raise InternalError("the serialized expression has a node of a kind that this version does not know")


def _constant(raw: bytes) -> Constant:
    for number, value in _fields(raw):
        kind = _CONSTANTS.get(number, "null")
        if isinstance(value, bytes):
            return Constant(value.decode() if kind == "string" else None, len(value), kind)
        return Constant(value if kind == "int" and value < 1 << 63 else None, 8, kind)
    raise InternalError("the serialized expression has a literal without a value")


def _call(raw: bytes) -> Call:
    function = ""
    arguments: list[Node] = []
    for number, value in _fields(raw):
        if isinstance(value, bytes):
            if number == 2:
                function = value.decode()
            else:
                arguments.append(_node(value))
    return Call(function, tuple(arguments))


def _map(raw: bytes) -> Items:
    items: list[Node] = []
    for number, entry in _fields(raw):
        if number == 2 and isinstance(entry, bytes):
            items.extend(_node(part) for field, part in _fields(entry) if field in (3, 4) and isinstance(part, bytes))
    return Items(tuple(items), is_map=True)


def _fold(raw: bytes) -> Fold:
    parts = _message(raw)
    names = tuple(parts[number].decode() for number in (1, 8) if parts.get(number))
    start, condition, step, result = (_node(parts[number]) for number in (4, 5, 6, 7))
    return Fold(_node(parts[2]), names, parts[3].decode(), start, condition, step, result)
