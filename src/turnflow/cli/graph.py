"""`turnflow graph`: a flow as a picture."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from turnflow.cli.finding import find_registry
from turnflow.cli.flow_file import is_flow_file, read_flow
from turnflow.core.definition import Flow
from turnflow.diagram import Format, draw
from turnflow.errors import CallerError

_ENDINGS: Final[dict[str, Format]] = {".svg": "svg", ".png": "png", ".dot": "dot", ".gv": "dot"}


def graph(place: str, flow: str | None, format: Format | None, output: Path | None) -> None:
    """Draw the newest version of a flow of a registry, or the flow of a file, to a file or to standard output.

    Without a format the ending of the file tells it; it is Mermaid otherwise.
    """
    if format is None:
        format = _ENDINGS.get(output.suffix.lower(), "mermaid") if output is not None else "mermaid"
    if format == "png" and output is None and sys.stdout.isatty():
        raise CallerError("a PNG cannot be shown in a terminal: name a file, as in --output flow.png")
    drawn = draw(_found(place, flow), format)
    if output is not None:
        try:
            output.write_bytes(drawn)
        except OSError as error:
            raise CallerError(f"{output} cannot be written: {error.strerror}") from None
    elif format == "png":
        sys.stdout.buffer.write(drawn)
        sys.stdout.flush()
    else:
        print(drawn.decode(), flush=True)


def _found(place: str, flow: str | None) -> Flow:
    if is_flow_file(place):
        found = read_flow(Path(place)).flow
        if flow is not None and flow != found.name:
            raise CallerError(f"the flow in {place} is called {found.name!r}, not {flow!r}")
        return found
    registry = find_registry(place)
    if flow is None:
        known = ", ".join(registration.flow.name for registration in registry.registrations)
        raise CallerError(f"name the flow; {place} has: {known or 'none'}")
    registration, _ = registry.newest(flow)
    return registration.flow
