"""The ports: what the engine needs from the outside, as protocols. Each docstring states the guarantee first.

Read `Store` as the list of promises that durability rests on; `turnflow.testing.StoreContract` is its executable form and
`stores/memory.py` its reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Protocol, TypeAlias
from zlib import crc32

from msgspec import Raw, Struct

from turnflow.core.definition import Flow, WaitSpec
from turnflow.core.directives import Directive
from turnflow.core.effects import RunHandler
from turnflow.core.ids import (
    At,
    ConversationId,
    EffectKey,
    FlowName,
    InputId,
    MailboxId,
    Millis,
    RunId,
    StepName,
    TimerId,
    UserId,
)
from turnflow.core.inputs import Input
from turnflow.core.messages import Message
from turnflow.core.state import Failure, RunState, Status

PARTITIONS = 64
"""Number of hash buckets that mailboxes fall into; fixed for the life of a store."""


def partition_of(mailbox: MailboxId) -> int:
    """Return the bucket of a mailbox, the same in every process and on every store."""
    return crc32(mailbox.encode("utf-8", "surrogatepass")) % PARTITIONS


# --- records: what a store keeps ---------------------------------------------------------------------------------


class InboxRecord(Struct, frozen=True):
    """One entry of a mailbox: an input, or any other event for a run, in the order of acceptance."""

    mailbox: MailboxId
    seq: int
    """Position in the mailbox, from 1, without gaps at the end; `Store.accept` and forwards assign it (pass 0)."""
    id: InputId
    """Unique in the store: a repeat is refused."""
    payload: bytes
    """Opaque to the store."""
    at: At
    consumed: bool = False
    attempts: int = 0
    """How often it was taken up again after an unclean stop."""


class RunRecord(Struct, frozen=True):
    """One run: the columns a store looks for, and its snapshot."""

    run: RunId
    mailbox: MailboxId
    revision: int
    """Revision of `state`. A commit writes revision n only over revision n-1 (1: the run must not exist)."""
    status: Status
    flow: FlowName
    version: int
    live_key: str | None
    """At most one live record per non-empty key; None once the run ends."""
    parent: RunId | None
    state: bytes
    updated: At


class JournalRecord(Struct, frozen=True):
    """The events one commit applied to one run; append-only, one per revision."""

    run: RunId
    revision: int
    entry: bytes
    at: At


class OutboxRecord(Struct, frozen=True):
    """A reply. `(conversation, seq, index)` is its place in the order of its conversation."""

    conversation: ConversationId
    seq: int
    """Mailbox sequence of the commit that said it."""
    index: int
    key: EffectKey
    """Unique: one row per effect."""
    payload: bytes
    """Opaque to the store."""
    at: At
    status: Literal["pending", "sending", "sent", "dead"] = "sending"
    attempts: int = 0
    external: str = ""
    """The channel's id of the sent message."""
    doubtful: bool = False
    """It may have been sent more than once."""


class TimerRecord(Struct, frozen=True):
    """A timer of a run; `(run, timer)` is unique."""

    run: RunId
    timer: TimerId
    mailbox: MailboxId
    due: At


class ResultRecord(Struct, frozen=True):
    """The recorded outcome of one durable call; `(run, key)` is unique and never overwritten."""

    run: RunId
    key: str
    value: bytes
    """Opaque to the store."""


class Receipt(Struct, frozen=True):
    """What became of a reply that was `sending`."""

    conversation: ConversationId
    seq: int
    index: int
    status: Literal["pending", "sending", "sent", "dead"]
    external: str = ""
    attempts: int = 0
    doubtful: bool = False


class DefinitionRecord(Struct, frozen=True):
    """A flow definition, kept for pictures, replay and runs whose code is gone; unique by digest."""

    flow: FlowName
    version: int
    digest: str
    document: bytes


# --- the store ---------------------------------------------------------------------------------------------------


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
    """Page on from this run id (ids sort as text)."""
    limit: int = 100


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
        """Append each entry to its mailbox durably, exactly once per id, in order. Needs no ownership: any process may call it."""

    async def commit(self, commits: Sequence[Commit]) -> list[CommitOutcome]:
        """Make independent commits durable together, each wholly or not at all; a rejected one does not disturb the others.

        Later commits of the list see the effects of earlier ones. One durable write (fsync) for the whole list.
        """

    async def acquire(self, holder: str, partitions: Sequence[int], lease: Millis) -> list[Lease]:
        """Take those partitions that are free, expired (by the store's clock) or already held by `holder`; a change of hands raises the epoch."""

    async def renew(self, holder: str, lease: Millis) -> list[int]:
        """Extend all leases of `holder` and return which partitions it still holds."""

    async def release(self, holder: str) -> None:
        """Give all partitions of `holder` back as cleanly released."""

    async def due(self, partitions: Sequence[int], before: At, limit: int) -> Due:
        """Return work of these partitions that is due before `before`; at most `limit` of each sort. Cost follows what is due, not what waits."""

    async def load(self, mailbox: MailboxId) -> Mailbox:
        """Return a mailbox with its runs that are not completed, failed or cancelled. Rows are returned undecoded."""

    async def seen(self, id: InputId) -> bool:
        """Tell whether an inbox id is known."""

    async def retake(self, mailbox: MailboxId, seqs: Sequence[int]) -> None:
        """Count one more attempt for these entries, durably, before they are taken up again."""

    async def results(self, run: RunId, prefix: str) -> list[ResultRecord]:
        """Return recorded results of a run whose key starts with `prefix`, by key."""

    async def find(self, query: RunQuery) -> list[RunRecord]:
        """Return runs by filters, in order of their ids, finished ones too."""

    async def journal(self, run: RunId, after: int = 0, limit: int = 1000) -> list[JournalRecord]:
        """Return entries of a run with a revision above `after`, oldest first."""

    async def history(
        self, conversation: ConversationId, after: tuple[int, int] = (0, -1), limit: int = 200
    ) -> list[Line]:
        """Return lines behind the place `after`, oldest first. With a negative `limit`: the newest `-limit` lines, oldest first."""

    async def definition(self, flow: FlowName, version: int) -> bytes | None:
        """Return the newest stored document of a flow version."""

    async def purge(self, before: At, limit: int) -> int:
        """Delete up to `limit` consumed inbox entries accepted before `before`, never the last one of a mailbox; return how many."""


# --- channels ----------------------------------------------------------------------------------------------------


class Inbound(Struct, frozen=True):
    """An input as a channel hands it to the engine."""

    conversation: ConversationId
    input: Input
    chat: str = ""
    """Id of the chat; empty: the conversation's."""
    thread: str = ""


class Outbound(Struct, frozen=True):
    """A reply as a channel gets it. With `press` set it answers that button press (text empty: silently)."""

    conversation: ConversationId
    seq: int
    index: int
    key: EffectKey
    message: Message
    press: InputId = InputId("")


class Channel(Protocol):
    """Carries replies to people. The engine calls `send` in order per conversation, never twice at once for one."""

    @property
    def prefix(self) -> str:
        """Ids of its conversations begin with this, for instance `web:`."""

    async def send(self, outbound: Outbound) -> str:
        """Deliver and return the channel's id of the message ("" if it has none).

        Raises `RetryLater` (definitely not sent), `Undeliverable` (never will be). Anything else: the outcome is unknown.
        """


class Handled(NamedTuple):
    """Applied and durable, or (for a press on a dead button and the like) politely refused."""

    runs: tuple[RunId, ...]
    refused: str = ""


class Duplicate(NamedTuple):
    """The input's id was seen before; nothing changed."""


class Unclaimed(NamedTuple):
    """No run and no trigger wants it: the host's own handlers may."""

    reason: str = ""


class Refused(NamedTuple):
    """Refused before acceptance because of a documented limit."""

    reason: str


Delivery: TypeAlias = Handled | Duplicate | Unclaimed | Refused


class Runtime(Protocol):
    """What channels and host programs see of an engine."""

    async def deliver(self, inbound: Inbound) -> Delivery:
        """Route an input, run the turn, return after its commit."""

    async def accept(self, inbound: Inbound) -> Delivery:
        """Store an input durably and return; the turn follows."""

    async def history(
        self, conversation: ConversationId, after: tuple[int, int] = (0, -1), limit: int = 200
    ) -> list[Said]:
        """Return what was said in a conversation behind a place, oldest first; negative `limit`: the newest lines."""


class Said(Struct, frozen=True, omit_defaults=True):
    """One line of a conversation as people saw it."""

    seq: int
    index: int
    at: At
    input: Input | None = None
    message: Message | None = None
    live: bool = True
    """Of a reply with buttons: whether pressing them still means something, as far as is known."""


# --- user code ---------------------------------------------------------------------------------------------------


class Answer(NamedTuple):
    """What one run of user code came to."""

    directive: Directive
    says: tuple[Message, ...] = ()
    patch: Mapping[str, Raw] = {}
    scene: Raw | None = None


class Services(Protocol):
    """What user code may ask of the engine while it runs."""

    @property
    def resources(self) -> Mapping[type, object]:
        """Objects handlers receive by annotation."""

    def now(self) -> At:
        """Return the time of the turn."""

    async def call_action(self, name: str, argument: bytes) -> bytes:
        """Run a registered action once for this place of this handler call and return its JSON result.

        The result is durable before it is returned and handed back if the handler runs again. Raises `UserCodeError` if it fails.
        """

    async def start(
        self, flow: FlowName, data: Mapping[str, Raw], conversation: ConversationId | None, user: UserId | None
    ) -> RunId:
        """Start a child run that is not waited for."""

    def report(self, failure: Failure) -> None:
        """Note a failure that changes nothing, for instance of a hook."""


class Handlers(Protocol):
    """The code of one flow version, behind its definition. `run` may raise anything: it becomes a `HandlerFailed`."""

    @property
    def definition(self) -> Flow:
        """The flow the code belongs to."""

    @property
    def wants(self) -> frozenset[type]:
        """Argument types that must be among the resources."""

    async def run(self, call: RunHandler, state: RunState, services: Services) -> Answer:
        """Run the user code that `call.owed` names and return its answer."""

    def fits(self, step: StepName, spec: WaitSpec, input: Input) -> bool:
        """Tell whether an answer to a wait would parse; used only to choose between parallel branches."""

    def matches(self, filter: str, input: Input) -> bool:
        """Evaluate a predicate of the author."""

    def initial(self, given: Mapping[str, Raw]) -> dict[str, Raw]:
        """Return complete data for a new run: `given` over the defaults. Raises `InvalidValue` naming the field."""

    def decodes(self, data: Mapping[str, Raw]) -> str | None:
        """Return None if stored data fits the data type, else why not."""

    def migrate(self, version: int, data: Mapping[str, Raw]) -> Migration | None:
        """Carry data of an older version over, or return None if no chain of migrations leads here."""


class Migration(NamedTuple):
    """What a chain of migrations made of a run."""

    data: dict[str, Raw]
    steps: dict[StepName, StepName]


class Action(Protocol):
    """A registered callable unit."""

    @property
    def name(self) -> str:
        """Its name in the registry."""

    async def __call__(self, argument: bytes, context: ActionContext) -> bytes:
        """Decode the JSON argument, run, return the JSON result."""


class ActionContext(NamedTuple):
    """What an action knows about its call."""

    run: RunId
    key: str
    """Idempotency key: the same for every attempt of the same call."""
    attempt: int
    resources: Mapping[type, object]


class Clock(Protocol):
    """The only source of time outside the core."""

    def now(self) -> At:
        """Return milliseconds since the epoch."""

    async def sleep(self, seconds: float) -> None:
        """Return after that time has passed on this clock."""


