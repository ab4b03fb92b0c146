"""Documents become graphs: everything that is wrong with one is found at once, each problem with line and column."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import cast

from turnflow.core.definition import Flow, HandlerStep, KeyPolicy, OnRepeat, Policies
from turnflow.core.ids import FlowName, StepName
from turnflow.core.nodes import DecisionStep, Node
from turnflow.core.validation import STEP_LIMIT, problems, trigger_problems
from turnflow.declarative.checking import check
from turnflow.declarative.document import DOCUMENT
from turnflow.declarative.findings import Findings
from turnflow.declarative.graph_flow import GraphFlow
from turnflow.declarative.located import Located
from turnflow.declarative.mistakes import MOST, Unreadable
from turnflow.declarative.reading import read_document
from turnflow.declarative.records import Values
from turnflow.declarative.shapes import Place, kind_of
from turnflow.declarative.sight import NOTHING, Surroundings
from turnflow.declarative.steps import read_group, read_step
from turnflow.errors import InvalidFlow, Problem

SEQUELS = frozenset({"unreachable", "no_end", "no_default_output", "endless_cycle", "enters_group", "leaves_group"})
"""What may only be wrong because a part that has a mistake was left out."""


def load_flow(text: str, *, name: str = "") -> GraphFlow:
    """Return the flow graph that a YAML or JSON document describes; `name` is what problems call the document.

    Raises `InvalidFlow` with all problems, each with path, line and column.
    """
    return load_document(read_document(text, name))


def load_document(document: Located, around: Surroundings = NOTHING) -> GraphFlow:
    """Return the flow graph of a document that has been read, checked against what it may call.

    Raises `InvalidFlow` with all problems.
    """
    findings = Findings(document)
    found: GraphFlow | None = None
    with suppress(Unreadable):
        found = _load(findings, around)
    if found is None or findings.problems:
        title = document.name
        if found is not None and found.flow.name:
            title = found.flow.name
        ordered = sorted(findings.problems, key=lambda problem: (problem.line, problem.column))
        raise InvalidFlow(title or "document", tuple(dict.fromkeys(ordered)))
    return found


def _load(findings: Findings, around: Surroundings) -> GraphFlow | None:
    root = Place(findings, findings.document.root, ())
    if not isinstance(root.node.content, dict):
        root.wrong(f"must be an object (a flow) but is {kind_of(root.node)}")
        return None
    findings.names = _item_names(root)
    values = DOCUMENT.read(root)
    assert isinstance(values, Values)
    steps, nodes = _members(root)
    flow = _flow(values, steps, nodes, _start(values, root))
    triggers = values.get("triggers")
    graph = GraphFlow(flow, tuple(triggers) if isinstance(triggers, list) else ())
    findings.placed(trigger_problems(graph.triggers))
    _targets(findings, flow)
    if findings.problems:
        findings.placed(_unspoilt(graph, findings))
    else:
        findings.placed(check(graph, around.actions, around.flows, are_complete=around.are_complete))
    return graph


def _targets(findings: Findings, flow: Flow) -> None:
    """Give up on a document with more wrong targets than anybody would correct one by one; each is costly to explain."""
    known = {**flow.steps, **flow.nodes}
    wrong = sum(output.to not in known for step in known.values() for output in step.outputs)
    if wrong >= MOST or len(known) > STEP_LIMIT:
        message = f"{len(known)} steps and groups (at most {STEP_LIMIT}), {wrong} outputs that lead to none of them"
        findings.add("too_many_steps", ("steps",), message)
        raise Unreadable


def _unspoilt(graph: GraphFlow, findings: Findings) -> tuple[Problem, ...]:
    """Return what is wrong with the whole that does not follow from what was found in its parts."""
    spoilt = {_member(problem.path) for problem in findings.problems}
    found = problems(graph.flow)
    return tuple(p for p in found if p.code not in SEQUELS and _member(p.path) not in spoilt)


def _member(path: str) -> str:
    """Return the name of the step or group that a path is about, else the field."""
    head, *inner = re.split(r"[.\[]", path)
    return f".{inner[0]}" if inner and head in ("steps", "groups") else head


def _members(root: Place) -> tuple[dict[StepName, HandlerStep], dict[StepName, Node]]:
    steps: dict[StepName, HandlerStep] = {}
    nodes: dict[StepName, Node] = {}
    for field, read in (("steps", read_step), ("groups", read_group)):
        place = _field(root, field)
        if place is None or not isinstance(place.node.content, dict):
            continue
        for name in place.node.content:
            if field == "groups" and (name in steps or name in nodes):
                message = f"a step is called {name!r} too; steps and groups share their names, rename one"
                root.findings.about_field("duplicate_name", ("groups", name), message)
            found = read(name, place.inner(name))
            if isinstance(found, HandlerStep):
                steps[found.name] = found
            else:  # a step that cannot be read still is one that others may lead to
                nodes[StepName(name)] = found or DecisionStep(StepName(name))
    return steps, nodes


def _flow(values: Values, steps: dict[StepName, HandlerStep], nodes: dict[StepName, Node], start: StepName) -> Flow:
    policies = values.get("policies")
    given = policies if isinstance(policies, Values) else Values()
    return Flow(
        name=FlowName(values.text("flow")),
        version=values.whole("version", 1),
        start=start,
        steps=steps,
        nodes=nodes,
        title=values.text("title"),
        input=values.object("inputSchema"),
        output=values.object("outputSchema"),
        params=values.object("paramsSchema"),
        policies=Policies(
            key=cast(KeyPolicy, given.text("key", "user_in_chat")),
            on_repeat=cast(OnRepeat, given.text("onRepeat", "resume")),
            ttl=values.millis("timeout"),
            idle=given.millis("idle"),
            keep_buttons=given.flag("keepButtons") or False,
        ),
        graph=True,
    )


def _start(values: Values, root: Place) -> StepName:
    """Return the first step: what `start` names, else the only step of kind start."""
    place = _field(root, "steps")
    if "start" in values or _field(root, "start") is not None or place is None:
        return StepName(values.text("start"))
    content = place.node.content
    steps = content if isinstance(content, dict) else {}
    markers = [
        name
        for name, node in steps.items()
        if isinstance(node.content, dict) and "kind" in node.content and node.content["kind"].content == "start"
    ]
    if len(markers) == 1:
        return StepName(markers[0])
    message = "a flow needs the field 'start', or exactly one step of kind start"
    root.findings.add("missing_field", ("start",), message)
    return StepName("")


def _item_names(root: Place) -> tuple[str, ...]:
    """Return what loops call their items."""
    place = _field(root, "groups")
    groups = place.node.content if place is not None else None
    found: list[str] = []
    for node in groups.values() if isinstance(groups, dict) else ():
        name = node.content.get("as") if isinstance(node.content, dict) else None
        if name is not None and isinstance(name.content, str):
            found.append(name.content)
    return tuple(dict.fromkeys(found))


def _field(root: Place, name: str) -> Place | None:
    content = root.node.content
    return root.inner(name) if isinstance(content, dict) and name in content else None
