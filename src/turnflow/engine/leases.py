"""Which partitions this process holds, and since which change of hands."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from typing import Final

from turnflow.errors import StoreUnavailable
from turnflow.ports import PARTITIONS, Store

log = logging.getLogger("turnflow.engine")

LEASE: Final = 30_000
"""Milliseconds a partition stays with a process that does not renew it."""
PATIENCE: Final = LEASE / 1000 + 5
"""Seconds to wait for another process to let go."""


class Leases:
    """The partitions of one process, which holds all of them or does not start."""

    def __init__(self, store: Store, report: Callable[[str, BaseException | None], None]) -> None:
        self._store = store
        self._report = report
        self.holder = secrets.token_hex(8)
        self.epochs: dict[int, int] = {}
        """Partition to epoch; commits carry it."""

    async def acquire(self) -> bool:
        """Take all partitions; tell whether the previous holder ended uncleanly. Raises `StoreUnavailable` if they stay taken."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE
        unclean = False
        while True:
            missing = [partition for partition in range(PARTITIONS) if partition not in self.epochs]
            taken = await self._store.acquire(self.holder, missing, LEASE)
            self.epochs.update({lease.partition: lease.epoch for lease in taken})
            unclean = unclean or any(lease.unclean for lease in taken)
            if len(self.epochs) == PARTITIONS:
                return unclean
            if loop.time() > deadline:
                await self.release()
                raise StoreUnavailable(
                    "another process is using this store; stop it first, or give this one its own store"
                )
            log.info("waiting for another process to let go of the store")
            await asyncio.sleep(0.5)

    async def renew(self) -> None:
        """Keep what is held, for ever; what was lost is let go of."""
        while True:
            await asyncio.sleep(LEASE / 3000)
            try:
                held = set(await self._store.renew(self.holder, LEASE))
            except StoreUnavailable as error:
                self._report("the lease could not be renewed", error)
                continue
            for partition in set(self.epochs) - held:
                del self.epochs[partition]
                self._report(f"partition {partition} now belongs to another process", None)

    async def release(self) -> None:
        """Give everything back."""
        await self._store.release(self.holder)
