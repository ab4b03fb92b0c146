"""The records a store keeps; payloads and snapshots are opaque bytes to it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from turnflow.core.ids import At, ConversationId, EffectKey, FlowName, InputId, MailboxId, RunId, TimerId
from turnflow.core.state import Status


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


class SubscriptionRecord(Struct, frozen=True):
    """A wait of a run for events; `(run, key)` is unique."""

    run: RunId
    key: EffectKey
    mailbox: MailboxId
    """Of the run."""
    topic: str
    """A topic, or a pattern of topics (`turnflow.core.topics`)."""
    correlation: str = ""
    """The key that an event must carry; empty: any."""


class EventRecord(Struct, frozen=True):
    """An event that was published; the id is unique, and nothing is ever changed."""

    id: InputId
    topic: str
    correlation: str
    """Its key; empty: it has none."""
    payload: bytes
    """Opaque to the store."""
    at: At
    seq: int = 0
    """Place among the events of the same moment, in the order of writing; the store assigns it (pass 0)."""


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
