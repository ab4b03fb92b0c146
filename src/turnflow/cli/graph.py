"""`turnflow graph`: a flow as a picture in text."""

from __future__ import annotations

from turnflow.cli.finding import find_registry
from turnflow.diagram import mermaid


def graph(registry: str, flow: str) -> str:
    """Return the newest version of a flow as Mermaid text."""
    registration, _ = find_registry(registry).newest(flow)
    return mermaid(registration.flow)
