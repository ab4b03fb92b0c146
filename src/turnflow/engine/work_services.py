"""What an action may ask of the engine while it runs: other actions, runs below its own, and signs of life."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw, Struct

from turnflow.core.ids import FlowName, InputId, RunId
from turnflow.engine.starting import start_below
from turnflow.errors import LostOwnership, UserCodeError
from turnflow.ports import ActionContext, Commit, CommitOutcome, Rejected, ResultRecord, partition_of

if TYPE_CHECKING:
    from turnflow.engine.process import Process
    from turnflow.engine.works import Work


class Nested(Struct, frozen=True):
    """The recorded outcome of an action that an action called."""

    action: str
    argument: str
    result: Raw


class WorkServices:
    """The services of one attempt at one action."""

    __slots__ = ("_engine", "_known", "_ordinal", "_work")

    def __init__(self, engine: Process, work: Work) -> None:
        self._engine = engine
        self._work = work
        self._ordinal = 0
        self._known: dict[str, Nested] | None = None

    async def call_action(self, name: str, argument: bytes) -> bytes:
        """Run another action once for this place of the call, or return what is on record for it."""
        engine, work = self._engine, self._work
        prefix = f"call/{work.call.job.visit:x}/"
        key = f"{prefix}{self._next():04d}"
        if self._known is None:
            rows = await engine.store.results(work.run, prefix)
            self._known = {row.key: msgspec.json.decode(row.value, type=Nested) for row in rows}
        hashed = blake2b(argument, digest_size=16).hexdigest()
        known = self._known.get(key)
        if known is not None:
            if (known.action, known.argument) != (name, hashed):
                message = (
                    f"action of step {work.call.step!r} ran again and now calls {name!r} instead of {known.action!r}"
                )
                raise UserCodeError("action_mismatch", f"{message}, or with another argument")
            return bytes(known.result)
        action = engine.registry.action(name)
        if action is None:
            raise UserCodeError("unknown_action", f"no action {name!r} is registered; use registry.register_action()")
        context = ActionContext(
            work.run, f"{work.run}/{key}", work.call.job.attempt, engine.resources, work.call.step, self
        )
        result = await action(argument, context)
        await self._record(ResultRecord(work.run, key, msgspec.json.encode(Nested(name, hashed, Raw(result)))))
        self.heartbeat()
        return result

    async def start(self, flow: FlowName, data: Mapping[str, Raw], params: Mapping[str, Raw]) -> RunId:
        """Start a run of a callable flow below this one without waiting for it; the same call starts the same run."""
        place = f"{self._work.run}/below/{self._work.call.job.visit:x}/{self._next()}"
        return await start_below(self._engine, self._work.run, place, flow, data, params)

    async def publish(self, topic: str, payload: bytes, key: str = "") -> None:
        """Publish an event durably, once for this place of the call."""
        work = self._work
        id = InputId(f"event:{work.run}/{work.call.job.visit:x}/{self._next()}")
        await self._engine.bus.publish(topic, Raw(payload), key, id=id)

    def heartbeat(self) -> None:
        """Show that the action is alive."""
        self._work.beat = asyncio.get_running_loop().time()

    def progress(self, done: float, note: str = "") -> None:
        """Tell watchers how far it has come."""
        self.heartbeat()
        self._engine.watchers.progress(self._work.run, self._work.call.step, done, note)

    def partial(self, chunk: bytes) -> None:
        """Hand watchers a part of the output."""
        self.heartbeat()
        self._engine.watchers.partial(self._work.run, self._work.call.step, chunk)

    def _next(self) -> int:
        ordinal, self._ordinal = self._ordinal, self._ordinal + 1
        return ordinal

    async def _record(self, result: ResultRecord) -> None:
        engine, mailbox = self._engine, self._work.mailbox
        partition = partition_of(mailbox)
        outcome: asyncio.Future[CommitOutcome | Exception] = asyncio.get_running_loop().create_future()
        commit = Commit(mailbox, partition, engine.leases.epochs.get(partition, 0), results=(result,))
        engine.committer.submit(commit, lambda done: None if outcome.done() else outcome.set_result(done))
        done = await asyncio.shield(outcome)
        if isinstance(done, Exception):
            raise done
        if isinstance(done, Rejected) and done.reason != "result":
            raise LostOwnership(f"the result of an action could not be recorded: {done}")
