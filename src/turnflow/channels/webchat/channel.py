"""The web chat's channel: wakes the event streams of a conversation; what they show comes from the history.

So nothing is lost when no page is open, and a page that comes back reads on from where it was.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager, suppress

from turnflow.channels.unread import Place, Unread, has_earlier, place
from turnflow.channels.webchat import codec
from turnflow.core.ids import ConversationId, Json
from turnflow.errors import EngineStopped, LostOwnership, StoreUnavailable
from turnflow.ports import Outbound, Runtime, Said

STREAMS_PER_CONVERSATION = 8
AWAY = (EngineStopped, LostOwnership, StoreUnavailable)
"""Errors that pass: the same request may be sent again."""
_ANSWERS_KEPT = 32


class WebChannel:
    """Carries replies to the open pages of each `web:` conversation. `send` never blocks and never fails."""

    prefix = "web:"

    def __init__(self) -> None:
        self._watches: dict[ConversationId, set[Watch]] = {}
        self.closed = False

    async def send(self, outbound: Outbound) -> str:
        """Wake the pages of the conversation, or hand them the answer to a press, and return the place of the line."""
        if outbound.press:
            answer = codec.frame("press", {"id": codec.page_id(outbound.press), "text": outbound.message.text})
            for watch in self._watches.get(outbound.conversation, ()):
                watch.answers.append(answer)
        self.wake(outbound.conversation)
        return f"{outbound.seq}.{outbound.index}"

    def wake(self, conversation: ConversationId) -> None:
        """Let the pages of a conversation look for new lines."""
        for watch in self._watches.get(conversation, ()):
            watch.changed.set()

    def is_full(self, conversation: ConversationId) -> bool:
        """Tell whether a conversation has as many open streams as it may."""
        return len(self._watches.get(conversation, ())) >= STREAMS_PER_CONVERSATION

    def close(self) -> None:
        """End all event streams, so that a server can stop without waiting for the pages to leave."""
        self.closed = True
        for conversation in list(self._watches):
            self.wake(conversation)

    @contextmanager
    def watch(self, conversation: ConversationId) -> Iterator[Watch]:
        """Be told of changes in a conversation from now on."""
        watch = Watch()
        self._watches.setdefault(conversation, set()).add(watch)
        try:
            yield watch
        finally:
            watches = self._watches[conversation]
            watches.discard(watch)
            if not watches:
                del self._watches[conversation]


class Watch:
    """One open event stream's letter box."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.answers: deque[bytes] = deque(maxlen=_ANSWERS_KEPT)

    async def wait(self, seconds: float) -> bool:
        """Return True as soon as something changed, False after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self.changed.wait()
        except TimeoutError:
            return False
        self.changed.clear()
        return True


async def follow(
    runtime: Runtime,
    channel: WebChannel,
    conversation: ConversationId,
    *,
    after: Place | None = None,
    heartbeat: float = 15.0,
    greeting: Mapping[str, Json] | None = None,
) -> AsyncIterator[bytes]:
    """Yield the event stream of a conversation: everything behind `after`, then what happens, each line once.

    Without `after`, or with a place the history has not reached (another store), it starts at the newest 100 lines.
    Events: `hello` (`newest`: the last place, `earlier`: whether older lines exist, and the `greeting`), `said`
    (a line), `live` (places of messages whose buttons still mean something), `press` (an answer to a press).
    It ends when the runtime is away; the reader comes back with the id of the last event it got.
    """
    unread = Unread(runtime, conversation, after)
    alive: list[Json] | None = None
    with channel.watch(conversation) as watch, suppress(*AWAY):
        await unread.start()
        newest = ".".join(map(str, place(unread.tail[-1]))) if unread.tail else ""
        earlier = await has_earlier(runtime, conversation, unread.tail)
        yield codec.frame("hello", {**(greeting or {}), "newest": newest, "earlier": earlier})
        while not channel.closed:
            for said in await unread.news():
                at = unread.passed(said)
                if (line := codec.line(said)) is not None:
                    yield codec.frame("said", line, at)
            if alive != (now := _alive(unread.tail)):
                alive = now
                yield codec.frame("live", {"live": alive})
            while watch.answers:
                yield watch.answers.popleft()
            if not await watch.wait(heartbeat):
                yield b": still here\n\n"


def _alive(lines: list[Said]) -> list[Json]:
    """Return the places of messages with buttons that still mean something."""
    with_buttons = (said for said in lines if said.message and said.message.buttons)
    return [f"{said.seq}.{said.index}" for said in with_buttons if said.live]
