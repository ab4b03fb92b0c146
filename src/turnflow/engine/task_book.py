"""The book of tasks: reads them from the store, wherever it is opened, and never writes."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Final, TypeAlias

from msgspec.structs import replace

from turnflow.core.codec import decode_state
from turnflow.core.definition import Flow
from turnflow.core.ids import FlowName, RunId, StepName
from turnflow.core.nodes import ActionStep
from turnflow.core.progress import progress_of
from turnflow.core.state import TERMINAL, RunState, Status
from turnflow.engine.definitions import Definitions
from turnflow.engine.outcomes import results_of
from turnflow.engine.rows import record as row_of
from turnflow.engine.schedules import is_schedule
from turnflow.engine.step_records import Veil, records_of
from turnflow.engine.task import StepRecord, Task, TaskNode
from turnflow.errors import UndecodableRow, UnknownRun
from turnflow.ports import RunQuery, RunRecord, Store

STEPS_SHOWN: Final = 1_000
"""Most steps that a task shows; `TaskBook.steps` pages through all of them."""
TREE_LIMIT: Final = 10_000
"""Most tasks of one tree."""
PAGE: Final = 1_000

Progress: TypeAlias = Callable[[RunId, StepName], float | None]
"""Says how far an action under way has come, if this process runs it."""


def _unknown(run: RunId, step: StepName) -> float | None:
    return None


class TaskBook:
    """Tasks as the store has them."""

    def __init__(self, store: Store, definitions: Definitions, progress: Progress = _unknown) -> None:
        self._store = store
        self._definitions = definitions
        self._progress = progress

    async def get(self, id: str) -> Task:
        """Return a task with its steps. Raises `UnknownRun`, `UndecodableRow`."""
        run, place = parted(id)
        state = await self.state(run)
        flow = await self._definitions.of(state.flow, state.version, state.digest)
        records = await self._records(state, flow)
        if place:
            return self._action(await self._root(state), state, flow, _found(records, id, *place))
        task = await self._task(state, flow)
        shown = tuple(records[-STEPS_SHOWN:])
        children = [child.run async for child in self._children(state.run)]
        return replace(
            task,
            steps=shown,
            steps_left_out=len(records) - len(shown),
            children=(*children, *(f"{run}/{r.path}/{r.visit}" for r in records if self._is_long(flow, r))),
        )

    async def select(
        self,
        *,
        flow: str | None = None,
        status: Sequence[Status] = (),
        parent: str | None = None,
        root: str | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> list[Task]:
        """Return tasks of runs without their steps, the youngest first, from behind `after`. `root`: those of one tree.

        Rows that cannot be read are left out.
        """
        if root is not None:
            rows = [row for row in reversed(await self._below(RunId(root))) if flow in (None, row.flow)]
            rows = [row for row in rows if parent in (None, row.parent) and (not status or row.status in status)]
            ids = [row.run for row in rows]
            start = ids.index(RunId(after)) + 1 if after in ids else 0
            rows = rows[start : start + limit]
        else:
            query = RunQuery(
                flow=FlowName(flow) if flow is not None else None,
                parent=RunId(parent) if parent is not None else None,
                status=tuple(status),
                after=RunId(after) if after is not None else None,
                limit=limit,
                newest=True,
            )
            rows = await self._store.find(query)
        found: list[Task] = []
        for row in rows:
            try:
                state = decode_state(row.state)
            except UndecodableRow:
                continue
            found.append(await self._task(state, await self._definitions.of(state.flow, state.version, state.digest)))
        return found

    async def tree(self, id: str) -> TaskNode:
        """Return the whole tree that a task belongs to, from its root. Raises `UnknownRun`, `UndecodableRow`."""
        run, _ = parted(id)
        root = await self._root(await self.state(run))
        rows = await self._below(root)
        below: dict[str | None, list[TaskNode]] = {}
        for row in reversed(rows):  # children come before their parents this way
            state = decode_state(row.state)
            flow = await self._definitions.of(state.flow, state.version, state.digest)
            children = below.pop(row.run, [])
            for record in await self._records(state, flow) if self._has_long(flow) else ():
                if self._is_long(flow, record):
                    action = self._action(root, state, flow, record)
                    children.append(_node(action, ()))
            children.sort(key=lambda node: node.created)
            node = _node(await self._task(state, flow), children)
            if row.run == root:
                return node
            below.setdefault(row.parent, []).append(node)
        raise UnknownRun(f"no run {root!r} is in this store")

    async def steps(self, id: str, under: str = "") -> list[StepRecord]:
        """Return all steps of a run whose path begins with `under`. Raises `UnknownRun`, `UndecodableRow`."""
        state = await self.state(id)
        records = await self._records(state, await self._definitions.of(state.flow, state.version, state.digest))
        return [record for record in records if record.path.startswith(under)]

    async def state(self, run: str) -> RunState:
        """Return the state of a run as of its last commit. Raises `UnknownRun`, `UndecodableRow`."""
        return decode_state((await self.row(run)).state)

    async def row(self, run: str) -> RunRecord:
        """Return a run as the store has it. Raises `UnknownRun`."""
        rows = await self._store.find(RunQuery(run=RunId(run)))
        if not rows:
            raise UnknownRun(f"no run {run!r} is in this store")
        return rows[0]

    async def rival(self, state: RunState) -> RunId | None:
        """Return the live run that has taken the place of one that has ended: only one may be live for their key."""
        key = row_of(replace(state, status="running")).live_key
        rows = (await self._store.load(state.mailbox)).runs if key else ()
        return next((row.run for row in rows if row.live_key == key and row.run != state.run), None)

    async def below(self, run: str) -> list[RunState]:
        """Return the live runs of the tree below a run, itself first, then each parent before its children."""
        return [decode_state(row.state) for row in await self._below(RunId(run)) if row.status not in TERMINAL]

    async def _records(self, state: RunState, flow: Flow | None) -> list[StepRecord]:
        return records_of(await results_of(self._store, state.run), state, flow)

    async def _task(self, state: RunState, flow: Flow | None) -> Task:
        veil, ended = Veil(flow), state.status in TERMINAL
        ending = state.ending if ended else None
        title = flow.title if flow is not None else ""
        graph = flow is not None and flow.is_graph
        return Task(
            state.run,
            "flow",
            state.flow,
            state.version,
            state.status,
            title or state.flow,
            self._definitions.digest(flow) if flow is not None else "",
            veil.fields(state.input if graph else state.data),
            veil.fields(state.params) if state.params else None,
            veil.decoded(ending.result) if ending is not None else None,
            ending.error if ending is not None else None,
            ending.reason if ending is not None else state.reason,
            ending.by if ending is not None else "",
            parent=state.parent.run if state.parent is not None else "",
            root=await self._root(state),
            conversation=state.conversation,
            started_by=state.mailbox if is_schedule(state.mailbox) else "",
            created=state.created,
            started=state.created,
            ended=state.updated if ended else None,
            progress=_share(flow, state),
        )

    def _action(self, root: RunId, state: RunState, flow: Flow | None, record: StepRecord) -> Task:
        node = flow.nodes.get(StepName(record.step)) if flow is not None else None
        action = node.action if isinstance(node, ActionStep) else ""
        paused = state.status if state.status in ("paused", "stuck", "blocked") else None
        progress = self._progress(state.run, StepName(record.step)) if record.ended is None else None
        return Task(
            f"{state.run}/{record.path}/{record.visit}",
            "action",
            state.flow,
            state.version,
            record.status if paused is None or record.ended is not None else paused,
            (node.title if isinstance(node, ActionStep) else "") or action or record.step,
            self._definitions.digest(flow) if flow is not None else "",
            record.input,
            output=record.output,
            error=record.error,
            steps=(record,),
            parent=state.run,
            root=root,
            conversation=state.conversation,
            created=record.started or state.created,
            started=record.started,
            ended=record.ended,
            progress=progress,
        )

    def _is_long(self, flow: Flow | None, record: StepRecord) -> bool:
        node = flow.nodes.get(StepName(record.step)) if flow is not None else None
        return isinstance(node, ActionStep) and record.visit > 0 and self._definitions.is_long(node.action)

    def _has_long(self, flow: Flow | None) -> bool:
        nodes: Iterable[object] = flow.nodes.values() if flow is not None else ()
        return any(isinstance(node, ActionStep) and self._definitions.is_long(node.action) for node in nodes)

    async def _root(self, state: RunState) -> RunId:
        """Return the topmost run above a run, as far as the store still has them."""
        run, parent = state.run, state.parent
        while parent is not None:
            run = parent.run
            if parent.depth <= 1:
                break
            rows = await self._store.find(RunQuery(run=run))
            parent = decode_state(rows[0].state).parent if rows else None
        return run

    async def _below(self, run: RunId) -> list[RunRecord]:
        """Return a run and all below it, each parent before its children."""
        found = [await self.row(run)]
        waiting = deque([run])
        while waiting and len(found) < TREE_LIMIT:
            children = [row async for row in self._children(waiting.popleft())]
            found += children
            waiting.extend(row.run for row in children)
        return found[:TREE_LIMIT]

    async def _children(self, run: RunId) -> AsyncIterator[RunRecord]:
        page = RunQuery(parent=run, limit=PAGE)
        while rows := await self._store.find(page):
            for row in rows:
                yield row
            page = replace(page, after=rows[-1].run)


def parted(id: str) -> tuple[RunId, tuple[str, int] | None]:
    """Return the run that a task's id names, and for an action the path of its step and its visit. Raises `UnknownRun`."""
    run, slash, rest = id.partition("/")
    if not slash:
        return RunId(run), None
    path, _, visit = rest.rpartition("/")
    if not path or not (visit.isascii() and visit.isdigit()):
        raise UnknownRun(f"{id!r} is no id of a task: those of actions are <run>/<step path>/<visit>")
    return RunId(run), (path, int(visit))


def _found(records: Iterable[StepRecord], id: str, path: str, visit: int) -> StepRecord:
    for record in records:
        if (record.path, record.visit) == (path, visit):
            return record
    raise UnknownRun(f"no task {id!r} is in this store: its run has no such step")


def _node(task: Task, children: Sequence[TaskNode]) -> TaskNode:
    return TaskNode(task.id, task.kind, task.flow, task.title, task.status, task.created, task.ended, tuple(children))


def _share(flow: Flow | None, state: RunState) -> float | None:
    """Return how far the outermost open group has come."""
    if flow is None or state.status in TERMINAL:
        return None
    for frame in state.frames:
        if frame.total > 0:
            return (frame.done + frame.failed) / frame.total
    told = progress_of(flow, state)
    return told.completed / told.total if told.total else None
