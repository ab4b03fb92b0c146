"""Starting runs from inside: below another run, once for each place that asks."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING

from msgspec import Raw

from turnflow.core.codec import decode_state
from turnflow.core.ids import FlowName, InputId, RunId
from turnflow.core.state import Parent
from turnflow.engine.mailbox import Item
from turnflow.engine.payloads import Begin, home_of
from turnflow.errors import CallerError, NestingTooDeep, UnknownRun
from turnflow.ports import RunQuery

if TYPE_CHECKING:
    from turnflow.engine.process import Process

DEPTH_LIMIT = 16


async def start_below(
    process: Process, run: RunId, place: str, flow: FlowName, data: Mapping[str, Raw], params: Mapping[str, Raw]
) -> RunId:
    """Start a run of a callable flow below another and return its id, the same for the same place.

    Raises `UnknownFlow`, `CallerError`, `InvalidValue`, `NestingTooDeep`.
    """
    registration, handlers = process.registry.newest(flow)
    if not registration.callable:
        raise CallerError(f"flow {flow!r} is not callable; register it with register_callable()")
    handlers.initial(data)
    rows = await process.store.find(RunQuery(run=run))
    if not rows:
        raise UnknownRun(f"no run {run!r} is in this store")
    above = decode_state(rows[0].state)
    depth = above.parent.depth + 1 if above.parent is not None else 1
    if depth > DEPTH_LIMIT:
        raise NestingTooDeep(f"runs may start runs {DEPTH_LIMIT} deep; {flow!r} would be deeper")
    child = RunId(blake2b(place.encode(), digest_size=10).hexdigest())
    id = InputId(f"start:{child}")
    if await process.store.seen(id):
        return child
    root = above.parent.root if above.parent is not None else above.run
    parent = Parent(above.run, above.mailbox, root, depth, awaited=False)
    begin = Begin(
        child, registration.flow.name, dict(data), above.conversation, above.user, parent=parent, params=dict(params),
        attach=True,
    )  # fmt: skip
    future = process.callers.expect()
    process.post(home_of(registration.flow, begin), Item(begin, id, process.clock.now(), future=future))
    await future
    return child
