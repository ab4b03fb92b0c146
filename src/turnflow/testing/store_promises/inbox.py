"""Acceptance: once per id, in order, durably; attempts; retention."""

from __future__ import annotations

import asyncio
from pathlib import Path

from msgspec.structs import replace

from turnflow.core.ids import InputId, MailboxId
from turnflow.ports import Accepted, Repeated
from turnflow.testing.store_promises.subject import StoreUnderTest, commit, entry

M = MailboxId("m")


class InboxPromises(StoreUnderTest):
    """What holds for entries of mailboxes."""

    async def test_entries_get_the_next_place_of_their_mailbox(self, tmp_path: Path) -> None:
        """Sequences count from 1 in each mailbox, without gaps."""
        async with self.opened(tmp_path) as store:
            first = await store.accept([entry("m", "a"), entry("n", "b"), entry("m", "c")])
            assert first == [Accepted(1), Accepted(1), Accepted(2)]
            assert await store.accept([entry("m", "d")]) == [Accepted(3)]
            assert await store.accept([]) == []

    async def test_a_repeated_id_is_told_and_stores_nothing(self, tmp_path: Path) -> None:
        """Also inside one call, and in another mailbox: ids are unique in the store."""
        async with self.opened(tmp_path) as store:
            assert await store.accept([entry("m", "a"), entry("m", "a")]) == [Accepted(1), Repeated(False)]
            assert await store.accept([entry("n", "a", payload=b"other")]) == [Repeated(False)]
            assert [waiting.payload for waiting in (await store.load(M)).waiting] == [b"input"]
            assert (await store.load(MailboxId("n"))).seq == 0

    async def test_a_repeated_id_tells_whether_it_was_consumed(self, tmp_path: Path) -> None:
        """`Repeated.consumed` follows the entry."""
        async with self.opened(tmp_path) as store:
            await store.accept([entry("m", "a"), entry("m", "b")])
            await store.commit([replace(commit(), consumed=(1,))])
            assert await store.accept([entry("m", "a"), entry("m", "b")]) == [Repeated(True), Repeated(False)]

    async def test_accepted_entries_are_loaded_as_they_came(self, tmp_path: Path) -> None:
        """Everything of an entry is kept, by sequence."""
        async with self.opened(tmp_path) as store:
            given = [entry("m", "b", at=7, payload=b"\x00\xff"), entry("m", "a", at=3, payload=b"")]
            await store.accept(given)
            mailbox = await store.load(M)
            assert list(mailbox.waiting) == [replace(given[0], seq=1), replace(given[1], seq=2)]
            assert mailbox.seq == 2

    async def test_of_many_acceptances_of_one_id_one_wins(self, tmp_path: Path) -> None:
        """Under concurrency, and from several processes."""
        async with self.opened(tmp_path) as store, self.another(store, tmp_path) as other:
            calls = [(store, other)[number % 2].accept([entry("m", "same")]) for number in range(20)]
            outcomes = [outcome for (outcome,) in await asyncio.gather(*calls)]
            assert outcomes.count(Accepted(1)) == 1
            assert outcomes.count(Repeated(False)) == 19

    async def test_concurrent_acceptances_share_one_order(self, tmp_path: Path) -> None:
        """No sequence is given twice or left out."""
        async with self.opened(tmp_path) as store, self.another(store, tmp_path) as other:
            calls = [(store, other)[number % 2].accept([entry("m", f"id{number}")]) for number in range(40)]
            places = [outcome.seq for (outcome,) in await asyncio.gather(*calls) if isinstance(outcome, Accepted)]
            assert sorted(places) == list(range(1, 41))

    async def test_another_process_may_accept_without_owning_anything(self, tmp_path: Path) -> None:
        """What it accepted is the owner's to see."""
        async with self.opened(tmp_path) as store, self.another(store, tmp_path) as other:
            assert await other.accept([entry("m", "a")]) == [Accepted(1)]
            assert await store.seen(InputId("a"))
            assert [waiting.id for waiting in (await store.load(M)).waiting] == ["a"]

    async def test_known_ids_are_seen(self, tmp_path: Path) -> None:
        """Accepted, received in a commit, forwarded: all are known."""
        async with self.opened(tmp_path) as store:
            await store.accept([entry("m", "a")])
            await store.commit([replace(commit(received=[entry("m", "b", seq=2)]), forwards=(entry("n", "c"),))])
            assert [await store.seen(InputId(id)) for id in ("a", "b", "c", "d", "")] == [
                True,
                True,
                True,
                False,
                False,
            ]

    async def test_attempts_are_counted_durably(self, tmp_path: Path) -> None:
        """Only of the entries named; unknown ones do no harm."""
        async with self.opened(tmp_path) as store:
            await store.accept([entry("m", "a"), entry("m", "b")])
            await store.retake(M, [1, 99])
            await store.retake(M, [1])
            again = await self.reopened(store, tmp_path)
            assert [waiting.attempts for waiting in (await again.load(M)).waiting] == [2, 0]
            await again.close()

    async def test_purge_takes_only_what_is_old_and_consumed(self, tmp_path: Path) -> None:
        """And forgets its id, so that the window of deduplication ends."""
        async with self.opened(tmp_path) as store:
            await store.accept([entry("m", "old", at=1), entry("m", "waits", at=2), entry("m", "new", at=10)])
            await store.accept([entry("m", "last", at=1)])
            await store.commit([replace(commit(), consumed=(1, 3, 4))])
            assert await store.purge(10, 100) == 1
            known = [await store.seen(InputId(id)) for id in ("old", "waits", "new", "last")]
            assert known == [False, True, True, True]

    async def test_purge_leaves_the_last_of_a_mailbox(self, tmp_path: Path) -> None:
        """So that sequences go on where they were."""
        async with self.opened(tmp_path) as store:
            await store.accept([entry("m", str(number)) for number in range(5)])
            await store.commit([replace(commit(), consumed=(1, 2, 3, 4, 5))])
            assert await store.purge(100, 100) == 4
            assert (await store.load(M)).seq == 5
            assert await store.accept([entry("m", "next")]) == [Accepted(6)]

    async def test_purge_is_bounded(self, tmp_path: Path) -> None:
        """It deletes at most `limit`, and the next call the rest."""
        async with self.opened(tmp_path) as store:
            for mailbox in ("m", "n", "o"):
                await store.accept([entry(mailbox, f"{mailbox}{number}") for number in range(4)])
                await store.commit([replace(commit(mailbox), consumed=(1, 2, 3, 4))])
            assert [await store.purge(100, 4) for _ in range(4)] == [4, 4, 1, 0]
            assert await store.purge(100, 0) == 0
