"""What can be wrong with one step of a flow by itself, wherever it stands: its numbers, durations, and what its kind needs."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from typing import Final, assert_never

from turnflow.core.ids import Millis, StepName
from turnflow.core.nodes import (
    ActionStep,
    DecisionStep,
    EndStep,
    EventStep,
    FlowStep,
    Group,
    Loop,
    Node,
    Parallel,
    Sequence,
    Settings,
    TimerStep,
)
from turnflow.core.topics import pattern_problem
from turnflow.errors import Problem

LONGEST_EVENT_WAIT: Final[Millis] = 366 * 86_400_000
"""An event is waited for at most a year (guarantees: Limits)."""
NAMES_SHOWN: Final = 20
ROOTS: Final = frozenset(
    {
        *("input", "params", "data", "steps", "output", "error", "event", "item", "index"),
        *("run", "conversation", "message", "now"),
    }
)
"""What expressions may refer to (semantics G2)."""
RESERVED: Final = frozenset(
    {
        *(ROOTS - {"item"}),
        *("true", "false", "null", "in", "has", "as", "break", "const", "continue", "else", "for", "function"),
        *("if", "import", "let", "loop", "package", "namespace", "return", "var", "void", "while"),
    }
)
"""Words that mean something in every expression, or nothing in any; an item cannot be called so."""


def unknown_step(known: Collection[StepName], path: str, name: str) -> Problem:
    """Return the problem of a target that does not exist, with the name that was probably meant."""
    close = get_close_matches(name, known, n=1)
    shown = ", ".join(list(known)[:NAMES_SHOWN]) + (", ..." if len(known) > NAMES_SHOWN else "")
    hint = f"; did you mean {close[0]!r}?" if close else f"; the steps are: {shown}"
    return Problem("unknown_step", path, f"there is no step {name!r}{hint}")


def too_short(path: str) -> Problem:
    """Return the problem of a duration that is none."""
    return Problem("bad_duration", path, "must be longer than nothing")


def settings_problems(settings: Settings, path: str) -> Iterable[Problem]:
    """Yield what is wrong with how a step is to be executed."""
    for name in ("timeout", "attempt_timeout", "idle_timeout"):
        value = getattr(settings, name)
        if value is not None and value <= 0:
            yield too_short(f"{path}.{name}")
    if settings.concurrency < 0:
        yield Problem("bad_limit", f"{path}.concurrency", "must not be negative; 0 means no bound of its own")
    retry = settings.retry
    if retry is None:
        return
    if retry.count < 0 or retry.delay < 0 or retry.factor < 0 or not 0 <= retry.jitter <= 1:
        yield Problem(
            "bad_retry", f"{path}.retry", "count, delay and factor must not be negative, jitter is from 0 to 1"
        )
    if retry.max_delay < 0:
        yield Problem("bad_retry", f"{path}.retry.max_delay", "must not be negative")
    if retry.within is not None and retry.within <= 0:
        yield too_short(f"{path}.retry.within")


def node_problems(node: Node, path: str) -> Iterable[Problem]:
    """Yield what is wrong with a step of a flow graph by itself."""
    match node:
        case TimerStep():
            yield from _timer(node, path)
        case EventStep():
            yield from _event(node, path)
        case DecisionStep():
            if not node.outputs:
                yield Problem("empty_decision", path, "a decision needs outputs to choose from")
        case Sequence() | Parallel() | Loop():
            yield from _group(node, path)
        case ActionStep() | FlowStep() | EndStep():
            pass
        case _:
            assert_never(node)


def _timer(node: TimerStep, path: str) -> Iterable[Problem]:
    if (node.duration is None) == (node.until is None):
        yield Problem("bad_timer", path, "say either how long it waits (duration) or until when (until)")
    if node.duration is not None and node.duration <= 0:
        yield too_short(f"{path}.duration")


def _event(node: EventStep, path: str) -> Iterable[Problem]:
    sources = [bool(node.topic), node.poll is not None, node.webhook]
    if sum(sources) != 1:
        yield Problem("bad_event", path, "say where the event comes from: exactly one of topic, poll and webhook")
    if node.topic and (problem := pattern_problem(node.topic)):
        yield Problem("bad_topic", f"{path}.topic", problem)
    if node.poll is not None and node.poll.interval <= 0:
        yield too_short(f"{path}.poll.interval")
    if node.lookback is not None and node.lookback < 0:
        yield Problem("bad_duration", f"{path}.lookback", "must not be less than nothing")
    if (node.settings.timeout or 0) > LONGEST_EVENT_WAIT:
        yield Problem(
            "too_long", f"{path}.settings.timeout", "an event is waited for at most a year: wait again after it"
        )


def _group(node: Group, path: str) -> Iterable[Problem]:
    if not node.steps:
        yield Problem("empty_group", f"{path}.steps", "a group needs at least one step in its list")
    match node:
        case Sequence():
            return
        case Parallel():
            yield from _limit(node.limit, path)
            yield from _need(node, path)
        case Loop():
            yield from _limit(node.limit, path)
            yield from _rounds(node, path)
        case _:
            assert_never(node)


def _limit(limit: int, path: str) -> Iterable[Problem]:
    if limit < 1:
        yield Problem("bad_limit", f"{path}.limit", f"{limit} at once means never: at least 1")


def _need(node: Parallel, path: str) -> Iterable[Problem]:
    if node.join == "n" and not 1 <= node.need <= len(node.steps):
        message = f"{node.need} of {len(node.steps)} branches: from 1 to {len(node.steps)}"
        yield Problem("bad_need", f"{path}.need", message)
    if node.join != "n" and node.need:
        yield Problem("bad_need", f"{path}.need", "counts only with join 'n'; write that, or leave it out")


def _rounds(node: Loop, path: str) -> Iterable[Problem]:
    if (node.over is not None) + bool(node.while_) + bool(node.until) != 1:
        yield Problem("bad_loop", path, "say what it repeats for: exactly one of over, while and until")
    if node.limit > 1 and node.over is None:
        yield Problem("bad_limit", f"{path}.limit", "rounds of while and until come one after another: leave it out")
    if node.max_iterations < 1:
        yield Problem("bad_iterations", f"{path}.max_iterations", f"{node.max_iterations} rounds: at least 1")
    if node.item and (not node.item.isidentifier() or not node.item.isascii() or node.item in RESERVED):
        message = (
            f"{node.item!r} cannot name the item in expressions: use letters, digits, '_', and no word with a meaning"
        )
        yield Problem("bad_item_name", f"{path}.item", message)
