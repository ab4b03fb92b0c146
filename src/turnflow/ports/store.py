"""The store port: everything durable, as a short list of whole transactions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol, TypeAlias
from zlib import crc32

from msgspec import Struct

from turnflow.core.ids import At, ConversationId, EffectKey, FlowName, InputId, MailboxId, Millis, RunId, TimerId
from turnflow.core.state import Status
from turnflow.ports.records import (
    DefinitionRecord,
    EventRecord,
    InboxRecord,
    JournalRecord,
    OutboxRecord,
    Receipt,
    ResultRecord,
    RunRecord,
    SubscriptionRecord,
    TimerRecord,
)

PARTITIONS = 64
"""Number of hash buckets that mailboxes fall into; fixed for the life of a store."""


def partition_of(mailbox: MailboxId) -> int:
    """Return the bucket of a mailbox, the same in every process and on every store."""
    return crc32(mailbox.encode("utf-8", "surrogatepass")) % PARTITIONS


class Commit(Struct, frozen=True):
    """One transaction of one mailbox. Empty parts are not written.

    Guards, all of which must hold or nothing of it is written: the partition still has this `epoch`; every run stands one
    revision below the record that replaces it; no live key, run id, inbox id, (mailbox, seq) or place of a reply is taken; no
    result is recorded already. Runs that give up a live key are written before those that take it.
    """

    mailbox: MailboxId
    partition: int
    """`partition_of(mailbox)`."""
    epoch: int
    received: tuple[InboxRecord, ...] = ()
    """New inbox entries of this mailbox, with their sequence."""
    consumed: tuple[int, ...] = ()
    """Sequences of entries accepted earlier and consumed now."""
    runs: tuple[RunRecord, ...] = ()
    journal: tuple[JournalRecord, ...] = ()
    outbox: tuple[OutboxRecord, ...] = ()
    timers_set: tuple[TimerRecord, ...] = ()
    """Written over a timer of the same run and id."""
    timers_cleared: tuple[tuple[RunId, TimerId], ...] = ()
    """Cleared before `timers_set` is written."""
    results: tuple[ResultRecord, ...] = ()
    forwards: tuple[InboxRecord, ...] = ()
    """Entries for other mailboxes; the store gives them the next sequence there. A repeated id is skipped, not an error."""
    receipts: tuple[Receipt, ...] = ()
    """Fates of earlier replies; about any conversation."""
    definitions: tuple[DefinitionRecord, ...] = ()
    """A known digest is skipped."""
    quarantined: tuple[RunId, ...] = ()
    """Runs whose row cannot be decoded: their status becomes `stuck`, their bytes stay."""
    unsubscribed: tuple[tuple[RunId, EffectKey], ...] = ()
    """Removed before `subscribed` is written."""
    subscribed: tuple[SubscriptionRecord, ...] = ()
    """Written over a subscription of the same run and key."""
    events: tuple[EventRecord, ...] = ()
    """A known id is skipped."""


class Committed(NamedTuple):
    """Everything of the commit is durable."""


class Rejected(NamedTuple):
    """Nothing of the commit was written."""

    reason: Literal["epoch", "revision", "duplicate", "sequence", "live_key", "result"]
    """epoch: the partition has another owner; duplicate: an inbox id is known; sequence: another writer appended to the mailbox
    or said something at that place; revision: a run is not where it should be; live_key: another live run has the key;
    result: already recorded. If several hold, the first of this list."""


CommitOutcome: TypeAlias = Committed | Rejected


class Accepted(NamedTuple):
    """The entry is stored as durably as the store allows."""

    seq: int


class Repeated(NamedTuple):
    """The id is known; nothing was stored."""

    consumed: bool


class Lease(NamedTuple):
    """A partition held by this process."""

    partition: int
    epoch: int
    """Grows with every change of hands."""
    unclean: bool
    """The previous holder did not release it."""


class Mailbox(Struct, frozen=True):
    """A mailbox as loaded: the live runs (and those that are stuck or blocked), and what is not yet consumed."""

    seq: int
    """Highest sequence given so far; 0 for a mailbox never used."""
    runs: tuple[RunRecord, ...]
    waiting: tuple[InboxRecord, ...]
    """Entries not consumed, by sequence."""


class Due(Struct, frozen=True):
    """Work that does not wait for anybody."""

    timers: tuple[TimerRecord, ...]
    """Due before the horizon, soonest first."""
    mailboxes: tuple[MailboxId, ...]
    """With entries not consumed, or with runs that are `running` (a handler call was under way)."""
    outbox: tuple[OutboxRecord, ...]
    """Replies neither sent nor dead, in order per conversation."""


class Line(Struct, frozen=True):
    """One line of a conversation's history: an inbox entry or a reply, in order."""

    seq: int
    index: int
    """-1 for an inbox entry; replies of the same turn count from 0."""
    payload: bytes
    at: At
    status: str
    """`received`, or the status of the reply."""
    id: str = ""
    """Id of the entry, or key of the reply."""
    doubtful: bool = False
    """Of a reply: it may have been sent more than once."""


class RunQuery(Struct, frozen=True):
    """Filters that must all hold; an empty one holds always."""

    run: RunId | None = None
    mailbox: MailboxId | None = None
    flow: FlowName | None = None
    parent: RunId | None = None
    status: tuple[Status, ...] = ()
    after: RunId | None = None
    """Page on behind this run: from its id (ids sort as text), or with `newest` from its place."""
    limit: int = 100
    newest: bool = False
    """In the order of their creation, the youngest first, instead of by id."""


class Grade(NamedTuple):
    """What a store survives, found out at start and reported by health checks."""

    store: str
    survives_kill: bool
    survives_power_loss: bool
    processes: Literal["one", "one host", "many"]
    detail: str


class Store(Protocol):
    """Everything durable. Every method is one whole transaction; a method that returned has happened as durably as `grade` says.

    After cancellation or `StoreUnavailable` the outcome of a write is unknown; repeating it with the same ids is safe and tells.
    Ids compare byte by byte (case, accents and trailing blanks count). Text is any text that `clean` lets through; values up to
    1 MiB are kept whole. All lists keep the order given.
    """

    @property
    def grade(self) -> Grade:
        """What this store survives."""

    async def open(self) -> None:
        """Connect, check the grade, bring the schema up to date. Raises `NewerSchema` for a store written by newer code."""

    async def close(self) -> None:
        """Give everything back; the store may be opened again."""

    async def accept(self, entries: Sequence[InboxRecord]) -> list[Accepted | Repeated]:
        """Append each entry to its mailbox durably, once per id, in order. Needs no ownership: any process may call it."""

    async def commit(self, commits: Sequence[Commit]) -> list[CommitOutcome]:
        """Make independent commits durable together, each wholly or not at all; a rejected one does not disturb the others.

        Later commits of the list see the effects of earlier ones. One durable write (fsync) for the whole list.
        """

    async def acquire(self, holder: str, partitions: Sequence[int], lease: Millis) -> list[Lease]:
        """Take those partitions that are free, expired (by the store's clock) or held by `holder` already.

        A change of hands raises the epoch.
        """

    async def renew(self, holder: str, lease: Millis) -> list[int]:
        """Extend all leases of `holder` and return which partitions it still holds."""

    async def release(self, holder: str) -> None:
        """Give all partitions of `holder` back as cleanly released."""

    async def due(self, partitions: Sequence[int], before: At, limit: int) -> Due:
        """Return work of these partitions that is due before `before`; at most `limit` of each sort.

        The cost follows what is due, not what waits.
        """

    async def load(self, mailbox: MailboxId) -> Mailbox:
        """Return a mailbox with its runs that are not completed, failed or cancelled. Rows are returned undecoded."""

    async def seen(self, id: InputId) -> bool:
        """Tell whether an inbox id is known."""

    async def retake(self, mailbox: MailboxId, seqs: Sequence[int]) -> None:
        """Count one more attempt for these entries, durably, before they are taken up again."""

    async def timers(self, prefix: str) -> list[TimerRecord]:
        """Return the timers of runs whose id starts with `prefix`, by run and timer. The cost follows what is returned."""

    async def results(self, run: RunId, prefix: str) -> list[ResultRecord]:
        """Return recorded results of a run whose key starts with `prefix`, by key."""

    async def find(self, query: RunQuery) -> list[RunRecord]:
        """Return runs by filters, in order of their ids (or the youngest first), finished ones too."""

    async def journal(self, run: RunId, after: int = 0, limit: int = 1000) -> list[JournalRecord]:
        """Return entries of a run with a revision above `after`, oldest first."""

    async def history(
        self, conversation: ConversationId, after: tuple[int, int] = (0, -1), limit: int = 200
    ) -> list[Line]:
        """Return lines behind the place `after`, oldest first; with a negative `limit` the newest `-limit` of them."""

    async def definition(self, flow: FlowName, version: int, digest: str = "") -> bytes | None:
        """Return the stored document of a flow version with this digest; empty: the newest one."""

    async def subscribers(self, topic: str, correlation: str) -> list[SubscriptionRecord]:
        """Return who waits for events of a topic that carry this key, by run and key of the subscription.

        Those are the subscriptions whose pattern fits the topic and whose correlation is empty or this one. The cost follows what
        may fit, not how many subscriptions there are.
        """

    async def events(
        self, topic: str, correlation: str, since: At, limit: int, after: tuple[At, int] | None = None
    ) -> list[EventRecord]:
        """Return up to `limit` events whose topic fits the pattern `topic`, from the moment `since` on, oldest first.

        `correlation`: the key they carry; empty: any. `after`: time and place of the last one that the caller has read. The cost
        follows the events of that topic or key (for a pattern without a key: all events) since then.
        """

    async def purge(self, before: At, limit: int) -> int:
        """Delete up to `limit` consumed inbox entries older than `before`, never the last of a mailbox; return how many."""
