"""What authors say about a wait, brought into the core's form: by a step's options, or by `turn.wait(...)` over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from enum import Enum
from typing import NamedTuple, TypeAlias

from turnflow.authoring.durations import millis
from turnflow.authoring.messages import Sayable, message_of
from turnflow.authoring.triggers import accepts_of
from turnflow.core.definition import Accepts, Reminder, Timeout, Trigger, WaitSpec
from turnflow.core.ids import StepName
from turnflow.errors import UserCodeError

Remind: TypeAlias = timedelta | tuple[timedelta, Sayable]
"""A reminder: when, counted from the question, and what is said (nothing: the question is repeated)."""


class Waiting(NamedTuple):
    """Options of one wait; what is empty is taken from the step."""

    accepts: Accepts | Trigger | None = None
    timeout: timedelta | None = None
    on_timeout: object = None
    """A step, `"cancel"` or `"fail"`."""
    remind: Sequence[Remind] = ()
    retry: Sayable | None = None
    attempts: int = 0
    on_exhausted: object = None
    otherwise: Sayable | None = None
    who: Sequence[str] = ()
    gather: timedelta | None = None


def merged(own: WaitSpec, wanted: Waiting, target: Callable[[object], StepName]) -> WaitSpec:
    """Return a wait: what is wanted over the step's own. Raises `UserCodeError` (`invalid_wait`)."""
    accepts = own.accepts if wanted.accepts is None else accepts_of(wanted.accepts)
    if accepts is None:
        raise UserCodeError("invalid_wait", "a callback trigger is bound to no wait; use wait_callback(...)")
    on_exhausted = own.on_exhausted if wanted.on_exhausted is None else target(wanted.on_exhausted)
    spec = WaitSpec(
        accepts=accepts,
        timeout=own.timeout if wanted.timeout is None else millis(wanted.timeout),
        on_timeout=timeout_of(wanted.on_timeout, target) or own.on_timeout,
        remind=reminders_of(wanted.remind) or own.remind,
        retry=own.retry if wanted.retry is None else message_of(wanted.retry),
        retry_handler=own.retry_handler and wanted.retry is None,
        attempts=wanted.attempts or own.attempts,
        on_exhausted=on_exhausted,
        otherwise=own.otherwise if wanted.otherwise is None else message_of(wanted.otherwise),
        otherwise_handler=own.otherwise_handler and wanted.otherwise is None,
        who=tuple(wanted.who) or own.who,
        gather=own.gather if wanted.gather is None else millis(wanted.gather),
    )
    for _, _, complaint in complaints_about(spec):
        raise UserCodeError("invalid_wait", complaint)
    return spec


def timeout_of(wanted: object, target: Callable[[object], StepName]) -> Timeout | None:
    """Return what a timeout leads to; None if nothing is said."""
    if wanted is None:
        return None
    if wanted == "cancel" and not isinstance(wanted, Enum):
        return Timeout(then="cancel")
    if wanted == "fail" and not isinstance(wanted, Enum):
        return Timeout(then="fail")
    return Timeout(target(wanted), "step")


def reminders_of(wanted: Sequence[Remind]) -> tuple[Reminder, ...]:
    """Return reminders in the core's form."""
    return tuple(
        Reminder(millis(item)) if isinstance(item, timedelta) else Reminder(millis(item[0]), message_of(item[1]))
        for item in wanted
    )


def complaints_about(spec: WaitSpec) -> Iterator[tuple[str, str, str]]:
    """Yield code, option and sentence of what is wrong with a wait that the core's validation does not get to see."""
    if spec.timeout is not None and spec.timeout <= 0:
        yield "bad_duration", "timeout", "timeout= must be longer than nothing"
    for reminder in spec.remind:
        if reminder.after <= 0:
            yield "bad_duration", "remind", "remind= must be longer than nothing"
        elif spec.timeout is not None and reminder.after >= spec.timeout:
            yield "late_reminder", "remind", "remind= comes after the timeout and is never sent"
    if spec.on_exhausted is not None and not spec.attempts:
        yield "unbounded_attempts", "on_exhausted", "on_exhausted= never happens: say how many attempts= there are"
