"""Everything that can be wrong with a definition, found at once: each problem with a code, a path and the remedy."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import get_args

from turnflow.core.definition import CatchUp, Flow, HandlerStep, Overlap, ParallelGroup, Trigger, WaitSpec
from turnflow.core.graph import names, reached, targets
from turnflow.core.graph_validation import CONFUSING, graph_problems, is_graph, path_problems
from turnflow.core.ids import StepName
from turnflow.core.inputs import MEDIA_KINDS
from turnflow.core.step_validation import settings_problems, too_short, unknown_step
from turnflow.core.topics import pattern_problem
from turnflow.errors import Problem

NAME = re.compile(r"[\w.:-]{1,100}\Z")
STEP_LIMIT = 1000
"""Most steps of a flow (guarantees: Limits)."""


def problems(flow: Flow) -> tuple[Problem, ...]:
    """Return all problems of a flow, in the order of its definition; none for a valid one."""
    found: list[Problem] = [*_head(flow)]
    for step in flow.steps.values():
        found += _step(flow, step)
    for group in flow.groups.values():
        found += _group(flow, group)
    found += _retired(flow)
    if is_graph(flow):
        found += graph_problems(flow)
        if not CONFUSING & {problem.code for problem in found}:
            found += path_problems(flow)
    elif not found:
        found += _reachability(flow)
    return tuple(found)


def trigger_problems(triggers: Iterable[Trigger]) -> tuple[Problem, ...]:
    """Return all problems of what starts a flow."""
    found = []
    for index, trigger in enumerate(triggers):
        path = f"triggers[{index}]"
        if trigger.kind in ("command", "callback", "filter", "media") and not trigger.value:
            found.append(Problem("empty_trigger", path, f"a {trigger.kind} trigger needs a value"))
        if trigger.kind == "command" and trigger.value.startswith("/"):
            found.append(Problem("bad_command", path, f"write {trigger.value[1:]!r} without the slash"))
        if trigger.kind == "media" and trigger.value not in ("", "any", *MEDIA_KINDS):
            kinds = ", ".join(sorted(MEDIA_KINDS))
            found.append(
                Problem("unknown_media", path, f"there is no media kind {trigger.value!r}; there are: any, {kinds}")
            )
        if trigger.kind == "event" and (problem := pattern_problem(trigger.value)):
            found.append(Problem("bad_topic", path, problem))
        if trigger.when and trigger.kind != "event":
            found.append(Problem("bad_trigger", path, f"a {trigger.kind} trigger has no condition; only events have"))
        if trigger.kind != "schedule" and trigger != Trigger(trigger.kind, trigger.value, trigger.when):
            message = f"a {trigger.kind} trigger has no zone, catch_up, overlap or input; only schedules have"
            found.append(Problem("bad_trigger", path, message))
        for field, word, words in (
            ("catch_up", trigger.catch_up, get_args(CatchUp)), ("overlap", trigger.overlap, get_args(Overlap)),
        ):  # fmt: skip
            if word not in words:
                message = f"a schedule has no {field} {word!r}; there are: {', '.join(words)}"
                found.append(Problem("bad_trigger", path, message))
        if trigger.kind == "pattern":
            try:
                re.compile(trigger.value)
            except re.error as error:
                found.append(Problem("bad_pattern", path, f"the pattern {trigger.value!r} does not compile: {error}"))
    return tuple(found)


def _head(flow: Flow) -> Iterable[Problem]:
    if not NAME.match(flow.name):
        yield Problem("bad_name", "flow", f"{flow.name!r} is no name: use letters, digits, '_', '-', '.', ':'")
    if flow.version < 1:
        yield Problem("bad_version", "version", f"version {flow.version} is below 1")
    known = names(flow)
    if not known:
        yield Problem("no_steps", "steps", "a flow needs at least one step")
    elif flow.start not in known:
        yield unknown_step(known, "start", flow.start)
    if len(known) > STEP_LIMIT:
        yield Problem("too_many_steps", "steps", f"{len(known)} steps; at most {STEP_LIMIT}: split the flow")
    for name, value in (("ttl", flow.policies.ttl), ("idle", flow.policies.idle)):
        if value is not None and value <= 0:
            yield too_short(f"policies.{name}")


def _step(flow: Flow, step: HandlerStep) -> Iterable[Problem]:
    path = f"steps.{step.name}"
    if not NAME.match(step.name):
        yield Problem("bad_name", path, f"{step.name!r} is no name: use letters, digits, '_', '-', '.', ':'")
    if flow.steps.get(step.name) is not step:
        yield Problem("misnamed_step", path, "the step stands under another name than its own")
    graph = is_graph(flow)
    if not graph:
        yield from _outputs(flow, step, path)
    if not step.has_handler and step.question is None and step.name not in flow.groups:
        yield Problem("missing_handler", path, "the step has neither code nor a question")
    yield from settings_problems(step.settings, f"{path}.settings" if graph else path)
    if step.question is not None:
        yield from _wait(flow, step.question.wait, f"{path}.ask")


def _outputs(flow: Flow, step: HandlerStep, path: str) -> Iterable[Problem]:
    for index, output in enumerate(step.outputs):
        if output.to not in flow.steps:
            yield unknown_step(flow.steps, f"{path}.outputs[{index}]", output.to)
    errors = [output for output in step.outputs if output.error]
    if errors and step.settings.continue_on_error is False:
        message = "continue_on_error=False contradicts the error output; leave one of them out"
        yield Problem("contradicting_error", path, message)
    if step.settings.continue_on_error and len(errors) == len(step.outputs):
        yield Problem("no_default_output", path, "continue_on_error=True needs a way on: declare it with to=")


def _wait(flow: Flow, wait: WaitSpec, path: str) -> Iterable[Problem]:
    if not wait.accepts.kinds and not wait.accepts.filter and not wait.accepts.command:
        yield Problem("accepts_nothing", path, "the wait accepts no kind of input")
    if wait.timeout is not None and wait.timeout <= 0:
        yield too_short(f"{path}.timeout")
    if wait.gather < 0:
        yield Problem("bad_duration", f"{path}.gather", "must not be less than nothing")
    known = names(flow)
    if wait.on_timeout.then == "step" and wait.on_timeout.to not in known:
        yield unknown_step(known, f"{path}.on_timeout", wait.on_timeout.to or "")
    if wait.on_exhausted is not None and wait.on_exhausted not in known:
        yield unknown_step(known, f"{path}.on_exhausted", wait.on_exhausted)
    if wait.on_exhausted is not None and not wait.attempts:
        yield Problem("unbounded_attempts", f"{path}.on_exhausted", "never happens: say how many attempts= there are")
    for index, reminder in enumerate(wait.remind):
        if reminder.after <= 0:
            yield too_short(f"{path}.remind[{index}]")
        elif wait.timeout is not None and reminder.after >= wait.timeout:
            yield Problem("late_reminder", f"{path}.remind[{index}]", "comes after the timeout and is never sent")


def _group(flow: Flow, group: ParallelGroup) -> Iterable[Problem]:
    path = f"groups.{group.name}"
    if flow.groups.get(group.name) is not group:
        yield Problem("misnamed_group", path, "the group stands under another name than its start step's")
    for place, name in (("start", group.name), ("join", group.join), ("on_timeout", group.on_timeout)):
        if name is not None and name not in flow.steps:
            yield unknown_step(flow.steps, f"{path}.{place}", name)
    if not group.branches:
        yield Problem("no_branches", path, "a parallel group needs at least one branch")
    for index, name in enumerate(group.branches):
        if name not in flow.steps:
            yield unknown_step(flow.steps, f"{path}.steps[{index}]", name)
        if name in group.branches[:index]:
            yield Problem("duplicate_branch", f"{path}.steps[{index}]", f"{name!r} is listed twice")
    if group.join in group.branches:
        yield Problem("join_in_branches", f"{path}.join", f"the join {group.join!r} is one of its own branches")
    if group.join == group.name or group.name in group.branches:
        yield Problem("start_in_group", f"{path}.start", f"the start step {group.name!r} is also a branch or the join")
    if group.name in reached(group.branches, {name: _heads(flow, name) for name in flow.steps}):
        yield Problem("group_in_itself", path, f"opening it opens it again: {group.name!r} is below its own branches")
    if not 0 <= group.need <= len(group.branches):
        yield Problem(
            "bad_need", f"{path}.need", f"{group.need} of {len(group.branches)} branches can never be complete"
        )
    if group.timeout is not None and group.timeout <= 0:
        yield too_short(f"{path}.timeout")


def _heads(flow: Flow, name: StepName) -> set[StepName]:
    """Return the steps that are entered at once with a step, because that opens a group."""
    group = flow.groups.get(name)
    return set(group.branches) if group is not None else set()


def _retired(flow: Flow) -> Iterable[Problem]:
    known = names(flow)
    for old, new in flow.retired.items():
        if old in known:
            yield Problem("retired_exists", f"retired.{old}", f"step {old!r} exists; it cannot be retired as well")
        if new not in known:
            yield unknown_step(known, f"retired.{old}", new)


def _reachability(flow: Flow) -> Iterable[Problem]:
    """Report what declared edges never reach; a step with undeclared ways on may lead anywhere."""
    ways = {name: targets(flow, name) for name in flow.steps}
    live = reached({flow.start}, ways)
    if any(not flow.steps[name].declared and flow.steps[name].has_handler for name in live):
        return
    for name in flow.steps:
        if name not in live:
            yield Problem("unreachable", f"steps.{name}", "no declared edge leads here from the start")
    ends = {name for name in live if not ways[name]}
    if not ends:
        yield Problem("no_end", "steps", "no way from the start leads to an end")
        return
    backwards: dict[StepName, set[StepName]] = {name: set() for name in flow.steps}
    for name, following in ways.items():
        for target in following:
            backwards[target].add(name)
    for name in sorted(live - reached(ends, backwards)):
        yield Problem("no_end", f"steps.{name}", "no way from here leads to an end")
