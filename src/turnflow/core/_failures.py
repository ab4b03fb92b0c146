"""When something goes wrong or comes to its end: retries, error outputs, the flow's own `on_error`, and ending a run."""

from __future__ import annotations

from zlib import crc32

from msgspec.structs import replace

from turnflow.core import _clearing, _falls, _frames, _inputs, _navigation, _nodes, _waits
from turnflow.core._draft import Draft
from turnflow.core.definition import Output, Retry, Settings
from turnflow.core.effects import CancelChild, Finish
from turnflow.core.frames import Job
from turnflow.core.ids import At, CursorId, EffectKey, Millis, StepName, TimerId
from turnflow.core.state import Cursor, Ending, Failure, Owed, Timer

MAIN = CursorId(0)


def source(cursor: Cursor) -> Owed:
    """Return the call to blame when a cursor cannot go on: the one it owes, else entering its step."""
    return cursor.owed[0] if cursor.owed else Owed("enter", cursor.step, 0)


def failed(draft: Draft, cursor: Cursor, owed: Owed, code: str, message: str, *, retry: bool = True) -> None:
    """Apply the fixed order: retries, first matching error output, default output, flow `on_error`, the run fails."""
    failure = Failure(code, message, cursor.step, owed.attempt)
    if owed.phase == "error":
        return end(draft, Ending("failed", error=failure))  # the last resort has no further one
    step = draft.step(cursor.step)
    if retry and step is not None and _again(draft, cursor, owed, step.settings, code):
        return None
    fell = replace(cursor, owed=(replace(owed, delayed=False),)) if owed.visit else cursor
    cursor = _waits.close_wait(draft, replace(cursor, owed=(), error=failure if draft.flow.is_graph else None))
    draft.put(cursor)
    if draft.flow.is_graph:
        _nodes.keep_failure(draft, cursor, failure)
    way = way_on(step.outputs, step.settings, code) if step is not None else None
    if way is not None:
        return _nodes.take(draft, cursor, way)
    if draft.flow.is_graph and step is not None and step.settings.continue_on_error and is_last(step.outputs):
        return _nodes.path_ends(draft, cursor)
    _falls.note(draft, fell)
    if cursor.frame is not None:
        return _frames.lane_failed(draft, cursor, failure)
    _falls.keep(draft, cursor)
    if "error" in draft.flow.hooks:
        call = () if owed.phase == "timeout" or not owed.visit else (replace(owed, delayed=False),)
        error = Owed("error", cursor.step, draft.fresh(), owed.attempt, draft.at, owed.input, failure, failed=call)
        return draft.owe(cursor, error)
    return end(draft, Ending("failed", error=failure))


def way_on(outputs: tuple[Output, ...], settings: Settings, code: str) -> Output | None:
    """Return the first error output that a code fits, or with `continue_on_error` the default output."""
    for output in outputs:
        if is_among(code, output.error):
            return output
    if settings.continue_on_error:
        for output in outputs:
            if not output.error and not output.when:
                return output
    return None


def is_among(code: str, known: tuple[str, ...]) -> bool:
    """Tell whether an error code is one of those an author names; `http.*` names all with that beginning."""
    return any(code == name or (name.endswith("*") and code.startswith(name[:-1])) for name in known)


def is_last(outputs: tuple[Output, ...]) -> bool:
    """Tell whether a step has no output for its success, so that its path ends there."""
    return all(output.error for output in outputs)


def end_failed(draft: Draft, cursor: Cursor, code: str, message: str) -> None:
    """Fail the run outright: no rule of the flow may catch this, and there is nowhere to resume it."""
    draft.fell = None
    end(draft, Ending("failed", error=Failure(code, message, cursor.step)))


def repeat_failed(draft: Draft, cursor: Cursor, owed: Owed) -> None:
    """`repeat()` from an error handler: run the failed call again, with the same input."""
    draft.hops += 1
    if draft.hops > _navigation.HOP_LIMIT:
        return end_failed(draft, cursor, "loop_guard", f"on_error repeated {cursor.step!r} {draft.hops} times")
    if not owed.failed:
        return _navigation.repeat(draft, cursor)
    call = owed.failed[0]
    draft.put(replace(cursor, owed=(replace(call, attempt=call.attempt + 1), *cursor.owed)))
    return None


def _again(draft: Draft, cursor: Cursor, owed: Owed, settings: Settings, code: str) -> bool:
    """Queue a further attempt, if the step grants one."""
    delay = retry_delay(draft, cursor.step, settings, owed.attempt, owed.since, code)
    if delay is None:
        return False
    again = replace(owed, attempt=owed.attempt + 1, delayed=delay > 0)
    draft.put(replace(cursor, owed=(again, *cursor.owed[1:])))
    if delay:
        draft.set_timer(Timer(TimerId(f"a{draft.fresh()}"), "retry", draft.at + delay, cursor.id))
    return True


def retry_delay(draft: Draft, step: StepName, settings: Settings, attempt: int, since: At, code: str) -> Millis | None:
    """Return how long to wait before the next attempt; None if the settings grant none."""
    retry = settings.retry
    if retry is None or attempt > retry.count or (retry.on and not is_among(code, retry.on)):
        return None
    delay = _delay(retry, attempt, f"{draft.state.run}/{step}/{attempt}")
    for limit in (retry.within, settings.timeout):
        if limit is not None and draft.at + delay > since + limit:
            return None
    return delay


def schedule_job(draft: Draft, cursor: Cursor, job: Job, delay: Millis) -> None:
    """Have the next attempt of a node begin after a while."""
    draft.put(replace(cursor, job=replace(job, delayed=True)))
    draft.set_timer(Timer(TimerId(f"a{draft.fresh()}"), "retry", draft.at + delay, cursor.id))


def _delay(retry: Retry, attempt: int, seed: str) -> Millis:
    limit = float(retry.max_delay)
    delay = float(retry.delay)
    for _ in range(min(attempt - 1, 64)):
        delay = min(limit, delay * retry.factor)  # step by step: a power may be too large for a float
    spread = (crc32(seed.encode()) / 0xFFFFFFFF * 2 - 1) * retry.jitter
    return max(0, round(min(limit, delay) * (1 + spread)))


def call_key(draft: Draft, owed: Owed) -> EffectKey:
    """Return the key of one attempt at a piece of user code."""
    return EffectKey(f"{draft.state.run}:{owed.visit}.{owed.attempt}")


def expired(draft: Draft, reason: str) -> None:
    """End an abandoned run."""
    end(draft, Ending("cancelled", reason=reason))


def end(draft: Draft, ending: Ending) -> None:
    """Begin to end the run: children first (deepest first, by themselves), then hooks, then `finish`."""
    if draft.leaving:
        return
    if ending.outcome == "failed":
        _falls.complete(draft)
    else:
        draft.fell = None
    awaited = {cursor.call.child for cursor in draft.cursors.values() if cursor.call is not None}
    doomed = [child for child in draft.children if ending.outcome != "completed" or child.run in awaited]
    if doomed:
        draft.cancelling = ending
        draft.children = tuple(doomed)
        draft.inflight = None
        _quiet(draft)
        for child in doomed:
            draft.effects.append(CancelChild(draft.key(), child.run, ending.reason or ending.outcome))
        return
    clean_up(draft, ending)


def clean_up(draft: Draft, ending: Ending) -> None:
    """Leave the last step: drop what was open and queue the exit hooks."""
    draft.cancelling = None
    draft.ending = ending
    draft.inflight = None
    step = _quiet(draft)
    queue: list[Owed] = []
    hooks = draft.flow.hooks
    if "step_leave" in hooks:
        queue.append(Owed("hook", step, draft.fresh(), since=draft.at, hook="step_leave"))
    if "flow_exit" in hooks:
        queue.append(
            Owed(
                "hook",
                step,
                draft.fresh(),
                since=draft.at,
                hook="flow_exit",
                outcome=ending.outcome,
                error=ending.error,
            )
        )
    main = draft.cursors[MAIN]
    draft.cursors = {MAIN: replace(main, owed=tuple(queue))}


def _quiet(draft: Draft) -> StepName:
    """Drop waits, branches and timers; the main cursor stays where it is. Returns its step."""
    for timer in list(draft.timers):
        draft.clear_timer(timer)
    for cursor in draft.cursors.values():
        _clearing.stop(draft, cursor)
    draft.groups = {}
    draft.frames = {}
    main = draft.cursors.get(MAIN) or next(iter(draft.cursors.values()), None) or Cursor(MAIN, draft.flow.start)
    draft.cursors = {MAIN: Cursor(MAIN, main.step, history=main.history)}
    return main.step


def finish(draft: Draft) -> None:
    """End the run for good and tell everybody whom it concerns."""
    ending = draft.ending
    assert ending is not None
    draft.status = ending.outcome
    if not ending.said and draft.state.conversation and (draft.state.parent is None or not draft.state.parent.awaited):
        if ending.outcome == "failed":
            draft.notice("failed")
        elif ending.outcome == "cancelled":
            draft.notice("expired" if ending.reason in ("timeout", "ttl", "idle") else "cancelled")
    _inputs.release(draft)
    draft.effects.append(Finish(draft.key(), ending, draft.state.parent))
