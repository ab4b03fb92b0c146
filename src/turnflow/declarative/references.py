"""What the expressions of a flow graph refer to, and whether it is there when they are evaluated."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple, TypeAlias

from turnflow.core.definition import Flow
from turnflow.core.graph import groups, names, structure_of
from turnflow.core.ids import Json, StepName
from turnflow.core.nodes import Loop, Template
from turnflow.core.step_validation import unknown_step
from turnflow.declarative.findings import meant
from turnflow.declarative.occurrences import Occurrence, occurrences
from turnflow.declarative.precedence import Point, Precedence
from turnflow.errors import InvalidExpression, Problem
from turnflow.expressions import compile_condition, compile_template

Path: TypeAlias = tuple[str, ...]

RESULT: Final = ("output", "error", "status", "attempts")
"""What `steps.X` has."""
GUARD: Final = re.compile(r"\bhas\(\s*([\w.]+)|(['\"])(\w+)\2\s+in\s+steps\b")


class Reference(NamedTuple):
    """One path that an expression looks at."""

    at: Occurrence
    path: Path
    guarded: bool
    """The expression asks itself whether it is there."""


def reference_problems(flow: Flow) -> tuple[Problem, ...]:
    """Return what is wrong with the expressions of a flow graph that has no other problems, in the order of its definition."""
    found: list[tuple[Occurrence, Problem]] = []
    references: list[Reference] = []
    places = tuple(occurrences(flow))
    called = {loop.item for loop in groups(flow).values() if isinstance(loop, Loop) and loop.item}
    for at in places:
        try:
            references += _references(at, called)
        except InvalidExpression as error:
            found.append((at, Problem("bad_expression", at.path, str(error))))
    precedence = Precedence(flow)
    scopes = _Scopes(flow, precedence.after_errors())
    for reference in references:
        found += ((reference.at, problem) for problem in scopes.problems(reference))
    if not any(step.kind == "handler" and not step.declared for step in flow.steps.values()):
        found += _order(precedence, [reference for reference in references if scopes.is_result(reference)])
    rank = {at: index for index, at in enumerate(places)}
    ordered = sorted(found, key=lambda pair: rank[pair[0]])
    return tuple(dict.fromkeys(problem for _, problem in ordered))


class _Scopes:
    """Which names have a value where."""

    def __init__(self, flow: Flow, after_errors: set[StepName]) -> None:
        self._flow = flow
        self._steps = names(flow)
        self._structure = structure_of(flow)
        self._after_errors = after_errors
        self._schemas = {"input": flow.input, "params": flow.params, "data": flow.data}

    def problems(self, reference: Reference) -> Iterator[Problem]:
        """Yield what is wrong with a reference, whatever ran before."""
        at, path, _ = reference
        match path[0]:
            case "steps":
                yield from self._step(at, path)
            case "input" | "params" | "data":
                yield from _fields(at, path, self._schemas[path[0]])
            case "error":
                if at.step not in self._after_errors and not reference.guarded:
                    message = (
                        "no path leads here over an error output, so there is no error; use has(...) or steps.X.error"
                    )
                    yield Problem("no_error_here", at.path, message)
            case "output" | "event" | "run" | "conversation" | "message" | "now":
                return
            case name:
                yield from self._item(at, name)

    def is_result(self, reference: Reference) -> bool:
        """Tell whether a reference is to a step whose result may be seen from there, if it has one."""
        at, path, _ = reference
        return (
            path[0] == "steps" and len(path) > 1 and path[1] in self._steps and not self._hidden(at, StepName(path[1]))
        )

    def _step(self, at: Occurrence, path: Path) -> Iterator[Problem]:
        if len(path) == 1:
            return
        name = StepName(path[1])
        if name not in self._steps:
            yield unknown_step(self._steps, at.path, name)
        elif hidden := self._hidden(at, name):
            if hidden == at.step:
                message = (
                    f"{name!r} has not run when the condition is tested; `output` is what the round before came to"
                )
            else:
                message = f"{name!r} runs once per round of {hidden!r}: from outside use the list steps.{hidden}.output"
            yield Problem("loop_member", at.path, message)
        if len(path) > 2 and path[2] not in RESULT:
            yield Problem("unknown_field", at.path, f"steps.{name} has no {path[2]!r}; {meant(path[2], RESULT)}")

    def _hidden(self, at: Occurrence, name: StepName) -> StepName | None:
        """Return the outermost loop around a step that the place is not inside of."""
        around = self._structure.loops[at.step] if at.moment == "while" else self._around(at)
        return next((loop for loop in self._structure.loops.get(name, ()) if loop not in around), None)

    def _around(self, at: Occurrence) -> tuple[StepName, ...]:
        around = self._structure.loops[at.step]
        return (*around, at.step) if at.moment in ("while", "until") else around

    def _item(self, at: Occurrence, name: str) -> Iterator[Problem]:
        members = groups(self._flow)
        around = [loop for step in self._around(at) if isinstance(loop := members[step], Loop)]
        if name == "index":
            if not around:
                yield Problem("outside_loop", at.path, "there is no `index` outside of loops")
        elif not around:
            yield Problem("outside_loop", at.path, f"there is no {name!r} outside of loops")
        elif name == "item" and not any(loop.over for loop in around):
            message = f"the loop {around[-1].name!r} goes by a condition and has no items; use `index` or `output`"
            yield Problem("no_item", at.path, message)
        elif name != "item" and name not in {loop.item for loop in around}:
            yield Problem("outside_loop", at.path, f"another loop calls its items {name!r}; here they are `item`")


def _references(at: Occurrence, called: Iterable[str]) -> Iterator[Reference]:
    called = tuple(sorted(called))
    if at.is_text:
        paths = compile_template(Template(at.source, static=False), called).references
    else:
        paths = compile_condition(at.source, called).references
    guards = [tuple(found[1].split(".")) if found[1] else ("steps", found[3]) for found in GUARD.finditer(at.source)]
    for path in sorted(paths):
        length = 2 if path[0] == "steps" else 1
        yield Reference(at, path, any(guard[:length] == path[:length] for guard in guards))


def _order(precedence: Precedence, references: list[Reference]) -> Iterator[tuple[Occurrence, Problem]]:
    """Yield references to steps that cannot have run yet, or that some path leaves out."""
    for at, path, guarded in references:
        name, point = StepName(path[1]), Point(at.step, at.moment in ("until", "after"))
        if not precedence.is_reached(point) or precedence.must_precede(name, point):
            continue
        if not precedence.can_precede(name, point):
            yield at, Problem("step_not_run", at.path, f"{name!r} cannot have run yet: no path leads from it to here")
        elif not guarded and path[2:3] != ("error",):
            message = (
                f"some path to here leaves {name!r} out, or takes its error output: ask has(steps.{name}.output) first"
            )
            yield at, Problem("step_maybe_not_run", at.path, message)


def _fields(at: Occurrence, path: Path, schema: Mapping[str, Json]) -> Iterator[Problem]:
    """Follow a path through a JSON Schema as far as that plainly lists what there is."""
    here: Json = dict(schema)
    for depth, field in enumerate(path[1:], 1):
        if not isinstance(here, dict) or here.keys() & {"$ref", "allOf", "anyOf", "oneOf", "patternProperties", "if"}:
            return
        listed = here.get("properties")
        listed = listed if isinstance(listed, dict) else {}
        shown = ".".join(path[:depth])
        if field in listed:
            here = listed[field]
        elif here.get("type") in ("string", "number", "integer", "boolean", "null", "array"):
            yield Problem("unknown_field", at.path, f"{shown} is of type {here['type']} and has no {field!r}")
            return
        elif here.get("additionalProperties") is False or (listed and "additionalProperties" not in here):
            hint = meant(field, listed) if listed else "its schema allows no fields"
            yield Problem("unknown_field", at.path, f"{shown} has no {field!r} in its schema; {hint}")
            return
        else:
            return
