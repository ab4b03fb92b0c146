"""What an evaluation may cost at most, told before it starts.

CEL's own limits (depth 32, 10,000 iterations) bound neither time nor memory: the list that `map` or `filter` builds is copied
for every item, texts double with each `[a].map(x, x + x)`, an iteration may compare whole lists or compile a regular expression.
So the tree is walked once with the sizes of the values at hand, and an upper bound of the work is added up. Costs count cells:
one list entry copied or one node evaluated, about 25 nanoseconds and 25 bytes; 32 characters of text count as one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple, assert_never

from turnflow.core.ids import Json
from turnflow.expressions.patterns import pattern_price, unknown_pattern_price
from turnflow.expressions.references import Path, path_of
from turnflow.expressions.syntax import Call, Constant, Fold, Items, Member, Name, Node

BUDGET: Final = 1_200_000
"""Cells of one evaluation: a `map` over some 1,500 items, or 10,000 iterations of a small condition."""

ITERATIONS: Final = 10_000
"""After so many the library itself gives up."""

MANY: Final = 16
"""So many mentions of values cannot copy them often enough to matter."""


class TooCostly(Exception):
    """The upper bound is over the budget."""


class Size(NamedTuple):
    """Upper bounds of a value in cells: all of it, its own entries, and its largest entry."""

    total: int
    entries: int
    widest: int


ONE = Size(1, 1, 1)
NOTHING = Size(0, 0, 0)


def needs_budget(node: Node) -> bool:
    """Return whether an evaluation may cost much more than its values are long."""
    mentions = 0
    rest = [node]
    while rest:
        match rest.pop():
            case Fold() | Call(function="matches" | "contains"):
                return True
            case Name():
                mentions += 1
            case Member(operand=operand):
                rest.append(operand)
            case Call(arguments=inner) | Items(items=inner):
                rest.extend(inner)
            case _:
                pass
    return mentions > MANY


def check_budget(node: Node, roots: Collection[str], data: Mapping[str, Json]) -> None:
    """Raise `TooCostly` if evaluating the tree over the values by root name might cost more than `BUDGET`."""
    appraisal = _Appraisal(frozenset(roots), data)
    result = appraisal.size(node, {}, 1)
    appraisal.charge(2 * result.total)


class _Appraisal:
    """Sums up what nodes cost; `times` is how often a node is evaluated, `scope` the sizes of names bound by macros."""

    def __init__(self, roots: frozenset[str], data: Mapping[str, Json]) -> None:
        self._roots = roots
        self._data = data
        self._left = BUDGET
        self._measured: dict[Path, Size] = {}

    def charge(self, cells: int) -> None:
        self._left -= cells
        if self._left < 0:
            raise TooCostly

    def size(self, node: Node, scope: Mapping[str, Size], times: int) -> Size:
        self.charge(times)
        path = path_of(node, self._roots)
        if path is not None and path[0] not in scope:
            return self._of_path(path)
        match node:
            case Constant(size=size):
                return _text(size)
            case Name(name=name):
                return scope.get(name, ONE)
            case Member(operand=operand):
                return _entry(self.size(operand, scope, times))
            case Call(function=function, arguments=arguments):
                sizes = [self.size(argument, scope, times) for argument in arguments]
                price = _price(function, sizes)
                if function == "matches":
                    price += self._pattern(arguments[1], sizes[1], scope)
                self.charge(times * price)
                return _outcome(function, sizes)
            case Items(items=items):
                sizes = [self.size(item, scope, times) for item in items]
                widest = max((size.total for size in sizes), default=0)
                return Size(1 + sum(size.total for size in sizes), len(sizes), widest)
            case Fold():
                return self._fold(node, scope, times)
            case _:
                assert_never(node)

    def _fold(self, fold: Fold, scope: Mapping[str, Size], times: int) -> Size:
        over = self.size(fold.over, scope, times)
        rounds = min(over.entries, ITERATIONS)
        inner_times = min(times * rounds, ITERATIONS)
        start = self.size(fold.start, scope, times)
        inside = {**scope, **dict.fromkeys(fold.names, _entry(over)), fold.result_name: NOTHING}
        self.size(fold.condition, inside, inner_times)
        growth = self.size(fold.step, inside, inner_times)
        result = ONE
        if isinstance(fold.start, Items):  # each round copies the list built so far: on average half of it
            self.charge(inner_times * rounds * growth.entries // 2)
            result = Size(start.total + rounds * growth.total, rounds * growth.entries, growth.widest)
        return self.size(fold.result, {**scope, fold.result_name: result}, times)

    def _pattern(self, pattern: Node, size: Size, scope: Mapping[str, Size]) -> int:
        """The price of a regular expression: of its text if that can be known."""
        if isinstance(pattern, Constant):
            return pattern_price(str(pattern.value))
        path = path_of(pattern, self._roots)
        if path is not None and path[0] not in scope:
            text = self._value(path)
            return pattern_price(text) if isinstance(text, str) else 0
        return unknown_pattern_price(32 * size.entries)

    def _value(self, path: Path) -> Json:
        value: Json = self._data.get(path[0])
        for member in path[1:]:
            value = value.get(member) if isinstance(value, dict) else None
        return value

    def _of_path(self, path: Path) -> Size:
        if path not in self._measured:
            self._measured[path] = _measure(self._value(path))
        return self._measured[path]


def _entry(size: Size) -> Size:
    return Size(size.widest, size.widest, size.widest)


def _text(length: int) -> Size:
    cells = 1 + length // 32
    return Size(cells, cells, cells)


def _measure(value: Json) -> Size:
    match value:
        case str():
            return _text(len(value))
        case list():
            weights = [_weight(item) for item in value]
        case dict():
            weights = [weight for key, item in value.items() for weight in (_weight(key), _weight(item))]
        case _:
            return ONE
    return Size(1 + sum(weights), len(value), max(weights, default=0))


def _weight(value: Json) -> int:
    match value:
        case str():
            return 1 + len(value) // 32
        case list():
            return 1 + sum(map(_weight, value))
        case dict():
            return 1 + sum(map(_weight, value)) + sum(map(_weight, value.values()))
        case _:
            return 1


def _price(function: str, sizes: list[Size]) -> int:
    """What one call costs beyond its node; of `matches` without the pattern."""
    match function, sizes:
        case "_==_" | "_!=_", [left, right]:
            return min(left.total, right.total)
        case "@in", [_, right]:
            return right.total
        case "contains", [left, right]:
            return left.entries + left.entries * right.entries // 2
        case "matches", [left, _]:
            return left.entries
        case (("_?_:_" | "_[_]" | "_&&_" | "_||_" | "@not_strictly_false" | "dyn"), _):
            return 0
        case _:
            return sum(size.entries for size in sizes)


def _outcome(function: str, sizes: list[Size]) -> Size:
    match function, sizes:
        case "_+_", [left, right]:
            widest = max(left.widest, right.widest)
            return Size(left.total + right.total, left.entries + right.entries, widest)
        case "_?_:_", [_, left, right]:
            return Size(*map(max, left, right))
        case "_[_]", [left, _]:
            return _entry(left)
        case (("dyn" | "string" | "bytes"), [size]):
            return size
        case _:
            return ONE
