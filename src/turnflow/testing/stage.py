"""The stage of a rehearsal: one store, and one engine after the other on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Self, TypeAlias, TypeVar

from turnflow.core.definition import Trigger
from turnflow.engine import Process, Registry
from turnflow.engine.crash import Crash
from turnflow.engine.registry import Buildable
from turnflow.errors import StoreUnavailable
from turnflow.ports import Store
from turnflow.stores import open_store
from turnflow.testing.life import Crashed, Fuse, Life

T = TypeVar("T")
StoreMaker: TypeAlias = Callable[[Crash], Store]
"""Makes a store and is handed what the store calls at its crash points."""


class Stage:
    """Opens engines on a store, replaces those that crash, and carries what is to be done through crashes.

    process: makes an engine for a store. opened: told of every engine that opens.
    """

    def __init__(
        self,
        store: str | Store | StoreMaker,
        process: Callable[[Store, Crash], Process],
        opened: Callable[[Life], None],
    ) -> None:
        self.fuse = Fuse()
        self.lives: list[Life] = []
        """Every engine so far; the last one is the present one."""
        if isinstance(store, str):
            self.store = open_store(store, crash=self._reach)
        else:
            self.store = store(self._reach) if callable(store) else store
        self._process = process
        self._opened = opened

    async def __aenter__(self) -> Self:
        self._tasks = asyncio.TaskGroup()
        await self._tasks.__aenter__()
        try:
            await self.open()
        except BaseException:
            await self._tasks.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.fuse.disarm()
        try:
            await self.life.stop()
        except BaseException:
            if error is None:
                raise
        finally:
            await self._tasks.__aexit__(None, None, None)

    @property
    def life(self) -> Life:
        """The present engine's."""
        return self.lives[-1]

    async def open(self) -> None:
        """Open a new engine, and another one if that crashes."""
        while True:
            life = Life(lambda crash: self._process(self.store, crash), self.fuse, self._tasks)
            self.lives.append(life)
            self._tasks.create_task(life.run())
            try:
                await life.open()
            except Crashed:
                await self._bury()
            else:
                return self._opened(life)

    async def reopen(self, meanwhile: Callable[[], None]) -> None:
        """Stop the engine in an orderly way, let something happen while there is none, and open a new one."""
        try:
            await self.life.stop()
        except Crashed:
            await self._bury()
        meanwhile()
        await self.open()

    async def through(self, work: Callable[[Life], Coroutine[object, object, T]]) -> T:
        """Do something again and again until no crash comes in between."""
        while True:
            life = self.life
            try:
                return await life.during(work(life))
            except Crashed:
                await self._bury()
                await self.open()

    async def _bury(self) -> None:
        """Let the leases of the dead engine run out, as time would."""
        with suppress(StoreUnavailable):  # it may have died before the store was open
            await self.store.renew(self.life.process.leases.holder, 0)

    def _reach(self, point: str) -> None:
        if self.lives:
            self.life.reach(point)


def registry_of(flows: Registry | Buildable) -> Registry:
    """Return a registry; one flow alone starts on `/start` and may be called."""
    if isinstance(flows, Registry):
        return flows
    registry = Registry()
    registry.register(flows, on=[Trigger("command", "start")], callable=True)
    return registry
