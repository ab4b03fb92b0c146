"""Which steps can have run, and which must have, when a path comes to a step of a flow graph.

Two questions over the declared edges. *Can*: is there a path from the end of one step to the other, or may they be under way
side by side? *Must*: has every path there come through the success of the step? For the second, sets of steps (as bits) are
propagated to their greatest fixed point; a group adds what all the branches that its join waits for have in common with its end.
"""

from __future__ import annotations

from collections import deque
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
        self._successes = {name: _targets(step, errors=False) for name, step in self._steps.items()}
        self._errors = {name: self._failing(name) for name in self._steps}
        self._sides = tuple(self._side_by_side())
        self._bits = {name: 1 << index for index, name in enumerate(self._steps)}
        self._every = (1 << len(self._steps)) - 1
        self._at_end = dict.fromkeys(self._steps, self._every)
        """What has succeeded when the paths that begin with a step have ended on its level."""
        self._settle_ends()
        self._before = self._settle_points()
        self._reached = _closure({Point(flow.start)}, self._ways)
        self._ended = self._settle_ended()

    def is_reached(self, point: Point) -> bool:
        """Tell whether any path comes to a point."""
        return point in self._reached

    def can_precede(self, step: StepName, point: Point) -> bool:
        """Tell whether a step may have ended when a path comes to a point: before it, or beside it."""
        if point == Point(step, after=True) or self._ended[point] & self._bits[step]:
            return True
        for sides in self._sides:
            mine = [index for index, side in enumerate(sides) if step in side]
            its = [index for index, side in enumerate(sides) if point.step in side]
            if mine and its and (len(mine) > 1 or mine != its):
                return True
        return False

    def must_precede(self, step: StepName, point: Point) -> bool:
        """Tell whether every path to a point has come through the success of a step."""
        return bool(self._before[point] & self._bits[step])

    def after_errors(self) -> set[StepName]:
        """Return the steps that a path may come to after an error output was taken."""
        starts = {Point(target) for ways in self._errors.values() for way in ways for target in way}
        return {point.step for point in _closure(starts, self._ways) if not point.after}

    def _failing(self, name: StepName) -> tuple[tuple[StepName, ...], ...]:
        """Return where a path goes on after a failure: error outputs, and what `continue_on_error` says by itself."""
        step = self._steps[name]
        ways = _targets(step, errors=True)
        if not step.settings.continue_on_error or any("*" in output.error for output in step.outputs):
            return ways
        if self._successes[name]:
            default = (output for output in step.outputs if not output.error and not output.when)
            return (*ways, *((output.to, *output.also) for output in default))
        following = self._structure.following[name]
        return (*ways, () if following is None else (following,))

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

    def _settle_ends(self) -> None:
        order = tuple(reversed(self._steps))
        while sum(self._settle_end(name) for name in order):
            pass

    def _settle_end(self, name: StepName) -> bool:
        """Work out anew what has succeeded at the end of paths from a step; tell whether that has changed it."""
        found = self._every
        if not isinstance(self._steps[name], EndStep):
            following = self._structure.following[name]
            on = [self._together(way) for way in self._successes[name]]
            if not on:
                on = [self._at_end[following] if following is not None else 0]
            found = self._gained(name) | _common(on, self._every)
            found = _common((found, *(self._together(way) for way in self._errors[name])), self._every)
        changed = found != self._at_end[name]
        self._at_end[name] = found
        return changed

    def _together(self, way: Iterable[StepName]) -> int:
        """Return what has succeeded when all paths of a fork have ended."""
        found = 0
        for target in way:
            found |= self._at_end[target]
        return found

    def _gained(self, name: StepName) -> int:
        """Return what has succeeded when a step has: itself, and of a group what its success needs."""
        group = self._groups.get(name)
        here = self._bits[name]
        if group is None or (isinstance(group, Loop) and not group.until):
            return here
        if not isinstance(group, Parallel):
            return here | self._at_end[group.steps[0]]
        total = len(group.steps)
        need = {"all": total, "any": 1, "n": group.need, "settled": 0}[group.join]
        return here | _in_at_least(total - need + 1, [self._at_end[member] for member in group.steps])

    def _settle_points(self) -> dict[Point, int]:
        before = dict.fromkeys(self._ways, self._every)
        begin = Point(self._flow.start)
        before[begin] = 0
        todo = deque([begin])
        seen = {begin}
        while todo:
            point = todo.popleft()
            for target, arriving in self._arrivals(point, before[point]):
                if arriving & before[target] != before[target] or target not in seen:
                    before[target] &= arriving
                    seen.add(target)
                    todo.append(target)
        return before

    def _settle_ended(self) -> dict[Point, int]:
        """Return what may have ended before each point that paths come to."""
        ended = dict.fromkeys(self._ways, 0)
        todo = deque(point for point in self._ways if point in self._reached)
        while todo:
            point = todo.popleft()
            found = ended[point] | (self._bits[point.step] if point.after else 0)
            for target in self._ways[point]:
                if found | ended[target] != ended[target]:
                    ended[target] |= found
                    todo.append(target)
        return ended

    def _arrivals(self, point: Point, found: int) -> Iterator[tuple[Point, int]]:
        """Yield where a path goes on from a point, with what has succeeded until there."""
        name = point.step
        if point.after:
            yield from ((Point(target), found) for way in self._successes[name] for target in way)
            following = self._structure.following[name]
            if following is not None and not self._successes[name]:
                yield Point(following), found
            return
        yield Point(name, after=True), found | self._gained(name)
        ways = (*self._errors[name], entries(self._groups[name]) if name in self._groups else ())
        yield from ((Point(target), found) for way in ways for target in way)
        yield from ((Point(target), found) for place, target in edges(self._steps[name]) if place.startswith("ask."))


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


def _common(sets: Iterable[int], every: int) -> int:
    found = every
    for one in sets:
        found &= one
    return found


def _in_at_least(count: int, sets: list[int]) -> int:
    """Return the bits that at least `count` of the sets have."""
    if count > len(sets):
        return 0
    held = [0] * count
    for one in sets:
        for index in range(count - 1, 0, -1):
            held[index] |= held[index - 1] & one
        held[0] |= one
    return held[-1]
