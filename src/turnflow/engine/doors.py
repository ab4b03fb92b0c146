"""How something that concerns a run is put into its mailbox: by the process that runs flows, or beside it through the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from turnflow.core.ids import InputId, MailboxId
from turnflow.engine.mailbox import Item
from turnflow.engine.payloads import Payload, encode
from turnflow.errors import EngineStopped
from turnflow.ports import Clock, InboxRecord, Store

if TYPE_CHECKING:
    from turnflow.engine.process import Process


class Door(Protocol):
    """Puts payloads into mailboxes."""

    async def put(self, mailbox: MailboxId, payload: Payload, id: InputId) -> None:
        """Put something into a mailbox, once for each id; it is durable when this returns."""


class OwnDoor:
    """The door of the process that runs flows: what is put in has been done when `put` returns."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def put(self, mailbox: MailboxId, payload: Payload, id: InputId) -> None:
        """Put something into a mailbox and wait for its turn. Raises `EngineStopped`."""
        process = self._process
        if process.stopping:
            raise EngineStopped("the engine is stopping; tell a running one")
        future = process.callers.expect()
        process.post(mailbox, Item(payload, id, process.clock.now(), future=future))
        await future


class StoreDoor:
    """The door of any other process: whoever runs the flows takes up what was put in, now or once it starts."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def put(self, mailbox: MailboxId, payload: Payload, id: InputId) -> None:
        """Accept something into a mailbox."""
        await self._store.accept([InboxRecord(mailbox, 0, id, encode(payload), self._clock.now())])
