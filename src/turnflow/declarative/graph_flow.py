"""A flow graph that is ready to be registered: its definition, what starts it, and the code that is the same for all graphs."""

from __future__ import annotations

from msgspec import Struct

from turnflow.core.definition import Flow, Trigger
from turnflow.declarative.handlers import GraphHandlers


class GraphFlow(Struct, frozen=True):
    """A valid flow graph: `registry.register(graph, on=graph.triggers)`."""

    flow: Flow
    triggers: tuple[Trigger, ...] = ()
    """What its document says starts it."""

    def build(self) -> GraphHandlers:
        """Return definition and code."""
        return GraphHandlers(self.flow)
