"""Entries of mailboxes outside commits: acceptance, attempts, retention."""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from turnflow.core.ids import At, MailboxId
from turnflow.ports import Accepted, InboxRecord, Repeated
from turnflow.stores._sql import Queries
from turnflow.stores.sqlite.batch import appended

WALK = 500
"""Mailboxes that one purge looks at, at most: a few milliseconds."""


class Inbox:
    """Writes entries on one connection, inside a transaction that the caller has begun and will end."""

    def __init__(self, connection: apsw.Connection, queries: Queries) -> None:
        cursor = connection.cursor()
        self._execute = cursor.execute
        self._executemany = cursor.executemany
        self._queries = queries
        self._purged = ""
        """The mailbox that the last purge ended with."""

    def accept(self, entries: Sequence[InboxRecord]) -> list[Accepted | Repeated]:
        """Append each entry with the next sequence of its mailbox, unless its id is known."""
        outcomes: list[Accepted | Repeated] = []
        for entry in entries:
            seq = self._execute(self._queries["append"], appended(entry)).get
            if seq is not None:
                outcomes.append(Accepted(seq))
            else:
                outcomes.append(Repeated(self._execute(self._queries["fate"], (entry.id,)).get == "consumed"))
        return outcomes

    def retake(self, mailbox: MailboxId, seqs: Sequence[int]) -> None:
        """Count one more attempt for each of the entries."""
        self._executemany(self._queries["retake"], [(mailbox, seq) for seq in seqs])

    def purge(self, before: At, limit: int) -> int:
        """Delete up to `limit` old consumed entries, mailbox by mailbox from where the last purge ended, once around at most."""
        start, gone, wrapped = self._purged, 0, not self._purged
        for _ in range(WALK):
            if gone >= limit:
                break
            mailbox = self._execute(self._queries["mailbox_behind"], (self._purged,)).get
            if mailbox is None or (wrapped and start and mailbox > start):
                if wrapped:
                    self._purged = ""
                    break
                self._purged, wrapped = "", True
                continue
            gone += len(self._execute(self._queries["purge"], (mailbox, before, limit - gone)).fetchall())
            if gone < limit:
                self._purged = mailbox
        return gone
