"""Suspicion: what ended the process is not known, so after an unclean stop tries are counted durably before user code is run.

Only what user code begins for is counted: what merely stood in the queue is never blamed. Entries that were under way at several
such stops are tried one at a time, up to their commit, so that an innocent one is not counted with the guilty one for ever.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from turnflow.engine import effects
from turnflow.engine.mailbox import Item
from turnflow.engine.payloads import encode
from turnflow.ports import Accepted, InboxRecord, Store

if TYPE_CHECKING:
    from turnflow.engine.turn import Turn

SUSPECT: Final = 2
"""Tries after which an entry is tried alone."""
PATIENCE: Final = 1.0
"""Seconds that one suspect waits for another."""


class Suspicion:
    """Counts tries, and lets suspects be tried one after the other."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._free = asyncio.Lock()

    async def count(self, turn: Turn) -> None:
        """Count a try of what a turn is about, durably; once per turn."""
        item = turn.item
        if item.counted:
            return
        item.counted = True
        if not item.seq:
            await self._accept(turn)
        elif item.recovered:
            item.alone = item.attempts >= SUSPECT and await self.turned()
            await self._store.retake(turn.hot.id, [item.seq])

    def cleared(self, item: Item) -> None:
        """Take note that a turn is over; the next suspect may be tried."""
        if item.alone:
            item.alone = False
            self.done()

    def done(self) -> None:
        """Take note that the suspect whose turn it was is through; the next one may be tried."""
        self._free.release()

    async def _accept(self, turn: Turn) -> None:
        """Accept what has no entry yet (a timer, a word of the host): a timer that ends the process would fire for ever."""
        item, hot = turn.item, turn.hot
        entry = InboxRecord(hot.id, 0, item.id, encode(item.payload), item.at, attempts=1)
        (outcome,) = await self._store.accept([entry])
        if isinstance(outcome, Accepted):
            item.seq = turn.seq = outcome.seq
            hot.seq = max(hot.seq, outcome.seq)
            hot.taken.add(outcome.seq)
            effects.replace_replies(turn)

    async def turned(self) -> bool:
        """Wait until no other suspect is being tried, but not for ever; tell whether it is this one's turn."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._free.acquire()
        except TimeoutError:
            return False
