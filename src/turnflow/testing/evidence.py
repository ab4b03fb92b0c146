"""Evidence: everything a store knows, read through its port and nothing else, for whoever wants to judge it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from turnflow.core.codec import decode_entry, decode_flow, decode_state
from turnflow.core.definition import Flow
from turnflow.core.events import Migrated, RunStarted
from turnflow.core.ids import At, ConversationId, EffectKey, FlowName, MailboxId, RunId, TimerId
from turnflow.core.inputs import Input
from turnflow.core.machine import Entry
from turnflow.core.state import TERMINAL, RunState
from turnflow.engine.effects import ROLE_PREFIX
from turnflow.engine.payloads import Arrived, ForRun, Payload, Speak, decode_payload
from turnflow.errors import UndecodableRow
from turnflow.ports import PARTITIONS, InboxRecord, Line, ResultRecord, RunQuery, RunRecord, Store

PAGE = 1000
FOREVER: At = 1 << 62


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a store held at one moment; whatever happens afterwards, this must stay as it is."""

    journal: Mapping[RunId, tuple[bytes, ...]]
    results: Mapping[tuple[RunId, str], bytes]
    ended: Mapping[RunId, bytes]
    """Runs that had ended, with their rows."""


@dataclass(slots=True)
class Told:
    """One run: its row, its state and its journal, as far as they can be read."""

    record: RunRecord
    state: RunState | None
    """None: its row cannot be decoded."""
    rows: tuple[bytes, ...]
    revisions: tuple[int, ...]
    entries: tuple[Entry, ...] | None
    """None: one of them cannot be decoded."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One inbox entry: where it was accepted, and what it is if it can be read."""

    mailbox: MailboxId
    seq: int
    id: str
    payload: Payload | None

    @property
    def input(self) -> Input | None:
        """What somebody sent, if that is what it is."""
        return self.payload.inbound.input if isinstance(self.payload, Arrived) else None


@dataclass(slots=True)
class Evidence:
    """Everything a store knows about its runs and their conversations."""

    runs: dict[RunId, Told] = field(default_factory=dict)
    arrivals: list[Arrival] = field(default_factory=list)
    """By mailbox, in the order of acceptance."""
    waiting: dict[MailboxId, tuple[InboxRecord, ...]] = field(default_factory=dict)
    replies: list[tuple[ConversationId, Line]] = field(default_factory=list)
    """By conversation, in order."""
    timers: dict[tuple[RunId, TimerId], At] = field(default_factory=dict)
    results: dict[tuple[RunId, str], bytes] = field(default_factory=dict)
    definitions: dict[tuple[FlowName, int], Flow] = field(default_factory=dict)
    pinned: dict[str, Flow] = field(default_factory=dict)
    """Definitions that runs of documents go by, by digest."""
    unsent: set[EffectKey] = field(default_factory=set)

    def remembered(self) -> Remembered:
        """Return what must never change from now on."""
        ended = {run: told.record.state for run, told in self.runs.items() if told.record.status in TERMINAL}
        return Remembered({run: told.rows for run, told in self.runs.items()}, dict(self.results), ended)


async def gather(store: Store, conversations: Collection[str] = ()) -> Evidence:
    """Read a store. `conversations`: those to read besides the ones its runs tell of."""
    found = Evidence()
    await _runs(store, found)
    due = await store.due(range(PARTITIONS), FOREVER, 1 << 30)
    found.timers = {(timer.run, timer.timer): timer.due for timer in due.timers}
    found.unsent = {reply.key for reply in due.outbox}
    todo = {MailboxId(name) for name in conversations} | set(due.mailboxes)
    todo |= {MailboxId(reply.conversation) for reply in due.outbox} | {MailboxId(ROLE_PREFIX + "operator")}
    for told in found.runs.values():
        todo.add(told.record.mailbox)
        if told.state is not None and told.state.conversation:
            todo.add(MailboxId(told.state.conversation))
    read: set[MailboxId] = set()
    while todo - read:
        mailbox = min(todo - read)
        read.add(mailbox)
        todo |= await _mailbox(store, mailbox, found)
    return found


async def _runs(store: Store, found: Evidence) -> None:
    after: RunId | None = None
    while records := await store.find(RunQuery(after=after, limit=PAGE)):
        after = records[-1].run
        for record in records:
            found.runs[record.run] = await _told(store, record)
            for result in await store.results(record.run, ""):
                _note_result(found, result)
            for version in _versions(found.runs[record.run]):
                place = (record.flow, version)
                if place not in found.definitions and (document := await store.definition(*place)) is not None:
                    found.definitions[place] = decode_flow(document)
            await _pinned(store, record, found)


async def _pinned(store: Store, record: RunRecord, found: Evidence) -> None:
    state = found.runs[record.run].state
    if state is not None and state.digest and state.digest not in found.pinned:
        document = await store.definition(record.flow, record.version, state.digest)
        if document is not None:
            found.pinned[state.digest] = decode_flow(document)


def _note_result(found: Evidence, result: ResultRecord) -> None:
    found.results[result.run, result.key] = result.value


def _versions(told: Told) -> set[int]:
    """Return the versions of its flow that a run went by."""
    events = [event for entry in told.entries or () for event in entry.events]
    return {event.version for event in events if isinstance(event, RunStarted | Migrated)} | {told.record.version}


async def _told(store: Store, record: RunRecord) -> Told:
    rows = []
    after = 0
    while page := await store.journal(record.run, after, PAGE):
        rows += page
        after = page[-1].revision
    try:
        state = decode_state(record.state)
    except UndecodableRow:
        state = None
    try:
        entries = tuple([decode_entry(row.entry) for row in rows])
    except UndecodableRow:
        entries = None
    return Told(record, state, tuple([row.entry for row in rows]), tuple([row.revision for row in rows]), entries)


async def _mailbox(store: Store, mailbox: MailboxId, found: Evidence) -> set[MailboxId]:
    """Read a mailbox and return which others its entries tell of."""
    others: set[MailboxId] = set()
    conversation = ConversationId(mailbox)
    after = (-1, -1)
    while lines := await store.history(conversation, after, PAGE):
        after = (lines[-1].seq, lines[-1].index)
        for line in lines:
            if line.index >= 0:
                found.replies.append((conversation, line))
                continue
            payload = _payload(line.payload)
            found.arrivals.append(Arrival(mailbox, line.seq, line.id, payload))
            if isinstance(payload, Arrived):
                others.add(MailboxId(payload.inbound.conversation))
    waiting = (await store.load(mailbox)).waiting
    if waiting:
        found.waiting[mailbox] = waiting
    return others


def _payload(row: bytes) -> Payload | None:
    try:
        return decode_payload(row)
    except UndecodableRow:
        return None


def spoken_for(found: Evidence) -> set[EffectKey]:
    """Return keys of replies that stand in an inbox and have not become rows yet."""
    keys: set[EffectKey] = set()
    for entries in found.waiting.values():
        for entry in entries:
            payload = _payload(entry.payload)
            if isinstance(payload, Speak):
                keys.add(payload.key)
    return keys


def announced(found: Evidence, run: RunId) -> bool:
    """Tell whether something waits in an inbox for a run."""
    for entries in found.waiting.values():
        for entry in entries:
            payload = _payload(entry.payload)
            if isinstance(payload, ForRun) and payload.run == run:
                return True
    return False
