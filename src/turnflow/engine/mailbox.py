"""A mailbox in memory: the order of what happens in one conversation (or to one run without one)."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from turnflow.core.ids import At, InputId, MailboxId, RunId
from turnflow.core.state import RunState
from turnflow.engine.payloads import Announced, Payload
from turnflow.ports import Delivery

TOGETHER = 64
"""Most results of actions that are applied in one turn."""


@dataclass(slots=True)
class Item:
    """One thing to be applied in a mailbox."""

    payload: Payload
    id: InputId
    at: At
    seq: int = 0
    """Its place if it has been accepted durably; 0 until its own commit."""
    attempts: int = 0
    """How often user code was begun for it after an unclean stop, or its turn failed."""
    recovered: bool = False
    """An unclean stop left it behind: it may be what ended the process."""
    counted: bool = False
    """The try under way is on record."""
    alone: bool = False
    """No other suspect is tried meanwhile."""
    aside: str = ""
    """Why no user code is run for it any more."""
    future: asyncio.Future[Delivery] | None = None
    tries: int = 0
    """How often its commit was rejected because somebody else was faster."""
    taken: bool = False
    """The run it would start is live in another conversation of the same chat or person."""
    also: tuple[int, ...] = ()
    """Entries consumed together with it."""
    volatile: bool = False
    """It needs no inbox row: if it gets lost, what it reports is done again (actions of steps)."""
    more: list[Payload] = field(default_factory=list)
    """Further payloads that are applied in the same turn: volatile ones, or events."""

    def apart(self) -> list[Item]:
        """Return what was to be applied together with this one, as items again, the last first."""
        more, self.more = self.more, []
        return [
            Item(payload, InputId(f"{self.id}+{place}"), self.at, volatile=True)
            for place, payload in reversed([*enumerate(more, 1)])
        ]


@dataclass(slots=True)
class HotMailbox:
    """A mailbox with its live runs; the runs are what the store has, as of the last commit."""

    id: MailboxId
    partition: int
    loaded: bool = False
    seq: int = 0
    said: tuple[int, int] = (0, -1)
    """Place of the last reply that this process said here."""
    runs: dict[RunId, RunState] = field(default_factory=dict)
    unreadable: dict[RunId, str] = field(default_factory=dict)
    """Runs whose rows cannot be read, with the live keys they hold."""
    queue: deque[Item] = field(default_factory=deque)
    busy: bool = False
    """A turn is under way or its commit is."""
    queued: bool = False
    """Waits for a worker."""
    detached: int = 0
    """Slow handler calls that go on beside it."""
    stale: bool = False
    """The store has entries that have not been read."""
    taken: set[int] = field(default_factory=set)
    """Sequences of accepted entries that are queued or being handled."""
    freed: asyncio.Event | None = None
    """Set when the turn under way is over; made by whoever waits for it."""

    @property
    def evictable(self) -> bool:
        """Nothing is going on in it, so memory may forget it."""
        return not (self.busy or self.queued or self.queue or self.detached)

    def next_item(self) -> Item:
        """Take the next item; volatile ones that stand in a row, and events, become one, so that one commit serves them all."""
        item = self.queue.popleft()
        while isinstance(item.payload, Announced) and len(item.more) < TOGETHER and self.queue:
            if item.attempts or self.queue[0].attempts or not isinstance(self.queue[0].payload, Announced):
                break
            follower = self.queue.popleft()
            item.more.append(follower.payload)
            item.also += (follower.seq,)
        while item.volatile and len(item.more) < TOGETHER and self.queue and self.queue[0].volatile:
            if item.attempts or item.alone or self.queue[0].attempts or self.queue[0].alone:
                break  # one that could not be applied must not spoil the others, and a suspect is on its own
            follower = self.queue.popleft()
            item.more += [follower.payload, *follower.more]
        return item

    def take_in(self, items: list[Item]) -> None:
        """Put accepted entries in front of what is not accepted yet, in the order of their acceptance."""
        if items:
            self.taken.update(item.seq for item in items)
            accepted = sorted([*items, *(item for item in self.queue if item.seq)], key=lambda item: item.seq)
            self.queue = deque([*accepted, *(item for item in self.queue if not item.seq)])
