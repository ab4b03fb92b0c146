"""Steps of a flow graph that wait for something beside the conversation: a moment, an event, or what polling finds."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from turnflow.core import _children, _clearing, _failures, _frames, _nodes, _work
from turnflow.core._draft import Draft
from turnflow.core.effects import Subscribe
from turnflow.core.evaluation import Flaw
from turnflow.core.events import SignalReceived
from turnflow.core.frames import Job, News
from turnflow.core.ids import At, Json, Millis, TimerId
from turnflow.core.inputs import clean
from turnflow.core.nodes import GROUPS, EventStep, FlowStep, TimerStep
from turnflow.core.state import Cursor, Timer

EVENT_WAIT: Final[Millis] = 24 * 3_600_000
"""How long an event is waited for if the step says nothing else."""
NEWS_LIMIT: Final = 100
"""Most events that a halted run keeps for one wait."""
UNITS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def wait_for_moment(draft: Draft, cursor: Cursor, node: TimerStep, visit: int) -> None:
    """Park a cursor until a moment."""
    due: At | str
    if node.until is None:
        due = draft.at + (node.duration or 0)
    else:
        answer = draft.evaluate(node.until, cursor)
        if isinstance(answer, Flaw):
            return _nodes.failed(draft, cursor, "expression", answer.message, retry=False)
        due = moment(msgspec.json.decode(answer.json), draft.at)
    if isinstance(due, str):
        return _nodes.failed(draft, cursor, "expression", f"`until` of step {node.name!r}: {due}", retry=False)
    draft.put(replace(cursor, job=Job(visit, "timer", draft.at)))
    return draft.set_timer(Timer(TimerId(f"m{visit}"), "moment", due, cursor.id))


def moment(value: Json, now: At) -> At | str:
    """Return the moment that a value means (RFC 3339 text, milliseconds, or a duration from now), or why it is none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return round(value)
    if isinstance(value, str):
        parts = DURATION.findall(value)
        if parts and "".join(number + unit for number, unit in parts) == value.replace(" ", ""):
            return now + round(sum(float(number) * UNITS[unit] for number, unit in parts))
        try:
            when = datetime.fromisoformat(value)
        except ValueError:
            return f"{value!r} is neither a moment (as 2026-01-31T12:00:00Z) nor a duration (as 90s, 10m, 2h)"
        if when.tzinfo is None:
            return f"{value!r} has no time zone; write 2026-01-31T12:00:00Z or +02:00"
        return round(when.timestamp() * 1000)
    return f"{value!r} is neither a moment nor a duration"


def wait_for_event(draft: Draft, cursor: Cursor, node: EventStep, visit: int) -> None:
    """Park a cursor until an event comes, or until polling finds what is waited for."""
    limit = node.settings.timeout if node.settings.timeout is not None else EVENT_WAIT
    draft.set_timer(Timer(TimerId(f"s{visit}"), "step", draft.at + limit, cursor.id))
    if node.poll is not None:
        answer = draft.evaluate(node.poll.input, cursor)
        if isinstance(answer, Flaw):
            return _nodes.failed(draft, cursor, "expression", answer.message, retry=False)
        job = Job(visit, "poll", draft.at, node.poll.action, input=answer.json)
        return _work.call_again(draft, cursor, job)
    correlation = ""
    if node.correlate is not None:
        answer = draft.evaluate(node.correlate, cursor)
        if isinstance(answer, Flaw):
            return _nodes.failed(draft, cursor, "expression", answer.message, retry=False)
        value: Json = msgspec.json.decode(answer.json)
        correlation = clean(value) if isinstance(value, str) else bytes(answer.json).decode()
        if value is None or not correlation:  # which would take the events of everybody
            message = f"`correlate` of step {node.name!r} came to nothing; leave it out to take events with any key"
            return _nodes.failed(draft, cursor, "expression", message, retry=False)
    if node.webhook:
        correlation = node.name
    job = Job(visit, "event", draft.at, input=Raw(msgspec.json.encode(correlation)))
    draft.put(replace(cursor, job=job))
    since = draft.state.created if node.lookback is None else draft.at - node.lookback
    key = _work.job_key(draft, job)
    topic = node.topic or f"webhook.{draft.state.run}"
    return draft.effects.append(Subscribe(key, cursor.id, cursor.step, topic, correlation, since))


def signalled(draft: Draft, event: SignalReceived) -> str:
    """Let an event end the wait for it, if it is the one; "" if so, else why not."""
    for cursor in draft.cursors.values():
        job = cursor.job
        if job is None or job.kind != "event" or _work.job_key(draft, job) != event.key:
            continue
        if not draft.halted:
            return "" if came(draft, cursor, job, event.event) else "no_match"
        if len(job.news) >= NEWS_LIMIT:
            return "too_many"
        _work.told(draft, cursor, News(event.event))
        return ""
    return "late"


def came(draft: Draft, cursor: Cursor, job: Job, event: Raw) -> bool:
    """Let an event end the wait for it; tell whether it is the one."""
    node = draft.flow.nodes.get(cursor.step)
    if isinstance(node, EventStep) and node.match:
        answer = draft.evaluate(node.match, cursor, event=event)
        if isinstance(answer, Flaw) or bytes(answer.json) != b"true":
            return False
    _clearing.stop_job(draft, cursor, job)
    _nodes.finished(draft, cursor, event)
    return True


def polled(draft: Draft, cursor: Cursor, job: Job, output: Raw) -> None:
    """Look whether what polling found is what is waited for; else ask again after a while."""
    node = draft.flow.nodes.get(cursor.step)
    assert isinstance(node, EventStep)
    assert node.poll is not None
    if node.match:
        answer = draft.evaluate(node.match, cursor, event=output)
        if isinstance(answer, Flaw):
            return _nodes.failed(draft, cursor, "expression", answer.message, retry=False)
        if bytes(answer.json) != b"true":
            again = replace(job, attempt=job.attempt + 1, failures=0)
            return _failures.schedule_job(draft, cursor, again, node.poll.interval)
    return _nodes.finished(draft, cursor, output)


def timer_due(draft: Draft, timer: Timer, cursor: Cursor) -> None:
    """Handle a timer of a node: its moment has come, its time is over, or its next attempt is due."""
    job = cursor.job
    if timer.kind == "moment":
        return _nodes.finished(draft, cursor)
    if timer.kind == "step":
        message = f"step {cursor.step!r} took longer than it may"
        if cursor.opened in draft.frames:
            return _frames.group_timed_out(draft, cursor, message)
        return _nodes.failed(draft, cursor, "timeout", message, retry=False)
    if job is None:
        return None
    node = draft.flow.nodes.get(cursor.step)
    if isinstance(node, GROUPS):
        draft.put(replace(cursor, job=None))
        return _frames.open_frame(draft, draft.cursors[cursor.id], node, job.visit, job)
    if isinstance(node, FlowStep):
        return _children.call_for_step(draft, replace(cursor, job=None), node, job.visit, job)
    return _work.call_again(draft, cursor, replace(job, delayed=False))
