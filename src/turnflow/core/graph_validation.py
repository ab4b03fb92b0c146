"""Everything that can be wrong with a flow graph as a whole: its names, targets, groups, outputs, and where its paths lead."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from turnflow.core.definition import Flow, HandlerStep
from turnflow.core.graph import Structure, edges, entries, goes_on, groups, names, reached, structure_of, targets
from turnflow.core.ids import StepName
from turnflow.core.nodes import GROUPS, DecisionStep, EndStep, Node
from turnflow.core.step_validation import node_problems, settings_problems, unknown_step
from turnflow.errors import Problem

DEPTH_LIMIT: Final = 16
"""Groups inside groups (guarantees: Limits)."""
IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
WORDS: Final = frozenset({"true", "false", "null", "in"})
"""Not usable after a dot in expressions."""
CONFUSING: Final = frozenset({"unknown_step", "duplicate_name", "duplicate_member", "group_in_itself", "misnamed_step"})
"""While there are such problems, what paths reach would only repeat them."""


def is_graph(flow: Flow) -> bool:
    """Tell whether a flow is a graph that runs by its declared outputs: it has nodes, or steps that talk without Python."""
    return bool(flow.nodes) or any(step.kind != "handler" for step in flow.steps.values())


def path_of(flow: Flow, name: StepName) -> str:
    """Return the path of a step in problems: `groups.NAME` for a group, else `steps.NAME`."""
    return f"{'groups' if isinstance(flow.nodes.get(name), GROUPS) else 'steps'}.{name}"


def graph_problems(flow: Flow) -> tuple[Problem, ...]:
    """Return what is wrong with the names, targets, outputs and groups of a flow graph."""
    found = [*_names(flow)]
    for name, step in names(flow).items():
        path = path_of(flow, name)
        if not isinstance(step, HandlerStep):
            found += node_problems(step, path)
            found += settings_problems(step.settings, f"{path}.settings")
        found += _targets(flow, step, path)
        found += _outputs(step, path, inside=structure_of(flow).group[name] is not None)
    found += _members(flow)
    found += _depth(flow)
    return tuple(found)


def path_problems(flow: Flow) -> tuple[Problem, ...]:
    """Return what is wrong with where the paths of a flow graph lead; the flow has no problem that is `CONFUSING`."""
    return (*_borders(flow), *_cycles(flow), *_reachability(flow))


def _names(flow: Flow) -> Iterable[Problem]:
    for name in flow.nodes:
        if name in flow.steps:
            yield Problem("duplicate_name", path_of(flow, name), f"two steps are called {name!r}: rename one of them")
        if flow.nodes[name].name != name:
            yield Problem("misnamed_step", path_of(flow, name), "the step stands under another name than its own")
    for name in names(flow):
        if not IDENTIFIER.match(name) or name in WORDS:
            better = re.sub(r"\W", "_", name, flags=re.ASCII)
            better = f"{better}_" if better in WORDS else better if IDENTIFIER.match(better) else f"_{better}"
            message = f"expressions cannot say steps.{name}: use letters, digits and '_', for instance {better!r}"
            yield Problem("bad_step_name", path_of(flow, name), message)


def _targets(flow: Flow, step: HandlerStep | Node, path: str) -> Iterable[Problem]:
    known = names(flow)
    for place, target in edges(step):
        if target not in known and place.startswith("outputs"):
            yield unknown_step(known, f"{path}.{place}", target)
    for index, output in enumerate(step.outputs):
        for number, target in enumerate(output.also):
            if target in (output.to, *output.also[:number]):
                place = f"{path}.outputs[{index}].also[{number}]"
                yield Problem("duplicate_target", place, f"the path forks to {target!r} twice: leave one out")


def _outputs(step: HandlerStep | Node, path: str, *, inside: bool) -> Iterable[Problem]:
    """Report outputs that are never taken, and cases that no output takes; `inside` a group a path may simply end."""
    errors = [output for output in step.outputs if output.error]
    if errors and step.settings.continue_on_error is False:
        message = "continue_on_error=False contradicts the error output; leave one of them out"
        yield Problem("contradicting_error", path, message)
    default = False
    caught = False
    for index, output in enumerate(step.outputs):
        place = f"{path}.outputs[{index}]"
        if output.error:
            if caught:
                yield Problem(
                    "unreachable_output", place, "the error output before it takes every code: put this one first"
                )
            caught = caught or ("*" in output.error and not output.when)
        elif output.when:
            if default:
                yield Problem(
                    "unreachable_output", place, "the default output before it is taken always: put this one first"
                )
        elif default:
            yield Problem("several_defaults", place, "only the first output without a condition is ever taken")
        else:
            default = True
    if goes_on(step) and not default:
        message = "no output is taken when no condition holds: add one without `when`"
        yield Problem("no_default_output", f"{path}.outputs", message)
    elif step.settings.continue_on_error and not default and not inside:
        message = "to continue on errors it needs a way on: an output without `when` and `error`"
        yield Problem("no_default_output", path, message)


def _members(flow: Flow) -> Iterable[Problem]:
    known = names(flow)
    listed: dict[StepName, StepName] = {}
    for name, group in groups(flow).items():
        for index, member in enumerate(group.steps):
            place = f"groups.{name}.steps[{index}]"
            if member not in known:
                yield unknown_step(known, place, member)
            elif member in listed:
                where = "twice in this group" if listed[member] == name else f"in the group {listed[member]!r} too"
                yield Problem("duplicate_member", place, f"{member!r} is listed {where}; a step belongs to one place")
            listed.setdefault(member, name)
    inside = {
        name: [member for member in group.steps if member in groups(flow)] for name, group in groups(flow).items()
    }
    for name in inside:
        if name in reached(inside[name], inside):
            yield Problem("group_in_itself", f"groups.{name}", f"the group {name!r} contains itself")


def _depth(flow: Flow) -> Iterable[Problem]:
    enclosing = structure_of(flow).enclosing
    for name in groups(flow):
        if len(enclosing[name]) == DEPTH_LIMIT:
            message = f"groups stand inside each other at most {DEPTH_LIMIT} deep: make a flow of the inner ones"
            yield Problem("too_deep", f"groups.{name}", message)


def _borders(flow: Flow) -> Iterable[Problem]:
    """Report edges that lead into a group beside its front door, or out of one before it has ended."""
    structure = structure_of(flow)
    outermost = structure.enclosing[flow.start][:1]
    if outermost:
        message = f"{flow.start!r} is inside the group {outermost[0]!r}: start with the group"
        yield Problem("enters_group", "start", message)
    for name, step in names(flow).items():
        for place, target in edges(step):
            if structure.group[target] != structure.group[name]:
                yield _crossing(structure, f"{path_of(flow, name)}.{place}", name, target)


def _crossing(structure: Structure, path: str, name: StepName, target: StepName) -> Problem:
    here, there = structure.enclosing[name], structure.enclosing[target]
    if there[: len(here)] == here:
        door = there[len(here)]
        return Problem("enters_group", path, f"{target!r} is inside the group {door!r}: lead to {door!r} itself")
    message = f"{target!r} is outside of the group {here[-1]!r}: end the path here and let an output of {here[-1]!r} lead there"
    return Problem("leaves_group", path, message)


def _cycles(flow: Flow) -> Iterable[Problem]:
    decisions = [name for name, node in flow.nodes.items() if isinstance(node, DecisionStep)]
    ways = {name: _level(flow, name) & set(decisions) for name in decisions}
    told: set[StepName] = set()
    for name in decisions:
        beyond = reached(ways[name], ways)
        if name in beyond and name not in told:
            circle = [other for other in decisions if other in beyond and name in reached(ways[other], ways)]
            told.update(circle)
            around = " and ".join(repr(other) for other in circle)
            message = f"nothing changes on the way round {around}: put a step between that waits or acts"
            yield Problem("endless_cycle", path_of(flow, name), message)


def _level(flow: Flow, name: StepName) -> set[StepName]:
    """Return where a path goes from a step without leaving or entering a group."""
    step = flow.nodes.get(name) or flow.steps[name]
    following = None if goes_on(step) or isinstance(step, EndStep) else structure_of(flow).following[name]
    return targets(flow, name) | ({following} if following is not None else set())


def _reachability(flow: Flow) -> Iterable[Problem]:
    """Report what no path reaches; handlers with undeclared ways on may lead anywhere."""
    known, members, structure = names(flow), groups(flow), structure_of(flow)
    level = {name: _level(flow, name) for name in known}
    ways = {name: {*level[name], *(entries(members[name]) if name in members else ())} for name in known}
    live = reached({flow.start}, ways)
    if any(_may_lead_anywhere(flow, name) for name in live):
        return
    for name in known:
        if name not in live and structure.group[name] not in known.keys() - live:
            yield Problem("unreachable", path_of(flow, name), _unreached(flow, name))
    ends = {name for name in live if not goes_on(known[name]) and structure.following[name] is None}
    ends |= {at for name in live if isinstance(known[name], EndStep) for at in (name, *structure.enclosing[name])}
    backwards: dict[StepName, set[StepName]] = {name: set() for name in known}
    for name, following in level.items():
        for target in following:
            backwards[target].add(name)
    endless = live - reached(ends, backwards)
    if flow.start in endless and endless >= {name for name in live if structure.group[name] is None}:
        yield Problem("no_end", "steps", "no way from the start leads to an end")
        return
    for name in known:
        if name in endless:
            yield Problem("no_end", path_of(flow, name), "no way from here leads to an end")


def _may_lead_anywhere(flow: Flow, name: StepName) -> bool:
    step = flow.steps.get(name)
    return step is not None and step.kind == "handler" and step.has_handler and not step.declared


def _unreached(flow: Flow, name: StepName) -> str:
    for before, after in structure_of(flow).following.items():
        if after == name:
            return f"no path leads here: {before!r} before it in the list has outputs of its own"
    return "no path leads here from the start"
