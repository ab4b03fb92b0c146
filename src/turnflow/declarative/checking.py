"""Everything that can be wrong with a flow graph: its shape, what its expressions refer to, and of which types that is."""

from __future__ import annotations

from collections.abc import Mapping

from turnflow.core.definition import Flow
from turnflow.core.ids import FlowName
from turnflow.core.validation import problems
from turnflow.declarative.graph_flow import GraphFlow
from turnflow.declarative.references import reference_problems
from turnflow.declarative.sight import Schemas, Surroundings
from turnflow.declarative.type_problems import type_problems, unknown_calls
from turnflow.errors import Problem


def check(
    graph: GraphFlow,
    actions: Mapping[str, Schemas] = {},
    flows: Mapping[FlowName, Flow] = {},
    *,
    are_complete: bool = False,
) -> tuple[Problem, ...]:
    """Return all problems of a flow graph, in the order of its definition; none for a valid one.

    `actions`: JSON Schemas of input and output by name. `flows`: other flows that it may call. Calls of others are not looked at,
    but are problems if `are_complete` says that there are no others.
    What expressions refer to is looked at once the shape is sound: before, it would only repeat what is wrong with that.
    """
    around = Surroundings(actions, {**flows, graph.flow.name: graph.flow}, are_complete)
    return problems(graph.flow) or _inner_problems(graph.flow, around)


def _inner_problems(flow: Flow, around: Surroundings) -> tuple[Problem, ...]:
    found = reference_problems(flow)
    told = {problem.path for problem in found}
    if around.are_complete:
        found += unknown_calls(flow, around)
    return found + tuple(problem for problem in type_problems(flow, around) if problem.path not in told)
