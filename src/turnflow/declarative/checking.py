"""Everything that can be wrong with a flow graph: its shape, then what its expressions refer to."""

from __future__ import annotations

from turnflow.core.validation import problems
from turnflow.declarative.graph_flow import GraphFlow
from turnflow.declarative.references import reference_problems
from turnflow.errors import Problem


def check(graph: GraphFlow) -> tuple[Problem, ...]:
    """Return all problems of a flow graph, in the order of its definition; none for a valid one.

    What expressions refer to is looked at once the shape is sound: before, it would only repeat what is wrong with that.
    """
    return problems(graph.flow) or reference_problems(graph.flow)
