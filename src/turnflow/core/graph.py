"""The shape of a flow, computed once from its definition: what is inside what, where paths lead, which step comes next in a list.

A step listed by a group is its member; a step that only paths inside a group reach is inside it too. Where the definition is
wrong (a member of two groups, an edge across a border) the outermost and first reading counts; validation reports the rest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from msgspec import Struct

from turnflow.core.definition import Flow, HandlerStep
from turnflow.core.ids import FlowName, StepName
from turnflow.core.nodes import GROUPS, Group, Loop, Node, Parallel

Ways: TypeAlias = Mapping[StepName, Iterable[StepName]]

KEPT: Final = 4
"""Definitions of one name and version whose structure is kept: documents may differ under the same number."""
KEPT_NAMES: Final = 1_000


class Structure(Struct, frozen=True):
    """The pure facts about the steps of one flow; every mapping has an entry for each step, node and group."""

    group: dict[StepName, StepName | None]
    """The innermost group a step is inside of (never itself); None: it stands outside of all."""
    enclosing: dict[StepName, tuple[StepName, ...]]
    """All groups a step is inside of, outermost first."""
    loops: dict[StepName, tuple[StepName, ...]]
    """Those of them that are loops, outermost first."""
    following: dict[StepName, StepName | None]
    """The next step in the list of its sequence or loop, where a member without outputs goes on; None: there its path ends."""


_known: dict[tuple[FlowName, int], tuple[tuple[Flow, Structure], ...]] = {}


def structure_of(flow: Flow) -> Structure:
    """Return the structure of a flow; the same definition object is looked at once only."""
    key = flow.name, flow.version
    kept = _known.get(key, ())
    for definition, structure in kept:
        if definition is flow:
            return structure
    structure = _structure(flow)
    if len(_known) >= KEPT_NAMES:
        _known.clear()
    _known[key] = ((flow, structure), *kept[: KEPT - 1])
    return structure


def is_document(flow: Flow) -> bool:
    """Tell whether a flow has no code of its own, so that its definition is all of it and can be kept and gone by later."""
    return bool(flow.nodes or flow.steps) and all(step.kind != "handler" for step in flow.steps.values())


def names(flow: Flow) -> dict[StepName, HandlerStep | Node]:
    """Return everything a path may lead to, by name: handler steps, then nodes."""
    return {**flow.steps, **flow.nodes}


def groups(flow: Flow) -> dict[StepName, Group]:
    """Return the groups of a flow graph by name, in the order of the definition."""
    return {name: node for name, node in flow.nodes.items() if isinstance(node, GROUPS)}


def edges(step: HandlerStep | Node) -> Iterator[tuple[str, StepName]]:
    """Yield each declared target of a step with its path below the step's own (`outputs[2].to`)."""
    for index, output in enumerate(step.outputs):
        yield f"outputs[{index}].to", output.to
        for number, target in enumerate(output.also):
            yield f"outputs[{index}].also[{number}]", target
    if isinstance(step, HandlerStep) and step.question is not None:
        wait = step.question.wait
        for place, given in (("on_timeout", wait.on_timeout.to), ("on_exhausted", wait.on_exhausted)):
            if given is not None:
                yield f"ask.{place}", given


def entries(group: Group) -> tuple[StepName, ...]:
    """Return the members that are entered with a group."""
    return group.steps if isinstance(group, Parallel) else group.steps[:1]


def targets(flow: Flow, name: StepName) -> set[StepName]:
    """Return where declared edges lead from a step on its own level: its outputs, its wait's, and those of parallel steps."""
    step = flow.nodes.get(name) or flow.steps[name]
    found = {target for _, target in edges(step)}
    opened = flow.groups.get(name)
    if opened is not None:
        found |= {*opened.branches, opened.join} | ({opened.on_timeout} if opened.on_timeout is not None else set())
    for other in flow.groups.values():
        if name in other.branches:
            found.add(other.join)
    return found


def goes_on(step: HandlerStep | Node) -> bool:
    """Tell whether a step has an output for its success; without one its path goes on to the next of the list, or ends."""
    return any(not output.error for output in step.outputs)


def reached(start: Iterable[StepName], ways: Ways) -> set[StepName]:
    """Return all that can be reached from the given names, themselves included."""
    found: set[StepName] = set()
    todo = list(start)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo.extend(ways.get(name, ()))
    return found


def _structure(flow: Flow) -> Structure:
    group = _membership(flow)
    enclosing = {name: _chain(name, group) for name in group}
    following: dict[StepName, StepName | None] = dict.fromkeys(group)
    for name, node in groups(flow).items():
        if not isinstance(node, Parallel):
            following |= {a: b for a, b in zip(node.steps, node.steps[1:], strict=False) if group.get(a) == name}
    return Structure(
        group,
        enclosing,
        {name: tuple(n for n in chain if isinstance(flow.nodes[n], Loop)) for name, chain in enclosing.items()},
        following,
    )


def _membership(flow: Flow) -> dict[StepName, StepName | None]:
    """Say what each step is inside of: level by level, so that the outermost path to a step decides."""
    known, lists = names(flow), groups(flow)
    listed: dict[StepName, StepName] = {}
    for group, node in lists.items():
        for member in node.steps:
            listed.setdefault(member, group)
    found: dict[StepName, StepName | None] = {}
    opened: deque[StepName] = deque()

    def settle(first: StepName, level: StepName | None) -> None:
        todo = [(first, level)]
        while todo:
            name, inside = todo.pop()
            if name in known and name not in found:
                found[name] = inside = listed.get(name, inside)
                todo += [(target, inside) for target in targets(flow, name)]
                if name in lists:
                    opened.append(name)

    for name in (flow.start, *lists, *known):
        settle(name, None)
        while opened:
            group = opened.popleft()
            for member in lists[group].steps:
                settle(member, group)
    return {name: found[name] for name in known}


def _chain(name: StepName, group: Mapping[StepName, StepName | None]) -> tuple[StepName, ...]:
    chain: list[StepName] = []
    inside = group[name]
    while inside is not None and inside not in chain:
        chain.append(inside)
        inside = group[inside]
    return tuple(reversed(chain))
