"""Graphs become documents again: what is loaded from them is equal to what was written, and writes the same bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from turnflow.core.definition import Flow, Trigger
from turnflow.core.ids import Json, StepName
from turnflow.core.nodes import GROUPS
from turnflow.declarative.durations import words
from turnflow.declarative.graph_flow import GraphFlow
from turnflow.declarative.schedules import written_schedule
from turnflow.declarative.written_steps import written_group, written_step
from turnflow.declarative.yaml_writing import yaml_of


def dump_flow(graph: GraphFlow) -> dict[str, Json]:
    """Return the document of a graph as plain JSON: steps in the order paths come to them, defaults left out."""
    flow = graph.flow
    policies: dict[str, Json] = {
        "key": flow.policies.key if flow.policies.key != "user_in_chat" else None,
        "onRepeat": flow.policies.on_repeat if flow.policies.on_repeat != "resume" else None,
        "idle": None if flow.policies.idle is None else words(flow.policies.idle),
        "keepButtons": flow.policies.keep_buttons or None,
    }
    steps: dict[str, Json] = {}
    groups: dict[str, Json] = {}
    for name in _in_order(flow):
        node = flow.steps.get(name) or flow.nodes[name]
        if isinstance(node, GROUPS):
            groups[name] = written_group(node)
        else:
            steps[name] = written_step(node)
    document: dict[str, Json] = {
        "flow": flow.name,
        "version": flow.version if flow.version != 1 else None,
        "title": flow.title or None,
        "inputSchema": flow.input or None,
        "outputSchema": flow.output or None,
        "paramsSchema": flow.params or None,
        "triggers": [_trigger(trigger) for trigger in graph.triggers] or None,
        "policies": {key: value for key, value in policies.items() if value is not None} or None,
        "timeout": None if flow.policies.ttl is None else words(flow.policies.ttl),
        "start": flow.start,
        "steps": steps,
        "groups": groups or None,
    }
    return {key: value for key, value in document.items() if value is not None}


def to_yaml(graph: GraphFlow) -> str:
    """Return the document of a graph as YAML text."""
    return yaml_of(dump_flow(graph))


def _trigger(trigger: Trigger) -> Json:
    if trigger.kind == "any_text":
        return "any_text"
    if trigger.kind == "schedule":
        return written_schedule(trigger)
    return {trigger.kind: trigger.value, "when": trigger.when} if trigger.when else {trigger.kind: trigger.value}


def _in_order(flow: Flow) -> Iterable[StepName]:
    """Return all names: what paths from the start come to, breadth first, then the rest as it stands."""
    known = {**flow.steps, **flow.nodes}
    waiting = deque([flow.start])
    seen: dict[StepName, None] = {}
    while waiting:
        name = waiting.popleft()
        node = known.get(name)
        if node is None or name in seen:
            continue
        seen[name] = None
        if isinstance(node, GROUPS):
            waiting.extend(node.steps)
        waiting.extend(target for output in node.outputs for target in (output.to, *output.also))
    return [*seen, *(name for name in known if name not in seen)]
