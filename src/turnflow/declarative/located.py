"""A document as it was read: every value knows its line and column, so that a problem can point at its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

from turnflow.core.ids import Json

Path: TypeAlias = tuple[str | int, ...]
"""Field names and list positions, from the document inwards."""


class Mark(NamedTuple):
    """A place in a text; both count from 1, columns in characters."""

    line: int
    column: int


NOWHERE = Mark(0, 0)
"""The place of what was not read from a text."""


class Node:
    """One value of a document: a scalar, or the nodes of an object or list. Never changed once it is read."""

    __slots__ = ("content", "keys", "mark", "style")

    def __init__(
        self,
        content: dict[str, Node] | list[Node] | str | int | float | bool | None,
        mark: Mark,
        keys: Mapping[str, Mark] | None = None,
        style: str = "",
    ) -> None:
        self.content = content
        self.mark = mark
        self.keys: Mapping[str, Mark] = keys or {}
        """Where the keys of an object stand."""
        self.style = style
        """How a string is written: empty, a quote, or `|` and `>` for blocks."""

    def plain(self) -> Json:
        """Return the value as JSON."""
        content = self.content
        if isinstance(content, dict):
            return {key: node.plain() for key, node in content.items()}
        if isinstance(content, list):
            return [node.plain() for node in content]
        return content


class Located:
    """A document: its value, and the place of each part of it."""

    __slots__ = ("lines", "name", "root")

    def __init__(self, name: str, lines: Sequence[str], root: Node) -> None:
        self.name = name
        """What problems call it, usually the name of its file; may be empty."""
        self.lines = lines
        self.root = root

    @property
    def value(self) -> Json:
        """The document as plain JSON."""
        return self.root.plain()

    def mark(self, path: Path) -> Mark:
        """Return the place of a value; of one that is not there, the place of what should hold it."""
        return self._walk(path)[0].mark

    def key_mark(self, path: Path) -> Mark:
        """Return the place of a field's name; like `mark` for what has none."""
        if path and isinstance(path[-1], str):
            holder, rest = self._walk(path[:-1])
            if not rest and path[-1] in holder.keys:
                return holder.keys[path[-1]]
        return self.mark(path)

    def mark_of_text(self, path: str) -> Mark:
        """Return the place of a path as problems write it, `steps.pay.outputs[0].to`; names may hold dots."""
        return self._find(path)[0]

    def holds(self, path: str) -> bool:
        """Tell whether there is a value at a path as problems write it."""
        return not self._find(path)[1]

    def inside(self, path: Path, line: int, column: int) -> Mark:
        """Return the place of a line and column (from 1) inside a string; its beginning if that cannot be told."""
        node, rest = self._walk(path)
        if rest or not isinstance(node.content, str) or node.mark == NOWHERE:
            return node.mark
        mark = _first_character(node, self.lines)
        wanted = node.content.split("\n")[line - 1 : line]
        if not wanted:
            return node.mark
        found = mark if line == 1 else Mark(mark.line + line - 1, mark.column if node.style in ("|", ">") else 1)
        start, length = found.column - 1, column - 1
        raw = self.lines[found.line - 1] if found.line <= len(self.lines) else ""
        if raw[start : start + length] != wanted[0][:length]:
            return node.mark
        return Mark(found.line, found.column + length)

    def _find(self, path: str) -> tuple[Mark, str]:
        node, rest = self.root, path
        mark = node.mark
        while rest:
            found = _next_part(node, rest)
            if found is None:
                return mark, rest
            mark, node, rest = found
        return node.mark, ""

    def _walk(self, path: Path) -> tuple[Node, Path]:
        node = self.root
        for index, part in enumerate(path):
            inner = _child(node, part)
            if inner is None:
                return node, path[index:]
            node = inner
        return node, ()


def unplaced(value: Json) -> Node:
    """Return the nodes of a value that was never written in a text; its places are line 0."""
    if isinstance(value, dict):
        return Node({key: unplaced(item) for key, item in value.items()}, NOWHERE)
    if isinstance(value, list):
        return Node([unplaced(item) for item in value], NOWHERE)
    return Node(value, NOWHERE)


def written(path: Path) -> str:
    """Return a path as problems write it: `steps.pay.outputs[0].to`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _child(node: Node, part: str | int) -> Node | None:
    content = node.content
    if isinstance(content, dict) and isinstance(part, str):
        return content.get(part)
    if isinstance(content, list) and isinstance(part, int) and part < len(content):
        return content[part]
    return None


def _next_part(node: Node, rest: str) -> tuple[Mark, Node, str] | None:
    """Return mark, node and remainder for the longest field or the position that a written path begins with."""
    content = node.content
    if isinstance(content, dict):
        for key in sorted(content, key=len, reverse=True):
            tail = rest[len(key) :]
            if rest.startswith(key) and tail[:1] in ("", ".", "["):
                return node.keys.get(key, content[key].mark), content[key], tail.removeprefix(".")
    elif isinstance(content, list) and rest.startswith("["):
        number, _, tail = rest[1:].partition("]")
        if number.isdigit() and int(number) < len(content):
            item = content[int(number)]
            return item.mark, item, tail.removeprefix(".")
    return None


def _first_character(node: Node, lines: Sequence[str]) -> Mark:
    line, column = node.mark
    if node.style in ("|", ">"):
        for text in lines[line:]:
            if text.strip():
                return Mark(line + 1, len(text) - len(text.lstrip(" ")) + 1)
    return Mark(line, column + (1 if node.style in ("'", '"') else 0))
