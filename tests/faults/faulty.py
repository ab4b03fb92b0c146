"""Stores that fail: before a write, after it, or both, as often as they are told to or as chance has it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Coroutine, Sequence
from pathlib import Path
from random import Random
from typing import Literal, TypeAlias, TypeVar

from turnflow.core.ids import At, InputId, MailboxId, RunId
from turnflow.errors import StoreUnavailable
from turnflow.ports import (
    Accepted,
    Commit,
    CommitOutcome,
    Due,
    EventRecord,
    InboxRecord,
    Mailbox,
    Repeated,
    ResultRecord,
    SubscriptionRecord,
    TimerRecord,
)
from turnflow.stores import MemoryStore, SqliteStore

T = TypeVar("T")
When: TypeAlias = Literal["before", "after"]


class Faults:
    """Decides which call fails, and when."""

    def __init__(self, seed: int = 0, rate: float = 0.0) -> None:
        self.random = Random(seed)
        self.rate = rate
        self.next: list[tuple[str, When]] = []
        """Calls that are to fail, in order: the name and whether before or after the write."""
        self.fired: Counter[tuple[str, str]] = Counter()

    async def around(self, name: str, work: Coroutine[object, object, T], *, writes: bool = True) -> T:
        """Run a call of the store, or fail before or after it."""
        when = self._when(name, writes)
        if when == "before":
            work.close()
            self.fired[name, when] += 1
            raise StoreUnavailable(f"injected before {name}")
        result = await work
        if when == "after":
            self.fired[name, when] += 1
            raise StoreUnavailable(f"injected after {name}")
        return result

    def _when(self, name: str, writes: bool) -> When | None:
        if self.next and self.next[0][0] == name:
            return self.next.pop(0)[1]
        if self.random.random() >= self.rate:
            return None
        return self.random.choice(["before", "after"]) if writes else "before"


class FaultyMemory(MemoryStore):
    """A memory store whose calls fail."""

    def __init__(self, faults: Faults) -> None:
        super().__init__()
        self.faults = faults

    async def accept(self, entries: Sequence[InboxRecord]) -> list[Accepted | Repeated]:
        return await self.faults.around("accept", super().accept(entries))

    async def commit(self, commits: Sequence[Commit]) -> list[CommitOutcome]:
        return await self.faults.around("commit", super().commit(commits))

    async def retake(self, mailbox: MailboxId, seqs: Sequence[int]) -> None:
        await self.faults.around("retake", super().retake(mailbox, seqs))

    async def load(self, mailbox: MailboxId) -> Mailbox:
        return await self.faults.around("load", super().load(mailbox), writes=False)

    async def due(self, partitions: Sequence[int], before: At, limit: int) -> Due:
        return await self.faults.around("due", super().due(partitions, before, limit), writes=False)

    async def seen(self, id: InputId) -> bool:
        return await self.faults.around("seen", super().seen(id), writes=False)

    async def results(self, run: RunId, prefix: str) -> list[ResultRecord]:
        return await self.faults.around("results", super().results(run, prefix), writes=False)

    async def timers(self, prefix: str) -> list[TimerRecord]:
        return await self.faults.around("timers", super().timers(prefix), writes=False)

    async def subscribers(self, topic: str, correlation: str) -> list[SubscriptionRecord]:
        return await self.faults.around("subscribers", super().subscribers(topic, correlation), writes=False)

    async def events(
        self, topic: str, correlation: str, since: At, limit: int, after: tuple[At, int] | None = None
    ) -> list[EventRecord]:
        found = super().events(topic, correlation, since, limit, after)
        return await self.faults.around("events", found, writes=False)


class FaultySqlite(SqliteStore):
    """A SQLite store whose calls fail."""

    def __init__(self, path: Path, faults: Faults) -> None:
        super().__init__(path)
        self.faults = faults

    async def accept(self, entries: Sequence[InboxRecord]) -> list[Accepted | Repeated]:
        return await self.faults.around("accept", super().accept(entries))

    async def commit(self, commits: Sequence[Commit]) -> list[CommitOutcome]:
        return await self.faults.around("commit", super().commit(commits))

    async def retake(self, mailbox: MailboxId, seqs: Sequence[int]) -> None:
        await self.faults.around("retake", super().retake(mailbox, seqs))

    async def load(self, mailbox: MailboxId) -> Mailbox:
        return await self.faults.around("load", super().load(mailbox), writes=False)

    async def due(self, partitions: Sequence[int], before: At, limit: int) -> Due:
        return await self.faults.around("due", super().due(partitions, before, limit), writes=False)

    async def seen(self, id: InputId) -> bool:
        return await self.faults.around("seen", super().seen(id), writes=False)

    async def results(self, run: RunId, prefix: str) -> list[ResultRecord]:
        return await self.faults.around("results", super().results(run, prefix), writes=False)

    async def timers(self, prefix: str) -> list[TimerRecord]:
        return await self.faults.around("timers", super().timers(prefix), writes=False)

    async def subscribers(self, topic: str, correlation: str) -> list[SubscriptionRecord]:
        return await self.faults.around("subscribers", super().subscribers(topic, correlation), writes=False)

    async def events(
        self, topic: str, correlation: str, since: At, limit: int, after: tuple[At, int] | None = None
    ) -> list[EventRecord]:
        found = super().events(topic, correlation, since, limit, after)
        return await self.faults.around("events", found, writes=False)


FaultyStore: TypeAlias = FaultyMemory | FaultySqlite


def faulty(name: str, tmp_path: Path, faults: Faults) -> FaultyStore:
    """Return a store of that kind that fails as `faults` says."""
    return FaultyMemory(faults) if name == "memory" else FaultySqlite(tmp_path / "turns.db", faults)
