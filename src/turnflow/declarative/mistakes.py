"""What is wrong with the writing of a document, before anything in it is understood."""

from __future__ import annotations

from typing import NoReturn

from turnflow.declarative.located import Mark
from turnflow.errors import Problem

DEPTH_LIMIT = 64
"""Most levels of objects and lists (guarantees: YAML)."""
VALUE_LIMIT = 100_000
"""Most values in a document: what is no flow is not read to its end."""
MOST = 100
"""Problems that are still told apart; a text with more of them is no document."""


class Unreadable(Exception):
    """Reading cannot go on; the reason stands among the problems."""


class Mistakes:
    """Collects problems while a document is read."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: list[Problem] = []
        self._values = 0

    def add(self, code: str, mark: Mark, message: str, path: str = "") -> None:
        """Note a problem; reading goes on. Raises `Unreadable` when there are too many."""
        self.problems.append(Problem(code, path, message, mark.line, mark.column, self.name))
        if len(self.problems) >= MOST:
            raise Unreadable

    def fatal(self, code: str, mark: Mark, message: str) -> NoReturn:
        """Note a problem after which nothing can be understood. Raises `Unreadable`."""
        self.problems.append(Problem(code, "", message, mark.line, mark.column, self.name))
        raise Unreadable

    def count(self, mark: Mark) -> None:
        """Count one more value. Raises `Unreadable` when there are too many."""
        self._values += 1
        if self._values > VALUE_LIMIT:
            self.fatal("too_large", mark, f"a document has at most {VALUE_LIMIT} values; split the flow")

    def too_deep(self, mark: Mark) -> NoReturn:
        """Note that the limit of levels is passed. Raises `Unreadable`."""
        self.fatal("too_deep", mark, f"more than {DEPTH_LIMIT} levels inside one another; flatten it")
