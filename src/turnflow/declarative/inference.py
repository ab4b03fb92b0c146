"""Which type an expression comes to, and which parts of it fail whatever the values are.

A part counts as failing only if no value that fits the schemas makes it succeed, so a part behind `&&`, `||`, `?:` or inside
`map` that is never evaluated counts too. An expression that asks for the `type(...)` of something knows better: it is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias, assert_never

from turnflow.declarative.kinds import JSON, Kinds, in_words, result_of
from turnflow.declarative.value_type import UNKNOWN, ValueType, either, of_kind
from turnflow.expressions.references import path_of
from turnflow.expressions.syntax import Call, Constant, Fold, Items, Member, Name, Node

Names: TypeAlias = Mapping[str, ValueType]

TIMES: Final = frozenset(
    {
        "getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getHours", "getMinutes",
        "getSeconds", "getMilliseconds",
    }
)  # fmt: skip


class Inference:
    """Goes through expressions over names of known types and collects `mismatches`: a sentence each."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self.mismatches: list[str] = []

    def type_of(self, tree: Node) -> ValueType:
        """Return what an expression comes to if it does not fail; note what in it fails."""
        if any(isinstance(node, Call) and node.function == "type" for node in _nodes(tree)):
            return UNKNOWN
        return self._type(tree, self._names)

    def condition(self, tree: Node) -> None:
        """Note what fails in an expression that has to be true or false, and whether it is neither."""
        self._demand(tree, self.type_of(tree))

    def _type(self, node: Node, names: Names) -> ValueType:
        match node:
            case Constant(kind=kind):
                return of_kind(kind)
            case Name(name=name):
                return names.get(name, UNKNOWN)
            case Member():
                return self._member(node, names)
            case Call():
                return self._call(node, names)
            case Items(items=items, is_map=is_map):
                for item in items:
                    self._type(item, names)
                return of_kind("map" if is_map else "list")
            case Fold():
                return self._fold(node, names)
            case _:
                assert_never(node)

    def _member(self, node: Member, names: Names) -> ValueType:
        operand = self._type(node.operand, names)
        if node.is_asked:
            return of_kind("bool")
        if "map" not in operand.kinds:
            self._note(f"{_said(node.operand, operand.kinds)} has no {node.field!r}: it is no object")
            return UNKNOWN
        return operand.member(node.field)

    def _call(self, node: Call, names: Names) -> ValueType:
        function, operands = node.function, node.arguments
        types = [self._type(operand, names) for operand in operands]
        if function in ("_&&_", "_||_"):
            for operand, found in zip(operands, types, strict=True):
                self._demand(operand, found)
            return of_kind("bool")
        if function == "_?_:_":
            self._demand(operands[0], types[0])
            return either(types[1:])
        kinds = result_of(function, [found.kinds for found in types])
        if kinds is None:
            self._note(_refusal(node, [found.kinds for found in types]))
            return UNKNOWN
        if function == "_[_]":
            return _entry(types[0], operands[1])
        return ValueType(kinds)

    def _fold(self, fold: Fold, names: Names) -> ValueType:
        over, start = self._type(fold.over, names), self._type(fold.start, names)
        if not over.kinds & {"list", "map"}:
            self._note(f"{_said(fold.over, over.kinds)} has no items to go through: it is no array")
        item = UNKNOWN
        if "map" not in over.kinds:
            item = over.item()
        elif "list" not in over.kinds and over.kinds <= JSON:
            item = of_kind("string")
        bound = dict.fromkeys(fold.names, item) if len(fold.names) == 1 else dict.fromkeys(fold.names, UNKNOWN)
        inside = {**names, **bound, fold.result_name: UNKNOWN}
        self._type(fold.condition, inside)
        self._type(fold.step, inside)
        # The macros keep the kind that they begin with: a list (map, filter) or a bool (all, exists).
        kept = start if start.kinds <= {"list", "bool"} else UNKNOWN
        return self._type(fold.result, {**names, fold.result_name: kept})

    def _demand(self, node: Node, found: ValueType) -> None:
        if "bool" not in found.kinds:
            self._note(f"{_said(node, found.kinds)} is neither true nor false; compare it with something")

    def _note(self, sentence: str) -> None:
        if sentence not in self.mismatches:
            self.mismatches.append(sentence)


def _entry(of: ValueType, key: Node) -> ValueType:
    if isinstance(key, Constant) and isinstance(key.value, str):
        return of.member(key.value)
    return of.item() if "map" not in of.kinds else UNKNOWN


def _refusal(call: Call, kinds: list[Kinds]) -> str:
    sign = call.function.strip("_").removeprefix("@").replace("_", "")
    said = [_said(operand, kind) for operand, kind in zip(call.arguments, kinds, strict=True)]
    numbers = [kind <= {"int", "uint", "double"} for kind in kinds]
    if call.function in TIMES:
        return f"`{sign}` cannot be asked of {said[0]}; write timestamp(...) around it"
    if call.function == "_[_]":
        return f"{said[0]} has no entry {said[1]}"
    if len(said) == 1:
        return f"`{sign}` cannot be applied to {said[0]}"
    remedy = (
        "calculation does not mix whole numbers and others: write double(...) around the whole one"
        if all(numbers)
        else "convert one with string(...), int(...) or double(...)"
    )
    return f"`{sign}` cannot be applied to {' and '.join(said)}; {remedy}"


def _said(node: Node, kinds: Kinds) -> str:
    """Return how a message speaks of a part: a path or literal as it is written, else as what it is."""
    words = in_words(kinds)
    path = path_of(node, {part.name for part in _nodes(node) if isinstance(part, Name) and part.name[0] != "@"})
    if path is not None:
        return f"{'.'.join(path)} (of type {words})"
    if isinstance(node, Constant) and node.value is not None:
        return f"{node.value!r} (of type {words})"
    return f"a value of type {words}"


def _nodes(tree: Node) -> Iterator[Node]:
    rest = [tree]
    while rest:
        node = rest.pop()
        yield node
        match node:
            case Constant() | Name():
                pass
            case Member(operand=operand):
                rest.append(operand)
            case Call(arguments=inner) | Items(items=inner):
                rest.extend(inner)
            case Fold():
                rest += (node.over, node.start, node.condition, node.step, node.result)
            case _:
                assert_never(node)
