"""What decorators have collected about a flow: exactly what the author wrote, checked when the flow is built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

from turnflow.authoring.durations import millis
from turnflow.authoring.messages import Sayable
from turnflow.authoring.migrations import Change
from turnflow.authoring.signatures import Locals, UserCode
from turnflow.authoring.waits import Remind
from turnflow.core import definition
from turnflow.core.definition import Accepts, KeyPolicy, OnRepeat, Trigger


@dataclass(frozen=True, kw_only=True, slots=True)
class Retry:
    """Repetition of a failed handler: `count` further attempts, `delay * factor**n` apart.

    No pause is longer than `max_delay`; `jitter` (0..1) spreads them."""

    count: int
    delay: timedelta = timedelta(seconds=1)
    factor: float = 2.0
    max_delay: timedelta = timedelta(minutes=1)
    jitter: float = 0.0
    on: Sequence[str] = ()
    """Error codes to retry on; empty: all."""
    within: timedelta | None = None
    """No attempt starts later than this after the first one."""

    def defined(self) -> definition.Retry:
        """Return it in the core's form."""
        within = None if self.within is None else millis(self.within)
        delay, most = millis(self.delay), millis(self.max_delay)
        return definition.Retry(self.count, delay, self.factor, most, self.jitter, tuple(self.on), within)


@dataclass(frozen=True, kw_only=True, slots=True)
class StepOptions:
    """Options of `@flow.step(...)`. Steps are enum members; callables are kept as they came."""

    ask: Sayable | UserCode | None
    accepts: Accepts | Trigger | None
    retry: Sayable | UserCode | None
    attempts: int
    on_exhausted: object
    timeout: timedelta | None
    on_timeout: object
    remind: Sequence[Remind]
    otherwise: Sayable | UserCode | None
    who: Sequence[str]
    gather: timedelta | None
    to: Sequence[object] | None
    on_error: object
    retries: Retry | None
    handler_timeout: timedelta | None
    attempt_timeout: timedelta | None
    continue_on_error: bool | None
    routing: bool
    title: str


class Written(NamedTuple):
    """A piece of user code with the local names around the place where it was handed over."""

    code: UserCode
    around: Locals


class StepWritten(NamedTuple):
    """One use of `@flow.step(...)`."""

    step: object
    handler: Written
    options: StepOptions


class ParallelWritten(NamedTuple):
    """One use of `flow.parallel(...)`."""

    start: object
    steps: Sequence[object]
    join: object
    need: object
    redo: bool
    menu: Sayable | UserCode | None
    timeout: timedelta | None
    on_timeout: object
    around: Locals


class MigrationWritten(NamedTuple):
    """One use of `@flow.migrate(...)`."""

    old: int
    new: int
    steps: Mapping[str, object]
    code: Change


class FlowWritten(NamedTuple):
    """The arguments of `Flow(...)`."""

    name: str
    steps: object
    data: type | None
    version: int
    start: object
    title: str
    key: KeyPolicy
    on_repeat: OnRepeat
    ttl: timedelta | None
    idle: timedelta | None
    keep_buttons: bool


@dataclass(slots=True)
class Source:
    """Everything written about one flow, in the order it was written."""

    flow: FlowWritten
    steps: list[StepWritten] = field(default_factory=list)
    parallels: list[ParallelWritten] = field(default_factory=list)
    hooks: dict[str, list[Written]] = field(default_factory=dict)
    """flow_enter, flow_exit, complete, step_enter, step_leave, error, timeout, middleware."""
    filters: list[tuple[str, UserCode]] = field(default_factory=list)
    migrations: list[MigrationWritten] = field(default_factory=list)
    retired: list[tuple[str, object]] = field(default_factory=list)
