"""The sender: delivers replies after their commit, in order per conversation, and records what became of each.

A reply is stored as `sending` by the very commit that says it. If the process dies before the channel's confirmation is stored,
the next process sends it again and marks it `doubtful`: the one case in which a person can see a reply twice.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, Literal

from msgspec.structs import replace

from turnflow.core.ids import ConversationId
from turnflow.engine.background import Background
from turnflow.engine.committer import Committer
from turnflow.engine.crash import Crash
from turnflow.engine.effects import ROLE_PREFIX
from turnflow.engine.payloads import decode_reply
from turnflow.engine.pool import Pool
from turnflow.errors import RetryLater, UndecodableRow, Undeliverable
from turnflow.ports import Channel, Clock, Outbound, OutboxRecord, Receipt

ATTEMPTS: Final = 10
"""After so many failures a reply is dead and stops blocking its successors."""
MAX_DELAY: Final = 60.0
"""Longest pause between attempts, seconds."""
MAX_WISH: Final = 3600.0 * 24
"""Longest pause that a channel may ask for, seconds."""


class Sender:
    """Carries committed replies to channels."""

    def __init__(
        self,
        tasks: Background,
        pool: Pool,
        committer: Committer,
        crash: Crash,
        report: Callable[[str, BaseException | None], None],
        clock: Clock,
    ) -> None:
        self._tasks = tasks
        self._pool = pool
        self._clock = clock
        self._committer = committer
        self._crash = crash
        self._report = report
        self._channels: dict[str, Channel] = {}
        self._queues: dict[ConversationId, deque[OutboxRecord]] = {}
        self._active: set[ConversationId] = set()
        self._paused: set[ConversationId] = set()
        """Conversations whose next reply has failed and is tried again later."""
        self._known: set[tuple[ConversationId, int, int]] = set()

    def connect(self, channel: Channel) -> None:
        """Give conversations with the channel's prefix a way out; what waited for it is sent."""
        self._channels[channel.prefix] = channel
        for conversation in list(self._queues):
            self._start(conversation)

    def disconnect(self, channel: Channel) -> None:
        """Stop using a channel; its replies wait."""
        if self._channels.get(channel.prefix) is channel:
            del self._channels[channel.prefix]

    @property
    def idle(self) -> bool:
        """Nothing that could be sent now is waiting."""
        return not self._active

    def put(self, reply: OutboxRecord) -> None:
        """Send a committed reply, behind those of its conversation that wait."""
        place = (reply.conversation, reply.seq, reply.index)
        if place in self._known:
            return
        self._known.add(place)
        queue = self._queues.get(reply.conversation)
        if queue is None:
            queue = self._queues[reply.conversation] = deque()
        queue.append(reply)
        if reply.conversation not in self._active:
            self._start(reply.conversation)

    def _start(self, conversation: ConversationId) -> None:
        if conversation in self._active or conversation in self._paused or not self._queues.get(conversation):
            return
        if conversation.startswith(ROLE_PREFIX) or self._channel(conversation) is not None:
            self._active.add(conversation)
            self._pool.put(self._send, conversation)

    def _channel(self, conversation: ConversationId) -> Channel | None:
        channel = self._channels.get(conversation.partition(":")[0] + ":")
        return channel if channel is not None else self._channels.get("")

    async def _send(self, conversation: ConversationId) -> None:
        queue = self._queues[conversation]
        while queue:
            reply = queue[0]
            channel = self._channel(conversation)
            if conversation.startswith(ROLE_PREFIX):
                self._close(queue, reply, "sent")
                continue
            if channel is None:
                break
            pause = await self._attempt(queue, reply, channel)
            if pause:
                self._active.discard(conversation)
                self._paused.add(conversation)
                self._tasks.launch(self._again(conversation, pause))
                return
        self._active.discard(conversation)
        if not queue:
            del self._queues[conversation]

    async def _again(self, conversation: ConversationId, pause: float) -> None:
        await self._clock.sleep(pause)
        self._paused.discard(conversation)
        self._start(conversation)

    async def _attempt(self, queue: deque[OutboxRecord], reply: OutboxRecord, channel: Channel) -> float:
        """Try once; return how many seconds to wait before the next attempt, 0 if the reply is settled."""
        try:
            said = decode_reply(reply.payload)
            outbound = Outbound(reply.conversation, reply.seq, reply.index, reply.key, said.message, said.press)
            self._crash("send.before")
            external = await channel.send(outbound)
            self._crash("send.after")
        except RetryLater as error:
            return self._failed(queue, reply, error, min(error.seconds, MAX_WISH), doubtful=reply.doubtful)
        except (Undeliverable, UndecodableRow) as error:
            self._report(f"reply {reply.key} can never be delivered: {error}", error)
            self._close(queue, reply, "dead")
            return 0.0
        except (Exception, asyncio.CancelledError) as error:  # channels may raise anything: the outcome is unknown
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                raise  # not something that the channel waited for was cancelled, but the sender
            pause = min(0.5 * 2.0**reply.attempts, MAX_DELAY)
            return self._failed(queue, reply, error, pause, doubtful=True)
        self._close(queue, reply, "sent", external)
        return 0.0

    def _failed(
        self, queue: deque[OutboxRecord], reply: OutboxRecord, error: BaseException, pause: float, *, doubtful: bool
    ) -> float:
        attempts = reply.attempts + 1
        tried = replace(reply, attempts=attempts, doubtful=doubtful)
        if attempts >= ATTEMPTS:
            self._report(f"reply {reply.key} failed {attempts} times and is given up: {error}", error)
            self._close(queue, tried, "dead")
            return 0.0
        queue[0] = tried
        receipt = Receipt(reply.conversation, reply.seq, reply.index, "sending", "", attempts, doubtful)
        self._committer.confirm(reply, receipt)
        return max(pause, 0.01)

    def _close(
        self, queue: deque[OutboxRecord], reply: OutboxRecord, status: Literal["sent", "dead"], external: str = ""
    ) -> None:
        queue.popleft()
        self._known.discard((reply.conversation, reply.seq, reply.index))
        receipt = Receipt(
            reply.conversation,
            reply.seq,
            reply.index,
            status,
            external,
            reply.attempts + (status == "sent"),
            reply.doubtful,
        )
        self._committer.confirm(reply, receipt)
