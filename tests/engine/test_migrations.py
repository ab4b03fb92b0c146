"""A migration that fails keeps the run, and nobody else waits for it."""

from __future__ import annotations

import asyncio

from tests.engine.talk import make_flow, make_registry
from tests.faults.house import house
from turnflow.core.ids import Json
from turnflow.stores import MemoryStore


async def test_a_run_whose_migration_raises_is_blocked_with_the_reason_until_a_better_one_comes() -> None:
    store = MemoryStore()
    async with house(make_registry(), store) as home:
        await home.say("/start")
    broken = make_flow(version=2)

    @broken.migrate(1, 2)
    def lose(data: dict[str, Json]) -> dict[str, Json]:
        raise KeyError("nickname")

    async with house(make_registry(broken), store) as home:
        await asyncio.wait_for(home.say("hello"), 3)
        state = await home.run()
        assert state.status == "blocked"
        assert "KeyError: 'nickname'" in state.reason
    better = make_flow(version=2)

    @better.migrate(1, 2)
    def keep(data: dict[str, Json]) -> dict[str, Json]:
        return data

    async with house(make_registry(better), store) as home:
        state = await home.run()
        assert (state.status, state.version, state.cursors[0].step) == ("waiting", 2, "second")
