"""The one way an answer fails to parse."""

from __future__ import annotations


class Unparsed(Exception):
    """An input is no answer of the wanted type; `reason` is one sentence to the person who sent it."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)
