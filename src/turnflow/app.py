"""The composition root: puts an engine together from a registry and concrete parts named by URL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager

from turnflow.engine import Engine, Process, Registry, SystemClock, Texts
from turnflow.engine.crash import Crash
from turnflow.ports import Clock, Store
from turnflow.stores import open_store


@asynccontextmanager
async def open_engine(
    registry: Registry,
    *,
    store: str | Store = "sqlite:///turnflow.db",
    roles: Mapping[str, Collection[str]] | None = None,
    resources: Iterable[object] = (),
    texts: Texts | None = None,
    cancel_command: str = "cancel",
    clock: Clock | None = None,
    hot_limit: int = 10_000,
    schedules: bool = True,
    crash: Crash | None = None,
) -> AsyncIterator[Engine]:
    """Run an engine for as long as the context lasts.

    store: a URL (`sqlite:///bot.db`, `memory://`) or a store of your own. roles: who is what, for instance
    `{"operator": ["web:1f..."]}`. resources: objects that handlers receive by the type of their arguments. texts: the
    engine's own words. cancel_command: the command that ends a conversation, without its slash. hot_limit: most
    conversations kept in memory. schedules: False leaves all schedules of the store alone, for an engine that is only there for a
    task or two and may not know the flows of the others. crash: called at named points, for tests of durability.

    Raises `MissingResource`, `BadStoreUrl`, `NewerSchema`, `StoreUnavailable`.
    """
    opened = open_store(store, crash=crash) if isinstance(store, str) else store
    process = Process(
        registry,
        opened,
        clock or SystemClock(),
        roles=roles or {},
        resources={type(resource): resource for resource in resources},
        texts=texts or Texts(),
        cancel_command=cancel_command,
        hot_limit=hot_limit,
        schedules=schedules,
        crash=crash,
    )
    async with process:
        yield Engine(process)
