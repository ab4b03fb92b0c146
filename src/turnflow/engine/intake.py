"""The door: what is let in, what was seen before, and what is made durable before it is handled."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, get_args

from msgspec.structs import replace

from turnflow.core.ids import ConversationId, InputId, MailboxId, UserId
from turnflow.core.inputs import TEXT_LIMIT, InputKind, clean
from turnflow.core.messages import Media
from turnflow.engine import landing
from turnflow.engine.mailbox import HotMailbox, Item
from turnflow.engine.payloads import Arrived, encode, forwarded_id
from turnflow.errors import EngineStopped
from turnflow.ports import Accepted, Delivery, Duplicate, Handled, Inbound, InboxRecord, Refused, Unclaimed

if TYPE_CHECKING:
    from turnflow.engine.process import Process

KINDS: Final = frozenset(get_args(InputKind))
INBOX_LIMIT: Final = 100
"""Most inputs that wait in one conversation (guarantees: Limits)."""
RESERVED: Final = ("user:", "run:", "role:", "bus:", "schedule:")
"""How the ids of mailboxes begin that are no conversation of a channel."""
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
        if not isinstance(admitted, Inbound):
            return admitted
        id = admitted.input.id
        callers = self._process.callers
        while (running := callers.inputs.get(id)) is not None:
            await asyncio.wait((running,))
            if _took(running):
                return Duplicate()
        future: asyncio.Future[Delivery] = asyncio.get_running_loop().create_future()
        callers.inputs[id] = future
        try:
            if await self._process.store.seen(id):
                return Duplicate()
            return await self._handle(admitted, future)
        finally:
            if not future.done():
                future.cancel()
            callers.drop(id, future)
            if self._process.user_keyed:
                callers.drop(forwarded_id(id), future)

    async def _handle(self, inbound: Inbound, future: asyncio.Future[Delivery]) -> Delivery:
        process, id = self._process, inbound.input.id
        hot = process.mailbox(MailboxId(inbound.conversation))
        if len(hot.queue) >= INBOX_LIMIT:
            return Refused("too many messages are waiting for this conversation; try again later")
        if process.counts_attempts:
            await self._accept(hot, inbound, future)
            return await future
        item = Item(Arrived(inbound), id, process.clock.now(), future=future)
        process.enqueue(hot, item)
        try:
            return await future
        except asyncio.CancelledError:
            if (
                future.cancelled() and item.future is future
            ):  # it is applied all the same; until then a repeat must not come behind it
                item.future = process.callers.take_over(id)
            raise

    async def accept(self, inbound: Inbound) -> Delivery:
        """Store an input durably and return; its turn follows. `Handled` means accepted."""
        admitted = self._admit(inbound)
        if not isinstance(admitted, Inbound):
            return admitted
        if await self._process.store.seen(admitted.input.id):
            return Duplicate()
        hot = self._process.mailbox(MailboxId(admitted.conversation))
        if len(hot.queue) >= INBOX_LIMIT:
            return Refused("too many messages are waiting for this conversation; try again later")
        return Handled(()) if await self._accept(hot, admitted, None) else Duplicate()

    def _admit(self, inbound: Inbound) -> Inbound | Refused | Unclaimed:
        if self._process.stopping:
            raise EngineStopped("the engine is stopping; send the input again, with the same id, to a running one")
        inbound = _cleaned(inbound)
        input = inbound.input
        if input.kind not in KINDS:
            return Unclaimed(f"nothing here knows what a {input.kind!r} is")
        if len(input.text) > TEXT_LIMIT or (not input.text.isascii() and len(input.text.encode()) > TEXT_LIMIT):
            return Refused(self._process.texts.too_long)
        if not inbound.conversation or not input.id:
            return Refused("an input needs a conversation and an id")
        if inbound.conversation.startswith(RESERVED):
            return Refused(
                f"ids of conversations must not begin with {', '.join(RESERVED)}: the engine's own mailboxes do"
            )
        if len(self._process.callers.inputs) >= TOTAL_LIMIT:
            return Refused("too many messages are waiting here; try again later")
        return inbound if input.at else replace(inbound, input=replace(input, at=self._process.clock.now()))

    async def _accept(self, hot: HotMailbox, inbound: Inbound, future: asyncio.Future[Delivery] | None) -> bool:
        """Append an input, and before it everything queued but not accepted yet, so that order is the order of acceptance."""
        self._process.crash("accept.before")
        while hot.busy:
            hot.freed = hot.freed or asyncio.Event()
            await hot.freed.wait()
            hot = self._process.mailbox(hot.id)  # memory may have been short meanwhile
        item = Item(Arrived(inbound), inbound.input.id, self._process.clock.now(), future=future)
        items = [*(queued for queued in hot.queue if not queued.seq and not queued.volatile), item]
        hot.busy = True
        try:
            # After an unclean stop the try that follows counts, so that one that ends the process has been counted.
            tries = 1 if self._process.counts_attempts else 0
            rows = [
                InboxRecord(hot.id, 0, queued.id, encode(queued.payload), queued.at, attempts=tries) for queued in items
            ]
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


def _took(future: asyncio.Future[Delivery]) -> bool:
    """Tell whether a delivery came to something, so that a repeat of it is one."""
    return not future.cancelled() and future.exception() is None and not isinstance(future.result(), Refused)


def _cleaned(inbound: Inbound) -> Inbound:
    """Return an inbound as every store keeps it."""
    input = inbound.input
    place = inbound.conversation + inbound.chat + inbound.thread
    words = input.id + input.sender + input.text + input.command + input.args + input.ref + input.name + input.phone
    if not input.media and (whole := place + words).isascii() and "\x00" not in whole:
        return inbound
    return Inbound(
        ConversationId(clean(inbound.conversation)),
        replace(
            input,
            id=InputId(clean(input.id)),
            sender=UserId(clean(input.sender)),
            text=clean(input.text),
            command=clean(input.command),
            args=clean(input.args),
            ref=clean(input.ref),
            name=clean(input.name),
            phone=clean(input.phone),
            media=tuple(
                Media(clean(file.kind), clean(file.ref), clean(file.name), clean(file.mime), file.size)
                for file in input.media
            ),
        ),
        clean(inbound.chat),
        clean(inbound.thread),
    )
