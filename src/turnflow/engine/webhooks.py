"""Webhooks that runs wait for: tokens that say which wait a message is for, and messages on their way to the bus.

A token names its run, so that it can be found, and proves itself by 256 random bits, of which only a hash is kept. It serves for
one message, and no longer than its run lives.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw

from turnflow.core.codec import decode_state
from turnflow.core.ids import InputId, Json, RunId, StepName
from turnflow.core.nodes import EventStep
from turnflow.core.state import TERMINAL
from turnflow.engine.bus import record_of
from turnflow.engine.signatures import verify
from turnflow.errors import InvalidValue, UnknownRun, WebhookRefused
from turnflow.ports import Commit, ResultRecord, RunQuery, partition_of

if TYPE_CHECKING:
    from turnflow.engine.process import Process


async def new_token(engine: Process, run: RunId, step: StepName) -> str:
    """Return a new token for the webhook that a step of a run waits for, now or later.

    Raises `UnknownRun`, `InvalidValue` if the step waits for none or the run has ended.
    """
    rows = await engine.store.find(RunQuery(run=run))
    if not rows:
        raise UnknownRun(f"no run {run!r} is in this store")
    state = decode_state(rows[0].state)
    node = engine.flow_of(state).nodes.get(step)
    if not isinstance(node, EventStep) or not node.webhook:
        raise InvalidValue(f"step {step!r} of flow {state.flow!r} waits for no webhook; give it webhook: true")
    if state.status in TERMINAL:
        raise InvalidValue(f"run {run!r} has ended {state.status}: it waits for nothing any more")
    token = f"{run}.{secrets.token_urlsafe(32)}"
    partition = partition_of(state.mailbox)
    note = ResultRecord(run, _place(token), msgspec.json.encode(step))
    await engine.bus.write_down(
        Commit(state.mailbox, partition, engine.leases.epochs.get(partition, 0), results=(note,))
    )
    return token


async def receive(engine: Process, token: str, body: bytes, headers: Mapping[str, str], keys: Sequence[str]) -> None:
    """Publish the message that a webhook brings to the run that its token is for; once, however often it comes.

    Raises `WebhookRefused` if signature or token do not hold, `InvalidValue` for a body that is no JSON or too large.
    """
    verify(keys, headers, body, engine.clock.now())
    run = RunId(token.partition(".")[0])
    place = _place(token)
    found = [row for row in await engine.store.results(run, place) if row.key == place]
    rows = await engine.store.find(RunQuery(run=run)) if found else []
    if not rows or rows[0].status in TERMINAL:
        raise WebhookRefused("the token of the webhook is unknown here, or nobody waits for it any more")
    try:
        value: Json = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidValue(f"the body of a webhook must be JSON: {error}") from error
    step: str = msgspec.json.decode(found[0].value, type=str)
    event = Raw(msgspec.json.encode(value))
    await engine.bus.write(record_of(f"webhook.{run}", event, step, id=InputId(place), at=engine.clock.now()))


def _place(token: str) -> str:
    return f"webhook/{hashlib.sha256(token.encode()).hexdigest()}"
