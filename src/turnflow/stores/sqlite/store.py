"""The store on a SQLite file: the embedded default.

A commit is one transaction with one fsync. Several processes of one host may share the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import apsw

from turnflow.core.ids import At, ConversationId, FlowName, InputId, MailboxId, Millis, RunId
from turnflow.errors import StoreUnavailable
from turnflow.ports import (
    Accepted,
    Commit,
    CommitOutcome,
    Due,
    EventRecord,
    Grade,
    InboxRecord,
    JournalRecord,
    Lease,
    Line,
    Mailbox,
    Repeated,
    ResultRecord,
    RunQuery,
    RunRecord,
    SubscriptionRecord,
    TimerRecord,
)
from turnflow.stores._sql import load_migrations, load_queries
from turnflow.stores.sqlite.commits import Commits, Refused
from turnflow.stores.sqlite.database import Crash, Database, Synchronous
from turnflow.stores.sqlite.happenings import Happenings
from turnflow.stores.sqlite.inbox import Inbox
from turnflow.stores.sqlite.leases import Leases
from turnflow.stores.sqlite.lifeline import Lifeline
from turnflow.stores.sqlite.reads import Reads
from turnflow.stores.sqlite.schema import is_current, migrate

CRASH_POINTS: tuple[str, ...] = tuple(
    f"store.{operation}.{moment}"
    for operation in ("migrate", "acquire", "accept", "commit", "retake", "release")
    for moment in ("begin", "before_durable", "after_durable")
)
"""Places where `crash` is called with their name, if one was given."""

QUERIES = load_queries(__package__)
MIGRATIONS = load_migrations(__package__)


class SqliteStore:
    """A SQLite file as a `Store`.

    `synchronous`: "full" survives a loss of power, "normal" may then lose the last commits. `patience`: milliseconds for
    which a file locked by another process is waited for. `threaded`: work in a thread or on the event loop; None decides by the
    speed of fsync. `crash` is called at every point of `CRASH_POINTS`.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        synchronous: Synchronous = "full",
        patience: Millis = 5000,
        threaded: bool | None = None,
        crash: Crash | None = None,
    ) -> None:
        self.path = Path(path).absolute()
        self._synchronous: Synchronous = synchronous
        self._patience = patience
        self._threaded = threaded
        self._crash = crash
        self._parts: _Parts | None = None

    @property
    def grade(self) -> Grade:
        """What it survives: everything with synchronous=FULL, all but a loss of power with NORMAL."""
        full = self._synchronous == "full"
        detail = f"SQLite {apsw.sqlite_lib_version()}, WAL, synchronous={self._synchronous.upper()}"
        if self._parts is not None:
            detail += f", fsync {self._parts.database.fsync:.2f} ms"
        if not full:
            detail += "; a loss of power may lose the last commits, use synchronous=full to keep them"
        return Grade("sqlite", survives_kill=True, survives_power_loss=full, processes="one host", detail=detail)

    def holders(self) -> list[int]:
        """Return the ids of the processes that run flows on the file now (0: not known), whether this store is open or not.

        Empty where the system has no such locks.
        """
        return (self._parts.lifeline if self._parts is not None else Lifeline(self.path)).others()

    async def open(self) -> None:
        """Connect and bring the schema up to date.

        Raises `NewerSchema`, `DamagedStore` for a file that is corrupt or another program's, `StoreUnavailable` for one that
        cannot be opened or stays locked.
        """
        if self._parts is not None:
            return
        database = Database(self.path, self._synchronous, self._patience, self._crash, self._threaded)
        connection = database.connection
        try:
            if not await database.read(lambda: is_current(connection, MIGRATIONS)):
                await database.write("migrate", lambda: migrate(connection, MIGRATIONS, QUERIES))
        except BaseException:
            await database.close()
            raise
        lifeline = Lifeline(self.path)
        self._parts = _Parts(
            database,
            Commits(connection, QUERIES),
            Inbox(connection, QUERIES),
            Leases(connection, QUERIES, lifeline),
            Reads(connection, QUERIES),
            Happenings(connection, QUERIES),
            lifeline,
        )

    async def close(self) -> None:
        """Fold the log into the file and let go of it."""
        parts, self._parts = self._parts, None
        if parts is not None:
            await parts.database.close()
            parts.lifeline.close()

    async def accept(self, entries: Sequence[InboxRecord]) -> list[Accepted | Repeated]:
        """Append entries to their mailboxes as `Store.accept` does."""
        parts = self._open()
        return await parts.database.write("accept", lambda: parts.inbox.accept(entries))

    async def commit(self, commits: Sequence[Commit]) -> list[CommitOutcome]:
        """Write commits as `Store.commit` does: together, and one by one if a guard of one of them fails."""
        parts = self._open()
        try:
            return await parts.database.write("commit", lambda: parts.commits.write_together(commits))
        except Refused:
            return await parts.database.write("commit", lambda: parts.commits.write_apart(commits))

    async def acquire(self, holder: str, partitions: Sequence[int], lease: Millis) -> list[Lease]:
        """Take partitions as `Store.acquire` does, by the clock of this host."""
        parts = self._open()
        return await parts.database.write("acquire", lambda: parts.leases.acquire(holder, partitions, lease))

    async def renew(self, holder: str, lease: Millis) -> list[int]:
        """Extend leases as `Store.renew` does."""
        parts = self._open()
        return await parts.database.write("", lambda: parts.leases.renew(holder, lease))

    async def release(self, holder: str) -> None:
        """Give leases back as `Store.release` does."""
        parts = self._open()
        await parts.database.write("release", lambda: parts.leases.release(holder))

    async def retake(self, mailbox: MailboxId, seqs: Sequence[int]) -> None:
        """Count attempts as `Store.retake` does."""
        parts = self._open()
        await parts.database.write("retake", lambda: parts.inbox.retake(mailbox, seqs))

    async def purge(self, before: At, limit: int) -> int:
        """Delete old entries as `Store.purge` does.

        One call looks at a bounded number of mailboxes and the next goes on behind them, so it may return less than there is.
        """
        parts = self._open()
        return await parts.database.write("", lambda: parts.inbox.purge(before, limit))

    async def due(self, partitions: Sequence[int], before: At, limit: int) -> Due:
        """Return work as `Store.due` does, from indexes that hold nothing else."""
        parts = self._open()
        return await parts.database.read(lambda: parts.reads.due(partitions, before, limit))

    async def load(self, mailbox: MailboxId) -> Mailbox:
        """Return a mailbox as `Store.load` does."""
        parts = self._open()
        return await parts.database.read(lambda: parts.reads.load(mailbox))

    async def seen(self, id: InputId) -> bool:
        """Tell whether an inbox id is known."""
        parts = self._open()
        return await parts.database.glance(lambda: parts.reads.seen(id))

    async def timers(self, prefix: str) -> list[TimerRecord]:
        """Return timers as `Store.timers` does."""
        parts = self._open()
        return await parts.database.read(lambda: parts.reads.timers(prefix))

    async def results(self, run: RunId, prefix: str) -> list[ResultRecord]:
        """Return results as `Store.results` does."""
        parts = self._open()
        return await parts.database.read(lambda: parts.reads.results(run, prefix))

    async def find(self, query: RunQuery) -> list[RunRecord]:
        """Return runs as `Store.find` does."""
        parts = self._open()
        return await parts.database.read(lambda: parts.reads.find(query))

    async def journal(self, run: RunId, after: int = 0, limit: int = 1000) -> list[JournalRecord]:
        """Return journal entries as `Store.journal` does."""
        parts = self._open()
        return await parts.database.read(lambda: parts.reads.journal(run, after, limit))

    async def history(
        self, conversation: ConversationId, after: tuple[int, int] = (0, -1), limit: int = 200
    ) -> list[Line]:
        """Return lines as `Store.history` does."""
        parts = self._open()
        return await parts.database.read(lambda: parts.reads.history(conversation, after, limit))

    async def definition(self, flow: FlowName, version: int, digest: str = "") -> bytes | None:
        """Return a document as `Store.definition` does."""
        parts = self._open()
        return await parts.database.read(lambda: parts.reads.definition(flow, version, digest))

    async def subscribers(self, topic: str, correlation: str) -> list[SubscriptionRecord]:
        """Return subscriptions as `Store.subscribers` does."""
        parts = self._open()
        return await parts.database.read(lambda: parts.happenings.subscribers(topic, correlation))

    async def events(
        self, topic: str, correlation: str, since: At, limit: int, after: tuple[At, int] | None = None
    ) -> list[EventRecord]:
        """Return events as `Store.events` does."""
        parts = self._open()
        return await parts.database.read(lambda: parts.happenings.events(topic, correlation, since, limit, after))

    def _open(self) -> _Parts:
        if self._parts is None:
            raise StoreUnavailable(f"{self.path} is not open; await store.open() first")
        return self._parts


class _Parts(NamedTuple):
    """What an open store works with."""

    database: Database
    commits: Commits
    inbox: Inbox
    leases: Leases
    reads: Reads
    happenings: Happenings
    lifeline: Lifeline
