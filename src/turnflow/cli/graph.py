"""`turnflow graph`: a flow as a picture in text."""

from __future__ import annotations

from pathlib import Path

from turnflow.cli.finding import find_registry
from turnflow.cli.flow_file import is_flow_file, read_flow
from turnflow.diagram import mermaid
from turnflow.errors import CallerError


def graph(place: str, flow: str | None) -> str:
    """Return the newest version of a flow of a registry, or the flow of a file, as Mermaid text."""
    if is_flow_file(place):
        found = read_flow(Path(place)).flow
        if flow is not None and flow != found.name:
            raise CallerError(f"the flow in {place} is called {found.name!r}, not {flow!r}")
        return mermaid(found)
    registry = find_registry(place)
    if flow is None:
        known = ", ".join(registration.flow.name for registration in registry.registrations)
        raise CallerError(f"name the flow; {place} has: {known or 'none'}")
    registration, _ = registry.newest(flow)
    return mermaid(registration.flow)
