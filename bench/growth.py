"""Whether a turn gets dearer as the journal of its run gets longer: one endless flow, its first turns beside its last."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from enum import StrEnum

from bench import flow
from bench.report import Row, report
from turnflow import Directive, Engine, Flow, Registry, Turn, command, open_engine

CONVERSATIONS = 64
BATCH = 50


class Step(StrEnum):
    COUNT = "count"


def make_registry() -> Registry:
    """Return a flow that counts what it is told, for ever."""
    endless: Flow[Step, None] = Flow("endless", steps=Step)

    @endless.step(Step.COUNT, ask="And now?")
    async def count(turn: Turn[Step, None], answer: str) -> Directive:
        return turn.repeat()

    registry = Registry()
    registry.register(endless, on=[command("start")])
    return registry


async def batch(engine: Engine, first: int) -> float:
    """Return turns per second of one batch of turns in every conversation."""

    async def one(conversation: int) -> None:
        for number in range(first, first + BATCH):
            await engine.deliver(flow.inbound(conversation, number, "/start" if number == 0 else "more"))

    began = time.perf_counter()
    await asyncio.gather(*map(one, range(CONVERSATIONS)))
    return CONVERSATIONS * BATCH / (time.perf_counter() - began)


async def measure(url: str, batches: int) -> list[float]:
    """Return the rate of every batch."""
    async with open_engine(make_registry(), store=url) as engine:
        engine.connect(flow.Drain())
        return [await batch(engine, number * BATCH) for number in range(batches)]


def main() -> None:
    """Compare the best of the first and of the last batches."""
    batches = int(20 * (float(sys.argv[1]) if len(sys.argv) > 1 else 1.0))
    with tempfile.TemporaryDirectory() as folder:
        rates = asyncio.run(measure(f"sqlite:///{folder}/growth.db", max(10, batches)))
    part = max(3, len(rates) // 4)
    journal = len(rates) * BATCH
    report(
        "growth",
        [Row(f"turns with {journal} entries in the journal", max(rates[-part:]), "turns/s", max(rates[:part]))],
    )
    print(
        "raw: the first turns of the same runs; a ratio near 100% means that the length of the journal does not matter"
    )


if __name__ == "__main__":
    main()
