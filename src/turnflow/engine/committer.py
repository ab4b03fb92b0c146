"""Group commit: what is ready when the loop comes round becomes durable together, with an outcome per item.

A commit whose outcome is unknown (the store failed in the middle) is read back: the journal entry of its first run, or the
inbox id it took in, tells whether it happened. If it did not, it is tried again; the guards make that safe.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import TypeAlias

from turnflow.core.ids import ConversationId, MailboxId
from turnflow.errors import LostOwnership, StoreUnavailable
from turnflow.ports import Commit, CommitOutcome, Committed, OutboxRecord, Receipt, Store

log = logging.getLogger("turnflow.engine")

Done: TypeAlias = Callable[[CommitOutcome | Exception], None]
RECEIPT_DELAY = 0.05
"""Seconds after which confirmations of replies are committed by themselves if no turn takes them along."""
BACKOFF = (0.05, 0.1, 0.25, 0.5, 1.0)


class Committer:
    """Collects commits and hands them to the store in groups."""

    def __init__(self, store: Store, epochs: dict[int, int]) -> None:
        self._store = store
        self._epochs = epochs
        self._loop = asyncio.get_running_loop()
        self._waiting: list[tuple[Commit, Done]] = []
        self._receipts: dict[tuple[ConversationId, int, int], Receipt] = {}
        self._wake: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        """Looks whether confirmations are due; it is left running while commits take them along, which costs them nothing."""
        self._due = 0.0
        """When the oldest waiting confirmation is committed by itself, by the loop's clock."""
        self.commits = 0
        """Items committed so far."""
        self.groups = 0
        """Durable writes so far."""
        self.working = False

    def submit(self, commit: Commit, done: Done, *, then_written: bool = False) -> None:
        """Have a commit made durable soon; `done` gets its outcome on the event loop.

        `then_written`: whoever submits it calls `write` before anybody else's turn comes.
        """
        self._waiting.append((commit, done))
        if len(self._waiting) == 1 and not then_written:
            self._loop.call_soon(self._look)

    def confirm(self, reply: OutboxRecord, receipt: Receipt) -> None:
        """Record the fate of a reply with a later commit."""
        if not self._receipts:
            self._due = self._loop.time() + RECEIPT_DELAY
            if self._timer is None:
                self._timer = self._loop.call_at(self._due, self._remind)
        self._receipts[reply.conversation, reply.seq, reply.index] = receipt

    @property
    def idle(self) -> bool:
        """Nothing is waiting and nothing is being written."""
        return not self._waiting and not self._receipts and not self.working

    def flush(self) -> None:
        """Write waiting confirmations now."""
        if self._receipts:
            self._due = 0.0
            self._rouse()

    def _remind(self) -> None:
        """Rouse the service for confirmations that are due; look again when younger ones will be."""
        self._timer = None
        if not self._receipts:
            return
        if self._receipts_due():
            self._rouse()
        else:
            self._timer = self._loop.call_at(self._due, self._remind)

    def _look(self) -> None:
        """Rouse the service for what nobody has written yet."""
        if self._waiting and not self.working:
            self._rouse()

    def _rouse(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def run(self) -> None:
        """Commit what nobody else does, for ever."""
        while True:
            await self.write()
            self._wake = self._loop.create_future()
            await self._wake

    async def write(self) -> None:
        """Make everything that waits durable, unless that is being done already."""
        if self.working:
            return
        self.working = True
        try:
            while self._waiting or (self._receipts and self._receipts_due()):
                await self._flush()
        finally:
            self.working = False

    def _receipts_due(self) -> bool:
        return self._due <= self._loop.time()

    async def _flush(self) -> None:
        group, self._waiting = self._waiting, []
        receipts, self._receipts = self._receipts, {}
        items = [commit for commit, _ in group]
        if receipts:
            mailbox = MailboxId("")
            items.append(Commit(mailbox, 0, self._epochs.get(0, 0), receipts=tuple(receipts.values())))
        outcomes = await self._commit(items)
        self.groups += 1
        self.commits += len(group)
        for (_, done), outcome in zip(group, outcomes, strict=False):
            done(outcome)

    async def _commit(self, items: Sequence[Commit]) -> Sequence[CommitOutcome | Exception]:
        try:
            return await self._store.commit(items)
        except StoreUnavailable as error:
            log.warning("the store did not answer; the outcome of %d commits is unknown: %s", len(items), error)
        except Exception as error:  # a defect of a store must not end the engine: each caller is told
            log.exception("the store failed in a way it should not")
            return [error] * len(items)
        outcomes: list[CommitOutcome | Exception] = []
        for item in items:
            outcomes.append(await self._one(item))
        return outcomes

    async def _one(self, item: Commit) -> CommitOutcome | Exception:
        """Find out about one commit, and make it if it did not happen; patiently."""
        attempt = 0
        while True:
            try:
                if await self._happened(item):
                    return Committed()
                outcome = (await self._store.commit([item]))[0]
                return LostOwnership("another process holds this partition now") if _lost(outcome) else outcome
            except StoreUnavailable as error:
                delay = BACKOFF[min(attempt, len(BACKOFF) - 1)]
                attempt += 1
                log.warning("the store is still unavailable, trying again in %s s: %s", delay, error)
                await asyncio.sleep(delay)
            except Exception as error:  # a defect of a store must not end the engine: the caller is told
                log.exception("the store failed in a way it should not")
                return error

    async def _happened(self, item: Commit) -> bool:
        if item.journal:
            first = item.journal[0]
            rows = await self._store.journal(first.run, first.revision - 1, 1)
            return bool(rows) and rows[0].entry == first.entry
        if item.received:
            return await self._store.seen(item.received[0].id)
        if item.consumed:
            waiting = {entry.seq for entry in (await self._store.load(item.mailbox)).waiting}
            return not waiting.intersection(item.consumed)
        recorded = [await self._store.results(result.run, result.key) for result in item.results]
        return bool(recorded) and all(result in found for result, found in zip(item.results, recorded, strict=True))


def _lost(outcome: CommitOutcome) -> bool:
    return not isinstance(outcome, Committed) and outcome.reason == "epoch"
