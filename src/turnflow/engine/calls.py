"""What user code may ask of the engine: durable action calls, child runs, reports.

`call_action` runs an action once per place: the key is the run, the handler call (known by its step and the input it handles, so
it is the same for every attempt and after a crash) and the ordinal of the call in it. The input is accepted durably before its
first action is called, and each result is recorded before it is handed to the handler: a process that dies in between goes on
by itself, with the same keys, and finds what is on record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw, Struct

from turnflow.core.definition import Template
from turnflow.core.effects import RunHandler
from turnflow.core.evaluation import Flaw, scope_of
from turnflow.core.ids import At, ConversationId, CursorId, FlowName, Json, RunId, UserId
from turnflow.core.state import Failure, Parent
from turnflow.engine import effects
from turnflow.engine.committer import BACKOFF
from turnflow.engine.evaluating import evaluator
from turnflow.engine.outcomes import NotLoaded
from turnflow.engine.payloads import Begin, encode
from turnflow.errors import ActionMismatch, CallerError, LostOwnership, NestingTooDeep, StoreUnavailable, UserCodeError
from turnflow.ports import (
    Accepted,
    ActionContext,
    Commit,
    CommitOutcome,
    Committed,
    InboxRecord,
    Rejected,
    ResultRecord,
)

if TYPE_CHECKING:
    from turnflow.engine.process import Process
    from turnflow.engine.turn import Turn

DEPTH_LIMIT = 16


class Recorded(Struct, frozen=True):
    """The recorded outcome of one action call."""

    action: str
    argument: str
    """Hash of the argument."""
    result: Raw


class CallRecorder:
    """The services of one handler call."""

    __slots__ = ("_call", "_engine", "_known", "_one_by_one", "_ordinal", "_run", "_started", "_turn")

    def __init__(self, engine: Process, turn: Turn, run: RunId, call: RunHandler) -> None:
        self._engine = engine
        self._turn = turn
        self._run = run
        self._call = call
        self._ordinal = 0
        self._one_by_one = asyncio.Lock()
        self._known: dict[str, Recorded] | None = None
        self._started: list[Begin] = []

    @property
    def resources(self) -> Mapping[type, object]:
        """Objects handlers receive by annotation."""
        return self._engine.resources

    def now(self) -> At:
        """Return the time of the turn."""
        return self._turn.at

    def report(self, failure: Failure) -> None:
        """Note a failure that changes nothing."""
        self._engine.report(f"hook of step {failure.step!r} failed ({failure.code}): {failure.message}")

    async def call_action(self, name: str, argument: bytes) -> bytes:
        """Run an action once for this place of the handler call, or return what is on record for it."""
        prefix = f"{self._visit}/"
        key = f"{prefix}{self._next():04d}"
        engine = self._engine
        if self._known is None:
            self._known = await self._records(prefix)
        hashed = blake2b(argument, digest_size=16).hexdigest()
        known = self._known.get(key)
        if known is not None:
            return self._from_record(known, name, hashed)
        action = engine.registry.action(name)
        if action is None:
            raise UserCodeError("unknown_action", f"no action {name!r} is registered; use registry.register_action()")
        async with self._one_by_one:
            await self._take_in()
        engine.crash("action.before")
        attempt = self._call.owed.attempt + self._turn.item.attempts
        context = ActionContext(self._run, f"{self._run}/{key}", attempt, engine.resources)
        result = await action(argument, context)
        engine.crash("action.after")
        value = msgspec.json.encode(Recorded(name, hashed, Raw(result)))
        if not await self._record(ResultRecord(self._run, key, value)):
            # the same call was made elsewhere at the same time and was faster: its outcome is the one that counts
            return self._from_record((await self._records(prefix))[key], name, hashed)
        engine.crash("action.recorded")
        return result

    async def _records(self, prefix: str) -> dict[str, Recorded]:
        """Return what is on record for this handler call, patiently: a store that is away for a moment fails no handler."""
        for delay in BACKOFF:
            with suppress(StoreUnavailable):
                return await self._read(prefix)
            await asyncio.sleep(delay)
        return await self._read(prefix)

    async def _read(self, prefix: str) -> dict[str, Recorded]:
        rows = await self._engine.store.results(self._run, prefix)
        return {row.key: msgspec.json.decode(row.value, type=Recorded) for row in rows}

    @property
    def _visit(self) -> str:
        """What tells this handler call from all others of the run, also if it runs again after something else came first."""
        owed = self._call.owed
        if owed.input is None or owed.phase in ("enter", "ask", "hook"):
            return str(owed.visit)  # of these the input is only what started the run
        place = f"{owed.step}:{owed.input.id}"
        return place if owed.phase == "input" else f"{place}:{owed.phase}{owed.attempt}"

    def _next(self) -> int:
        ordinal, self._ordinal = self._ordinal, self._ordinal + 1
        return ordinal

    def _from_record(self, known: Recorded, name: str, hashed: str) -> bytes:
        if (known.action, known.argument) != (name, hashed):
            raise ActionMismatch(
                f"step {self._call.owed.step!r} ran again and now calls {name!r} where {known.action!r} is on record, or with"
                " another argument; make the order and the arguments of action calls depend on data and input only"
            )
        return bytes(known.result)

    async def render(self, template: Template, cursor: CursorId) -> Json:
        """Evaluate a template as the place of a cursor sees it."""
        if template.static:
            return template.value
        work = self._turn.works[self._run]
        place = next((one for one in work.state.cursors if one.id == cursor), None)
        if place is None:
            raise UserCodeError("expression", f"step {self._call.owed.step!r} has been left")
        begins = self._run in self._turn.begun and not self._turn.detached
        evaluate = evaluator(work.flow, self._engine.outcomes, work.fresh, begins=begins)
        while True:
            try:
                answer = evaluate(template, scope_of(work.state, place, self._turn.at))
            except NotLoaded as missing:
                await self._engine.outcomes.load(missing, self._turn)
                continue
            if isinstance(answer, Flaw):
                raise UserCodeError("expression", answer.message)
            value: Json = msgspec.json.decode(answer.json)
            return value

    async def start(
        self, flow: FlowName, data: Mapping[str, Raw], conversation: ConversationId | None, user: UserId | None
    ) -> RunId:
        """Start a child run that is not waited for; it begins with the commit of this handler's answer."""
        state = self._turn.works[self._run].state
        depth = state.parent.depth + 1 if state.parent is not None else 1
        if depth > DEPTH_LIMIT:
            raise NestingTooDeep(f"flows may start flows {DEPTH_LIMIT} deep; {flow!r} would be deeper")
        registration, handlers = self._engine.registry.newest(flow)
        if not registration.callable:
            raise CallerError(f"flow {flow!r} is not callable; register it with register_callable()")
        handlers.initial(data)
        place = f"{self._run}/{self._visit}/{self._next()}"
        child = RunId(blake2b(place.encode(), digest_size=10).hexdigest())
        parent = Parent(self._run, state.mailbox, child, depth, awaited=False)
        self._started.append(
            Begin(child, flow, dict(data), conversation or ConversationId(""), user or state.user, parent=parent)
        )
        return child

    def hand_over(self) -> None:
        """Put the children that the handler started into the turn, or with its answer: they begin with its commit."""
        if self._turn.detached:
            self._turn.begins = tuple(self._started)
        else:
            effects.start_children(self._turn, self._run, self._started)

    async def _take_in(self) -> None:
        """Accept the input that is being handled, durably, before anything is done in the world because of it.

        From here on a process that dies leaves it behind: it is handled again by itself, with the same keys.
        """
        turn, hot, item = self._turn, self._turn.hot, self._turn.item
        if item.seq or turn.detached:
            return
        row = InboxRecord(hot.id, turn.seq, item.id, encode(item.payload), item.at, attempts=1)
        turn.recording += 1
        try:
            done = await self._commit(received=(row,))
            if isinstance(done, Rejected) and done.reason == "sequence":
                # Another process put something into the mailbox meanwhile: the input takes the place behind it.
                (accepted,) = await self._engine.store.accept((row,))
                if isinstance(accepted, Accepted):
                    turn.seq = accepted.seq
                    effects.replace_replies(turn)
                    done = Committed()
        finally:
            turn.recording -= 1
        if not isinstance(done, Committed):
            raise LostOwnership(f"the input that calls for an action could not be accepted: {done}")
        item.seq = turn.seq
        hot.taken.add(turn.seq)
        hot.seq = max(hot.seq, turn.seq)

    async def _record(self, result: ResultRecord) -> bool:
        """Make a result durable. Returns False if there is one on record already."""
        self._turn.recording += 1
        try:
            done = await self._commit(results=(result,))
        finally:
            self._turn.recording -= 1
        if isinstance(done, Rejected) and done.reason == "result":
            return False
        if not isinstance(done, Committed):
            raise LostOwnership(f"the result of an action could not be recorded: {done}")
        return True

    async def _commit(
        self, received: tuple[InboxRecord, ...] = (), results: tuple[ResultRecord, ...] = ()
    ) -> CommitOutcome | Exception:
        hot = self._turn.hot
        outcome: asyncio.Future[CommitOutcome | Exception] = asyncio.get_running_loop().create_future()
        epoch = self._engine.leases.epochs.get(hot.partition, 0)
        commit = Commit(hot.id, hot.partition, epoch, received=received, results=results)
        self._engine.committer.submit(commit, lambda done: None if outcome.done() else outcome.set_result(done))
        return await asyncio.shield(outcome)
