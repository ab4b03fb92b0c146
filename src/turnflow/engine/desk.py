"""The operator's desk: what escalated runs say, and answers to them, from any process that can open the store."""

from __future__ import annotations

import secrets

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from turnflow.core.codec import decode_flow, decode_state
from turnflow.core.events import CancelRequested, Event, MoveRequested, OperatorAnswered
from turnflow.core.ids import ConversationId, InputId, Json, RunId, StepName, UserId
from turnflow.core.state import RunState
from turnflow.engine.effects import ROLE_PREFIX
from turnflow.engine.payloads import ForRun, decode_reply, encode
from turnflow.errors import CallerError, UndecodableRow, UnknownRun
from turnflow.ports import Clock, InboxRecord, RunQuery, RunRecord, Store

PAGE = 1_000
MARK = b'"escalation":{'
"""Stands in the snapshot of every run that waits for an operator; others need not be decoded."""


class Desk:
    """Reads the inbox of a role and speaks to runs through the store; the engine that owns them takes it up."""

    def __init__(self, store: Store, clock: Clock, role: str = "operator") -> None:
        self._store = store
        self._clock = clock
        self._inbox = ConversationId(ROLE_PREFIX + role)
        self._read = (0, -1)

    async def news(self) -> list[str]:
        """Return the lines that came since the last call, oldest first."""
        found: list[str] = []
        for line in await self._store.history(self._inbox, self._read, 200):
            self._read = (line.seq, line.index)
            if line.index >= 0:
                try:
                    found.append(decode_reply(line.payload).message.text)
                except UndecodableRow as error:
                    found.append(f"(a line that cannot be read: {error})")
        return found

    async def escalated(self) -> list[RunState]:
        """Return the runs that wait for an operator."""
        found: list[RunState] = []
        page = RunQuery(status=("waiting",), limit=PAGE)
        while rows := await self._store.find(page):
            states = [decode_state(row.state) for row in rows if MARK in row.state]
            found += [state for state in states if any(cursor.escalation is not None for cursor in state.cursors)]
            page = replace(page, after=rows[-1].run)
        return found

    async def say(self, run: str, text: str, by: str) -> None:
        """Say something to the person; the run stays with the operator."""
        await self._tell(run, OperatorAnswered(self._clock.now(), UserId(by), text, ends=False))

    async def answer(self, run: str, text: str, by: str) -> None:
        """Say something to the person and let the run go on."""
        await self._tell(run, OperatorAnswered(self._clock.now(), UserId(by), text))

    async def move(self, run: str, step: str, by: str) -> None:
        """Put the run onto another step. Raises `CallerError` if its flow has no such step."""
        await self._check_step(run, step)
        await self._tell(run, MoveRequested(self._clock.now(), StepName(step), by))

    async def cancel(self, run: str, by: str) -> None:
        """End the run."""
        await self._tell(run, CancelRequested(self._clock.now(), by, "cancelled by an operator"))

    async def _check_step(self, run: str, step: str) -> None:
        row = await self._record(run)
        document = await self._store.definition(row.flow, row.version)
        if document is not None and step not in (steps := decode_flow(document).steps):
            raise CallerError(f"flow {row.flow!r} has no step {step!r}; it has: {', '.join(steps)}")

    async def _tell(self, run: str, event: Event) -> None:
        row = await self._record(run)
        id = InputId(f"desk:{secrets.token_hex(10)}")
        payload = encode(ForRun(row.run, event))
        await self._store.accept([InboxRecord(row.mailbox, 0, id, payload, self._clock.now())])

    async def _record(self, run: str) -> RunRecord:
        rows = await self._store.find(RunQuery(run=RunId(run)))
        if not rows:
            raise UnknownRun(f"no run {run!r} is in this store")
        return rows[0]


def plain(raw: Raw | None) -> Json:
    """Return an encoded value as plain JSON data."""
    return msgspec.json.decode(raw) if raw is not None else None
