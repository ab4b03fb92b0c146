"""Expressions and templates of a flow graph that cannot work with values of the types that the schemas promise."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from typing import Final

from turnflow.core.definition import Flow
from turnflow.core.graph import names
from turnflow.core.graph_validation import path_of
from turnflow.core.ids import Json, StepName
from turnflow.core.nodes import ActionStep, EventStep, FlowStep, Loop, Template, TimerStep
from turnflow.declarative.findings import meant
from turnflow.declarative.fitting import Fitting
from turnflow.declarative.inference import Inference
from turnflow.declarative.kinds import Kinds, in_words
from turnflow.declarative.occurrences import Occurrence, occurrences
from turnflow.declarative.sight import Sight, Surroundings
from turnflow.declarative.value_type import ValueType
from turnflow.errors import InvalidExpression, Problem

MOMENTS: Final[Kinds] = frozenset({"int", "uint", "double", "string", "timestamp", "duration"})
LISTS: Final[Kinds] = frozenset({"list"})


def type_problems(flow: Flow, around: Surroundings) -> tuple[Problem, ...]:
    """Return what cannot fit in a flow graph whose shape is sound; nothing that any values of the promised types make work."""
    found: list[Problem] = []
    sight = Sight(flow, around)
    for at in occurrences(flow):
        with suppress(InvalidExpression):  # that is a problem of its own
            found += _of_expressions(at, sight)
    for name in names(flow):
        with suppress(InvalidExpression):
            found += _of_step(flow, name, sight, around)
    return tuple(dict.fromkeys(found))


def unknown_calls(flow: Flow, around: Surroundings) -> tuple[Problem, ...]:
    """Return which actions and flows a flow graph calls that are not among all that there are."""
    found: list[Problem] = []
    for name, node in flow.nodes.items():
        path = path_of(flow, name)
        match node:
            case ActionStep(action=action):
                found += _unknown("action", action, around.actions, f"{path}.action")
            case EventStep(poll=poll) if poll is not None:
                found += _unknown("action", poll.action, around.actions, f"{path}.poll.action")
            case FlowStep(flow=called) if called != flow.name:
                found += _unknown("flow", called, around.flows, f"{path}.flow")
            case _:
                pass
    return tuple(found)


def _of_expressions(at: Occurrence, sight: Sight) -> Iterator[Problem]:
    inference = Inference(sight.names(at.step, at.moment))
    if at.is_text:
        for tree in sight.trees(at.source):
            inference.type_of(tree)
    else:
        inference.condition(sight.tree(at.source))
    return (Problem("type_mismatch", at.path, sentence) for sentence in inference.mismatches)


def _of_step(flow: Flow, name: StepName, sight: Sight, around: Surroundings) -> Iterator[Problem]:
    path = path_of(flow, name)

    def type_of(value: Json) -> ValueType:
        return sight.type_of(value, name)

    match names(flow)[name]:
        case Loop(over=Template(value=over)):
            yield from _wanted(type_of(over).kinds, LISTS, f"{path}.over", "an array")
        case TimerStep(until=Template(value=until)):
            wanted = "a moment (RFC 3339 text or milliseconds) or a duration such as 10m"
            yield from _wanted(type_of(until).kinds, MOMENTS, f"{path}.until", wanted)
        case ActionStep(action=action, input=given) if action in around.actions:
            yield from _given(given, around.actions[action][0], f"{path}.input", type_of, f"action {action!r}")
        case EventStep(poll=poll) if poll is not None and poll.action in around.actions:
            schema = around.actions[poll.action][0]
            yield from _given(poll.input, schema, f"{path}.poll.input", type_of, f"action {poll.action!r}")
        case FlowStep(flow=called, input=given) if called in around.flows:
            schema = around.flows[called].input
            yield from _given(given, schema, f"{path}.input", type_of, f"flow {called!r}")
        case _:
            return


def _given(
    given: Template, schema: Mapping[str, Json], path: str, type_of: Callable[[Json], ValueType], taker: str
) -> Iterator[Problem]:
    """Yield what is wrong with what an action or a flow is given; flows go by their schema to the letter."""
    document: Json = dict(schema)
    if given.value == {} and document == {"type": "null"}:
        return  # nothing is said, and nothing is taken
    fitting = Fitting(document, type_of, is_coerced=taker.startswith("action"))
    for misfit in fitting.misfits(given.value, document):
        yield Problem("type_mismatch", f"{path}{misfit.path}", f"input of {taker}: {misfit.message}")


def _wanted(kinds: Kinds, wanted: Kinds, path: str, what: str) -> Iterator[Problem]:
    if not kinds & wanted:
        yield Problem("type_mismatch", path, f"it comes to a value of type {in_words(kinds)}, but {what} is wanted")


def _unknown(what: str, name: str, known: Collection[str], path: str) -> Iterator[Problem]:
    if name not in known:
        hint = meant(name, sorted(known)) if known else "there are none at all"
        yield Problem(f"unknown_{what}", path, f"there is no {what} {name!r}; {hint}")
