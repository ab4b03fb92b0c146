"""`turnflow run`: a flow file from its start to its end, watched."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from rich.console import Console

from turnflow.app import open_engine
from turnflow.cli.board import board_for
from turnflow.cli.flow_file import flow_registry
from turnflow.cli.json_words import json_object
from turnflow.cli.keeping import own_store
from turnflow.engine import Cursor, Engine, Task
from turnflow.engine.task import START


async def run(
    file: Path,
    *,
    store: str,
    input: str | None,
    params: str | None,
    key: str | None,
    watch: bool,
    actions: Sequence[str],
    secrets: Sequence[str],
) -> int:
    """Start a run of the flow in a file (or go on with the one of the same key), follow it, print its output.

    Returns 0, or 1 if it did not complete.
    """
    given, chosen = json_object("--input", input), json_object("--params", params)
    async with engine_for(file, store, actions, secrets) as (engine, flow):
        id = await engine.start(flow, given, params=chosen, key=key)
        return await follow(engine, id, file, store, watch=watch)


@asynccontextmanager
async def engine_for(
    file: Path, store: str, actions: Sequence[str], secrets: Sequence[str] = ()
) -> AsyncIterator[tuple[Engine, str]]:
    """Run an engine for a flow file, and name its flow. Raises `StoreInUse`, `InvalidFlow`, `CallerError`."""
    registry, flow = flow_registry(file, actions, secrets)
    async with open_engine(registry, store=own_store(store), schedules=False) as engine:
        yield engine, flow


async def follow(engine: Engine, id: str, file: Path, store: str, *, watch: bool = True, seen: Cursor = START) -> int:
    """Show a task until it has ended, line by line from behind `seen`; print its output; 0 if it completed, else 1."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(f"task {id}", markup=False)
    try:
        if watch:
            await _show(engine, id, console, seen)
        task = await engine.tasks.wait(id)
    except asyncio.CancelledError:
        lasting = engine.grade.survives_kill
        remedy = f"go on with: turnflow tasks resume {id} {file} --store {store}" if lasting else "it is gone"
        console.print(f"stopped; {remedy}", markup=False)
        raise
    return told(task, console)


def told(task: Task, console: Console) -> int:
    """Print what a task that has ended came to: its output on stdout, else why there is none; return the exit code."""
    if task.status == "completed":
        print(msgspec.json.format(msgspec.json.encode(task.output)).decode(), flush=True)
        return 0
    error = task.error
    why = f"step {error.step}, {error.code}: {error.message}" if error is not None else task.reason or "no reason given"
    why += f" (by {task.by})" if task.by else ""
    console.print(f"[bold red]{task.status}:[/]", end=" ")
    console.print(why, markup=False)
    return 1


async def _show(engine: Engine, id: str, console: Console, seen: Cursor) -> None:
    task = await engine.tasks.get(id)
    flow = await engine.tasks.definition(id)
    live = console.is_terminal and not console.is_dumb_terminal and sys.stdout.isatty()
    with board_for(console, f"{task.title}  {id}", flow, live=live) as board:
        async for change in engine.tasks.watch(id, START if live else seen):
            board.show(change)
