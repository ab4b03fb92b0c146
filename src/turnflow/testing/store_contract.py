"""The promises of `Store` in executable form; ship your own store with it.

    class TestMine(StoreContract):
        async def make_store(self, tmp_path):
            return MyStore(tmp_path / "data")

The tests are coroutines: run them with pytest-asyncio in auto mode. `persists = False` is for a store that lives in memory only.
No test knows which store it has in hand.
"""

from __future__ import annotations

from turnflow.testing.store_promises import (
    CommitPromises,
    EventPromises,
    GuardPromises,
    InboxPromises,
    LeasePromises,
    ReadingPromises,
    ValuePromises,
)


class StoreContract(
    InboxPromises, CommitPromises, GuardPromises, LeasePromises, ReadingPromises, ValuePromises, EventPromises
):
    """Every promise of `Store`, one test each. Subclass it under a name that begins with `Test` and write `make_store`."""
