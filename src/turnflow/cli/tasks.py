"""`turnflow tasks`: look at the tasks of a store and tell them what to do, beside the process that runs them or without one."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple, cast, get_args

from rich.console import Console

from turnflow.cli.board import Lines
from turnflow.cli.keeping import shared_store
from turnflow.cli.run import engine_for, follow
from turnflow.cli.task_lines import as_json, print_list, print_task, print_tree
from turnflow.core.ids import RunId
from turnflow.core.state import Status
from turnflow.engine import Cursor, SystemClock, Tasks, cursor_of, tasks_beside
from turnflow.errors import CallerError, UnknownRun
from turnflow.ports import RunQuery
from turnflow.stores import SqliteStore

SHORTEST = 4
"""Characters of an id that are enough to name a task, if no other one begins with them."""
PATIENCE = 5.0
"""Seconds for which the process that runs the flows is waited for."""
LOOK = 0.05


class Beside(NamedTuple):
    """An open store of which other processes may run the flows."""

    tasks: Tasks
    store: SqliteStore

    @property
    def is_run(self) -> bool:
        """Some process runs flows on it now."""
        return bool(self.store.holders())


@asynccontextmanager
async def beside(url: str) -> AsyncIterator[Beside]:
    """Open a store to look at it. Raises `CallerError` if there is none."""
    store = shared_store(url)
    await store.open()
    try:
        yield Beside(tasks_beside(store, SystemClock()), store)
    finally:
        await store.close()


async def list_tasks(store: str, flow: str | None, status: Sequence[str], limit: int, *, json: bool) -> None:
    """Print the youngest tasks."""
    unknown = [word for word in status if word not in get_args(Status)]
    if unknown:
        raise CallerError(f"there is no status {unknown[0]!r}; there are: {', '.join(get_args(Status))}")
    async with beside(store) as opened:
        found = await opened.tasks.list(flow=flow, status=cast("Sequence[Status]", tuple(status)), limit=limit)
    if json:
        print(as_json(found))
    else:
        print_list(_console(), found)


async def show(store: str, id: str, *, json: bool) -> None:
    """Print all of a task."""
    async with beside(store) as opened:
        task = await opened.tasks.get(await named(opened, id))
    if json:
        print(as_json(task))
    else:
        print_task(_console(), task)


async def tree(store: str, id: str, *, json: bool) -> None:
    """Print the tree that a task belongs to."""
    async with beside(store) as opened:
        whole = await named(opened, id)
        node = await opened.tasks.tree(whole)
    if json:
        print(as_json(node))
    else:
        print_tree(_console(), node, whole)


async def watch(store: str, id: str, after: str) -> int:
    """Print the changes of a task behind a cursor until it ends; 0 if it completed, else 1."""
    cursor = cursor_of(after)
    async with beside(store) as opened:
        whole = await named(opened, id)
        lines = Lines(_console())
        try:
            async for change in opened.tasks.watch(whole, cursor):
                lines.show(change)
                cursor = change.cursor
        except asyncio.CancelledError:
            Console(stderr=True, highlight=False).print(f"go on with --after {cursor}", markup=False)
            raise
        return 0 if (await opened.tasks.get(whole)).status == "completed" else 1


async def order(store: str, id: str, word: str, step: str | None, who: str) -> None:
    """Tell a task what to do, and wait a moment for whoever runs it."""
    async with beside(store) as opened:
        whole = await named(opened, id)
        run = whole.partition("/")[0]
        before = (await opened.store.find(RunQuery(run=RunId(run))))[0].revision
        copy = await _give(opened.tasks, whole, word, step, who)
        if copy is not None:
            print(copy)
        if not opened.is_run:
            _console(stderr=True).print(
                "No process runs flows on this store now: it is done as soon as one does. Run one here by naming the flow's file:"
                f" turnflow tasks {'resume' if copy else word} {copy or whole} FILE",
                markup=False,
            )
            return
        after = -1 if copy is not None else before
        state = await _until(opened, copy or run, lambda revision: revision > after)
        _console(stderr=True).print(f"task {copy or whole} is {state}", markup=False)


async def order_here(
    store: str,
    id: str,
    word: str,
    step: str | None,
    who: str,
    file: Path,
    actions: Sequence[str],
    secrets: Sequence[str],
) -> int:
    """Run the flows of a file in this process, tell a task what to do there, and follow it to its end."""
    async with beside(store) as opened:
        whole = await named(opened, id)
    async with engine_for(file, store, actions, secrets) as (engine, _):
        before = await engine.inspect(whole.partition("/")[0])
        over = word == "resume" and before.status == "completed"
        copy = None if over else await _give(engine.tasks, whole, word, step, who)
        seen = Cursor() if copy is not None else Cursor(before.revision, sys.maxsize)
        return await follow(engine, copy or whole, file, store, seen=seen)


async def named(opened: Beside, id: str) -> str:
    """Return the whole id of a task of which the beginning was given. Raises `UnknownRun`, `CallerError` if several fit."""
    run, slash, rest = id.partition("/")
    if await opened.store.find(RunQuery(run=RunId(run))):
        return id
    found = [row.run for row in await opened.store.find(RunQuery(after=RunId(run), limit=2)) if row.run.startswith(run)]
    if len(run) < SHORTEST or not found:
        raise UnknownRun(f"no task {run!r} is in this store; `turnflow tasks list` shows what is")
    if len(found) > 1:
        raise CallerError(f"several tasks begin with {run!r}; write more of the id")
    return f"{found[0]}{slash}{rest}"


async def _give(tasks: Tasks, id: str, word: str, step: str | None, who: str) -> str | None:
    """Give one order; return the id of the copy if that is what it makes."""
    if word == "fork":
        return await tasks.fork(id, step, by=who)
    if word == "retry":
        await tasks.retry(id, step, by=who)
    elif word == "resume":
        await tasks.resume(id, by=who)
    elif word == "pause":
        await tasks.pause(id, by=who)
    else:
        await tasks.cancel(id, by=who)
    return None


async def _until(opened: Beside, run: str, is_done: Callable[[int], bool]) -> str:
    """Return the status of a run once its revision is as wanted, or after a while as it is."""
    rounds = round(PATIENCE / LOOK)
    rows = await opened.store.find(RunQuery(run=RunId(run)))
    for _ in range(rounds):
        if rows and is_done(rows[0].revision):
            break
        await asyncio.sleep(LOOK)
        rows = await opened.store.find(RunQuery(run=RunId(run)))
    else:
        return "not taken up yet; the process that runs flows on this store is busy, or does not know the flow"
    return rows[0].status


def _console(*, stderr: bool = False) -> Console:
    return Console(stderr=stderr, highlight=False, soft_wrap=True)
