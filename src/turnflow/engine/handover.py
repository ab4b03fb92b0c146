"""Events on their way to runs: to those that wait, to those that begin to wait, and to flows that an event starts.

One event ends at most one wait of a step in a run, however often the step is entered: what a step has heard is on record.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from turnflow.core.definition import Registration, Trigger
from turnflow.core.effects import Subscribe
from turnflow.core.events import RetryRequested, RunForked, SignalReceived, TimerFired
from turnflow.core.frames import StepResult
from turnflow.core.ids import EffectKey, Json, RunId, StepName
from turnflow.core.nodes import EventStep
from turnflow.core.state import RunState
from turnflow.core.topics import matches, worded
from turnflow.engine import alarm, effects, loading
from turnflow.engine.bus import shown
from turnflow.engine.payloads import Announced, Begin, ForRun, Look, Payload, home_of
from turnflow.engine.schedules import is_schedule
from turnflow.engine.values import fields_of
from turnflow.errors import InvalidExpression, InvalidValue, UserCodeError
from turnflow.expressions import compile_expression
from turnflow.ports import Handlers, ResultRecord, SubscriptionRecord

if TYPE_CHECKING:
    from turnflow.engine.turn import Turn
    from turnflow.engine.work import Work

PAGE: Final = 100
"""Events that a look back reads at once."""


class _Named(Struct):
    """What is read of an event to tell whether it was heard."""

    id: str


async def prepare(turn: Turn, payload: Payload) -> bool:
    """Read what has to be read before something is applied; tell whether anything is left to be applied."""
    match payload:
        case Announced():
            await _hand_over(turn, payload)
            return False
        case Look():
            turn.looks.append(payload)
            return False
        case ForRun(run, SignalReceived() as signal):
            return not await _is_old(turn, run, signal)
        case ForRun(run, RetryRequested()):
            await loading.revive(turn, run)
            return True
        case ForRun(run, RunForked() as forked):
            await loading.graft(turn, run, forked)
            return True
        case ForRun(run, TimerFired()) if is_schedule(run):
            await alarm.ring(turn, run)
            return False
        case _:
            return True


async def _hand_over(turn: Turn, event: Announced) -> None:
    """Forward an event to every run that waits for it, and start the flows that it starts, each once."""
    seen = shown(event.id, event.topic, event.key, event.at, event.data)
    for waiting in await turn.engine.store.subscribers(event.topic, event.key):
        signal = SignalReceived(turn.at, waiting.key, seen)
        effects.forward(turn, waiting.mailbox, f"event:{event.id}>{waiting.key}", ForRun(waiting.run, signal))
    for registration in turn.engine.registry.registrations:
        if any(_starts(turn, registration, trigger, event, seen) for trigger in registration.triggers):
            _start(turn, registration, event)


async def look_back(turn: Turn) -> None:
    """Have the run see the next events that came before its wait began, until one of them ends the wait."""
    look = turn.looks[0]
    state = turn.works[look.run].state if look.run in turn.works else turn.hot.runs.get(look.run)
    step = step_that_waits(state, look.key) if state is not None else None
    if state is None or step is None:
        turn.looks.popleft()
        return
    store = turn.engine.store
    events = await store.events(look.topic, look.correlation, look.since, PAGE, look.after)
    heard = {row.key for row in await store.results(look.run, _heard(step))} if events else set()
    for event in events:
        if _heard(step, event.id) not in heard:
            seen = shown(event.id, event.topic, event.correlation, event.at, event.payload)
            turn.queue.append((look.run, SignalReceived(turn.at, look.key, seen)))
    if len(events) < PAGE:
        turn.looks.popleft()
    else:
        turn.looks[0] = replace(look, after=(events[-1].at, events[-1].seq))


async def _is_old(turn: Turn, run: RunId, signal: SignalReceived) -> bool:
    """Tell whether the step that waits has heard this event before."""
    state = turn.hot.runs.get(run)
    step = step_that_waits(state, signal.key) if state is not None else None
    if step is None:
        return False
    key = _heard(step, msgspec.json.decode(signal.event, type=_Named).id)
    return any(row.key == key for row in await turn.engine.store.results(run, key))


def hears(work: Work, result: StepResult) -> ResultRecord | None:
    """Return the note that a step has heard an event, if that is what it came to."""
    step = StepName(result.path.rpartition("/")[2])
    node = work.flow.nodes.get(step)
    if not isinstance(node, EventStep) or node.poll is not None or result.output is None:
        return None
    return ResultRecord(work.state.run, _heard(step, msgspec.json.decode(result.output, type=_Named).id), b"")


def subscriptions(turn: Turn) -> tuple[tuple[SubscriptionRecord, ...], tuple[tuple[RunId, EffectKey], ...]]:
    """Return the subscriptions that a turn leaves open, and those that it ends; each new one gets its look back."""
    opened: dict[tuple[RunId, EffectKey], Subscribe] = {}
    ended: list[tuple[RunId, EffectKey]] = []
    for run, effect in turn.subscriptions:
        if isinstance(effect, Subscribe):
            opened[run, effect.key] = effect
        elif opened.pop((run, effect.subscription), None) is None:
            ended.append((run, effect.subscription))
    records = []
    for (run, key), effect in opened.items():
        records.append(SubscriptionRecord(run, key, turn.hot.id, effect.topic, effect.correlation))
        look = Look(run, key, effect.topic, effect.correlation, effect.since)
        effects.forward(turn, turn.hot.id, f"look:{key}", look)
    return tuple(records), tuple(ended)


def step_that_waits(state: RunState, key: EffectKey) -> StepName | None:
    """Return the step whose wait for an event has this key; None if it is over."""
    for cursor in state.cursors:
        job = cursor.job
        if job is not None and job.kind == "event" and f"{state.run}:{job.visit}.{job.attempt}" == key:
            return cursor.step
    return None


def _heard(step: StepName, id: str = "") -> str:
    return f"heard/{step}/{id}"


def _starts(turn: Turn, registration: Registration, trigger: Trigger, event: Announced, seen: Raw) -> bool:
    """Tell whether an event starts a flow."""
    if trigger.kind != "event" or not matches(trigger.value, event.topic):
        return False
    if event.topic.rpartition(".")[0] == f"flow.{worded(registration.flow.name)}":
        return False  # its own end, which would go on for ever
    if not trigger.when:
        return True
    try:
        value: Json = msgspec.json.decode(seen)
        return compile_expression(trigger.when, ()).evaluate({"event": value}) is True
    except (UserCodeError, InvalidExpression) as error:
        name = registration.flow.name
        turn.engine.report(f"event {event.id!r} does not start flow {name!r}: its condition fails: {error}")
        return False


def _start(turn: Turn, registration: Registration, event: Announced) -> None:
    """Start a flow with what an event carries, in a mailbox of its own."""
    flow = registration.flow
    handlers: Handlers = turn.engine.registry.newest(flow.name)[1]
    run = RunId(blake2b(f"{len(flow.name)}/{flow.name}/event/{event.id}".encode(), digest_size=10).hexdigest())
    try:
        data = {**fields_of(registration.initial), **fields_of(msgspec.json.decode(event.data))}
        handlers.initial(data)
    except InvalidValue as error:
        turn.engine.report(f"event {event.id!r} of topic {event.topic!r} cannot start flow {flow.name!r}: {error}")
        return
    begin = Begin(run, flow.name, data)
    effects.forward(turn, home_of(flow, begin), f"start:{run}", begin)
