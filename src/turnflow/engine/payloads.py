"""What stands in a mailbox: the payloads of inbox and outbox rows, as JSON."""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec
from msgspec import Raw, Struct

from turnflow.core.definition import Flow
from turnflow.core.events import Event
from turnflow.core.ids import At, ConversationId, EffectKey, FlowName, InputId, MailboxId, RunId, UserId
from turnflow.core.messages import Message
from turnflow.core.state import Parent
from turnflow.errors import UndecodableRow
from turnflow.ports import Inbound


class Arrived(Struct, frozen=True, tag="arrived", omit_defaults=True):
    """Somebody sent something."""

    inbound: Inbound
    forwarded: bool = False
    """Handed on from the conversation to the mailbox of its sender."""


class ForRun(Struct, frozen=True, tag="run", omit_defaults=True):
    """Something happened to a run of this mailbox."""

    run: RunId
    event: Event
    begins: tuple[Begin, ...] = ()
    """Children that the handler started whose answer this is: they begin with it or not at all."""


class Begin(Struct, frozen=True, tag="begin", omit_defaults=True):
    """The host program, or a handler, starts a run here."""

    run: RunId
    flow: FlowName
    data: dict[str, Raw] = {}
    conversation: ConversationId = ConversationId("")
    user: UserId = UserId("")
    chat: str = ""
    thread: str = ""
    parent: Parent | None = None
    params: dict[str, Raw] = {}
    """Of a flow graph: what may be set beside the input."""
    attach: bool = False
    """The parent does not know of it yet."""


class Resume(Struct, frozen=True, tag="resume", omit_defaults=True):
    """A handler call of a run was under way when the process ended; it has to be made again."""

    run: RunId
    key: EffectKey


class Reply(Struct, frozen=True, omit_defaults=True):
    """What an outbox row says."""

    message: Message = Message()
    press: InputId = InputId("")


class Speak(Struct, frozen=True, tag="speak", omit_defaults=True):
    """A run of another mailbox says something in this conversation."""

    key: EffectKey
    reply: Reply


class Announced(Struct, frozen=True, tag="announced", omit_defaults=True):
    """An event was published: it is handed to whoever waits for it, and starts what it starts."""

    id: InputId
    topic: str
    key: str
    at: At
    data: Raw


class Look(Struct, frozen=True, tag="look", omit_defaults=True):
    """A run has begun to wait for an event, which may have come before."""

    run: RunId
    key: EffectKey
    """Of its subscription."""
    topic: str
    correlation: str
    since: At
    after: tuple[At, int] | None = None
    """Place of the last event that has been looked at."""


Payload: TypeAlias = Arrived | ForRun | Begin | Resume | Speak | Announced | Look

_USER: Final = "user:"


def user_mailbox(user: UserId) -> MailboxId:
    """Return the mailbox of runs that follow a person across chats."""
    return MailboxId(_USER + user)


def forwarded_id(id: InputId) -> InputId:
    """Return the id under which an input is handed on to the mailbox of its sender."""
    return InputId(f"{id}>user")


def home_of(flow: Flow, begin: Begin) -> MailboxId:
    """Return the mailbox of a run that nobody waits for: its person's, its conversation's, or one of its own."""
    if flow.policies.key == "user" and begin.user and begin.conversation:
        return user_mailbox(begin.user)
    return MailboxId(begin.conversation or f"run:{begin.run}")


_encoder: Final = msgspec.json.Encoder()
_payloads: Final[msgspec.json.Decoder[Payload]] = msgspec.json.Decoder(Payload)
_replies: Final = msgspec.json.Decoder(Reply)


def encode(value: Payload | Reply) -> bytes:
    """Return the bytes of an inbox or outbox payload."""
    return _encoder.encode(value)


def unwritable(event: Event) -> str:
    """Return why an event cannot be written (half a character in some text), "" if it can."""
    try:
        _encoder.encode(event)
    except UnicodeEncodeError as error:
        return str(error)
    return ""


def decode_payload(row: bytes) -> Payload:
    """Return the payload of an inbox row. Raises `UndecodableRow`."""
    try:
        return _payloads.decode(row)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UndecodableRow(f"an inbox entry cannot be read: {error}") from error


def decode_reply(row: bytes) -> Reply:
    """Return the payload of an outbox row. Raises `UndecodableRow`."""
    try:
        return _replies.decode(row)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UndecodableRow(f"an outbox entry cannot be read: {error}") from error
