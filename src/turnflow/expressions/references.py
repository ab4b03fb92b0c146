"""Which parts of the state an expression refers to, and how those parts alone are cut out of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TypeAlias, assert_never

from turnflow.core.ids import Json
from turnflow.expressions.syntax import Call, Constant, Fold, Items, Member, Name, Node

Path: TypeAlias = tuple[str, ...]
"""A root and the names of members from it on."""

Route: TypeAlias = tuple[str | int, ...]
"""A path that may also go through items of lists."""

Parts: TypeAlias = "dict[str, Parts]"
"""Paths as a tree; a part without members is wanted whole."""


def references(node: Node, roots: Collection[str]) -> frozenset[Path]:
    """Return the member paths from `roots` in the tree, names bound by macros left out."""
    return frozenset(_paths(node, frozenset(roots)))


def path_of(node: Node, roots: Collection[str]) -> Path | None:
    """Return the path that the node is: members (or constant string indexes) of a root; else None."""
    route = route_of(node, roots)
    if route is None:
        return None
    path = tuple(step for step in route if isinstance(step, str))
    return path if len(path) == len(route) else None


def route_of(node: Node, roots: Collection[str]) -> Route | None:
    """Return the route that the node is: members or constant indexes of a root; else None."""
    steps: list[str | int] = []
    while True:
        match node:
            case Member(operand=operand, field=field):
                steps.append(field)
                node = operand
            case Call(function="_[_]", arguments=(operand, Constant(value=str() | int() as key))):
                steps.append(key)
                node = operand
            case Name(name=name) if name in roots:
                return (name, *reversed(steps))
            case _:
                return None


def parts_of(paths: Collection[Path]) -> Parts:
    """Return the paths as a tree; a path swallows those that continue it."""
    tree: Parts = {}
    for path in sorted(paths, key=len):
        _insert(tree, path)
    return tree


def cut_out(parts: Parts, value: Json) -> Json:
    """Return the value with nothing but the wanted parts; parts that it lacks are left out."""
    if not parts:
        return value
    if type(value) is dict:
        return {key: cut_out(inner, value[key]) for key, inner in parts.items() if key in value}
    return [] if isinstance(value, list) else value


def cut_roots(parts: Parts, values: Mapping[str, Json]) -> dict[str, Json]:
    """Return the wanted parts of values by root name."""
    return {root: cut_out(inner, values[root]) for root, inner in parts.items() if root in values}


def _insert(tree: Parts, path: Path) -> None:
    for depth, member in enumerate(path):
        inner = tree.get(member)
        if inner is None:
            for missing in path[depth:]:
                tree[missing] = tree = {}
            return
        if not inner:
            return  # a shorter path wants all of it
        tree = inner


def _paths(node: Node, roots: frozenset[str]) -> Iterator[Path]:
    path = path_of(node, roots)
    if path is not None:
        yield path
        return
    match node:
        case Constant() | Name():
            return
        case Member(operand=operand):
            yield from _paths(operand, roots)
        case Call(arguments=inner) | Items(items=inner):
            for part in inner:
                yield from _paths(part, roots)
        case Fold():
            yield from _paths(node.over, roots)
            yield from _paths(node.start, roots)
            inside = roots - {*node.names, node.result_name}
            for part in (node.condition, node.step, node.result):
                yield from _paths(part, inside)
        case _:
            assert_never(node)
