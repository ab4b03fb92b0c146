"""What waiting costs: memory per 10,000 waiting runs, start-up with 100,000 of them, and a turn among them."""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import flow
from bench.report import Row, report
from turnflow import Engine, open_engine

GROUP = 200
"""Conversations started at once."""


async def fill(engine: Engine, first: int, count: int) -> None:
    """Leave that many conversations waiting for an answer to their second question."""
    for start in range(first, first + count, GROUP):
        numbers = range(start, min(start + GROUP, first + count))
        for line in (0, 1):
            await asyncio.gather(*(engine.deliver(flow.inbound(n, line, flow.LINES[line])) for n in numbers))
    await engine.settled()


async def _memory(folder: str) -> float:
    """Return MB of resident memory that 10,000 hot waiting runs add."""
    async with open_engine(flow.make_registry(), store=f"sqlite:///{folder}/memory.db", hot_limit=50_000) as engine:
        engine.connect(flow.Drain())
        await fill(engine, 0, 2_000)  # what is paid once: caches, code, allocator
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        await fill(engine, 2_000, 10_000)
        return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


async def _prepare(url: str, count: int) -> None:
    async with open_engine(flow.make_registry(), store=url, hot_limit=1_000) as engine:
        engine.connect(flow.Drain())
        for start in range(0, count, 10_000):
            await fill(engine, start, min(10_000, count - start))
            print(f"  {min(start + 10_000, count):,} of {count:,} runs are waiting", file=sys.stderr)


async def _start(url: str, conversation: int) -> tuple[float, float]:
    """Return milliseconds until an engine is open, and of the first turn in it."""
    began = time.perf_counter()
    async with open_engine(flow.make_registry(), store=url) as engine:
        opened = time.perf_counter()
        await engine.deliver(flow.inbound(conversation, 2, flow.LINES[2]))
        answered = time.perf_counter()
        return (opened - began) * 1e3, (answered - opened) * 1e3


async def _rate(url: str, first: int, count: int) -> float:
    """Return turns per second of conversations that have to be loaded first, 64 at once."""
    async with open_engine(flow.make_registry(), store=url) as engine:
        engine.connect(flow.Drain())
        began = time.perf_counter()
        for start in range(first, first + count, 64):
            numbers = range(start, start + 64)
            await asyncio.gather(*(engine.deliver(flow.inbound(n, 2, flow.LINES[2])) for n in numbers))
        return count / (time.perf_counter() - began)


def main() -> None:
    """Measure, each case in a process or database of its own, and report."""
    if sys.argv[1:2] == ["memory"]:
        print(asyncio.run(_memory(sys.argv[2])))
        return
    scale = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    many = int(100_000 * scale)
    with tempfile.TemporaryDirectory() as folder:
        child = [sys.executable, "-m", "bench.waiting", "memory", folder]
        megabytes = float(subprocess.run(child, check=True, capture_output=True, text=True).stdout)
        few_url, many_url = (f"sqlite:///{Path(folder, name)}" for name in ("few.db", "many.db"))
        asyncio.run(_prepare(few_url, 2_000))
        asyncio.run(_prepare(many_url, many))
        few = [asyncio.run(_start(few_url, number)) for number in range(5)]
        lots = [asyncio.run(_start(many_url, number)) for number in range(5)]
        few_rate = asyncio.run(_rate(few_url, 100, 1_280))
        many_rate = asyncio.run(_rate(many_url, 100, 1_280))
    middle = len(few) // 2
    report(
        "waiting",
        [
            Row("memory of 10,000 hot waiting runs", megabytes, "MB"),
            Row(f"start-up with {many:,} waiting runs", sorted(lots)[middle][0], "ms", sorted(few)[middle][0]),
            Row(
                f"first turn among {many:,}",
                sorted(turn for _, turn in lots)[middle],
                "ms",
                sorted(t for _, t in few)[middle],
            ),
            Row(f"cold turns among {many:,}", many_rate, "turns/s", few_rate),
        ],
    )
    print(
        "raw: the same with 2,000 waiting runs; a ratio near 100% means that the number of waiting runs does not matter"
    )


if __name__ == "__main__":
    main()
