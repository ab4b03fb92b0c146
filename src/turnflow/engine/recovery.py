"""Taking over: what a process that starts (or polls) finds to do in the store. Cost follows what is due, not what waits."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from msgspec.structs import replace

from turnflow.core.codec import digest as digest_of
from turnflow.core.codec import encode_flow
from turnflow.core.effects import CallAction, RunHandler
from turnflow.core.ids import InputId, MailboxId
from turnflow.core.machine import pending
from turnflow.core.state import RunState
from turnflow.engine.mailbox import HotMailbox, Item
from turnflow.engine.payloads import Resume, encode
from turnflow.engine.timers import WINDOW
from turnflow.errors import StoreUnavailable
from turnflow.ports import Accepted, Commit, DefinitionRecord, InboxRecord, OutboxRecord, RunQuery, partition_of

if TYPE_CHECKING:
    from turnflow.engine.process import Process

BOOT_LIMIT = 100_000
POLL_LIMIT = 1_000
POLL = 0.5
"""Seconds between looks for what other processes put into the store."""


async def recover(engine: Process) -> None:
    """Take up everything that an earlier process left: input, running handlers, timers, unsent replies, blocked runs."""
    engine.crash("recovery.begin")
    due = await engine.store.due(list(engine.leases.epochs), engine.clock.now() + WINDOW, BOOT_LIMIT)
    engine.timers.add(due.timers)
    for reply in due.outbox:
        engine.sender.put(_doubted(reply))
    for mailbox in due.mailboxes:
        engine.wake(mailbox)
        engine.resuming.add(mailbox)
    blocked = await engine.store.find(RunQuery(status=("blocked",), limit=BOOT_LIMIT))
    for row in blocked:
        engine.wake(row.mailbox)
    engine.crash("recovery.end")


async def keep_definitions(engine: Process) -> None:
    """Store every definition once, for pictures, replay and runs whose code is gone."""
    records = tuple(
        DefinitionRecord(flow.name, flow.version, digest_of(flow), encode_flow(flow))
        for flow in (handlers.definition for handlers in engine.registry.flows)
    )
    mailbox = MailboxId("")
    partition = partition_of(mailbox)
    await engine.store.commit([Commit(mailbox, partition, engine.leases.epochs[partition], definitions=records)])


async def poll(engine: Process) -> None:
    """Look for ever for input accepted by other processes and for timers that come within the window."""
    while True:
        await engine.clock.sleep(POLL)
        try:
            due = await engine.store.due(list(engine.leases.epochs), engine.clock.now() + WINDOW, POLL_LIMIT)
        except StoreUnavailable as error:
            engine.report("the store could not be asked for work that is due", error)
            continue
        engine.timers.add(due.timers)
        for reply in due.outbox:
            if reply.status == "pending":
                engine.sender.put(reply)
        for mailbox in due.mailboxes:
            hot = engine.hot.get(mailbox)
            if hot is None or not (hot.busy or hot.queued or hot.queue):
                engine.wake(mailbox)


async def resume(engine: Process, hot: HotMailbox) -> None:
    """Make the handler calls again that nobody is at work on, counted like accepted input.

    They were under way when the last process ended, or what they came to got lost on its way.
    """
    if hot.id in engine.resuming:
        engine.crash("recovery.before_resume")
    for state in list(hot.runs.values()):
        for effect in pending(state):
            if isinstance(effect, RunHandler):
                await _call_again(engine, hot, Resume(state.run, effect.key))
            elif isinstance(effect, CallAction) and _goes_on(engine, state, effect):
                engine.works.begin(hot.id, state, effect, recovered=True)


def _goes_on(engine: Process, state: RunState, effect: CallAction) -> bool:
    """Tell whether an action may be begun again: not for a run that is halted, nor one whose definition is not at hand."""
    return state.status == "running" and effect.step in engine.flow_of(state).nodes


async def _call_again(engine: Process, hot: HotMailbox, resume: Resume) -> None:
    """Accept a call to be made again, unless it waits already. The same call may come to this several times in its life."""
    for nth in count():
        id = InputId(f"resume:{resume.key}" + (f":{nth}" if nth else ""))
        entry = InboxRecord(hot.id, 0, id, encode(resume), engine.clock.now(), attempts=1)
        (outcome,) = await engine.store.accept([entry])
        if isinstance(outcome, Accepted):
            hot.seq = max(hot.seq, outcome.seq)
            hot.taken.add(outcome.seq)
            hot.queue.append(Item(resume, id, entry.at, outcome.seq))
        elif outcome.consumed:
            continue
        return


def _doubted(reply: OutboxRecord) -> OutboxRecord:
    """A reply that was being sent when the process ended may have arrived: sending it again is marked."""
    return replace(reply, doubtful=True) if reply.status == "sending" else reply
