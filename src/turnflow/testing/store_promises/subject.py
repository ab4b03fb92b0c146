"""The store under test and small records to fill it with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar

from turnflow.core.ids import At, ConversationId, EffectKey, FlowName, InputId, MailboxId, RunId, TimerId
from turnflow.core.state import Status
from turnflow.ports import (
    PARTITIONS,
    Commit,
    InboxRecord,
    JournalRecord,
    OutboxRecord,
    Receipt,
    Rejected,
    RunRecord,
    Store,
    TimerRecord,
    partition_of,
)

EVERY = range(PARTITIONS)
LONG = 600_000
"""A lease that does not run out during a test, in milliseconds."""


class StoreUnderTest:
    """What the promises need of a store."""

    persists: ClassVar[bool] = True
    """Whether a second store made with the same folder has the data of the first."""

    async def make_store(self, tmp_path: Path) -> Store:
        """Return a store that is not open yet. Where `persists`, equal folders mean equal data."""
        raise NotImplementedError("a test of StoreContract returns its store from make_store")

    @asynccontextmanager
    async def opened(self, tmp_path: Path, holder: str = "first") -> AsyncIterator[Store]:
        """Open a store and take all its partitions, for the first time, hence with epoch 1."""
        store = await self.make_store(tmp_path)
        await store.open()
        try:
            await store.acquire(holder, EVERY, LONG)
            yield store
        finally:
            await store.close()

    @asynccontextmanager
    async def another(self, store: Store, tmp_path: Path) -> AsyncIterator[Store]:
        """Open the same data as another process would, while `store` is open; one for one process is used twice instead."""
        if not self.persists or store.grade.processes == "one":
            yield store
            return
        other = await self.make_store(tmp_path)
        await other.open()
        try:
            yield other
        finally:
            await other.close()

    async def reopened(self, store: Store, tmp_path: Path) -> Store:
        """Close a store and open its data again, as after a restart."""
        await store.close()
        again = await self.make_store(tmp_path) if self.persists else store
        await again.open()
        return again


def entry(
    mailbox: str, id: str, *, seq: int = 0, at: At = 1, payload: bytes = b"input", consumed: bool = False
) -> InboxRecord:
    """Return an inbox entry."""
    return InboxRecord(MailboxId(mailbox), seq, InputId(id), payload, at, consumed)


def run(
    id: str, revision: int = 1, *, mailbox: str = "m", status: Status = "waiting", live_key: str | None = None,
    flow: str = "signup", parent: str | None = None, state: bytes = b"state", updated: At = 1,
) -> RunRecord:  # fmt: skip
    """Return a run."""
    return RunRecord(
        RunId(id), MailboxId(mailbox), revision, status, FlowName(flow), 1, live_key,
        None if parent is None else RunId(parent), state, updated,
    )  # fmt: skip


def step(run: str, revision: int, text: bytes = b"entry") -> JournalRecord:
    """Return a journal entry."""
    return JournalRecord(RunId(run), revision, text, revision)


def reply(conversation: str, seq: int, index: int = 0, *, text: bytes = b"reply") -> OutboxRecord:
    """Return a reply that is being sent."""
    return OutboxRecord(ConversationId(conversation), seq, index, EffectKey(f"{conversation}/{seq}.{index}"), text, seq)


def timer(run: str, id: str, due: At, *, mailbox: str = "m") -> TimerRecord:
    """Return a timer."""
    return TimerRecord(RunId(run), TimerId(id), MailboxId(mailbox), due)


def sent(conversation: str, seq: int, index: int = 0) -> Receipt:
    """Return the news that a reply was sent."""
    return Receipt(ConversationId(conversation), seq, index, "sent", "42", 1)


def commit(
    mailbox: str = "m", *, epoch: int = 1, received: Sequence[InboxRecord] = (), runs: Sequence[RunRecord] = (),
    journal: Sequence[JournalRecord] = (), outbox: Sequence[OutboxRecord] = (),
    timers_set: Sequence[TimerRecord] = (), receipts: Sequence[Receipt] = (),
) -> Commit:  # fmt: skip
    """Return a commit of a mailbox."""
    name = MailboxId(mailbox)
    return Commit(
        name, partition_of(name), epoch, received=tuple(received), runs=tuple(runs), journal=tuple(journal),
        outbox=tuple(outbox), timers_set=tuple(timers_set), receipts=tuple(receipts),
    )  # fmt: skip


def turn(mailbox: str, number: int) -> Commit:
    """Return what an everyday turn writes: an entry already consumed, the run's next revision, a journal entry, a reply."""
    return commit(
        mailbox,
        received=[entry(mailbox, f"{mailbox}:{number}", seq=number, consumed=True)],
        runs=[run(mailbox, number, mailbox=mailbox, live_key=mailbox, state=b"state %d" % number)],
        journal=[step(mailbox, number)],
        outbox=[reply(mailbox, number)],
    )


def reasons(outcomes: Sequence[object]) -> list[str]:
    """Return why commits were refused, "" for those that were not."""
    return [outcome.reason if isinstance(outcome, Rejected) else "" for outcome in outcomes]
