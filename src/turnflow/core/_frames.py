"""Groups of a flow graph at work: lanes (branches, rounds, items) begin up to a limit, end, fail, and are joined."""

from __future__ import annotations

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from turnflow.core import _clearing, _failures, _falls, _navigation, _nodes
from turnflow.core._draft import Draft
from turnflow.core.evaluation import Evaluation, Flaw
from turnflow.core.frames import Failure, Frame, Job, StepResult
from turnflow.core.graph import structure_of
from turnflow.core.ids import CursorId, GroupId, StepName, TimerId
from turnflow.core.nodes import GROUPS, Group, Loop, Parallel, Sequence
from turnflow.core.state import Cursor, Timer


def open_frame(draft: Draft, cursor: Cursor, node: Group, visit: int, again: Job | None = None) -> None:
    """Enter a group: its first lanes begin; the cursor stays on it until the join. `again`: it is a further attempt."""
    attempt, since = (again.attempt, again.since) if again is not None else (1, draft.at)
    total = _count(draft, cursor, node)
    if isinstance(total, str):
        return _nodes.failed(draft, cursor, "expression", total, retry=False)
    id = GroupId(draft.fresh())
    draft.put(replace(cursor, opened=id))
    draft.frames[id] = Frame(
        id, node.name, cursor.id, visit, cursor.prefix, total, since=since, hops=draft.hops, attempt=attempt,
        within=cursor.frame, lane=cursor.lane,
    )  # fmt: skip
    if node.settings.timeout is not None and again is None:
        draft.set_timer(Timer(TimerId(f"s{visit}"), "step", draft.at + node.settings.timeout, cursor.id))
    return _go_on(draft, draft.frames[id])


def path_ended(draft: Draft, cursor: Cursor) -> None:
    """A path inside a lane has come to its end; with the last one of its lane the lane is done."""
    assert cursor.frame is not None
    frame = draft.frames[cursor.frame]
    draft.cursors.pop(cursor.id, None)
    if any(other.frame == frame.id and other.lane == cursor.lane for other in draft.cursors.values()):
        return None
    node = _node(draft, frame)
    came_to = cursor.last if _is_inside(draft, frame, cursor) else ""
    if not isinstance(node, Sequence):
        path = f"{frame.prefix}{frame.name}[{cursor.lane}]"
        draft.keep(StepResult(path, draft.fresh(), "completed", ref=came_to, ended=draft.at))
    frame = replace(frame, active=frame.active - 1, done=frame.done + 1, last=came_to)
    draft.frames[frame.id] = frame
    for left in list(draft.frames.values()):
        if left.within == frame.id and left.lane == cursor.lane:  # what it left under way is the enclosing lane's now
            draft.frames[left.id] = replace(left, within=frame.within, lane=frame.lane)
    return _lane_over(draft, frame, cursor)


def take_up(draft: Draft, frame: Frame) -> None:
    """Go on with a group that failed by itself, between its lanes."""
    node = _node(draft, frame)
    lane = frame.begun - 1
    place = replace(draft.cursors[frame.parent], prefix=_prefix(frame, node, lane), last=frame.last)
    return _lane_over(draft, frame, place) if frame.done and lane >= 0 else _go_on(draft, frame)


def _lane_over(draft: Draft, frame: Frame, place: Cursor) -> None:
    """Look whether a lane that is done was the last one. `place`: what its end sees."""
    node = _node(draft, frame)
    if isinstance(node, Loop) and node.until and not frame.joined:
        answer = draft.evaluate(node.until, place)
        if isinstance(answer, Flaw):
            return _went_wrong(draft, frame, answer.message)
        if bytes(answer.json) == b"true":
            return _complete(draft, frame)
    return _go_on(draft, frame)


def _is_inside(draft: Draft, frame: Frame, cursor: Cursor) -> bool:
    """Tell whether the step that a path came by last belongs to the group, so that the path came to something there."""
    name = StepName(cursor.last.removeprefix(cursor.prefix))
    return cursor.last.startswith(cursor.prefix) and frame.name in structure_of(draft.flow).enclosing.get(name, ())


def lane_failed(draft: Draft, cursor: Cursor, failure: Failure) -> None:
    """A step in a lane has failed and nobody in the lane takes it: the group goes on without the lane, or fails with it."""
    assert cursor.frame is not None
    frame = draft.frames[cursor.frame]
    node = _node(draft, frame)
    _clearing.drop_lanes(draft, frame.id, cursor.lane)
    if not isinstance(node, Sequence):
        path = f"{frame.prefix}{frame.name}[{cursor.lane}]"
        draft.keep(StepResult(path, draft.fresh(), "failed", error=failure, ended=draft.at))
    frame = replace(frame, active=frame.active - 1, failed=frame.failed + 1)
    draft.frames[frame.id] = frame
    if frame.joined or _bears(node, frame):
        return _go_on(draft, frame)
    return _failed(draft, frame, failure)


def group_timed_out(draft: Draft, cursor: Cursor, message: str) -> None:
    """Leave a group whose time is over; results so far are kept."""
    frame = draft.frames.get(cursor.opened) if cursor.opened is not None else None
    if frame is not None:
        _falls.note(draft, cursor)
        _clearing.close_frame(draft, frame.id)
        _fail_group(draft, draft.cursors[cursor.id], frame, Failure("timeout", message, cursor.step), retry=False)


def _node(draft: Draft, frame: Frame) -> Group:
    node = draft.flow.nodes[frame.name]
    assert isinstance(node, GROUPS)
    return node


def _count(draft: Draft, cursor: Cursor, node: Group) -> int | str:
    """Return how many lanes there are to be, -1 for as long as a condition says, or why that cannot be told."""
    if isinstance(node, Sequence):
        return 1
    if isinstance(node, Parallel):
        return len(node.steps)
    if node.over is None:
        return -1
    answer = draft.evaluate(node.over, cursor)
    if isinstance(answer, Flaw):
        return answer.message
    try:
        items = msgspec.json.decode(answer.json, type=list[Raw])
    except msgspec.DecodeError:
        return f"`over` of loop {node.name!r} must come to a list"
    if len(items) > node.max_iterations:
        return f"loop {node.name!r} has {len(items)} items; maxIterations allows {node.max_iterations}"
    path = f"{cursor.prefix}{node.name}#items"
    draft.keep(StepResult(path, draft.fresh(), "completed", answer.json, started=draft.at, ended=draft.at))
    return len(items)


def _go_on(draft: Draft, frame: Frame) -> None:
    """Begin the lanes that may begin; if there are none and none is under way, the group is complete."""
    node = _node(draft, frame)
    if frame.joined:
        return _tidy(draft, frame)
    if isinstance(node, Parallel) and frame.done >= _need(node, frame):
        return _complete(draft, frame)
    limit = node.limit if isinstance(node, Parallel) or (isinstance(node, Loop) and node.over is not None) else 1
    while frame.active < limit and (frame.total < 0 or frame.begun < frame.total):
        if isinstance(node, Loop) and node.over is None:
            answer = _again(draft, frame, node)
            if isinstance(answer, Flaw):
                return _went_wrong(draft, frame, answer.message)
            if bytes(answer.json) != b"true":
                break
        frame = _begin_lane(draft, frame, node)
        if draft.leaving:
            return None
    if frame.active == 0:
        return _complete(draft, frame)
    return None


def _again(draft: Draft, frame: Frame, node: Loop) -> Evaluation:
    """Tell whether a loop by condition has another round."""
    if frame.begun >= node.max_iterations:
        return Flaw(f"loop {node.name!r} has had {node.max_iterations} rounds, as many as maxIterations allows")
    parent = draft.cursors[frame.parent]
    place = replace(parent, prefix=_prefix(frame, node, frame.begun), last=frame.last or parent.last)
    return draft.evaluate(node.while_ or "true", place)


def _begin_lane(draft: Draft, frame: Frame, node: Group) -> Frame:
    lane = frame.begun
    parent = draft.cursors[frame.parent]
    last = parent.last
    if isinstance(node, Loop) and node.over is None:
        last = frame.last or last  # a round sees what the one before came to
    elif isinstance(node, Loop):
        draft.hops = min(draft.hops, frame.hops)  # items are counted by their list, not by the loop guard
    frame = replace(frame, begun=lane + 1, active=frame.active + 1)
    draft.frames[frame.id] = frame
    first: StepName = node.steps[lane] if isinstance(node, Parallel) else node.steps[0]
    cursor = Cursor(
        CursorId(draft.fresh()), StepName(""), frame=frame.id, lane=lane, prefix=_prefix(frame, node, lane),
        last=last, error=parent.error,
    )  # fmt: skip
    draft.put(cursor)
    _navigation.enter(draft, cursor, first, ())
    return frame


def _prefix(frame: Frame, node: Group, lane: int) -> str:
    return f"{frame.prefix}{frame.name}[{lane}]/" if isinstance(node, Loop) else frame.prefix


def _need(node: Parallel, frame: Frame) -> int:
    match node.join:
        case "any":
            return 1
        case "n":
            return node.need
        case _:
            return frame.total


def _bears(node: Group, frame: Frame) -> bool:
    """Tell whether a group goes on although a lane has failed."""
    if isinstance(node, Loop):
        return node.on_item_error == "skip"
    if not isinstance(node, Parallel) or node.join == "all":
        return False
    return node.join == "settled" or frame.total - frame.failed >= _need(node, frame)


def _complete(draft: Draft, frame: Frame) -> None:
    """Join: keep the group's result and take its output, once."""
    node = _node(draft, frame)
    if isinstance(node, Parallel) and node.rest == "leave" and frame.active:
        draft.frames[frame.id] = replace(frame, joined=True)
    else:
        _clearing.close_frame(draft, frame.id)
    parent = replace(draft.cursors[frame.parent], opened=None)
    draft.put(parent)
    path = frame.prefix + frame.name
    result = StepResult(path, frame.visit, "completed", attempts=frame.attempt, started=frame.since, ended=draft.at)
    if isinstance(node, Sequence):
        result = replace(result, ref=frame.last)
    else:
        lanes = frame.total if isinstance(node, Parallel) else frame.begun
        result = replace(result, gathered=lanes, since_visit=frame.id)
    _nodes.came_to(draft, parent, result)


def _went_wrong(draft: Draft, frame: Frame, message: str) -> None:
    """A condition of a loop has failed: that is the loop's own failure."""
    _falls.note(draft, draft.cursors[frame.parent])
    _failed(draft, frame, Failure("expression", message, frame.name))


def _failed(draft: Draft, frame: Frame, failure: Failure) -> None:
    """A group has failed with one of its lanes: the others are cancelled, their results so far are kept."""
    _clearing.close_frame(draft, frame.id)
    _fail_group(draft, draft.cursors[frame.parent], frame, failure)


def _fail_group(draft: Draft, parent: Cursor, frame: Frame, failure: Failure, *, retry: bool = True) -> None:
    node = _node(draft, frame)
    parent = replace(parent, opened=None)
    draft.put(parent)
    if retry:
        delay = _failures.retry_delay(draft, frame.name, node.settings, frame.attempt, frame.since, failure.code)
        if delay is not None:
            job = Job(frame.visit, "timer", frame.since, attempt=frame.attempt + 1)
            return _failures.schedule_job(draft, parent, job, delay)
    path = frame.prefix + frame.name
    draft.keep(
        StepResult(
            path, frame.visit, "failed", error=failure, attempts=frame.attempt, started=frame.since, ended=draft.at
        )
    )
    return _nodes.give_up(draft, parent, failure)


def _tidy(draft: Draft, frame: Frame) -> None:
    """Forget a group whose join is over once the last lane left to itself has ended."""
    if frame.active:
        return None
    draft.frames.pop(frame.id, None)
    if not draft.cursors:
        main = Cursor(_failures.MAIN, frame.name, last=frame.prefix + frame.name)
        return _nodes.all_over(draft, main)
    return None
