"""Turns per second and their latency, on memory and on SQLite, beside the raw limit of the same run."""

from __future__ import annotations

import asyncio
import gc
import statistics
import sys
import tempfile
import time
from pathlib import Path

from bench import flow, raw
from bench.report import Row, report
from turnflow import Engine, open_engine

ROUNDS = 3


async def converse(engine: Engine, conversation: int, turns: int, times: list[float]) -> None:
    """Hold one conversation, flow after flow, for a number of turns."""
    for number in range(turns):
        sent = flow.inbound(conversation, number, flow.LINES[number % len(flow.LINES)])
        started = time.perf_counter()
        await engine.deliver(sent)
        times.append(time.perf_counter() - started)


async def measure(store: str, conversations: int, turns: int) -> tuple[float, float, float, float]:
    """Return turns per second, p50 and p99 in milliseconds, CPU microseconds per turn."""
    async with open_engine(flow.make_registry(), store=store) as engine:
        engine.connect(flow.Drain())
        gc.freeze()  # as `turnflow serve` does
        times: list[float] = []
        share = turns // conversations
        started, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(converse(engine, number, share, times) for number in range(conversations)))
        seconds, used = time.perf_counter() - started, time.process_time() - cpu
        await engine.settled()
    times.sort()
    done = len(times)
    return done / seconds, times[done // 2] * 1e3, times[int(done * 0.99)] * 1e3, used / done * 1e6


def main() -> None:
    """Interleave rounds of every case with rounds of the raw limit and report medians."""
    scale = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    cases = [("memory", 64, int(20_000 * scale)), ("memory", 1, int(5_000 * scale))]
    cases += [("sqlite FULL", 64, int(20_000 * scale)), ("sqlite FULL", 1, int(2_500 * scale))]
    found: dict[tuple[str, int], list[tuple[float, float, float, float]]] = {}
    limits: dict[int, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for round in range(ROUNDS):
            for store, conversations, turns in cases:
                url = "memory://"
                if store != "memory":
                    limit = raw.measure(Path(folder, f"raw{round}-{conversations}.db"), conversations, turns)
                    limits.setdefault(conversations, []).append(limit)
                    url = f"sqlite:///{folder}/ours{round}-{conversations}.db"
                found.setdefault((store, conversations), []).append(asyncio.run(measure(url, conversations, turns)))
    rows: list[Row] = []
    for (store, conversations), results in found.items():
        rate, p50, p99, cpu = (statistics.median(column) for column in zip(*results, strict=True))
        limit = statistics.median(limits[conversations]) if store != "memory" else 0.0
        case = f"{store}, {conversations} at once"
        rows += [Row(case, rate, "turns/s", limit), Row(f"{case}: p50", p50, "ms"), Row(f"{case}: p99", p99, "ms")]
        rows.append(Row(f"{case}: CPU", cpu, "us/turn"))
    report("turns", rows)


if __name__ == "__main__":
    main()
