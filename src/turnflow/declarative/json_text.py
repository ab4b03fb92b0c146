"""JSON (RFC 8259) with the place of every key and value; duplicate keys, NaN and Infinity are mistakes."""

from __future__ import annotations

import re
from bisect import bisect_right
from json import JSONDecodeError, JSONDecoder
from typing import NoReturn

from turnflow.declarative.located import Mark, Node
from turnflow.declarative.mistakes import DEPTH_LIMIT, Mistakes
from turnflow.declarative.scalars import BadScalar, real, whole

_BLANK = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORD = re.compile(r"[A-Za-z0-9_.+-]+")
_WORDS = {"null": None, "true": True, "false": False}
_DECODER = JSONDecoder()
_LINE_END = re.compile(r"\r\n|\r|\n")


class JsonReader:
    """Reads one JSON document."""

    def __init__(self, text: str, mistakes: Mistakes) -> None:
        self._text = text
        self._mistakes = mistakes
        self._at = 0
        self._lines = [0, *(found.end() for found in _LINE_END.finditer(text))]

    def document(self) -> Node:
        """Return the root. Raises `Unreadable` after noting the problem."""
        self._blanks()
        root = self._value(1)
        self._blanks()
        if self._at < len(self._text):
            self._fail("nothing may follow the end of the document")
        return root

    def _value(self, depth: int) -> Node:
        text, start = self._text, self._at
        mark = self._mark(start)
        self._mistakes.count(mark)
        sign = text[start : start + 1]
        if sign in ("{", "[") and depth > DEPTH_LIMIT:
            self._mistakes.too_deep(mark)
        if sign == "{":
            return self._object(mark, depth)
        if sign == "[":
            return self._list(mark, depth)
        if sign == '"':
            return Node(self._string(), mark, style='"')
        number = _NUMBER.match(text, start)
        word = _WORD.match(text, start)
        if number is not None and word is not None and number.end() == word.end():
            self._at = number.end()
            return Node(self._number(number[0], mark), mark)
        if word is None or word[0] not in _WORDS:
            self._no_value(word[0] if word is not None else "")
        self._at = word.end()
        return Node(_WORDS[word[0]], mark)

    def _no_value(self, word: str) -> NoReturn:
        if word:
            self._fail(f"{word[:24]} is no JSON (a document that begins with {{ is JSON): put texts in double quotes")
        self._fail("a value is missing here" if self._at < len(self._text) else "the document ends too early")

    def _object(self, mark: Mark, depth: int) -> Node:
        content: dict[str, Node] = {}
        keys: dict[str, Mark] = {}
        self._at += 1
        self._blanks()
        while not self._took("}"):
            if content and not self._took(","):
                self._fail("a comma or } is missing here")
            self._blanks()
            at = self._mark(self._at)
            if self._text[self._at : self._at + 1] != '"':
                self._fail("a key in double quotes is missing here (a document that begins with { is JSON)")
            key = self._string()
            self._blanks()
            if not self._took(":"):
                self._fail("a colon is missing here")
            self._blanks()
            if key in content:
                self._mistakes.add(
                    "duplicate_key", at, f"{key!r} is there already, in line {keys[key].line}; remove one"
                )
            keys.setdefault(key, at)
            content.setdefault(key, self._value(depth + 1))
            self._blanks()
        return Node(content, mark, keys)

    def _list(self, mark: Mark, depth: int) -> Node:
        content: list[Node] = []
        self._at += 1
        self._blanks()
        while not self._took("]"):
            if content and not self._took(","):
                self._fail("a comma or ] is missing here")
            self._blanks()
            content.append(self._value(depth + 1))
            self._blanks()
        return Node(content, mark)

    def _string(self) -> str:
        mark = self._mark(self._at)
        try:
            text, self._at = _DECODER.raw_decode(self._text, self._at)
        except JSONDecodeError as error:
            self._at = error.pos
            self._fail(f"this string is not well written: {error.msg[0].lower()}{error.msg[1:]}")
        assert isinstance(text, str)
        check_text(text, mark, self._mistakes)
        return text

    def _number(self, text: str, mark: Mark) -> int | float | None:
        try:
            return whole(text, 10) if text.lstrip("-").isdigit() else real(text)
        except BadScalar as error:
            self._mistakes.add("bad_number", mark, str(error))
            return None

    def _took(self, sign: str) -> bool:
        if self._text.startswith(sign, self._at):
            self._at += 1
            return True
        return False

    def _blanks(self) -> None:
        found = _BLANK.match(self._text, self._at)
        self._at = found.end() if found is not None else self._at

    def _mark(self, at: int) -> Mark:
        line = bisect_right(self._lines, at)
        return Mark(line, at - self._lines[line - 1] + 1)

    def _fail(self, message: str) -> NoReturn:
        self._mistakes.fatal("bad_syntax", self._mark(self._at), message)


def check_text(text: str, mark: Mark, mistakes: Mistakes) -> None:
    """Note characters that no store keeps: NUL and halves of surrogate pairs."""
    if "\0" in text or (not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text)):
        mistakes.add("bad_character", mark, "holds NUL or half of a surrogate pair; remove it")
