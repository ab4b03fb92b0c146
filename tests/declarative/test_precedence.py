"""What precedence says of steps holds in every run of random graphs that a small simulation plays."""

from __future__ import annotations

import random
from collections.abc import Generator

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from msgspec.structs import replace

from tests.core.graphs import act, end, graph, listed, n, parallel, sequence, to
from turnflow.core.definition import Flow, HandlerStep
from turnflow.core.graph import goes_on, names, structure_of
from turnflow.core.ids import StepName
from turnflow.core.nodes import EndStep, Node, Output, Parallel, Sequence, Settings
from turnflow.declarative.precedence import Point, Precedence

FUEL = 60
"""Steps of one run; a run that goes round is left there."""


class Over(Exception):
    """The run has come to an end step, or has no fuel left."""


class Run:
    """One run: which steps have ended and succeeded so far, and what it came upon."""

    def __init__(self, flow: Flow, chance: random.Random) -> None:
        self.flow = flow
        self.chance = chance
        self.following = structure_of(flow).following
        self.fuel = FUEL
        self.ended: set[StepName] = set()
        self.succeeded: set[StepName] = set()
        self.arrivals: list[tuple[Point, frozenset[StepName], frozenset[StepName]]] = []

    def play(self) -> None:
        try:
            for _ in self.path(self.flow.start):
                pass
        except Over:
            return

    def path(self, name: StepName) -> Generator[None, None, bool]:
        """From a step to the end of all paths on its level; tells whether that went well."""
        self.arrive(Point(name))
        yield
        step = names(self.flow)[name]
        if isinstance(step, EndStep):
            raise Over
        went_well = yield from self.work(step)
        self.ended.add(name)
        if not went_well:
            return (yield from self.after_failure(step))
        self.succeeded.add(name)
        self.arrive(Point(name, after=True))
        if goes_on(step):
            return (yield from self.fork(self.chance.choice([output for output in step.outputs if not output.error])))
        after = self.following[name]
        return (yield from self.path(after)) if after is not None else True

    def after_failure(self, step: HandlerStep | Node) -> Generator[None, None, bool]:
        ways = [output for output in step.outputs if output.error]
        if not ways and step.settings.continue_on_error:
            ways = [output for output in step.outputs if not output.error and not output.when]
            after = self.following[step.name]
            if not ways:
                return (yield from self.path(after)) if after is not None else True
        return (yield from self.fork(self.chance.choice(ways))) if ways else False

    def work(self, step: HandlerStep | Node) -> Generator[None, None, bool]:
        if isinstance(step, Sequence):
            return (yield from self.path(step.steps[0]))
        if isinstance(step, Parallel):
            need = {"all": len(step.steps), "any": 1, "n": step.need, "settled": 0}[step.join]
            return (yield from self.side_by_side(step.steps, need, all_of_them=step.join == "settled"))
        return self.chance.random() < 0.7

    def fork(self, output: Output) -> Generator[None, None, bool]:
        ways = (output.to, *output.also)
        return (yield from self.side_by_side(ways, len(ways)))

    def side_by_side(
        self, ways: tuple[StepName, ...], need: int, *, all_of_them: bool = False
    ) -> Generator[None, None, bool]:
        running = [self.path(way) for way in ways]
        well = 0
        while running and (all_of_them or (well < need <= well + len(running))):
            one = self.chance.choice(running)
            try:
                next(one)
            except StopIteration as stop:
                running.remove(one)
                well += bool(stop.value)
            yield
        return well >= need

    def arrive(self, point: Point) -> None:
        self.fuel -= 1
        if self.fuel < 0:
            raise Over
        self.arrivals.append((point, frozenset(self.ended), frozenset(self.succeeded)))


@st.composite
def flows(draw: DrawFn) -> Flow:
    """Up to twelve steps on three levels, the inner ones in groups, with outputs of all sorts within their level."""
    sizes = [draw(st.integers(2, 4)), draw(st.integers(1, 4)), draw(st.integers(1, 4))]
    levels = [[f"{'xyz'[level]}{index}" for index in range(size)] for level, size in enumerate(sizes)]
    inner = draw(st.sampled_from([0, 1]))
    groups = {0: ["y"], inner: ["z"]} if inner else {0: ["y", "z"]}
    within = [[*names, *groups.get(level, ())] for level, names in enumerate(levels)]
    steps: list[Node] = []
    for members in within:
        for name in members:
            ways = draw(outputs(members))
            steps.append(
                draw(a_group(name, within["xyz".index(name)], ways)) if name in "yz" else draw(a_step(name, ways))
            )
    return graph(*steps, start="x0")


@st.composite
def outputs(draw: DrawFn, names: list[str]) -> tuple[Output, ...]:
    some = st.sampled_from(names)
    found = [to(draw(some), error="*") for _ in range(draw(st.integers(0, 1)))]
    found += [to(draw(some), when="true") for _ in range(draw(st.integers(0, 1)))]
    if draw(st.booleans()):
        target, further = draw(some), draw(st.lists(some, max_size=1))
        found.append(to(target, also=tuple(name for name in further if name != target)))
    return tuple(found)


@st.composite
def a_step(draw: DrawFn, name: str, ways: tuple[Output, ...]) -> Node:
    if draw(st.integers(0, 9)) == 0:
        return end(name)
    has_way_on = not ways or any(not output.error and not output.when for output in ways)
    return act(name, *ways, settings=Settings(continue_on_error=(draw(st.booleans()) and has_way_on) or None))


@st.composite
def a_group(draw: DrawFn, name: str, members: list[str], ways: tuple[Output, ...]) -> Node:
    if draw(st.booleans()):
        return sequence(name, " ".join(members), *ways)
    join = draw(st.sampled_from(["all", "any", "n", "settled"]))
    need = draw(st.integers(1, len(members))) if join == "n" else 0
    return replace(parallel(name, " ".join(members), *ways), join=join, need=need)


@given(flow=flows(), seed=st.integers(0, 2**32))
def test_what_must_precede_has_succeeded_and_what_has_ended_can_precede(flow: Flow, seed: int) -> None:
    precedence = Precedence(flow)
    chance = random.Random(seed)
    for _ in range(8):
        run = Run(flow, chance)
        run.play()
        for point, ended, succeeded in run.arrivals:
            assert precedence.is_reached(point)
            assert all(name in succeeded for name in names(flow) if precedence.must_precede(name, point))
            assert all(precedence.can_precede(name, point) for name in ended)


def test_a_choice_in_a_branch_leaves_out_and_a_join_brings_together() -> None:
    steps = (
        parallel("both", "a b", "z"), act("a", to("c", when="true"), "d"), act("c", "e"), act("d", "e"), act("e"),
        act("b"), act("z"),
    )  # fmt: skip
    precedence = Precedence(graph(*steps))
    must = [name for name in names(graph(*steps)) if precedence.must_precede(name, Point(n("z")))]
    assert sorted(must) == sorted(listed("both", "a", "e", "b"))
    assert precedence.can_precede(n("c"), Point(n("z")))
    assert not precedence.can_precede(n("c"), Point(n("d")))
