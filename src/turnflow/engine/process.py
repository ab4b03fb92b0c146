"""One process: it holds partitions, owns their mailboxes and runs their turns.

An item is put into its mailbox; a worker of the pool takes the mailbox and runs one turn; the committer makes the turn durable
together with others; then the mailbox takes its next item and the sender carries the replies out.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import OrderedDict
from collections.abc import Collection, Mapping
from typing import Final

from msgspec import Raw

from turnflow.core.definition import Flow
from turnflow.core.events import TimerFired
from turnflow.core.ids import InputId, MailboxId, RunId
from turnflow.core.state import RunState
from turnflow.engine import landing, loading, recovery, schedules
from turnflow.engine.audience import Audience
from turnflow.engine.background import Background
from turnflow.engine.bus import Bus
from turnflow.engine.callers import Callers
from turnflow.engine.committer import Committer
from turnflow.engine.crash import Crash, no_crash
from turnflow.engine.executions import LOOK_ROUND, Executions
from turnflow.engine.leases import Leases
from turnflow.engine.mailbox import HotMailbox, Item
from turnflow.engine.outcomes import Outcomes
from turnflow.engine.payloads import ForRun
from turnflow.engine.pins import Pins
from turnflow.engine.pool import Pool
from turnflow.engine.registry import Registry
from turnflow.engine.rows import stub
from turnflow.engine.sender import Sender
from turnflow.engine.suspicion import Suspicion
from turnflow.engine.texts import Texts
from turnflow.engine.timers import Timers
from turnflow.engine.turn import Turn
from turnflow.engine.values import fields_of
from turnflow.engine.watchers import Watchers
from turnflow.engine.works import Works
from turnflow.engine.writing import commit_of
from turnflow.ports import Clock, CommitOutcome, Committed, Store, TimerRecord, partition_of

log = logging.getLogger("turnflow.engine")

CAUTIOUS: Final = 60.0
"""Seconds after an unclean start in which input is accepted durably before it is handled."""
QUICK_ROUNDS: Final = 100
"""How often `quiet` looks again at once, before it takes breaks."""
STOP_WITHIN: Final = 25.0
"""Seconds an orderly stop may take before what is left is left to the next start."""


class Process:
    """Owns mailboxes and runs their turns; `Engine` is its public face."""

    def __init__(
        self,
        registry: Registry,
        store: Store,
        clock: Clock,
        *,
        roles: Mapping[str, Collection[str]],
        resources: Mapping[type, object],
        texts: Texts,
        cancel_command: str,
        hot_limit: int,
        schedules: bool = True,
        crash: Crash | None,
    ) -> None:
        self.registry = registry
        self.store = store
        self.clock = clock
        self.resources = resources
        self.texts = texts
        self.cancel_command = cancel_command
        self.crash: Crash = crash or no_crash
        self.callers = Callers()
        self.hot: OrderedDict[MailboxId, HotMailbox] = OrderedDict()
        self.pins = Pins(registry, store, self.report)
        self.resuming: set[MailboxId] = set()
        self.keeps_schedules = schedules
        self.counts_attempts = False
        self.user_keyed = any(handlers.definition.policies.key == "user" for handlers in registry.flows)
        self.leases = Leases(store, self.report)
        self.watchers = Watchers()
        self.audience = Audience(registry, roles, self.report)
        self._hot_limit = hot_limit
        self.stopping = False
        self._tasks = Background()

    # --- life --------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Process:
        self.registry.check_resources(self.resources)
        await self.store.open()
        tasks = await self._tasks.__aenter__()
        try:
            await self._begin(tasks)
        except BaseException:
            await self.abandon()
            await self.store.close()
            raise
        return self

    async def _begin(self, tasks: Background) -> None:
        self.committer = Committer(self.store, self.leases.epochs)
        self._pool = Pool(tasks, self.committer.write)
        self.sender = Sender(tasks, self._pool, self.committer, self.crash, self.report, self.clock)
        self.executions = Executions(self)
        self.outcomes = Outcomes(self.store)
        self.works = Works(self, self._pool)
        self.bus = Bus(self)
        self.suspicion = Suspicion(self.store)
        self.timers = Timers(tasks, self.clock, self._timer_due)
        self.counts_attempts = await self.leases.acquire()
        if self.counts_attempts:
            asyncio.get_running_loop().call_later(CAUTIOUS, self._trust)
        tasks.launch(self.committer.run())
        for begin in (recovery.keep_definitions, schedules.prepare, recovery.recover):
            await begin(self)
        for service in (self.timers.run(), recovery.poll(self), self._watch(), self.leases.renew()):
            tasks.launch(service)

    async def __aexit__(self, *failure: object) -> None:
        self.stopping = True
        try:
            async with asyncio.timeout(STOP_WITHIN):
                while not self.is_idle or len(self.executions) or len(self.works):
                    await self.quiet()
                    await asyncio.sleep(0.01)
        except TimeoutError:
            log.warning("stopping although work is still under way; the next start takes it up")
        try:
            await self._tasks.__aexit__(None, None, None)
            await self.leases.release()
        finally:
            self.callers.dismiss()
            self.watchers.dismiss()
            await self.store.close()

    async def abandon(self) -> None:
        """Drop everything in memory as a kill would: nothing more is written, sent or given back. For tests of durability.

        Raises, as a group, what its services were ended by.
        """
        self.stopping = True
        await self._tasks.__aexit__(None, None, None)

    def _trust(self) -> None:
        self.counts_attempts = False

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_ROUND)
            self.executions.watch()
            self.works.watch()

    async def quiet(self) -> None:
        """Return once nothing is being done and all replies that can be sent have been."""
        rounds = 0
        while not self.is_idle:
            self.committer.flush()
            await asyncio.sleep(0 if rounds < QUICK_ROUNDS else 0.005)
            rounds += 1

    @property
    def is_idle(self) -> bool:
        """Nothing is being done and nothing that could be done is waiting (slow handlers not counted)."""
        return (
            not any(hot.busy or hot.queued or hot.queue for hot in self.hot.values())
            and self.committer.idle
            and self.sender.idle
        )

    # --- mailboxes ---------------------------------------------------------------------------------------------

    def mailbox(self, id: MailboxId) -> HotMailbox:
        """Return a mailbox as memory has it; it may have to be loaded yet."""
        hot = self.hot.get(id)
        if hot is None:
            hot = self.hot[id] = HotMailbox(id, partition_of(id))
            if len(self.hot) > self._hot_limit:
                self._evict()
        else:
            self.hot.move_to_end(id)
        return hot

    def _evict(self) -> None:
        for id, hot in list(self.hot.items())[: max(1, self._hot_limit // 10)]:
            if hot.evictable:
                del self.hot[id]

    def enqueue(self, hot: HotMailbox, item: Item) -> None:
        """Put an item behind what waits in a mailbox."""
        hot.queue.append(item)
        self._ready(hot)

    def post(self, mailbox: MailboxId, item: Item) -> None:
        """Put an item into a mailbox by its id."""
        self.enqueue(self.mailbox(mailbox), item)

    def wake(self, mailbox: MailboxId) -> None:
        """Have a mailbox look into the store for what others put there."""
        hot = self.mailbox(mailbox)
        hot.stale = True
        self._ready(hot)

    def _ready(self, hot: HotMailbox) -> None:
        if not hot.busy and not hot.queued:
            hot.queued = True
            self._pool.put(self._work, hot)

    def release(self, hot: HotMailbox) -> None:
        """Let a mailbox take its next item."""
        hot.busy = False
        if hot.freed is not None:
            hot.freed.set()
            hot.freed = None
        if hot.queue or hot.stale:
            self._ready(hot)

    async def _work(self, hot: HotMailbox) -> None:
        """Run one turn of a mailbox."""
        hot.queued = False
        if hot.busy:
            return
        hot.busy = True
        try:
            if hot.stale or not hot.loaded:
                await loading.load(self, hot)
            if not (hot.queue or hot.detached) or (self.resuming and hot.id in self.resuming):
                await recovery.resume(self, hot)
                self.resuming.discard(hot.id)
        except Exception as error:  # whatever it was must not end the worker; the mailbox is tried again
            self.report(f"mailbox {hot.id} could not be loaded, trying again", error)
            asyncio.get_running_loop().call_later(0.5, self.release, hot)
            return
        if not hot.queue:
            self.release(hot)
            return
        item = hot.next_item()
        turn = Turn(self, hot, item)
        try:
            await turn.run()
        except Exception as error:  # whatever went wrong in a turn must not end the worker or strand the mailbox
            if turn.detached:
                hot.detached -= 1
                self.report(f"a detached handler of {hot.id} could not be brought back", error)
            else:
                landing.broken(self, hot, item, error)

    def submit(self, turn: Turn) -> None:
        """Have the outcome of a turn made durable."""
        commit = commit_of(turn)
        if commit is None:
            landing.landed(self, turn, None, Committed())
            return
        self.crash("turn.before_commit")

        def done(outcome: CommitOutcome | Exception) -> None:
            landing.landed(self, turn, commit, outcome)

        self.committer.submit(commit, done, then_written=self._pool.empty and not turn.detached)

    def _timer_due(self, record: TimerRecord) -> None:
        self.crash("timer.before")
        event = TimerFired(self.clock.now(), record.timer)
        # A timer may fire again at the same due time (its run was halted then), so the id is new; the run takes each but once.
        id = InputId(f"timer:{self.new_run()}")
        self.post(record.mailbox, Item(ForRun(record.run, event), id, self.clock.now()))

    # --- what turns ask ----------------------------------------------------------------------------------------

    def flow_of(self, state: RunState) -> Flow:
        """Return the definition a run goes by."""
        handlers = self.pins.handlers(state)
        return handlers.definition if handlers is not None else stub(state)

    def new_run(self) -> RunId:
        """Return an id that no run ever had."""
        return RunId(secrets.token_hex(10))

    def encoded(self, data: object) -> dict[str, Raw]:
        """Return data as one encoded JSON value per field."""
        return fields_of(data)

    def report(self, message: str, error: BaseException | None = None) -> None:
        """Note a failure for whoever runs the process."""
        log.warning("%s", message, exc_info=error if log.isEnabledFor(logging.DEBUG) else None)
