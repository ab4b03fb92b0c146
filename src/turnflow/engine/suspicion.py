"""Suspicion: which entry ends the process is not known, so tries are counted durably before user code is run for one.

Only entries that an unclean stop left behind are counted, and only when user code begins: what merely stood in the queue, or
needs no user code, is never blamed. Entries that were under way at several such stops are tried one at a time, so that an
innocent one is not counted together with the guilty one for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from turnflow.core.ids import MailboxId
from turnflow.engine.mailbox import Item
from turnflow.ports import Store

SUSPECT: Final = 2
"""Tries after which an entry is tried alone."""
PATIENCE: Final = 1.0
"""Seconds that one suspect waits for another."""


class Suspicion:
    """Runs the user code of entries that an unclean stop left behind."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._alone = asyncio.Lock()

    @asynccontextmanager
    async def about(self, mailbox: MailboxId, item: Item) -> AsyncIterator[None]:
        """Count a try durably, then let user code be run; suspects one after the other."""
        alone = item.attempts >= SUSPECT and await self._waited()
        try:
            await self._store.retake(mailbox, [item.seq])
            item.recovered = False  # counted
            yield
        finally:
            if alone:
                self._alone.release()

    async def _waited(self) -> bool:
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._alone.acquire()
        except TimeoutError:
            return False
