"""Who holds which partition, by the clock of the database's host."""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from turnflow.core.ids import Millis
from turnflow.ports import Lease
from turnflow.stores._sql import Queries
from turnflow.stores.sqlite.lifeline import Lifeline


class Leases:
    """Reads and writes leases on one connection, inside a transaction that the caller has begun and will end."""

    def __init__(self, connection: apsw.Connection, queries: Queries, lifeline: Lifeline) -> None:
        self._execute = connection.cursor().execute
        self._queries = queries
        self._lifeline = lifeline

    def acquire(self, holder: str, partitions: Sequence[int], lease: Millis) -> list[Lease]:
        """Take what is free, expired, left behind by a process that is gone, or the holder's own already."""
        now = self._now()
        taken = []
        for partition in partitions:
            row = self._execute(self._queries["lease_of"], (partition,)).get
            epoch, owner, expires, life = row or (0, None, 0, "")
            if owner == holder:
                given = Lease(partition, epoch, False)
            elif owner is None or expires <= now or self._lifeline.has_ended(life):
                given = Lease(partition, epoch + 1, owner is not None)
            else:
                continue
            self._execute(self._queries["lease"], (partition, given.epoch, holder, now + lease, self._lifeline.token))
            taken.append(given)
        return taken

    def renew(self, holder: str, lease: Millis) -> list[int]:
        """Extend everything the holder has."""
        return sorted([row[0] for row in self._execute(self._queries["renew"], (self._now() + lease, holder))])

    def release(self, holder: str) -> None:
        """Give everything the holder has back."""
        self._execute(self._queries["release"], (holder,))

    def _now(self) -> int:
        return int(self._execute(self._queries["now"]).get)
