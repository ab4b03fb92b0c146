"""How the playing of a transcript went."""

from __future__ import annotations

from typing import NamedTuple


class Report(NamedTuple):
    """How a transcript went."""

    ok: bool
    played: str
    """The transcript as it really went, as far as it was played."""
    problem: str = ""
    """What differs, and where."""
    line: int = 0
    """The line of the transcript where it differs; 0 if it does not."""

    def __str__(self) -> str:
        return self.problem or "as written"
