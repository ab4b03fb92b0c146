"""Which steps can have run, and which must have, when a path comes to a step of a flow graph.

Two questions over the declared edges. *Can*: is there a path from the end of one step to the other, or may they be under way
side by side? *Must*: can nothing come there without the step having succeeded? For the second, a group is passed only if all
that its join waits for can come to its end (an and-or graph, solved as the least fixed point).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from turnflow.core.definition import Flow, HandlerStep
from turnflow.core.graph import edges, entries, goes_on, groups, names, reached, structure_of, targets
from turnflow.core.ids import StepName
from turnflow.core.nodes import EndStep, Group, Loop, Node, Parallel


class Point(NamedTuple):
    """A place on a path: before a step, or after it."""

    step: StepName
    after: bool = False


class Precedence:
    """What comes before what in one flow; made once for all questions about it."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._steps: dict[StepName, HandlerStep | Node] = names(flow)
        self._groups: dict[StepName, Group] = groups(flow)
        self._structure = structure_of(flow)
        self._ways = {point: tuple(self._leads_to(point)) for name in self._steps for point in _ends(name)}
        self._errors = {name: _targets(step, errors=True) for name, step in self._steps.items()}
        self._successes = {name: _targets(step, errors=False) for name, step in self._steps.items()}
        self._sides = tuple(self._side_by_side())

    def reached(self) -> set[Point]:
        """Return the points that any path comes to."""
        return _closure({Point(self._flow.start)}, self._ways)

    def after(self, step: StepName) -> set[Point]:
        """Return the points that a path may come to when the step has ended, on the same path or beside it."""
        found = _closure({Point(step, after=True)}, self._ways)
        for sides in self._sides:
            for one in sides:
                if step in one:
                    beside = set[StepName]().union(*(other for other in sides if other is not one))
                    found |= {point for name in beside for point in _ends(name)}
        return found

    def without(self, step: StepName) -> set[Point]:
        """Return the points that a path can come to although the step never succeeded."""
        ending = self._ending_without(step)
        found: set[Point] = set()
        todo = [Point(self._flow.start)]
        while todo:
            point = todo.pop()
            if point not in found:
                found.add(point)
                todo += self._onwards_without(point, step, ending)
        return found

    def after_errors(self) -> set[StepName]:
        """Return the steps that a path may come to after an error output was taken."""
        starts = {Point(target) for ways in self._errors.values() for way in ways for target in way}
        return {point.step for point in _closure(starts, self._ways) if not point.after}

    def _leads_to(self, point: Point) -> Iterator[Point]:
        name, step = point.step, self._steps[point.step]
        if not point.after:
            yield Point(name, after=True)
            if name in self._groups:
                yield from (Point(member) for member in entries(self._groups[name]))
            return
        yield from (Point(target) for target in targets(self._flow, name))
        following, group = self._structure.following[name], self._structure.group[name]
        if following is not None and not goes_on(step):
            yield Point(following)
        if group is not None:
            yield Point(group, after=True)

    def _side_by_side(self) -> Iterator[list[set[StepName]]]:
        """Yield what may be under way at once: the branches of each parallel group and of each fork."""
        enclosing = self._structure.enclosing
        level = {name: {*targets(self._flow, name), *self._inner(name)} for name in self._steps}
        for name, group in self._groups.items():
            if isinstance(group, Parallel):
                inside = {other for other in enclosing if name in enclosing[other]}
                branches = [reached({member}, level) for member in group.steps]
                yield branches if group.rest == "leave" else [branch & inside for branch in branches]
        for step in self._steps.values():
            for output in step.outputs:
                if output.also:
                    yield [reached({target}, level) for target in (output.to, *output.also)]

    def _inner(self, name: StepName) -> Iterable[StepName]:
        following = self._structure.following[name]
        inner = entries(self._groups[name]) if name in self._groups else ()
        return inner if following is None or goes_on(self._steps[name]) else (*inner, following)

    def _onwards_without(self, point: Point, step: StepName, ending: set[StepName]) -> Iterator[Point]:
        name = point.step
        if point.after:
            yield from (Point(target) for way in self._successes[name] for target in way)
            following = self._structure.following[name]
            if following is not None and not self._successes[name]:
                yield Point(following)
            return
        group = self._groups.get(name)
        if group is not None:
            yield from (Point(member) for member in entries(group))
        if name != step and (group is None or self._passes(group, ending)):
            yield Point(name, after=True)
        yield from (Point(target) for way in self._errors[name] for target in way)
        yield from (Point(target) for place, target in edges(self._steps[name]) if place.startswith("ask."))

    def _ending_without(self, step: StepName) -> set[StepName]:
        """Return the steps from which paths can come to their end, on their own level, although the step never succeeded."""
        ending: set[StepName] = set()
        grows = True
        while grows:
            grows = False
            for name in reversed(self._steps):
                if name not in ending and self._ends(name, step, ending):
                    ending.add(name)
                    grows = True
        return ending

    def _ends(self, name: StepName, without: StepName, ending: set[StepName]) -> bool:
        if isinstance(self._steps[name], EndStep):
            return False
        if any(ending.issuperset(way) for way in self._errors[name]):
            return True
        group = self._groups.get(name)
        if name == without or (group is not None and not self._passes(group, ending)):
            return False
        if self._successes[name]:
            return any(ending.issuperset(way) for way in self._successes[name])
        following = self._structure.following[name]
        return following is None or following in ending

    def _passes(self, group: Group, ending: set[StepName]) -> bool:
        """Tell whether a group can succeed with only those of its entries ended."""
        if isinstance(group, Loop):
            return not group.until or group.steps[0] in ending
        if not isinstance(group, Parallel):
            return group.steps[0] in ending
        need = {"all": len(group.steps), "any": 1, "n": group.need, "settled": 0}[group.join]
        return sum(member in ending for member in group.steps) >= need


def _ends(name: StepName) -> tuple[Point, Point]:
    return Point(name), Point(name, after=True)


def _targets(step: HandlerStep | Node, *, errors: bool) -> tuple[tuple[StepName, ...], ...]:
    return tuple((output.to, *output.also) for output in step.outputs if bool(output.error) == errors)


def _closure(start: set[Point], ways: dict[Point, tuple[Point, ...]]) -> set[Point]:
    found: set[Point] = set()
    todo = list(start)
    while todo:
        point = todo.pop()
        if point not in found:
            found.add(point)
            todo.extend(ways.get(point, ()))
    return found
