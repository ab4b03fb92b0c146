"""The door: what is let in, what was seen before, and what is made durable before it is handled."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from turnflow.core.ids import InputId, MailboxId, UserId
from turnflow.core.inputs import TEXT_LIMIT, Input, clean
from turnflow.engine import landing
from turnflow.engine.mailbox import HotMailbox, Item
from turnflow.engine.payloads import Arrived, encode
from turnflow.errors import EngineStopped
from turnflow.ports import Accepted, Delivery, Duplicate, Handled, Inbound, InboxRecord, Refused

if TYPE_CHECKING:
    from turnflow.engine.process import Process

INBOX_LIMIT: Final = 100
"""Most inputs that wait in one conversation (guarantees: Limits)."""
TOTAL_LIMIT: Final = 100_000
"""Most inputs that wait in one process."""


class Intake:
    """Lets input into mailboxes, each id once."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def deliver(self, inbound: Inbound) -> Delivery:
        """Route an input, run the turn, return after its commit. A repeated id changes nothing.

        Raises `EngineStopped` while stopping, `LostOwnership` if another process took over: send it again, with the same id.
        """
        self._process.crash("deliver.begin")
        admitted = self._admit(inbound)
        if isinstance(admitted, Refused):
            return admitted
        id = admitted.input.id
        running = self._process.awaited.get(id)
        if running is not None:
            await asyncio.wait((running,))
            return Duplicate()
        future: asyncio.Future[Delivery] = asyncio.get_running_loop().create_future()
        self._process.awaited[id] = future
        try:
            if await self._process.store.seen(id):
                return Duplicate()
            hot = self._process.mailbox(MailboxId(admitted.conversation))
            if len(hot.queue) >= INBOX_LIMIT:
                return Refused("too many messages are waiting for this conversation; try again later")
            if self._process.counts_attempts:
                await self._accept(hot, admitted, future)
            else:
                self._process.enqueue(hot, Item(Arrived(admitted), id, self._process.clock.now(), future=future))
            return await future
        finally:
            if not future.done():
                future.cancel()
            self._process.awaited.pop(id, None)

    async def accept(self, inbound: Inbound) -> Delivery:
        """Store an input durably and return; its turn follows. `Handled` means accepted."""
        admitted = self._admit(inbound)
        if isinstance(admitted, Refused):
            return admitted
        if await self._process.store.seen(admitted.input.id):
            return Duplicate()
        hot = self._process.mailbox(MailboxId(admitted.conversation))
        if len(hot.queue) >= INBOX_LIMIT:
            return Refused("too many messages are waiting for this conversation; try again later")
        return Handled(()) if await self._accept(hot, admitted, None) else Duplicate()

    def _admit(self, inbound: Inbound) -> Inbound | Refused:
        if self._process.stopping:
            raise EngineStopped("the engine is stopping; send the input again, with the same id, to a running one")
        input = inbound.input
        if len(input.text) > TEXT_LIMIT or (not input.text.isascii() and len(input.text.encode()) > TEXT_LIMIT):
            return Refused(self._process.texts.too_long)
        if not inbound.conversation or not input.id:
            return Refused("an input needs a conversation and an id")
        if len(self._process.awaited) >= TOTAL_LIMIT:
            return Refused("too many messages are waiting here; try again later")
        cleaned = _cleaned(input)
        stamped = cleaned if cleaned.at else replace(cleaned, at=self._process.clock.now())
        return inbound if stamped is input else replace(inbound, input=stamped)

    async def _accept(self, hot: HotMailbox, inbound: Inbound, future: asyncio.Future[Delivery] | None) -> bool:
        """Append an input, and before it everything queued but not accepted yet, so that order is the order of acceptance."""
        self._process.crash("accept.before")
        while hot.busy:
            hot.freed = hot.freed or asyncio.Event()
            await hot.freed.wait()
        item = Item(Arrived(inbound), inbound.input.id, self._process.clock.now(), future=future)
        items = [*(queued for queued in hot.queue if not queued.seq), item]
        hot.busy = True
        try:
            rows = [InboxRecord(hot.id, 0, queued.id, encode(queued.payload), queued.at) for queued in items]
            outcomes = await self._process.store.accept(rows)
            self._process.crash("accept.after")
            for queued, outcome in zip(items, outcomes, strict=True):
                if isinstance(outcome, Accepted):
                    queued.seq = outcome.seq
                    hot.seq = max(hot.seq, outcome.seq)
                    hot.taken.add(outcome.seq)
            accepted = bool(item.seq)
            if accepted:
                hot.queue.append(item)
            else:
                landing.settle(item, Duplicate())
        finally:
            self._process.release(hot)
        return accepted


def _cleaned(input: Input) -> Input:
    """Return an input as every store keeps it."""
    whole = "".join((input.id, input.sender, input.text, input.ref, input.name, input.phone))
    if clean(whole) == whole:
        return input
    return replace(
        input,
        id=InputId(clean(input.id)),
        sender=UserId(clean(input.sender)),
        text=clean(input.text),
        command=clean(input.command),
        args=clean(input.args),
        ref=clean(input.ref),
        name=clean(input.name),
        phone=clean(input.phone),
    )
