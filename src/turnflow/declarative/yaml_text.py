"""YAML 1.2 as documents may use it: no tags, anchors, aliases or duplicate keys; one document; keys are strings.

Built on the parser's events, of which nothing is composed or constructed: an alias is a mistake, never an expansion.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import yaml
from yaml import events

from turnflow.declarative.json_text import check_text
from turnflow.declarative.located import Mark, Node
from turnflow.declarative.mistakes import DEPTH_LIMIT, Mistakes, Unreadable
from turnflow.declarative.scalars import BadScalar, scalar

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class YamlReader:
    """Reads one YAML document."""

    def __init__(self, text: str, mistakes: Mistakes) -> None:
        self._text = text
        self._mistakes = mistakes
        self._events: Iterator[events.Event] = iter(())

    def document(self) -> Node:
        """Return the root. Raises `Unreadable` after noting the problem."""
        try:
            self._events = iter(yaml.parse(self._text, Loader=_LOADER))
            return self._document()
        except yaml.MarkedYAMLError as error:
            at = error.problem_mark or error.context_mark
            mark = Mark(at.line + 1, at.column + 1) if at is not None else Mark(1, 1)
            reason = " ".join(part for part in (error.context, error.problem) if part)
            self._mistakes.fatal("bad_syntax", mark, f"this is no YAML: {reason}")
        except yaml.YAMLError as error:
            self._mistakes.fatal(
                "bad_character", self._mark_of(error), "this character may not stand in YAML; remove it"
            )

    def _document(self) -> Node:
        root: Node | None = None
        for event in self._events:
            if isinstance(event, events.DocumentStartEvent) and root is not None:
                self._mistakes.fatal("many_documents", _mark(event), "a file holds one document; remove what follows")
            elif isinstance(event, events.NodeEvent):
                root = self._node(event, 1)
        if root is None:
            self._mistakes.fatal("empty", Mark(1, 1), "the document is empty")
        return root

    def _node(self, event: events.NodeEvent, depth: int) -> Node:
        mark = _mark(event)
        self._mistakes.count(mark)
        if isinstance(event, events.AliasEvent):
            self._mistakes.add("alias", mark, "aliases (*name) are not allowed; write the value out")
            return Node(None, mark)
        if event.anchor is not None:
            self._mistakes.add("anchor", mark, "anchors (&name) are not allowed; write the value out where it is used")
        if getattr(event, "tag", None) is not None:
            self._mistakes.add("tag", mark, "tags (!name) are not allowed; leave it out, quotes make a value a string")
        if isinstance(event, events.ScalarEvent):
            return self._scalar(event, mark)
        if depth > DEPTH_LIMIT:
            self._mistakes.too_deep(mark)
        if isinstance(event, events.SequenceStartEvent):
            return self._list(mark, depth)
        return self._object(mark, depth)

    def _list(self, mark: Mark, depth: int) -> Node:
        content: list[Node] = []
        for event in self._events:
            if not isinstance(event, events.NodeEvent):
                break
            content.append(self._node(event, depth + 1))
        return Node(content, mark)

    def _object(self, mark: Mark, depth: int) -> Node:
        content: dict[str, Node] = {}
        keys: dict[str, Mark] = {}
        for event in self._events:
            if not isinstance(event, events.NodeEvent):
                break
            at = _mark(event)
            key = self._node(event, depth + 1).content
            value = self._node(self._following(), depth + 1)
            if not isinstance(key, str):
                if not isinstance(event, events.AliasEvent):
                    self._mistakes.add("bad_key", at, f"the key {_shown(key)} is no string; put it in quotes")
            elif key in content:
                self._mistakes.add(
                    "duplicate_key", at, f"{key!r} is there already, in line {keys[key].line}; remove one"
                )
            else:
                content[key], keys[key] = value, at
        return Node(content, mark, keys)

    def _scalar(self, event: events.ScalarEvent, mark: Mark) -> Node:
        text = event.value
        check_text(text, mark, self._mistakes)
        if event.style not in (None, ""):
            return Node(text, mark, style=event.style)
        try:
            return Node(scalar(text), mark)
        except BadScalar as error:
            self._mistakes.add("bad_number", mark, str(error))
            return Node(None, mark)

    def _following(self) -> events.NodeEvent:
        event = next(self._events)
        if not isinstance(event, events.NodeEvent):
            raise Unreadable
        return event

    def _mark_of(self, error: yaml.YAMLError) -> Mark:
        at = getattr(error, "position", 0)
        before = self._text[:at].split("\n")
        return Mark(len(before), len(before[-1]) + 1)


def _mark(event: events.Event) -> Mark:
    at = event.start_mark
    assert at is not None
    return Mark(at.line + 1, at.column + 1)


def _shown(key: object) -> str:
    if isinstance(key, dict | list):
        return "of several parts"
    return msgspec.json.encode(key).decode()
