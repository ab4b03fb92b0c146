"""The event bus: events become durable with one commit, and with it the order to hand them over (`handover.py`).

Nothing gets lost between an event and a wait: an event is written before its subscribers are read, and a subscription before the
events are read that came before it. Whichever is written last, the reading that follows finds the other.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from zlib import crc32

import msgspec
from msgspec import Raw

from turnflow.core.ids import At, InputId, Json, MailboxId
from turnflow.core.inputs import clean
from turnflow.core.state import Ending, RunState
from turnflow.core.topics import topic_problem, worded
from turnflow.engine.payloads import Announced, encode
from turnflow.errors import InvalidValue, LostOwnership
from turnflow.ports import Commit, CommitOutcome, EventRecord, InboxRecord, Rejected, partition_of

if TYPE_CHECKING:
    from turnflow.engine.process import Process

EVENT_LIMIT: Final = 256 * 1024
"""Most bytes of what an event carries."""
KEY_LIMIT: Final = 1_024
"""Most bytes of an event's key, and of its id."""
LINES: Final = 8
"""Mailboxes that events are handed over from; events of one topic and key go through the same one, in order."""
OURS: Final = ("flow", "webhook")
"""First words of topics on which only the engine publishes."""


class Bus:
    """Publishes events durably; each is handed to the runs that wait for it."""

    def __init__(self, engine: Process) -> None:
        self._engine = engine

    async def publish(self, topic: str, event: Raw, key: str, *, id: InputId) -> None:
        """Publish an event durably; a repeated id changes nothing.

        `event`: its JSON, at most 256 KiB. Raises `InvalidValue` for a bad topic or one too large, `LostOwnership` if another
        process has taken over (publish it again, under the same id).
        """
        if topic.partition(".")[0] in OURS:
            raise InvalidValue(f"topics that begin with {' or '.join(OURS)} are the engine's own; rename {topic!r}")
        await self.write(record_of(topic, event, key, id=id, at=self._engine.clock.now()))

    async def write(self, record: EventRecord) -> None:
        """Make an event durable, with the order to hand it over."""
        mailbox = MailboxId("")
        partition = partition_of(mailbox)
        entry = announcement(record)
        epoch = self._engine.leases.epochs.get(partition, 0)
        await self.write_down(Commit(mailbox, partition, epoch, forwards=(entry,), events=(record,)))
        self._engine.wake(entry.mailbox)

    async def write_down(self, commit: Commit) -> None:
        """Make a commit durable that belongs to no turn. Raises `LostOwnership`."""
        outcome: asyncio.Future[CommitOutcome | Exception] = asyncio.get_running_loop().create_future()
        self._engine.committer.submit(commit, lambda done: None if outcome.done() else outcome.set_result(done))
        done = await asyncio.shield(outcome)
        if isinstance(done, Exception):
            raise done
        if isinstance(done, Rejected):
            raise LostOwnership("another process owns the store now; nothing was published")


def record_of(topic: str, event: Raw, key: str, *, id: InputId, at: At) -> EventRecord:
    """Return an event as the store keeps it. Raises `InvalidValue` for a bad topic, an id or key too long, or one too large."""
    problem = topic_problem(topic)
    if problem:
        raise InvalidValue(problem)
    if len(event) > EVENT_LIMIT:
        message = f"an event carries at most {EVENT_LIMIT} bytes, this one of topic {topic!r} has {len(event)}"
        raise InvalidValue(f"{message}; publish a reference to what is large")
    for name, text in (("id", id), ("key", key)):
        if len(clean(text).encode()) > KEY_LIMIT:
            raise InvalidValue(f"the {name} of an event has at most {KEY_LIMIT} bytes: {text[:40]!r}... is longer")
    return EventRecord(InputId(clean(id)), topic, clean(key), bytes(event), at)


def announcement(record: EventRecord) -> InboxRecord:
    """Return the order to hand an event over, once for its id."""
    line = crc32(f"{record.topic} {record.correlation}".encode()) % LINES
    order = Announced(record.id, record.topic, record.correlation, record.at, Raw(record.payload))
    return InboxRecord(MailboxId(f"bus:{line}"), 0, InputId(f"announced:{record.id}"), encode(order), record.at)


def ended(state: RunState, ending: Ending, *, id: str, at: At) -> EventRecord:
    """Return the event that tells of the end of a run, on the topic `flow.<name>.<outcome>`, with the run's id as its key."""
    told: dict[str, Json | Raw] = {"run": state.run, "flow": state.flow, "outcome": ending.outcome}
    if ending.result is not None:
        told["result"] = ending.result if len(ending.result) < EVENT_LIMIT - KEY_LIMIT else None
    if ending.error is not None:
        told["error"] = {"code": ending.error.code, "message": ending.error.message, "step": ending.error.step}
    if ending.reason:
        told["reason"] = ending.reason
    topic = f"flow.{worded(state.flow)}.{ending.outcome}"
    return EventRecord(InputId(f"ended:{id}"), topic, state.run, msgspec.json.encode(told), at)


def shown(id: str, topic: str, key: str, at: At, data: Raw | bytes) -> Raw:
    """Return an event as expressions see it: `{id, topic, key, at, data}`, `at` as RFC 3339 text."""
    moment = datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    whole: dict[str, Json | Raw] = {"id": id, "topic": topic, "key": key, "at": moment, "data": Raw(data)}
    return Raw(msgspec.json.encode(whole))
