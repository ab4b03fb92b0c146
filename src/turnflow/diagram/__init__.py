"""Pictures of flows, drawn from the definition alone."""

from turnflow.diagram.mermaid import mermaid

__all__ = ["mermaid"]
