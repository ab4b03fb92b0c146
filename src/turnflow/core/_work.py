"""Work outside that a step waits for: beginning an attempt at it, and what becomes of it."""

from __future__ import annotations

from msgspec import Raw
from msgspec.structs import replace

from turnflow.core import _moments, _nodes
from turnflow.core._draft import Draft
from turnflow.core.effects import CallAction
from turnflow.core.events import ActionFailed, ActionSucceeded
from turnflow.core.frames import Failure, Job, News
from turnflow.core.ids import EffectKey
from turnflow.core.state import Cursor


def job_key(draft: Draft, job: Job) -> EffectKey:
    """Return the key of one attempt at an execution."""
    return EffectKey(f"{draft.state.run}:{job.visit}.{job.attempt}")


def call_again(draft: Draft, cursor: Cursor, job: Job) -> None:
    """Begin an attempt at an action."""
    draft.put(replace(cursor, job=job))
    draft.effects.append(CallAction(job_key(draft, job), cursor.id, cursor.step, job))


def action_succeeded(draft: Draft, event: ActionSucceeded) -> str:
    """Apply the result of an action; "" if it is still wanted, else why not."""
    found = _at_work(draft, event.key)
    if found is None:
        return "late"
    told(draft, found[0], News(event.output))
    return ""


def action_failed(draft: Draft, event: ActionFailed) -> str:
    """Apply the failure of an action; "" if anybody still waits for it, else why not."""
    found = _at_work(draft, event.key)
    if found is None:
        return "late"
    told(draft, found[0], News(failure=Failure(event.code, event.message), final=event.final))
    return ""


def told(draft: Draft, cursor: Cursor, news: News) -> None:
    """Go on with what became of work outside; a halted run keeps it until it goes on."""
    job = cursor.job
    assert job is not None
    if draft.halted:
        draft.put(replace(cursor, job=replace(job, news=(*job.news, news))))
    elif news.failure is not None:
        _nodes.failed(draft, cursor, news.failure.code, news.failure.message, retry=not news.final)
    elif job.kind == "poll":
        _moments.polled(draft, cursor, job, news.output or Raw(b"null"))
    elif job.kind == "event":
        _moments.came(draft, cursor, job, news.output or Raw(b"null"))
    else:
        _nodes.finished(draft, cursor, news.output)


def take_note(draft: Draft) -> None:
    """Go on with what became of work outside while the run was halted."""
    for id in list(draft.cursors):
        cursor = draft.cursors.get(id)
        if cursor is None or cursor.job is None or not cursor.job.news:
            continue
        job = replace(cursor.job, news=())
        draft.put(replace(cursor, job=job))
        for news in cursor.job.news:
            now = draft.cursors.get(id)
            if now is not None and now.job is not None and now.job.visit == job.visit:
                told(draft, now, news)


def _at_work(draft: Draft, key: EffectKey) -> tuple[Cursor, Job] | None:
    for cursor in draft.cursors.values():
        job = cursor.job
        if job is None or job.kind not in ("action", "poll") or job.delayed or job.news:
            continue
        if job_key(draft, job) == key:
            return cursor, job
    return None
