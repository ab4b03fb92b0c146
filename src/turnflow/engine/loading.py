"""Loading a mailbox: decoding its runs, and finding out whether the code at hand fits them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from turnflow.core.codec import decode_state
from turnflow.core.events import Blocked, Event, InputSetAside, Migrated, RunForked
from turnflow.core.ids import ConversationId, EffectKey, InputId, MailboxId, RunId, StepName
from turnflow.core.machine import fits
from turnflow.core.messages import Message
from turnflow.core.routing import Live, Place, belongs
from turnflow.core.state import RunState
from turnflow.engine.mailbox import HotMailbox, Item
from turnflow.engine.outcomes import results_of
from turnflow.engine.outcomes import row as result_row
from turnflow.engine.payloads import Arrived, ForRun, Payload, Reply, Resume, Speak, decode_payload
from turnflow.engine.work import Work
from turnflow.errors import UndecodableRow
from turnflow.ports import Commit, InboxRecord, RunQuery

if TYPE_CHECKING:
    from turnflow.engine.process import Process
    from turnflow.engine.turn import Turn

LOOK_BACK: Final = 1000
"""Lines of a conversation that are searched for its last reply."""
POISON: Final = 5
"""Attempts after which an input is set aside."""
NOTHING: Final = Resume(RunId(""), EffectKey(""))
"""What is done about an entry that nothing can be done about."""


async def load(engine: Process, hot: HotMailbox) -> None:
    """Bring a mailbox into memory, or read what others have put into it since."""
    first = not hot.loaded
    mailbox = await engine.store.load(hot.id)
    hot.stale = False
    hot.seq = max(hot.seq, mailbox.seq)
    if first:
        hot.runs = {}
        hot.unreadable = {}
        broken: list[RunId] = []
        for row in mailbox.runs:
            engine.outcomes.forget(row.run)  # another process may have gone on with it meanwhile
            try:
                state = hot.runs[row.run] = decode_state(row.state)
                await engine.pins.pin(state)
            except UndecodableRow as error:
                hot.unreadable[row.run] = row.live_key or ""
                if row.status != "stuck":
                    broken.append(row.run)
                engine.report(f"run {row.run} is set aside, its row is kept as it is: {error}", error)
        if broken:
            epoch = engine.leases.epochs.get(hot.partition, 0)
            quarantine = Commit(hot.id, hot.partition, epoch, quarantined=tuple(broken))
            engine.committer.submit(quarantine, lambda _: None)
        if mailbox.waiting:
            hot.said = await _last_said(engine, hot, mailbox.waiting[0].seq)
        hot.loaded = True
    fresh = [entry for entry in mailbox.waiting if entry.seq not in hot.taken]
    hot.take_in([item for item in (_item(engine, hot, entry) for entry in fresh) if item is not None])
    if first:
        written = any(isinstance(item.payload, Arrived) for item in hot.queue)
        for state in list(hot.runs.values()):
            event = misfit(engine, state)
            if isinstance(event, Blocked) and written:
                event = replace(event, notify=False)
            if event is not None:
                id = InputId(f"fit:{state.run}:{state.revision}:{type(event).__name__}")
                hot.queue.appendleft(Item(ForRun(state.run, event), id, engine.clock.now()))


async def _last_said(engine: Process, hot: HotMailbox, seq: int) -> tuple[int, int]:
    """Return the place of the last reply behind an entry that waits: an entry kept for long may be answered late."""
    lines = await engine.store.history(ConversationId(hot.id), (seq, -1), -LOOK_BACK)
    return max(((line.seq, line.index) for line in lines if line.index >= 0), default=(0, -1))


async def peek(engine: Process, mailbox: MailboxId) -> tuple[RunState, ...]:
    """Return the live runs of a mailbox without bringing it into memory."""
    hot = engine.hot.get(mailbox)
    if hot is not None and hot.loaded:
        return tuple(hot.runs.values())
    found: list[RunState] = []
    for row in (await engine.store.load(mailbox)).runs:
        try:
            state = decode_state(row.state)
            await engine.pins.pin(state)
            found.append(state)
        except UndecodableRow as error:
            engine.report(f"run {row.run} cannot be read: {error}", error)
    return tuple(found)


def misfit(engine: Process, state: RunState) -> Event | None:
    """Return what has to happen to a run so that it fits the code at hand; None if it does (semantics, section J)."""
    now = engine.clock.now()
    handlers = engine.pins.handlers(state)
    reason = f"flow {state.flow!r} version {state.version} is not registered"
    if state.digest and handlers is None:
        reason += f", and the store has no definition {state.digest}"
    if handlers is not None:
        reason = fits(handlers.definition, state) or handlers.decodes(state.data) or ""
        if not reason:
            return Migrated(now, state.version) if state.status == "blocked" else None
        renamed = _renamed(state, handlers.definition.retired)
        if renamed and not handlers.decodes(state.data):
            return Migrated(now, state.version, steps=renamed)
    for candidate in engine.registry.flows:
        definition = candidate.definition
        if definition.name != state.flow or definition.version <= state.version:
            continue
        try:
            migration = candidate.migrate(state.version, state.data)
        except Exception as error:  # an author's migration may raise anything; then the run waits for a better one
            reason = f"its migration to version {definition.version} failed: {type(error).__name__}: {error}"
            engine.report(f"run {state.run}: {reason}", error)
            continue
        if migration is not None and not candidate.decodes(migration.data):
            steps = {**migration.steps, **_renamed(state, definition.retired)}
            return Migrated(now, definition.version, migration.data, steps)
    if state.status == "blocked" and state.reason == reason:
        return None
    return Blocked(now, reason)


def _renamed(state: RunState, retired: Mapping[StepName, StepName]) -> dict[StepName, StepName]:
    places = {cursor.step for cursor in state.cursors} | {name for cursor in state.cursors for name in cursor.history}
    return {name: retired[name] for name in places if name in retired}


def _item(engine: Process, hot: HotMailbox, entry: InboxRecord) -> Item | None:
    """Return an accepted entry as an item; one that ended the process too often is set aside."""
    try:
        payload: Payload = decode_payload(entry.payload)
    except UndecodableRow as error:
        engine.report(f"inbox entry {entry.id} of {hot.id} is left alone: {error}", error)
        hot.taken.add(entry.seq)
        return None
    aside = ""
    if entry.attempts >= POISON and not (hot.unreadable and isinstance(payload, Arrived)):
        aside = f"handling it ended the process {entry.attempts} times"
        payload = _stuck(engine, hot, payload, aside)
        engine.report(f"entry {entry.id} of {hot.id} is set aside: {aside}")
    future = engine.callers.inputs.pop(entry.id, None)
    item = Item(payload, entry.id, entry.at, entry.seq, entry.attempts, future=future)
    item.recovered, item.aside = engine.counts_attempts, aside
    return item


def set_aside(engine: Process, hot: HotMailbox, payload: Payload, attempts: int) -> Payload:
    """Return what is applied instead of an item whose turns fail: its run becomes stuck, keeping the input."""
    reason = f"handling it failed {attempts} times"
    engine.report(f"an entry of {hot.id} is set aside: {reason}")
    if isinstance(payload, ForRun):
        return ForRun(payload.run, InputSetAside(engine.clock.now(), reason))
    return _stuck(engine, hot, payload, reason) if isinstance(payload, Arrived | Resume) else NOTHING


def _stuck(engine: Process, hot: HotMailbox, payload: Payload, reason: str) -> Payload:
    """Return what makes the run stuck that an input is for, or whose call is to be made again; else the payload itself.

    Input that is for no run would start one, and cannot: its person is told.
    """
    now = engine.clock.now()
    if isinstance(payload, Resume):
        return ForRun(payload.run, InputSetAside(now, reason))
    if not isinstance(payload, Arrived):
        return payload
    inbound = payload.inbound
    place = Place(inbound.conversation, inbound.chat or inbound.conversation, inbound.thread)
    live = [Live(state, engine.flow_of(state)) for state in hot.runs.values()]
    roles = engine.audience.roles_of(inbound.input.sender)
    mine = [run.state for run in live if belongs(run, inbound.input, place, roles)]
    if not mine:
        return Speak(EffectKey(f"failed:{inbound.input.id}"), Reply(engine.texts.worded("failed", Message())))
    newest = max(mine, key=lambda state: state.updated)
    return ForRun(newest.run, InputSetAside(now, reason, inbound.input))


async def graft(turn: Turn, run: RunId, event: RunForked) -> None:
    """Begin a copy of a run, with what the steps of that came to: all of it, or all before the step that is done again."""
    seed = event.seed
    await turn.engine.pins.pin(seed)
    handlers = turn.engine.pins.handlers(seed)
    if handlers is None:
        turn.engine.report(f"run {seed.run} cannot be forked here: flow {seed.flow!r} {seed.version} is not registered")
        return
    results = await results_of(turn.engine.store, seed.run)
    again = max((result.visit for result in results if event.step and result.path == event.step), default=None)
    kept = [result for result in results if again is None or result.visit < again]
    work = turn.create(run, handlers.definition)
    turn.results += [result_row(run, result) for result in kept]
    work.fresh.update((one.path, one) for one in sorted(kept, key=lambda one: one.visit) if not one.late)


async def revive(turn: Turn, run: RunId) -> None:
    """Put a run that has failed on the workbench, so that it can be resumed."""
    if run in turn.hot.runs or run in turn.works:
        return
    for row in await turn.engine.store.find(RunQuery(run=run)):
        state = decode_state(row.state)
        if state.status == "failed":
            await turn.engine.pins.pin(state)
            turn.works[run] = Work(state, turn.engine.flow_of(state))
