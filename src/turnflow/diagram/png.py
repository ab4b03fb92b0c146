"""SVG as PNG, drawn by the library resvg with the fonts of the system."""

from __future__ import annotations

import re
from functools import cache
from typing import Final
from xml.etree import ElementTree as xml

from turnflow.errors import MissingExtra

SCALE: Final = 2
"""Pixels of a PNG per pixel of its SVG, so that small type can be read."""
LARGEST: Final = 16_000
"""The longest side of a PNG; larger pictures are made smaller."""

_SIZE: Final = re.compile(r'width="([\d.]+)" height="([\d.]+)"')


def png(svg: str) -> bytes:
    """Return a PNG, `SCALE` times as large as the SVG.

    Raises `MissingExtra` where resvg is not installed, or the system has no font at all.
    """
    if not _has_font():
        raise MissingExtra(
            "a PNG needs a font, and the system has none; install one, for instance DejaVu Sans, or draw SVG"
        )
    size = _SIZE.search(svg)
    assert size is not None, "an SVG of ours starts with its size"
    return _rendered(svg, min(SCALE, LARGEST / max(float(size[1]), float(size[2]))))


@cache
def _has_font() -> bool:
    """Tell whether letters leave a trace: the library leaves out text that it has no font for."""
    return _rendered(_probe("W"), 1) != _rendered(_probe(""), 1)


def _probe(text: str) -> str:
    root = xml.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "width": "9", "height": "9"})
    xml.SubElement(root, "text", {"y": "9"}).text = text
    return xml.tostring(root, encoding="unicode")


def _rendered(svg: str, zoom: float) -> bytes:
    try:
        import resvg_py
    except ImportError:
        raise MissingExtra(
            "a PNG needs resvg-py, which is not installed; pip install 'turnflow[diagram]', or draw SVG"
        ) from None
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=zoom))
