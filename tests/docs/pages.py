"""The pages of the documentation and what stands in them: code blocks, links, headings.

A block's fence says what becomes of it: `python FILE` and `transcript FILE` are written to that file, `python` alone is run with
the page's earlier ones, `console` and `console NAME` are typed into a terminal of that name, `mermaid NAME` is compared with what
the code draws. `yaml` and `yaml FILE` are flow documents that have to load (those called `broken...` must not); `json` is JSON.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
OTHERS = ("decisions",)
"""Folders of docs/ that are no part of the user documentation."""

_FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]\[]*\]\((?P<target>[^)\s]+)\)|!\[[^\]]*\]\((?P<image>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(?P<text>.+?)\s*$", re.MULTILINE)


class Block(NamedTuple):
    """One fenced block."""

    language: str
    name: str
    """What stands behind the language: a file name, a terminal's name, a picture's name."""
    text: str
    line: int


class Page(NamedTuple):
    """One Markdown file."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def prose(self) -> str:
        """The text without its blocks."""
        return _FENCE.sub("", self.text)

    @property
    def blocks(self) -> list[Block]:
        text = self.text
        found = []
        for match in _FENCE.finditer(text):
            language, _, name = match["info"].strip().partition(" ")
            found.append(Block(language, name.strip(), match["text"], text.count("\n", 0, match.start()) + 2))
        return found

    @property
    def links(self) -> list[str]:
        return [match["target"] or match["image"] for match in _LINK.finditer(self.prose)]

    @property
    def anchors(self) -> set[str]:
        return {_anchor(match["text"]) for match in _HEADING.finditer(self.prose)}


def pages() -> list[Page]:
    """README.md and everything under docs/ that is written for users."""
    found = [path for path in sorted(DOCS.rglob("*.md")) if path.relative_to(DOCS).parts[0] not in OTHERS]
    return [Page(ROOT / "README.md"), *(Page(path) for path in found)]


def page(name: str) -> Page:
    """The page of that name, for instance `docs/reference/turn.md`."""
    return Page(ROOT / name)


def _anchor(heading: str) -> str:
    """The name GitHub gives a heading."""
    plain = re.sub(r"[`*]|\]\([^)]*\)|\[", "", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
