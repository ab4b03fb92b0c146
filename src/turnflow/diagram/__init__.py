"""Pictures of flows, drawn from the definition alone, and with what a run did laid over them."""

from turnflow.diagram.drawing import Format, draw, to_dot, to_png, to_svg
from turnflow.diagram.mermaid import mermaid
from turnflow.diagram.overlay import Overlay, Passage, StepMark

__all__ = ["Format", "Overlay", "Passage", "StepMark", "draw", "mermaid", "to_dot", "to_png", "to_svg"]
