"""Durable steps per second: flow graphs of ten actions one after another, and fan-outs of 100 and of 10,000.

Every step is durable by itself (SQLite, synchronous=FULL): the commit that keeps one result begins the next step. The raw limit
is the same as for turns: four rows in one transaction, alone and 64 together.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

from bench import raw
from bench.report import Row, report
from turnflow import Registry, open_engine
from turnflow.actions import action
from turnflow.declarative import load_flow

ROUNDS = 3
STEPS = 10
CHAIN = "\n".join(
    ["flow: chain", "start: s0", "steps:"]
    + [f"  s{n}: {{action: nothing, input: {{}}, outputs: [{{to: s{n + 1}}}]}}" for n in range(STEPS - 1)]
    + [f"  s{STEPS - 1}: {{action: nothing, input: {{}}}}"]
)
FAN = """
flow: fan
start: each
steps:
  work: {action: nothing, input: {item: "${item}"}}
groups:
  each: {kind: loop, over: "${input.items}", steps: [work], limit: 16, maxIterations: 100000}
"""


@action(name="nothing")
async def nothing(given: dict[str, int]) -> dict[str, int]:
    """Do nothing."""
    return given


def make_registry() -> Registry:
    """Return the two flows and their action."""
    registry = Registry()
    registry.register_callable(load_flow(CHAIN, name="chain"))
    registry.register_callable(load_flow(FAN, name="fan"))
    registry.register_action(nothing)
    return registry


async def chains(url: str, runs: int, at_once: int) -> tuple[float, float]:
    """Return steps per second and CPU microseconds per step."""
    async with open_engine(make_registry(), store=url) as engine:
        left = iter(range(runs))

        async def some() -> None:
            for _ in left:
                await engine.call("chain", {})

        began, used = time.perf_counter(), time.process_time()
        await asyncio.gather(*(some() for _ in range(at_once)))
        seconds, cpu = time.perf_counter() - began, time.process_time() - used
    return runs * STEPS / seconds, cpu / (runs * STEPS) * 1e6


async def fan(url: str, items: int) -> float:
    """Return microseconds per item of one fan-out."""
    async with open_engine(make_registry(), store=url) as engine:
        began = time.perf_counter()
        await engine.call("fan", {"items": list(range(items))})
        return (time.perf_counter() - began) / items * 1e6


def main() -> None:
    """Interleave rounds of every case with rounds of the raw limit and report medians."""
    scale = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for at_once, runs in ((64, int(1000 * scale)), (1, int(200 * scale))):
            found: list[tuple[float, float]] = []
            limits: list[float] = []
            for round in range(ROUNDS):
                limits.append(raw.measure(Path(folder, f"raw{round}-{at_once}.db"), at_once, runs * STEPS))
                url = f"sqlite:///{folder}/ours{round}-{at_once}.db"
                found.append(asyncio.run(chains(url, runs, at_once)))
            rate, cpu = (statistics.median(column) for column in zip(*found, strict=True))
            rows.append(Row(f"chains of {STEPS}, {at_once} at once", rate, "steps/s", statistics.median(limits)))
            rows.append(Row(f"chains of {STEPS}, {at_once} at once: CPU", cpu, "us/step"))
        small = [asyncio.run(fan(f"sqlite:///{folder}/small{round}.db", 100)) for round in range(ROUNDS)]
        large = asyncio.run(fan(f"sqlite:///{folder}/large.db", int(10_000 * scale)))
        rows.append(Row(f"fan-out of {int(10_000 * scale):,}: an item", large, "us", statistics.median(small)))
    report("steps", rows)
    print(
        "raw of the fan-out: an item of one of 100; up to 200% the cost of a fan-out grows with its items, and no faster"
    )


if __name__ == "__main__":
    main()
