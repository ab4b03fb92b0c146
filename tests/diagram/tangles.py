"""Graphs in which ways lead wherever they like, on the level they are on: worse than any that people write."""

from __future__ import annotations

from random import Random

from tests.diagram.graphs import action, graph, names, talk, to
from turnflow.core.definition import Flow, HandlerStep
from turnflow.core.ids import StepName
from turnflow.core.nodes import DecisionStep, EndStep, Loop, Node, Output, Parallel, Sequence, Template, TimerStep

CONDITIONS = ("", "output.ok", "output.total > 100.0 && input.country == 'DE'")


def tangle(seed: int, count: int = 30) -> Flow:
    """Return a graph of `count` steps and groups; equal seeds give equal graphs."""
    random = Random(seed)
    steps: list[HandlerStep | Node] = []
    _level(random, [f"s{number}" for number in range(count)], 0, steps)
    steps.sort(key=lambda step: int(step.name[1:]))
    return graph(f"tangle{seed}", *steps)


def _level(random: Random, members: list[str], depth: int, steps: list[HandlerStep | Node]) -> list[str]:
    """Make steps of some names, and of others the insides of groups among them; return the names of the level."""
    level: list[str] = []
    insides: dict[str, list[str]] = {}
    while members:
        name, members = members[0], members[1:]
        level.append(name)
        if depth < 4 and len(members) > 2 and random.random() < 0.2:
            size = random.randint(1, min(8, len(members)))
            insides[name] = _level(random, members[:size], depth + 1, steps)
            members = members[size:]
    for index, name in enumerate(level):
        ways = tuple(_way(random, level, index) for _ in range(random.randint(0, 3)))
        steps.append(_group(random, name, insides[name], ways) if name in insides else _step(random, name, ways))
    return level


def _way(random: Random, level: list[str], index: int) -> Output:
    target = random.choice(level) if random.random() < 0.3 else level[min(len(level) - 1, index + random.randint(1, 4))]
    if random.random() < 0.3:
        return to(target, error=[random.choice(["*", "http.404"])], named=random.choice(["", "oops"]))
    also = (
        [name for name in random.sample(level, min(2, len(level))) if name != target] if random.random() < 0.1 else []
    )
    return to(
        target, *also, when=random.choice(CONDITIONS), named=random.choice(["", "name", "a longer name of an output"])
    )


def _step(random: Random, name: str, ways: tuple[Output, ...]) -> HandlerStep | Node:
    kinds: list[HandlerStep | Node] = [
        action(name, *ways),
        DecisionStep(StepName(name), ways),
        TimerStep(StepName(name), 1000, outputs=ways),
        EndStep(StepName(name)),
        talk(name, "Hello there, how are you? " * random.randint(1, 4), *ways),
    ]
    return random.choice(kinds)


def _group(random: Random, name: str, inside: list[str], ways: tuple[Output, ...]) -> Node:
    members = names(*inside)
    groups: list[Node] = [
        Sequence(StepName(name), members, ways),
        Parallel(StepName(name), members, outputs=ways),
        Loop(StepName(name), members, Template("${input.items}"), outputs=ways),
    ]
    return random.choice(groups)
