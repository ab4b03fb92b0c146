"""Flows drawn, in every format: with `overlay`, the picture shows what a run did."""

from __future__ import annotations

from typing import Literal, TypeAlias, assert_never

from turnflow.core.definition import Flow
from turnflow.diagram.dot import dot
from turnflow.diagram.mermaid import mermaid_of
from turnflow.diagram.overlay import Overlay, overlaid
from turnflow.diagram.picture import Picture
from turnflow.diagram.placing import placed
from turnflow.diagram.png import png
from turnflow.diagram.svg import svg
from turnflow.diagram.tracing import trace

Format: TypeAlias = Literal["mermaid", "dot", "svg", "png"]


def draw(flow: Flow, format: Format, overlay: Overlay | None = None) -> bytes:
    """Return the picture of a flow as a file of that format; text is UTF-8. Equal arguments give equal bytes.

    Raises `MissingExtra` for SVG and PNG where `turnflow[diagram]` is not installed, and for PNG where there is no font.
    """
    match format:
        case "mermaid":
            return mermaid_of(_picture(flow, overlay), title=True).encode()
        case "dot":
            return to_dot(flow, overlay).encode()
        case "svg":
            return to_svg(flow, overlay).encode()
        case "png":
            return to_png(flow, overlay)
        case _:
            assert_never(format)


def to_dot(flow: Flow, overlay: Overlay | None = None) -> str:
    """Return a flow as DOT text, for Graphviz; groups are clusters."""
    return dot(_picture(flow, overlay))


def to_svg(flow: Flow, overlay: Overlay | None = None) -> str:
    """Return a flow as SVG: light, or dark where the reader's system is.

    Raises `MissingExtra` where `turnflow[diagram]` is not installed.
    """
    picture = _picture(flow, overlay)
    return svg(picture, placed(picture))


def to_png(flow: Flow, overlay: Overlay | None = None) -> bytes:
    """Return a flow as PNG, dark on white, with two pixels per pixel of the SVG; only very large flows are drawn smaller.

    Raises `MissingExtra` where `turnflow[diagram]` is not installed, or where the system has no font.
    """
    return png(to_svg(flow, overlay))


def _picture(flow: Flow, overlay: Overlay | None) -> Picture:
    picture = trace(flow)
    return picture if overlay is None else overlaid(picture, overlay)
