"""An engine with a person in front of it, a clock that stands still and a channel that remembers; checked when it closes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

from tests.faults.driving import settled
from tests.faults.ledger import Ledger
from turnflow import Button, Engine, Input, Registry, open_engine
from turnflow.core.ids import ConversationId, InputId, RunId, UserId
from turnflow.core.inputs import typed
from turnflow.core.state import RunState
from turnflow.engine import Process
from turnflow.engine.crash import Crash
from turnflow.ports import Clock, Delivery, Handled, Inbound, RunQuery, Store
from turnflow.stores import MemoryStore, open_store
from turnflow.testing.bot import RecordedBot
from turnflow.testing.clock import FakeClock
from turnflow.testing.findings import Report, Witness
from turnflow.testing.invariants import check, definitions_of


class House:
    """One engine, open."""

    def __init__(self, engine: Engine, store: Store, clock: Clock, bot: RecordedBot, registry: Registry) -> None:
        self.engine = engine
        self.store = store
        self.clock = clock
        self.bot = bot
        self.registry = registry
        self.consumed: list[str] = []
        self._ids = 0

    @property
    def process(self) -> Process:
        """The inside of the engine."""
        return self.engine._process

    def next_id(self) -> str:
        self._ids += 1
        return f"{id(self):x}.{self._ids}"

    def text(self, text: str, *, by: str = "ann", chat: str = "1", id: str = "") -> Inbound:
        return Inbound(ConversationId(f"t:{chat}"), typed(text, id=id or self.next_id(), sender=by, at=0))

    def press(self, label: str, *, by: str = "ann", chat: str = "1", id: str = "", nth: int = 1) -> Inbound:
        place = ConversationId(f"t:{chat}")
        button = self.bot.button(place, label, nth)
        return self.press_on(button, by=by, chat=chat, id=id)

    def press_on(self, button: Button, *, by: str = "ann", chat: str = "1", id: str = "") -> Inbound:
        input = Input(InputId(id or self.next_id()), "press", UserId(by), ref=button.ref)
        return Inbound(ConversationId(f"t:{chat}"), input)

    async def send(
        self, inbound: Inbound, *, rest: bool = True, door: Literal["deliver", "accept"] = "deliver"
    ) -> Delivery:
        """Hand an input in, and wait until nothing is going on any more."""
        delivery = await (self.engine.deliver if door == "deliver" else self.engine.accept)(inbound)
        self.note(inbound, delivery)
        if rest:
            await self.rest()
        return delivery

    def note(self, inbound: Inbound, delivery: Delivery) -> None:
        """Remember what was acknowledged."""
        if isinstance(delivery, Handled) and delivery.runs and not delivery.refused and inbound.input.kind != "command":
            self.consumed.append(inbound.input.id)

    async def say(self, text: str, *, by: str = "ann", chat: str = "1", id: str = "") -> Delivery:
        return await self.send(self.text(text, by=by, chat=chat, id=id))

    async def rest(self) -> None:
        await settled(self.engine)

    async def wait(self, **passed: float) -> None:
        """Let time pass: `wait(minutes=10)`."""
        move(self, **passed)
        for _ in range(10):
            await asyncio.sleep(0)
        await self.rest()

    async def wait_polls(self, times: int = 3) -> None:
        """Let the engine look into the store a few times, without waiting for slow handlers."""
        for _ in range(times):
            move(self, seconds=0.5)
            for _ in range(20):
                await asyncio.sleep(0)
            await settled(self.engine, hurry=True)

    def texts(self, chat: str = "1") -> list[str]:
        """What a person read, as text."""
        return [reply.message.text for reply in self.bot.replies(ConversationId(f"t:{chat}"))]

    async def runs(self, flow: str = "") -> list[RunState]:
        rows = await self.store.find(RunQuery(limit=100_000))
        return [await self.engine.inspect(row.run) for row in rows if flow in ("", row.flow)]

    async def run(self, flow: str = "") -> RunState:
        """Return the only run (of a flow)."""
        (state,) = await self.runs(flow)
        return state

    async def verify(
        self,
        *deployed: Registry,
        sent_is_all: bool = True,
        at_rest: bool = True,
        damaged: Collection[RunId] = (),
        kept: Collection[str] = (),
    ) -> Report:
        """Check all invariants. `deployed`: other registries that were deployed before this one."""
        witness = Witness(
            sent=self.bot.sent, sent_is_all=sent_is_all, consumed=self.consumed, acknowledged=self.consumed,
            at_rest=at_rest, now=self.clock.now() if at_rest else None, damaged=damaged, kept=kept,
        )  # fmt: skip
        return await check(self.store, definitions_of(*deployed, self.registry), witness)


@asynccontextmanager
async def house(
    registry: Registry,
    store: Store | None = None,
    *,
    clock: Clock | None = None,
    bot: RecordedBot | None = None,
    ledger: Path | None = None,
    resources: Iterable[object] = (),
    crash: Crash | None = None,
    hot_limit: int = 10_000,
    hurry: bool = False,
) -> AsyncIterator[House]:
    """Open an engine. Store, clock and bot may be those of an earlier house: then it is a restart.

    With `hurry` slow handlers that are made again are not waited for.
    """
    store = store or MemoryStore()
    clock = clock or FakeClock()
    bot = bot or RecordedBot("t:")
    given = [*resources, *([Ledger(ledger)] if ledger is not None else [])]
    opening = open_engine(registry, store=store, clock=clock, resources=given, crash=crash, hot_limit=hot_limit)
    async with opening as engine:
        engine.connect(bot)
        await settled(engine, hurry=hurry)
        yield House(engine, store, clock, bot, registry)


def move(home: House, **passed: float) -> None:
    """Move the clock without waiting for what that leads to."""
    assert isinstance(home.clock, FakeClock)
    home.clock.advance(**passed)


def stores(tmp_path: Path) -> dict[str, Store]:
    """One of each store."""
    return {"memory": MemoryStore(), "sqlite": open_store(f"sqlite:///{tmp_path}/turns.db")}
