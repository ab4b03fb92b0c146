"""Shapes of values in a document: each reads a value, noting what is wrong with it, and says itself as JSON Schema."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple, Protocol

from turnflow.core.ids import Json
from turnflow.core.nodes import Template
from turnflow.declarative import durations
from turnflow.declarative.findings import Findings, meant
from turnflow.declarative.located import Node, Path

JsonSchema = dict[str, Json]


class Place(NamedTuple):
    """A value that is to be read, and where it stands."""

    findings: Findings
    node: Node
    path: Path

    def wrong(self, message: str, code: str = "wrong_type") -> None:
        """Note that the value does not have its shape."""
        self.findings.add(code, self.path, message)

    def inner(self, part: str | int) -> Place:
        """Return the place of a field or an item that is there."""
        content = self.node.content
        if isinstance(content, dict) and isinstance(part, str):
            return Place(self.findings, content[part], (*self.path, part))
        assert isinstance(content, list)
        assert isinstance(part, int)
        return Place(self.findings, content[part], (*self.path, part))


class Shape(Protocol):
    """What a value has to look like."""

    def read(self, place: Place) -> object:
        """Return what the value means, or None after noting a problem."""

    def schema(self) -> JsonSchema:
        """Return the shape as JSON Schema."""


class Text(NamedTuple):
    """A string that is not empty."""

    what: str = "a text"

    def read(self, place: Place) -> str | None:
        """Return the string."""
        content = place.node.content
        if isinstance(content, str) and content:
            return content
        found = "is empty" if content == "" else f"is {kind_of(place.node)}"
        hint = "; put it in quotes" if isinstance(content, bool | int | float) else ""
        place.wrong(f"must be {self.what} but {found}{hint}")
        return None

    def schema(self) -> JsonSchema:
        """Return the shape as JSON Schema."""
        return {"type": "string", "minLength": 1}


class Whole(NamedTuple):
    """A whole number from `least` on."""

    least: int = 0

    def read(self, place: Place) -> int | None:
        """Return the number."""
        content = place.node.content
        if isinstance(content, int) and not isinstance(content, bool) and content >= self.least:
            return content
        place.wrong(f"must be a whole number of at least {self.least} but is {kind_of(place.node)}")
        return None

    def schema(self) -> JsonSchema:
        """Return the shape as JSON Schema."""
        return {"type": "integer", "minimum": self.least}


class Number(NamedTuple):
    """A number, within bounds if there are any."""

    least: float | None = None
    most: float | None = None

    def read(self, place: Place) -> int | float | None:
        """Return the number as it is written."""
        content = place.node.content
        if isinstance(content, int | float) and not isinstance(content, bool) and self._holds(content):
            return content
        least = "" if self.least is None else f" of at least {self.least:g}"
        most = "" if self.most is None else f" and at most {self.most:g}"
        place.wrong(f"must be a number{least}{most} but is {kind_of(place.node)}")
        return None

    def schema(self) -> JsonSchema:
        """Return the shape as JSON Schema."""
        bounds: JsonSchema = {"minimum": self.least, "maximum": self.most}
        return {"type": "number", **{key: value for key, value in bounds.items() if value is not None}}

    def _holds(self, value: float) -> bool:
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)


class Flag:
    """true or false."""

    def read(self, place: Place) -> bool | None:
        """Return the flag."""
        if isinstance(place.node.content, bool):
            return place.node.content
        place.wrong(f"must be true or false but is {kind_of(place.node)}")
        return None

    def schema(self) -> JsonSchema:
        """Return the shape as JSON Schema."""
        return {"type": "boolean"}


class Duration(NamedTuple):
    """A duration of at least `least` milliseconds."""

    least: int = 1

    def read(self, place: Place) -> int | None:
        """Return milliseconds."""
        content = place.node.content
        found = None if isinstance(content, dict | list) else durations.duration(content)
        if found is None:
            place.wrong(
                f"{kind_of(place.node)} is no duration; write for instance 250ms, 10s, 5m, 24h, 7d", "bad_duration"
            )
        elif found < self.least:
            place.wrong("must be longer than nothing", "bad_duration")
            found = None
        return found

    def schema(self) -> JsonSchema:
        """Return the shape as JSON Schema."""
        number: JsonSchema = {"type": "number", "minimum": 0}
        return {"anyOf": [{"type": "string", "pattern": durations.PATTERN}, number]}


class OneOf(NamedTuple):
    """One of a closed set of words."""

    words: tuple[str, ...]
    code: str = "unknown_word"

    def read(self, place: Place) -> str | None:
        """Return the word."""
        content = place.node.content
        if isinstance(content, str) and content in self.words:
            return content
        known = ", ".join(self.words)
        if isinstance(content, str):
            place.wrong(f"there is no {content!r} here; {meant(content, self.words)}", self.code)
        else:
            place.wrong(f"must be one of {known} but is {kind_of(place.node)}")
        return None

    def schema(self) -> JsonSchema:
        """Return the shape as JSON Schema."""
        return {"enum": list(self.words)}


class Condition:
    """An expression that comes to true or false."""

    def read(self, place: Place) -> str | None:
        """Return its source."""
        source = Text("a condition").read(place)
        return None if source is None else place.findings.condition(source, place.path)

    def schema(self) -> JsonSchema:
        """Return the shape as JSON Schema."""
        return {"type": "string", "minLength": 1}


class Templated(NamedTuple):
    """JSON whose strings may hold `${...}`; of the `sort` that makes sense at the place."""

    sort: Literal["any", "value", "text", "object", "list"] = "value"
    """any: null too; value: anything else; object and list: those, or a text with one expression."""

    def read(self, place: Place) -> Template | None:
        """Return the template."""
        if self.sort == "text" or (self.sort == "value" and place.node.content is None):
            return None if Text("a value").read(place) is None else self._template(place)
        content = place.node.content
        fits = {"object": isinstance(content, dict), "list": isinstance(content, list)}.get(self.sort, True)
        if not fits and not (isinstance(content, str) and "${" in content):
            place.wrong(f"must be {_ARTICLES[self.sort]}, or a text with ${{...}}, but is {kind_of(place.node)}")
            return None
        return self._template(place)

    def schema(self) -> JsonSchema:
        """Return the shape as JSON Schema."""
        if self.sort == "any":
            return {}
        if self.sort == "value":
            return {"not": {"type": "null"}}
        if self.sort == "text":
            return Text().schema()
        kind = "object" if self.sort == "object" else "array"
        return {"anyOf": [{"type": kind}, {"type": "string", "pattern": r"\$\{"}]}

    def _template(self, place: Place) -> Template:
        return place.findings.template(place.node.plain(), place.path)


_ARTICLES = {"object": "an object", "list": "a list"}


class Texts(NamedTuple):
    """Several strings; `single`: one may stand without a list."""

    single: bool = True

    def read(self, place: Place) -> tuple[str, ...] | None:
        """Return the strings."""
        content = place.node.content
        if self.single and isinstance(content, str):
            found = Text().read(place)
            return None if found is None else (found,)
        if not isinstance(content, list):
            place.wrong(f"must be a list of texts but is {kind_of(place.node)}")
            return None
        items = [Text().read(place.inner(index)) for index in range(len(content))]
        return tuple(item for item in items if item is not None)

    def schema(self) -> JsonSchema:
        """Return the shape as JSON Schema."""
        many: JsonSchema = {"type": "array", "items": Text().schema()}
        return {"anyOf": [Text().schema(), many]} if self.single else many


class Referred(NamedTuple):
    """A shape that the published schema defines once, under a name."""

    name: str
    shape: Shape

    def read(self, place: Place) -> object:
        """Return what the shape reads."""
        return self.shape.read(place)

    def schema(self) -> JsonSchema:
        """Return a reference to the definition."""
        return {"$ref": f"#/$defs/{self.name}"}


class Items(NamedTuple):
    """A list of values of one shape."""

    shape: Shape

    def read(self, place: Place) -> list[object] | None:
        """Return what the items mean; those with problems are left out."""
        content = place.node.content
        if not isinstance(content, list):
            place.wrong(f"must be a list but is {kind_of(place.node)}")
            return None
        items: Iterable[object] = [self.shape.read(place.inner(index)) for index in range(len(content))]
        return [item for item in items if item is not None]

    def schema(self) -> JsonSchema:
        """Return the shape as JSON Schema."""
        return {"type": "array", "items": self.shape.schema()}


def kind_of(node: Node) -> str:
    """Return what a value is, in words for a problem."""
    content = node.content
    if isinstance(content, dict):
        return "an object"
    if isinstance(content, list):
        return "a list"
    if isinstance(content, str):
        return f"the text {content[:40]!r}"
    if content is None:
        return "nothing"
    return str(content).lower() if isinstance(content, bool) else f"the number {content}"
