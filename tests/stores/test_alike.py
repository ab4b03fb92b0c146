"""Whatever is written in whatever order, every store answers as the reference does and holds the same."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from turnflow.core.ids import ConversationId, EffectKey, InputId, MailboxId, RunId, TimerId
from turnflow.core.state import TERMINAL, Status
from turnflow.ports import Commit, InboxRecord, JournalRecord, Receipt, ResultRecord, RunQuery, RunRecord, Store
from turnflow.stores import MemoryStore, SqliteStore
from turnflow.testing.store_promises.events import event, subscription
from turnflow.testing.store_promises.subject import EVERY, LONG, commit, entry, reply, run, step, timer

MAILBOXES = ("a", "b")
RUNS = {"a": ("r0", "r1"), "b": ("r2", "r3")}
STATUSES: tuple[Status, ...] = ("waiting", "running", "completed", "stuck", "waiting")
IDS = st.sampled_from([f"i{number}" for number in range(9)])
PLACES = st.tuples(st.integers(1, 4), st.integers(0, 1))


TOPICS = ("a", "a.b", "a.c", "b.c", "a.b.c")
PATTERNS = ("a.*", "*", "**", "*.c", "a.**", "a.*.c", *TOPICS)
KEYS = ("", "", "k", "l")
SUBSCRIPTIONS = st.builds(
    subscription,
    st.sampled_from(["r0", "r1"]),
    st.sampled_from(PATTERNS),
    st.sampled_from(KEYS),
    key=st.sampled_from("12"),
)
EVENTS = st.builds(
    event, st.sampled_from("abcdef"), st.sampled_from(TOPICS), st.sampled_from(KEYS), at=st.integers(0, 3)
)


def entries(mailbox: st.SearchStrategy[str]) -> st.SearchStrategy[InboxRecord]:
    return st.builds(entry, mailbox, IDS, seq=st.integers(1, 4), at=st.integers(0, 9), consumed=st.booleans())


@st.composite
def runs(draw: st.DrawFn, mailbox: str) -> tuple[RunRecord, ...]:
    records = []
    for id in draw(st.lists(st.sampled_from(RUNS[mailbox]), unique=True, max_size=2)):
        status = draw(st.sampled_from(STATUSES))
        key = None if status in TERMINAL else draw(st.sampled_from([None, "k1", "k2", ""]))
        records.append(run(id, draw(st.integers(1, 4)), mailbox=mailbox, status=status, live_key=key))
    return tuple(records)


def journal(records: tuple[RunRecord, ...]) -> tuple[JournalRecord, ...]:
    return tuple(step(record.run, record.revision) for record in records)


@st.composite
def commits(draw: st.DrawFn) -> Commit:
    mailbox = draw(st.sampled_from(MAILBOXES))
    records = draw(runs(mailbox))
    said = draw(st.lists(PLACES, max_size=2))
    times = draw(st.lists(st.sampled_from(["t", "u"]), unique=True, max_size=2))
    return replace(
        commit(mailbox, epoch=draw(st.sampled_from([1, 1, 1, 1, 2]))),
        received=tuple(draw(st.lists(entries(st.just(mailbox)), max_size=2))),
        consumed=tuple(draw(st.lists(st.integers(1, 4), max_size=2))),
        runs=records,
        journal=journal(records) if draw(st.booleans()) else (),
        outbox=tuple(reply(mailbox, seq, index) for seq, index in said),
        timers_set=tuple(timer("r0", id, draw(st.integers(0, 9)), mailbox=mailbox) for id in times),
        timers_cleared=tuple(draw(st.lists(st.just((RunId("r0"), TimerId("t"))), max_size=1))),
        results=tuple(
            ResultRecord(RunId("r0"), key, b"") for key in draw(st.lists(st.sampled_from("xyz"), max_size=1))
        ),
        forwards=tuple(draw(st.lists(entries(st.sampled_from(MAILBOXES)), max_size=1))),
        receipts=tuple(
            Receipt(ConversationId(mailbox), seq, index, draw(st.sampled_from(["sent", "dead", "pending"])))
            for seq, index in draw(st.lists(PLACES, max_size=2))
        ),
        quarantined=tuple(draw(st.lists(st.sampled_from([RunId("r0"), RunId("r9")]), max_size=1))),
        unsubscribed=tuple(draw(st.lists(st.sampled_from([(RunId("r0"), EffectKey("r0:1"))]), max_size=1))),
        subscribed=tuple(draw(st.lists(SUBSCRIPTIONS, max_size=2))),
        events=tuple(draw(st.lists(EVENTS, max_size=3))),
    )


Operation: TypeAlias = tuple[list[Commit], list[InboxRecord], int]
"""A list of commits, one of entries to accept, and before what to purge."""

OPERATIONS: st.SearchStrategy[Operation] = st.tuples(
    st.lists(commits(), max_size=4),
    st.lists(entries(st.sampled_from(MAILBOXES)), max_size=2),
    st.sampled_from([0, 0, 0, 5, 9]),
)


async def answer(store: Store, operation: Operation) -> object:
    given_commits, given_entries, before = operation
    return await store.commit(given_commits), await store.accept(given_entries), await store.purge(before, 100)


async def holdings(store: Store) -> list[object]:
    due = await store.due(EVERY, 100, 100)
    return [
        await store.find(RunQuery()),
        [await store.find(RunQuery(status=(status,))) for status in ("running", "stuck", "waiting")],
        sorted(due.mailboxes),
        sorted((one.due, one.run, one.timer, one.mailbox) for one in due.timers),
        sorted(due.outbox, key=lambda one: (one.conversation, one.seq, one.index)),
        [await store.load(MailboxId(mailbox)) for mailbox in MAILBOXES],
        [await store.history(ConversationId(mailbox)) for mailbox in MAILBOXES],
        [
            await store.journal(RunId(id))
            for id in ("r0", "r1", "r2", "r3")
            if await store.find(RunQuery(run=RunId(id)))
        ],
        await store.results(RunId("r0"), ""),
        [await store.subscribers(topic, key) for topic in TOPICS for key in KEYS[1:]],
        [await store.events(pattern, key, since, 4) for pattern in PATTERNS for key in KEYS[1:] for since in (0, 2)],
        [await store.events(pattern, "", 1, 3, (1, 2)) for pattern in PATTERNS],
        [await store.seen(InputId(f"i{number}")) for number in range(9)],
    ]


async def compare(operations: list[Operation]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        reference, store = MemoryStore(), SqliteStore(Path(folder, "store.db"), synchronous="normal")
        await store.open()
        for one in (reference, store):
            await one.acquire("first", EVERY, LONG)
        for operation in operations:
            assert await answer(store, operation) == await answer(reference, operation)
            assert await holdings(store) == await holdings(reference)
        await store.close()


@settings(max_examples=40)
@given(st.lists(OPERATIONS, min_size=1, max_size=8))
def test_sqlite_answers_and_holds_what_the_reference_does(
    operations: list[Operation],
) -> None:
    asyncio.run(compare(operations))
