"""Safe reading of documents: YAML without tags, anchors and aliases, or JSON; every value with its line and column.

Nothing is ever constructed but plain JSON. Sizes are checked before parsing and depth while parsing, so that a hostile
text costs no more than its own length. A text that begins with `{` is JSON.
"""

from __future__ import annotations

from turnflow.declarative.json_text import JsonReader
from turnflow.declarative.located import Located, Mark, Node
from turnflow.declarative.mistakes import Mistakes, Unreadable
from turnflow.declarative.yaml_text import YamlReader
from turnflow.errors import InvalidFlow

SIZE_LIMIT = 1024 * 1024
"""Longest document, in bytes of UTF-8 (guarantees: Limits)."""


def read_document(text: str, name: str = "") -> Located:
    """Return the value of a document with the places of its parts. `name` is what problems call it.

    Raises `InvalidFlow` with all problems, each with line and column: syntax, tags, anchors, aliases, duplicate keys, keys that
    are no strings, numbers and characters JSON cannot hold, more than one document, more than 64 levels, 100,000 values or 1 MiB.
    """
    mistakes = Mistakes(name)
    root: Node | None = None
    text = text.removeprefix("\ufeff")
    try:
        _check_size(text, mistakes)
        reader = JsonReader(text, mistakes) if text.lstrip(" \t\r\n")[:1] == "{" else YamlReader(text, mistakes)
        root = reader.document()
    except Unreadable:
        pass
    if mistakes.problems or root is None:
        raise InvalidFlow(name or "document", tuple(mistakes.problems))
    return Located(name, text.splitlines(), root)


def _check_size(text: str, mistakes: Mistakes) -> None:
    try:
        size = len(text) if len(text) > SIZE_LIMIT else len(text.encode())
    except UnicodeEncodeError as error:
        before = text[: error.start].split("\n")
        mark = Mark(len(before), len(before[-1]) + 1)
        mistakes.fatal("bad_character", mark, "half of a surrogate pair is no character; remove it")
    if size > SIZE_LIMIT:
        mistakes.fatal("too_large", Mark(1, 1), f"a document has at most {SIZE_LIMIT} bytes; split the flow")
