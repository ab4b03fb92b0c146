"""What an action may ask of the engine while it runs: other actions, runs below its own, and signs of life.

Every call has a place: its number among the calls of its action, behind the place of that action if it is itself a part of
another one. An action that runs again makes the same calls at the same places, and gets what is on record there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from hashlib import blake2b
from threading import get_ident
from time import monotonic
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Raw, Struct

from turnflow.core.ids import FlowName, InputId, RunId, StepName
from turnflow.engine.starting import start_below
from turnflow.engine.webhooks import new_token
from turnflow.engine.work_records import keep
from turnflow.errors import UserCodeError
from turnflow.ports import ActionContext, ResultRecord

if TYPE_CHECKING:
    from turnflow.engine.process import Process
    from turnflow.engine.works import Work

DEPTH_LIMIT: Final = 16
"""How deep actions may call actions."""
RESULT_LIMIT: Final = 1 << 20
"""Most bytes of what an action that was called comes to."""


class Nested(Struct, frozen=True):
    """The recorded outcome of an action that an action called."""

    action: str
    argument: str
    result: Raw


class WorkServices:
    """The services of one attempt at one action, or of an action that it calls."""

    __slots__ = ("_depth", "_engine", "_known", "_loop", "_ordinal", "_place", "_thread", "_work")

    def __init__(self, engine: Process, work: Work, place: str = "", depth: int = 0) -> None:
        self._engine = engine
        self._work = work
        self._place = place or f"call/{work.call.job.visit:x}/"
        self._depth = depth
        self._ordinal = 0
        self._known: dict[str, Nested] | None = None
        self._loop = asyncio.get_running_loop()
        self._thread = get_ident()

    async def call_action(self, name: str, argument: bytes) -> bytes:
        """Run another action once for this place of the call, or return what is on record for it."""
        engine, work, place = self._engine, self._work, self._next()
        if self._depth >= DEPTH_LIMIT:
            message = f"actions may call actions {DEPTH_LIMIT} deep; {name!r} would be deeper"
            raise UserCodeError("nesting_too_deep", message)
        if self._known is None:
            self._known = await self._records()
        hashed = blake2b(argument, digest_size=16).hexdigest()
        known = self._known.get(place)
        if known is not None:
            return self._from_record(known, name, hashed)
        action = engine.registry.action(name)
        if action is None:
            raise UserCodeError("unknown_action", f"no action {name!r} is registered; use registry.register_action()")
        services = WorkServices(engine, work, f"{place}.", self._depth + 1)
        attempt = work.call.job.attempt
        context = ActionContext(work.run, f"{work.run}/{place}", attempt, engine.resources, work.call.step, services)
        result = await action(argument, context)
        self._check(name, result)
        record = msgspec.json.encode(Nested(name, hashed, Raw(result)))
        if not await keep(engine, work.mailbox, ResultRecord(work.run, place, record)):
            # the same call was made by another attempt and was faster: its outcome is the one that counts
            return self._from_record((await self._records())[place], name, hashed)
        engine.crash("work.recorded")
        self.heartbeat()
        return result

    async def start(self, flow: FlowName, data: Mapping[str, Raw], params: Mapping[str, Raw]) -> RunId:
        """Start a run of a callable flow below this one without waiting for it; the same call starts the same run."""
        return await start_below(
            self._engine, self._work.run, f"{self._work.run}/below/{self._next()}", flow, data, params
        )

    async def publish(self, topic: str, payload: bytes, key: str = "") -> None:
        """Publish an event durably, once for this place of the call."""
        id = InputId(f"event:{self._work.run}/{self._next()}")
        await self._engine.bus.publish(topic, Raw(payload), key, id=id)

    async def webhook_token(self, step: StepName) -> str:
        """Return a new token for the webhook that a step of the run waits for, now or later."""
        return await new_token(self._engine, self._work.run, step)

    def heartbeat(self) -> None:
        """Show that the action is alive."""
        self._work.beat = monotonic()

    def progress(self, done: float, note: str = "") -> None:
        """Tell watchers how far it has come."""
        self.heartbeat()
        self._work.done = done
        self._tell(lambda: self._engine.watchers.progress(self._work.run, self._work.call.step, done, note))

    def partial(self, chunk: bytes) -> None:
        """Hand watchers a part of the output."""
        self.heartbeat()
        self._tell(lambda: self._engine.watchers.partial(self._work.run, self._work.call.step, chunk))

    def _tell(self, news: Callable[[], None]) -> None:
        """Tell watchers something, from whatever thread the action runs in; one whose time is over has nothing to tell."""
        if self._work.stopped is not None or self._loop.is_closed():
            return
        if get_ident() == self._thread:
            news()
        else:
            self._loop.call_soon_threadsafe(news)

    def _next(self) -> str:
        """Return the place of the next call. Raises `UserCodeError` (`abandoned`) if nobody waits for the action any more."""
        if self._work.stopped is not None:
            raise UserCodeError("abandoned", f"nobody waits for step {self._work.call.step!r} any more; end the action")
        ordinal, self._ordinal = self._ordinal, self._ordinal + 1
        return f"{self._place}{ordinal:04d}"

    async def _records(self) -> dict[str, Nested]:
        rows = await self._engine.store.results(self._work.run, self._place)
        return {row.key: msgspec.json.decode(row.value, type=Nested) for row in rows}

    def _from_record(self, known: Nested, name: str, hashed: str) -> bytes:
        if (known.action, known.argument) != (name, hashed):
            message = (
                f"action of step {self._work.call.step!r} ran again and now calls {name!r} where {known.action!r} is on record,"
                " or with another argument; make the order and the arguments of its calls depend on its input only"
            )
            raise UserCodeError("action_mismatch", message)
        return bytes(known.result)

    @staticmethod
    def _check(name: str, result: object) -> None:
        """Refuse a result that cannot be kept. Raises `UserCodeError`."""
        if not isinstance(result, bytes) or len(result) > RESULT_LIMIT:
            message = f"action {name!r} must return JSON as bytes, at most {RESULT_LIMIT} of them"
            raise UserCodeError("invalid_result", message)
        try:
            msgspec.json.decode(result)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UserCodeError(
                "invalid_result", f"action {name!r} returned bytes that are no JSON: {error}"
            ) from error
