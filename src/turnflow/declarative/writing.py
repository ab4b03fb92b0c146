"""The same graphs written in Python, out of the values of `turnflow.core.nodes`, validated as documents are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from turnflow.core.definition import Flow, HandlerStep, Policies, Trigger
from turnflow.core.ids import FlowName, Json, StepName
from turnflow.core.nodes import Node
from turnflow.declarative.dumping import dump_flow
from turnflow.declarative.graph_flow import GraphFlow
from turnflow.declarative.loading import load_document
from turnflow.declarative.located import Located, unplaced
from turnflow.errors import InvalidFlow, Problem

_encoder = msgspec.json.Encoder(order="deterministic")


def graph(
    name: str,
    *,
    start: str,
    steps: Iterable[HandlerStep | Node],
    version: int = 1,
    title: str = "",
    input: Mapping[str, Json] | None = None,
    output: Mapping[str, Json] | None = None,
    params: Mapping[str, Json] | None = None,
    policies: Policies | None = None,
    triggers: Iterable[Trigger] = (),
) -> GraphFlow:
    """Return a flow graph made of steps and groups; `input`, `output` and `params` are JSON Schemas.

    Raises `InvalidFlow` with all problems: those a document with the same steps has, and what no document can say.
    """
    listed = list(steps)
    flow = Flow(
        FlowName(name),
        version,
        StepName(start),
        {step.name: step for step in listed if isinstance(step, HandlerStep)},
        nodes={step.name: step for step in listed if not isinstance(step, HandlerStep)},
        title=title,
        input=dict(input or {}),
        output=dict(output or {}),
        params=dict(params or {}),
        policies=policies or Policies(),
        graph=True,
    )
    written = GraphFlow(flow, tuple(triggers))
    problems = tuple(_unwritable(listed))
    if problems:
        raise InvalidFlow(name, problems)
    loaded = load_document(Located("", (), unplaced(dump_flow(written))))
    lost = _difference(_comparable(written), _comparable(loaded), "")
    if lost is not None:
        message = "cannot be said in a document; use a flow in Python for it, or leave it out"
        raise InvalidFlow(name, (Problem("not_in_documents", lost, message),))
    return loaded


def _unwritable(steps: list[HandlerStep | Node]) -> Iterable[Problem]:
    seen: set[str] = set()
    for step in steps:
        path = f"steps.{step.name}"
        if step.name in seen:
            yield Problem("duplicate_name", path, f"two steps are called {step.name!r}; rename one")
        seen.add(step.name)
        if isinstance(step, HandlerStep):
            if step.kind == "handler":
                yield Problem("python_step", path, "a step with a handler needs a flow in Python; use kind say or ask")
            elif step.say is None:
                yield Problem("missing_field", path, f"a step of kind {step.kind} needs `say`")
            elif (step.question is None) != (step.kind == "say"):
                yield Problem("missing_field", path, "a step of kind ask needs `question`, one of kind say has none")


def _comparable(graph: GraphFlow) -> GraphFlow:
    """Return a graph without what loading finds out by itself: which templates are static, that all ways are declared."""
    return msgspec.convert(_without_found(msgspec.json.decode(_encoder.encode(graph))), GraphFlow)


def _without_found(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _without_found(item) for key, item in value.items() if key not in ("static", "declared")}
    return [_without_found(item) for item in value] if isinstance(value, list) else value


def _difference(one: object, other: object, path: str) -> str | None:
    """Return the path of the first difference between two values, or None if they are equal."""
    if one == other:
        return None
    for part, first, second in _parts(one, other):
        found = _difference(first, second, f"{path}{part}" if path else part.removeprefix("."))
        if found is not None:
            return found
    return path


def _parts(one: object, other: object) -> Iterable[tuple[str, object, object]]:
    """Yield the parts that two values of one kind have in common places."""
    if isinstance(one, msgspec.Struct) and type(one) is type(other):
        for name in one.__struct_fields__:
            yield f".{name}", getattr(one, name), getattr(other, name)
    elif isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *(key for key in other if key not in one)]:
            yield f".{key}", one.get(key), other.get(key)
    elif isinstance(one, tuple | list) and isinstance(other, tuple | list) and len(one) == len(other):
        for index, (first, second) in enumerate(zip(one, other, strict=True)):
            yield f"[{index}]", first, second
