"""Ownership: who holds which partition, and what an owner of yesterday may still do."""

from __future__ import annotations

import asyncio
from pathlib import Path

from turnflow.ports import Lease, Store
from turnflow.testing.store_promises.subject import LONG, StoreUnderTest, commit, entry, reasons

SHORT = 60
"""Milliseconds of a lease that runs out during the test."""


async def run_out() -> None:
    """Wait until a short lease is over, by any clock."""
    await asyncio.sleep(SHORT * 2 / 1000)


class LeasePromises(StoreUnderTest):
    """What holds for partitions."""

    async def fresh(self, tmp_path: Path) -> Store:
        """Return an open store in which nobody holds anything."""
        store = await self.make_store(tmp_path)
        await store.open()
        return store

    async def test_a_free_partition_is_taken(self, tmp_path: Path) -> None:
        """With an epoch that no one had before."""
        store = await self.fresh(tmp_path)
        assert await store.acquire("a", [3, 1], LONG) == [Lease(3, 1, False), Lease(1, 1, False)]
        await store.close()

    async def test_a_held_partition_is_not_taken(self, tmp_path: Path) -> None:
        """Others are, in the same call."""
        store = await self.fresh(tmp_path)
        await store.acquire("a", [1], LONG)
        assert [lease.partition for lease in await store.acquire("b", [0, 1, 2], LONG)] == [0, 2]
        assert await store.renew("a", LONG) == [1]
        await store.close()

    async def test_the_holder_may_take_it_again(self, tmp_path: Path) -> None:
        """That is no change of hands: the epoch stays, and nothing was unclean."""
        store = await self.fresh(tmp_path)
        first = await store.acquire("a", [1], LONG)
        assert await store.acquire("a", [1], LONG) == first
        await store.close()

    async def test_a_released_partition_changes_hands_cleanly(self, tmp_path: Path) -> None:
        """Only the holder's own are released."""
        store = await self.fresh(tmp_path)
        await store.acquire("a", [1], LONG)
        await store.acquire("b", [2], LONG)
        await store.release("a")
        assert await store.acquire("c", [1, 2], LONG) == [Lease(1, 2, False)]
        await store.close()

    async def test_an_expired_partition_changes_hands_uncleanly(self, tmp_path: Path) -> None:
        """The next holder learns that the one before did not release it."""
        store = await self.fresh(tmp_path)
        await store.acquire("a", [1], SHORT)
        await run_out()
        assert await store.acquire("b", [1], LONG) == [Lease(1, 2, True)]
        assert await store.renew("a", LONG) == []
        await store.close()

    async def test_a_renewed_lease_does_not_run_out(self, tmp_path: Path) -> None:
        """All leases of a holder are renewed together."""
        store = await self.fresh(tmp_path)
        await store.acquire("a", [1, 2], SHORT)
        assert sorted(await store.renew("a", LONG)) == [1, 2]
        await run_out()
        assert await store.acquire("b", [1, 2], LONG) == []
        await store.close()

    async def test_one_of_many_takers_wins_each_partition(self, tmp_path: Path) -> None:
        """Under concurrency, and from several processes."""
        store = await self.fresh(tmp_path)
        async with self.another(store, tmp_path) as other:
            takers = [(store, other)[number % 2].acquire(f"h{number}", range(8), LONG) for number in range(10)]
            taken = [lease.partition for leases in await asyncio.gather(*takers) for lease in leases]
        assert sorted(taken) == list(range(8))
        await store.close()

    async def test_a_former_owner_commits_nothing(self, tmp_path: Path) -> None:
        """Its epoch is over, whatever else holds."""
        store = await self.fresh(tmp_path)
        first = commit("m", received=[entry("m", "a", seq=1)])
        await store.acquire("a", [first.partition], SHORT)
        await run_out()
        await store.acquire("b", [first.partition], LONG)
        assert reasons(await store.commit([first])) == ["epoch"]
        assert (await store.load(first.mailbox)).seq == 0
        assert reasons(await store.commit([commit("m", epoch=2, received=[entry("m", "a", seq=1)])])) == [""]
        await store.close()

    async def test_a_partition_that_nobody_took_takes_no_commits(self, tmp_path: Path) -> None:
        """Whatever epoch they claim."""
        store = await self.fresh(tmp_path)
        claims = [commit("m", epoch=epoch, received=[entry("m", "a", seq=1)]) for epoch in (0, 1)]
        assert reasons(await store.commit(claims)) == ["epoch", "epoch"]
        await store.close()

    async def test_epochs_and_holders_outlive_a_restart(self, tmp_path: Path) -> None:
        """Otherwise a former owner could come back to its old epoch."""
        store = await self.fresh(tmp_path)
        await store.acquire("a", [1], SHORT)
        again = await self.reopened(store, tmp_path)
        await run_out()
        assert await again.acquire("b", [1], LONG) == [Lease(1, 2, True)]
        await again.release("b")
        last = await self.reopened(again, tmp_path)
        assert await last.acquire("c", [1], LONG) == [Lease(1, 3, False)]
        await last.close()
