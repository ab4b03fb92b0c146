"""The same graphs written in Python, out of the values of `turnflow.core.nodes`, validated as documents are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from turnflow.core.definition import Flow, HandlerStep, Policies, Trigger
from turnflow.core.ids import FlowName, Json, StepName
from turnflow.core.nodes import Node
from turnflow.declarative.dumping import dump_flow
from turnflow.declarative.graph import GraphFlow
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
    )
    written = GraphFlow(flow, tuple(triggers))
    problems = tuple(_unwritable(listed))
    if problems:
        raise InvalidFlow(name, problems)
    loaded = load_document(Located("", (), unplaced(dump_flow(written))))
    said, understood = _plain(written), _plain(loaded)
    if msgspec.convert(said, GraphFlow) != msgspec.convert(understood, GraphFlow):
        lost = _difference(said, understood, "") or "flow"
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


def _plain(graph: GraphFlow) -> Json:
    """Return everything in a graph but what loading finds out by itself: which templates are static."""
    return _without_static(msgspec.json.decode(_encoder.encode(graph)))


def _without_static(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _without_static(item) for key, item in value.items() if key not in ("static", "declared")}
    return [_without_static(item) for item in value] if isinstance(value, list) else value


def _difference(one: Json, other: Json, path: str) -> str | None:
    """Return the path of the first difference between two values, or None if they are equal."""
    if one == other:
        return None
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}):
            found = _difference(one.get(key), other.get(key), f"{path}.{key}" if path else key)
            if found is not None:
                return found
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (first, second) in enumerate(zip(one, other, strict=True)):
            found = _difference(first, second, f"{path}[{index}]")
            if found is not None:
                return found
    return path
