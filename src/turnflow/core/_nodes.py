"""Nodes of a flow graph at work: entering them, what they come to, and which way that leads."""

from __future__ import annotations

from typing import assert_never

from msgspec import Raw
from msgspec.json import decode as json_decode
from msgspec.structs import replace

from turnflow.core import _children, _clearing, _failures, _falls, _frames, _groups, _moments, _navigation, _work
from turnflow.core._draft import Draft
from turnflow.core.evaluation import Flaw
from turnflow.core.frames import Failure, Job, StepResult
from turnflow.core.graph import structure_of
from turnflow.core.ids import CursorId, Json
from turnflow.core.nodes import (
    ActionStep,
    DecisionStep,
    EndStep,
    EventStep,
    FlowStep,
    Loop,
    Output,
    Parallel,
    Sequence,
    Settings,
    Template,
    TimerStep,
)
from turnflow.core.state import Cursor, Ending, Owed


def begin(draft: Draft, cursor: Cursor, visit: int) -> None:
    """Do what entering a node means; its place in the queue is taken off."""
    node = draft.flow.nodes[cursor.step]
    cursor = replace(cursor, owed=cursor.owed[1:])
    draft.put(cursor)
    match node:
        case ActionStep():
            _call(draft, cursor, node, visit)
        case DecisionStep():
            leave(draft, cursor, node.outputs)
        case TimerStep():
            _moments.wait_for_moment(draft, cursor, node, visit)
        case EventStep():
            _moments.wait_for_event(draft, cursor, node, visit)
        case FlowStep():
            _children.call_for_step(draft, cursor, node, visit)
        case EndStep():
            _end(draft, cursor, node)
        case Sequence() | Parallel() | Loop():
            _frames.open_frame(draft, cursor, node, visit)
        case _:
            assert_never(node)


def finished(draft: Draft, cursor: Cursor, output: Raw | None = None) -> None:
    """Keep what the step of a cursor came to and go on."""
    job, path = cursor.job, cursor.prefix + cursor.step
    if job is None:
        result = StepResult(path, draft.fresh(), "completed", output, started=draft.at, ended=draft.at)
    else:
        result = StepResult(
            path,
            job.visit,
            "completed",
            output,
            attempts=job.attempt,
            started=job.since,
            ended=draft.at,
            input=job.input,
        )
    came_to(draft, cursor, result)


def came_to(draft: Draft, cursor: Cursor, result: StepResult) -> None:
    """Keep the result of a step that succeeded, and take the output that it leads to."""
    draft.keep(result)
    if draft.timers:
        draft.clear_timers(cursor.id)
    cursor = replace(cursor, job=None, call=None, wait=None, owed=(), last=result.path)
    draft.put(cursor)
    leave(draft, cursor, _outputs(draft, cursor))


def leave(draft: Draft, cursor: Cursor, outputs: tuple[Output, ...]) -> None:
    """Take the first output whose condition holds; a step without any ends its path."""
    for output in outputs:
        if output.error:
            continue
        if not output.when:
            return take(draft, cursor, output)
        answer = draft.evaluate(output.when, cursor)
        if isinstance(answer, Flaw):
            return failed(draft, cursor, "expression", answer.message, retry=False)
        if bytes(answer.json) == b"true":
            return take(draft, cursor, output)
    if any(not output.error for output in outputs):
        message = f"no output of step {cursor.step!r} fits what it came to, and it has no default"
        return failed(draft, cursor, "no_output", message, retry=False)
    return path_ends(draft, cursor)


def take(draft: Draft, cursor: Cursor, output: Output) -> None:
    """Follow an output; with several targets the path forks."""
    if output.also and cursor.group is not None:
        message = f"step {cursor.step!r} forks inside a branch of a conversation, which has one path"
        return _failures.end_failed(draft, cursor, "fork_in_branch", message)
    for name in output.also:
        twin = Cursor(
            CursorId(draft.fresh()), cursor.step, history=cursor.history, frame=cursor.frame, lane=cursor.lane,
            prefix=cursor.prefix, last=cursor.last, error=cursor.error,
        )  # fmt: skip
        draft.put(twin)
        _navigation.onward(draft, twin, name)
        if draft.leaving:
            return None
    if cursor.id in draft.cursors:
        _navigation.onward(draft, draft.cursors[cursor.id], output.to)
    return None


def path_ends(draft: Draft, cursor: Cursor) -> None:
    """Nothing follows the step: go on in its list, or let the lane, the branch or the run come to its end."""
    following = structure_of(draft.flow).following.get(cursor.step)
    if following is not None:
        return _navigation.onward(draft, cursor, following)
    if cursor.frame is not None:
        return _frames.path_ended(draft, cursor)
    if cursor.group is not None:
        answer = draft.evaluate("output", cursor) if cursor.last else None
        result = None if answer is None or isinstance(answer, Flaw) else answer.json
        return _groups.complete(draft, cursor, draft.groups[cursor.group], result)
    return all_over(draft, cursor)


def all_over(draft: Draft, cursor: Cursor) -> None:
    """End a path outside of all groups; after the last one the run is complete, with what that came to."""
    if len(draft.cursors) > 1:
        draft.cursors.pop(cursor.id, None)
        return None
    draft.put(cursor)
    answer = draft.evaluate("output" if cursor.last else Template(), cursor, schema=draft.flow.output)
    if isinstance(answer, Flaw):  # it is the run's own failure: no output of its last step takes it
        return _untaken(draft, cursor, Failure("expression", answer.message, cursor.step))
    return _failures.end(draft, Ending("completed", answer.json if cursor.last else None))


def failed(draft: Draft, cursor: Cursor, code: str, message: str, *, retry: bool = True) -> None:
    """Apply the fixed order to a node: retries, error outputs, default output, the group around it, `on_error`, the run."""
    job = cursor.job
    settings = _settings(draft, cursor)
    if retry and job is not None:
        failures = job.failures + 1 if job.kind == "poll" else job.attempt
        delay = _failures.retry_delay(draft, cursor.step, settings, failures, job.since, code)
        if delay is not None:
            again = replace(job, attempt=job.attempt + 1, failures=failures)
            return _failures.schedule_job(draft, replace(cursor, call=None), again, delay)
    attempt = job.attempt if job is not None else 1
    failure = Failure(code, message, cursor.step, attempt)
    keep_failure(draft, cursor, failure, job)
    _falls.note(draft, cursor)
    return give_up(draft, cursor, failure)


def give_up(draft: Draft, cursor: Cursor, failure: Failure) -> None:
    """The step of a cursor has failed for good: who takes it?"""
    draft.clear_timers(cursor.id)
    if cursor.job is not None:
        _clearing.stop_job(draft, cursor, cursor.job)
    if cursor.call is not None and any(child.run == cursor.call.child for child in draft.children):
        _children.abandon(draft, cursor.call.child)
    cursor = replace(cursor, job=None, call=None, owed=(), error=failure)
    draft.put(cursor)
    way = _failures.way_on(_outputs(draft, cursor), _settings(draft, cursor), failure.code)
    if way is not None:
        return take(draft, cursor, way)
    if _settings(draft, cursor).continue_on_error and _failures.is_last(_outputs(draft, cursor)):
        return path_ends(draft, cursor)
    if cursor.frame is not None:
        return _frames.lane_failed(draft, cursor, failure)
    _falls.keep(draft, cursor)
    return _untaken(draft, cursor, failure)


def _untaken(draft: Draft, cursor: Cursor, failure: Failure) -> None:
    if "error" in draft.flow.hooks:
        owed = Owed("error", cursor.step, draft.fresh(), failure.attempt, draft.at, error=failure)
        return draft.owe(cursor, owed)
    return _failures.end(draft, Ending("failed", error=failure))


def _call(draft: Draft, cursor: Cursor, node: ActionStep, visit: int) -> None:
    answer = draft.evaluate(node.input, cursor)
    if isinstance(answer, Flaw):
        return failed(draft, cursor, "expression", answer.message, retry=False)
    key = ""
    if node.settings.idempotency_key is not None:
        chosen = draft.evaluate(node.settings.idempotency_key, cursor)
        if isinstance(chosen, Flaw):
            return failed(draft, cursor, "expression", chosen.message, retry=False)
        key = _text(chosen.json)
    return _work.call_again(draft, cursor, Job(visit, "action", draft.at, node.action, input=answer.json, key=key))


def _end(draft: Draft, cursor: Cursor, node: EndStep) -> None:
    result = draft.evaluate(node.output, cursor, schema=draft.flow.output if node.outcome == "completed" else None)
    reason = draft.evaluate(node.message, cursor)
    for answer in (result, reason):
        if isinstance(answer, Flaw):
            return failed(draft, cursor, "expression", answer.message, retry=False)
    assert not isinstance(result, Flaw)
    assert not isinstance(reason, Flaw)
    text = _text(reason.json)
    match node.outcome:
        case "completed":
            _failures.end(draft, Ending("completed", result.json))
        case "cancelled":
            _failures.end(draft, Ending("cancelled", reason=text))
        case "failed":
            draft.fell = None  # the author wanted this: there is nothing to resume
            _failures.end(draft, Ending("failed", error=Failure(node.code, text, cursor.step)))
        case _:
            assert_never(node.outcome)
    return None


def _text(json: Raw) -> str:
    value: Json = json_decode(json)
    return value if isinstance(value, str) else bytes(json).decode()


def keep_failure(draft: Draft, cursor: Cursor, failure: Failure, job: Job | None = None) -> None:
    """Keep that a step has failed for good."""
    visit, since = (job.visit, job.since) if job is not None else (draft.fresh(), draft.at)
    draft.keep(
        StepResult(
            cursor.prefix + cursor.step, visit, "failed", error=failure, attempts=failure.attempt, started=since,
            ended=draft.at, input=job.input if job is not None else None,
        )
    )  # fmt: skip


def _outputs(draft: Draft, cursor: Cursor) -> tuple[Output, ...]:
    node = draft.flow.nodes.get(cursor.step) or draft.step(cursor.step)
    return node.outputs if node is not None else ()


def _settings(draft: Draft, cursor: Cursor) -> Settings:
    node = draft.flow.nodes.get(cursor.step) or draft.step(cursor.step)
    return node.settings if node is not None else Settings()
