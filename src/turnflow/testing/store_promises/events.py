"""Events: kept once, found again by topic, key and time, and so are those who wait for them."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from turnflow.core.ids import At, EffectKey, InputId, MailboxId, RunId
from turnflow.ports import Commit, Committed, EventRecord, Store, SubscriptionRecord
from turnflow.testing.store_promises.subject import StoreUnderTest, commit, reasons, run


def event(
    id: str, topic: str = "order.paid", correlation: str = "", *, at: At = 1, payload: bytes = b"{}"
) -> EventRecord:
    """Return an event."""
    return EventRecord(InputId(id), topic, correlation, payload, at)


def subscription(
    run: str, topic: str, correlation: str = "", *, key: str = "1", mailbox: str = "m"
) -> SubscriptionRecord:
    """Return a wait for an event."""
    return SubscriptionRecord(RunId(run), EffectKey(f"{run}:{key}"), MailboxId(mailbox), topic, correlation)


def published(*events: EventRecord) -> Commit:
    """Return a commit of events."""
    return replace(commit(), events=events)


def subscribed(*subscriptions: SubscriptionRecord) -> Commit:
    """Return a commit of subscriptions."""
    return replace(commit(), subscribed=subscriptions)


async def ids(store: Store, topic: str, correlation: str = "", since: At = 0, limit: int = 100) -> list[str]:
    """Return the ids of events found."""
    return [found.id for found in await store.events(topic, correlation, since, limit)]


async def waiting(store: Store, topic: str, correlation: str = "") -> list[str]:
    """Return the runs that wait for an event."""
    return [found.run for found in await store.subscribers(topic, correlation)]


class EventPromises(StoreUnderTest):
    """What a store keeps of events."""

    async def test_an_event_is_kept_whole_and_once(self, tmp_path: Path) -> None:
        """A known id is skipped, within one commit, within one call and later; the store gives it a place."""
        async with self.opened(tmp_path) as store:
            first, other = event("a", correlation="k", payload=b"\x00first"), event("a", "else", payload=b"second")
            assert await store.commit([published(first, other), published(other)]) == [Committed()] * 2
            assert await store.commit([published(other)]) == [Committed()]
            (found,) = await store.events("order.paid", "k", 0, 10)
            assert found == replace(first, seq=found.seq)
            assert found.seq > 0
            assert await ids(store, "else") == []

    async def test_events_are_found_by_topic_and_key(self, tmp_path: Path) -> None:
        """An empty key asks for any; keys compare byte by byte."""
        async with self.opened(tmp_path) as store:
            await store.commit([published(event("a", "t.x", "K"), event("b", "t.x", "k"), event("c", "t.x"))])
            await store.commit([published(event("d", "t.y", "k"), event("e", "t.x", "k "))])
            assert await ids(store, "t.x") == ["a", "b", "c", "e"]
            assert await ids(store, "t.x", "k") == ["b"]
            assert await ids(store, "t.x", "none") == []
            assert await ids(store, "t") == []

    async def test_a_pattern_finds_all_its_topics(self, tmp_path: Path) -> None:
        """`*` is one word, a last `**` all that follow, at least one."""
        async with self.opened(tmp_path) as store:
            topics = ("order", "order.paid", "order.paid.eu", "orders.paid", "cart.paid", "order.lost.eu")
            await store.commit([published(*(event(topic, topic, topic[-2:]) for topic in topics))])
            for pattern, wanted in {
                "order.*": ["order.paid"],
                "order.**": ["order.paid", "order.paid.eu", "order.lost.eu"],
                "*.paid": ["order.paid", "orders.paid", "cart.paid"],
                "order.*.eu": ["order.paid.eu", "order.lost.eu"],
                "**": list(topics),
                "*": ["order"],
            }.items():
                assert await ids(store, pattern) == wanted
            assert await ids(store, "order.**", "eu") == ["order.paid.eu", "order.lost.eu"]
            assert await ids(store, "**", "id") == ["order.paid", "orders.paid", "cart.paid"]

    async def test_events_are_told_oldest_first_and_page_by_page(self, tmp_path: Path) -> None:
        """By time, then in the order of writing; from a moment on, that moment included."""
        async with self.opened(tmp_path) as store:
            given = [
                event("late", at=9),
                *(event(f"same{n}", at=5, correlation="k") for n in (3, 1, 2)),
                event("early", at=2),
            ]
            await store.commit([published(one) for one in given])
            order = ["early", "same3", "same1", "same2", "late"]
            for pattern in ("order.paid", "order.*"):
                assert await ids(store, pattern) == order
                assert await ids(store, pattern, since=5) == order[1:]
                assert await ids(store, pattern, "k", since=6) == []
                assert await ids(store, pattern, limit=2) == order[:2]
                assert await store.events(pattern, "", 0, 0) == []
                pages, after = list[str](), None
                while page := await store.events(pattern, "", 0, 2, after):
                    pages += [one.id for one in page]
                    after = (page[-1].at, page[-1].seq)
                assert pages == order

    async def test_subscribers_are_found_by_topic_and_key(self, tmp_path: Path) -> None:
        """Those who asked for this key, and those who asked for any; in order of run and key."""
        async with self.opened(tmp_path) as store:
            given = (
                subscription("r4", "order.paid", "k"), subscription("r1", "order.paid"), subscription("r2", "order.paid", "K"),
                subscription("r3", "order.*", "k"), subscription("r5", "**"), subscription("r6", "order"),
                subscription("r7", "*.paid", "other"), subscription("r8", "order.paid.**"), subscription("r9", "order.**"),
            )  # fmt: skip
            await store.commit([subscribed(*given)])
            assert await waiting(store, "order.paid", "k") == ["r1", "r3", "r4", "r5", "r9"]
            assert await waiting(store, "order.paid") == ["r1", "r5", "r9"]
            assert await waiting(store, "order", "k") == ["r5", "r6"]
            assert await waiting(store, "order.paid.eu", "k") == ["r5", "r8", "r9"]
            assert (await store.subscribers("order.paid", "k"))[2] == given[0]

    async def test_subscriptions_are_replaced_and_removed(self, tmp_path: Path) -> None:
        """By run and key; removing comes before writing, and removing what is not there is no error."""
        async with self.opened(tmp_path) as store:
            await store.commit(
                [subscribed(subscription("r", "a"), subscription("r", "a", key="2"), subscription("s", "a"))]
            )
            gone = ((RunId("r"), EffectKey("r:1")), (RunId("r"), EffectKey("r:2")), (RunId("x"), EffectKey("x:1")))
            moved = subscription("r", "b.*", "k", key="2", mailbox="n")
            assert await store.commit([replace(subscribed(moved), unsubscribed=gone)]) == [Committed()]
            assert await waiting(store, "a") == ["s"]
            assert await store.subscribers("b.c", "k") == [moved]
            await store.commit([subscribed(replace(moved, topic="c"))])
            assert (await waiting(store, "b.c", "k"), await waiting(store, "c", "k")) == ([], ["r"])

    async def test_a_refused_commit_publishes_nothing(self, tmp_path: Path) -> None:
        """And subscribes nobody, nor takes anybody's subscription away."""
        async with self.opened(tmp_path) as store:
            await store.commit([subscribed(subscription("old", "a"))])
            bad = replace(
                commit(runs=[run("new", 7)]),
                events=(event("a", "a"),),
                subscribed=(subscription("new", "a"),),
                unsubscribed=((RunId("old"), EffectKey("old:1")),),
            )
            assert reasons(await store.commit([bad, replace(bad, epoch=9, runs=())])) == ["revision", "epoch"]
            assert await waiting(store, "a") == ["old"]
            assert await ids(store, "**") == []

    async def test_events_and_subscriptions_outlive_a_restart(self, tmp_path: Path) -> None:
        """Both are there when the store is opened again, also for another process."""
        async with self.opened(tmp_path) as store:
            await store.commit([replace(subscribed(subscription("r", "a.*", "k")), events=(event("e", "a.b", "k"),))])
            async with self.another(store, tmp_path) as other:
                assert (await waiting(other, "a.b", "k"), await ids(other, "a.*")) == (["r"], ["e"])
            again = await self.reopened(store, tmp_path)
            assert (await waiting(again, "a.b", "k"), await ids(again, "a.*", "k")) == (["r"], ["e"])
            await again.close()
