"""What somebody has not seen yet of a conversation: the history, read on from a place, each line once."""

from __future__ import annotations

from typing import TypeAlias

from turnflow.core.ids import ConversationId
from turnflow.ports import Runtime, Said

TAIL = 100
"""Lines read at a time to find what is new, and shown to somebody who has seen nothing yet."""
PAGE = 200
_PROBE = 20
_START = (0, -2)

Place: TypeAlias = tuple[int, int]
"""Where a line stands in its conversation: (seq, index)."""


def place(said: Said) -> Place:
    """Return where a line stands."""
    return (said.seq, said.index)


async def has_earlier(runtime: Runtime, conversation: ConversationId, lines: list[Said]) -> bool:
    """Tell whether anything was said before these lines. (Their number tells nothing: the runtime leaves lines out.)"""
    first = await runtime.history(conversation, limit=_PROBE)
    return bool(first and lines) and place(first[0]) < place(lines[0])


class Unread:
    """The lines of a conversation behind `after`, and from then on whatever is new.

    Without `after`, or with a place the history has not reached (another store), it starts at the newest 100 lines.
    A line may turn up before others already shown: a reply takes the place of its input, and newer input may be stored.
    """

    def __init__(self, runtime: Runtime, conversation: ConversationId, after: Place | None = None) -> None:
        self._runtime = runtime
        self._conversation = conversation
        self._cursor = after or _START
        self._is_first = after is None
        self._seen: set[Place] = set()
        self.tail: list[Said] = []
        """The newest lines, as of the last reading."""

    async def start(self) -> None:
        """Read the newest lines and decide where to begin."""
        self.tail = tail = await self._runtime.history(self._conversation, limit=-TAIL)
        if self._is_first or not tail or place(tail[-1]) < self._cursor:
            self._cursor = _START
            self._is_first = True
        else:
            self._seen = {place(said) for said in tail if place(said) <= self._cursor}

    async def news(self) -> list[Said]:
        """Return the lines not returned before, in order."""
        self.tail = tail = await self._runtime.history(self._conversation, limit=-TAIL)
        reaches_back = bool(tail) and place(tail[0]) <= self._cursor
        lines = tail if reaches_back or self._is_first else await self._pages()
        self._is_first = self._is_first and not tail
        # Below the oldest line ever seen nothing is new: it only moved into view because lines were purged.
        floor = min(self._seen, default=self._cursor)
        found = [said for said in lines if place(said) not in self._seen and place(said) >= floor]
        oldest = place(tail[0]) if tail else self._cursor
        self._seen = {at for said in (*tail, *found) if (at := place(said)) >= oldest}
        return found

    def passed(self, said: Said) -> Place | None:
        """Move the cursor over a line; None if the line stands before it."""
        if place(said) <= self._cursor:
            return None
        self._cursor = place(said)
        return self._cursor

    async def _pages(self) -> list[Said]:
        lines = {place(said): said for said in self.tail}
        at = self._cursor
        while page := await self._runtime.history(self._conversation, after=at, limit=PAGE):
            lines.update((place(said), said) for said in page)
            at = place(page[-1])
        return [lines[at] for at in sorted(lines)]
