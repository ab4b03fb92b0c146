"""An engine with flow graphs that wait for events, and a clock that stands still."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from msgspec import json

from turnflow import Engine, Registry, open_engine
from turnflow.core.definition import Trigger
from turnflow.core.ids import Json
from turnflow.core.state import Ending
from turnflow.declarative import load_flow
from turnflow.engine import Process
from turnflow.ports import EventRecord, RunQuery, RunRecord, Store, SubscriptionRecord
from turnflow.testing.clock import FakeClock
from turnflow.testing.invariants import check, definitions_of


class Post:
    """An engine that events are published on."""

    def __init__(self, engine: Engine, clock: FakeClock) -> None:
        self.engine = engine
        self.clock = clock

    @property
    def store(self) -> Store:
        """What the engine keeps things in."""
        inside: Process = self.engine._process
        return inside.store

    async def start(self, flow: str, **data: Json) -> str:
        """Start a run and wait until it stands still."""
        run = await self.engine.start(flow, data)
        await self.rest()
        return run

    async def publish(self, topic: str, data: Json = None, *, key: str = "", id: str | None = None) -> None:
        """Publish an event and wait until it has been handed over."""
        await self.engine.publish(topic, data, key=key, id=id)
        await self.rest()

    async def rest(self) -> None:
        """Wait until nothing is going on, actions included."""
        inside: Process = self.engine._process
        quiet = 0
        while quiet < 3:
            inside.committer.flush()
            await asyncio.sleep(0.002 if len(inside.works) else 0)
            quiet = quiet + 1 if inside.is_idle and not len(inside.works) else 0

    async def passes(self, *, hours: float = 0, minutes: float = 0) -> None:
        """Let time go by."""
        self.clock.advance(hours=hours, minutes=minutes)
        for _ in range(10):  # whoever slept wakes up, one after the other
            await asyncio.sleep(0)
        await self.rest()

    async def status(self, run: str) -> str:
        """Return the status of a run."""
        return (await self.engine.inspect(run)).status

    async def result(self, run: str) -> Json:
        """Return what a run came to; it has ended."""
        state = await self.engine.inspect(run)
        ending: Ending | None = state.ending
        assert state.status == "completed", (state.status, ending)
        assert ending is not None
        return None if ending.result is None else json.decode(ending.result)

    async def runs(self, flow: str) -> list[RunRecord]:
        """Return the runs of a flow."""
        return [row for row in await self.store.find(RunQuery()) if row.flow == flow]

    async def waiting(self, topic: str, key: str = "") -> list[SubscriptionRecord]:
        """Return who waits for an event."""
        return await self.store.subscribers(topic, key)

    async def events(self, pattern: str = "**") -> list[EventRecord]:
        """Return the events there were."""
        return await self.store.events(pattern, "", 0, 1000)


def registry_of(*documents: str, triggers: dict[str, Trigger] | None = None) -> Registry:
    """Return a registry of flow documents, all callable; `triggers` by the name of the flow."""
    registry = Registry()
    for text in documents:
        graph = load_flow(text, name="flow.yaml")
        extra = (triggers or {}).get(graph.flow.name)
        on = (*graph.triggers, extra) if extra is not None else graph.triggers
        registry.register(graph, on=on, callable=True)
    return registry


@asynccontextmanager
async def posting(registry: Registry, store: str | Store, clock: FakeClock | None = None) -> AsyncIterator[Post]:
    """Open an engine on a store, and hold that against all guarantees at the end."""
    clock = clock or FakeClock()
    async with open_engine(registry, store=store, clock=clock) as engine:
        post = Post(engine, clock)
        yield post
        await post.rest()
        await check(post.store, definitions_of(registry))
