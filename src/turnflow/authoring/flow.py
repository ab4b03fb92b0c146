"""A flow as authors write it: decorators collect, `build()` checks everything and makes the frozen definition and its code."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from enum import Enum
from typing import Concatenate, Generic, Literal, ParamSpec, TypeAlias, TypeVar, overload

from turnflow.authoring.building import build
from turnflow.authoring.handlers import FlowHandlers
from turnflow.authoring.messages import Sayable
from turnflow.authoring.migrations import Change
from turnflow.authoring.options import (
    FlowWritten,
    MigrationWritten,
    ParallelWritten,
    Retry,
    Source,
    StepOptions,
    StepWritten,
    Written,
)
from turnflow.authoring.signatures import caller_locals
from turnflow.authoring.turn import Turn
from turnflow.authoring.waits import Remind
from turnflow.core.definition import Accepts, KeyPolicy, OnRepeat, Trigger
from turnflow.core.directives import Directive
from turnflow.core.inputs import Input
from turnflow.core.state import Failure

S = TypeVar("S", bound=Enum)
D = TypeVar("D")
P = ParamSpec("P")
F = TypeVar("F", bound=Callable[..., object])

Handler: TypeAlias = Callable[Concatenate[Turn[S, D], P], Awaitable[Directive]]
"""Takes the turn first, then what it asks for: the `answer`, resources by their class."""
Hook: TypeAlias = Callable[Concatenate[Turn[S, D], P], Awaitable[object]]
Middleware: TypeAlias = Callable[[Turn[S, D], Callable[[], Awaitable[Directive]]], Awaitable[Directive]]
Reply: TypeAlias = Callable[[Turn[S, D]], Sayable | Awaitable[Sayable]]
RetryReply: TypeAlias = Callable[[Turn[S, D], str], Sayable | Awaitable[Sayable]]
OnTimeout: TypeAlias = Callable[[Turn[S, D]], Awaitable[Directive]]


class StepDecorator(Generic[S, D]):
    """Registers a handler for a step and returns it unchanged."""

    def __init__(self, source: Source, step: S, options: StepOptions) -> None:
        self._source = source
        self._step = step
        self._options = options

    def __call__(self, handler: Handler[S, D, P]) -> Handler[S, D, P]:
        """Take the handler."""
        self._source.steps.append(StepWritten(self._step, Written(handler, caller_locals(2)), self._options))
        return handler


class Flow(Generic[S, D]):
    """A typed conversation flow: steps are the members of an enum, data is a struct, dataclass or pydantic model."""

    @overload
    def __init__(
        self: Flow[S, None],
        name: str,
        *,
        steps: type[S],
        data: None = None,
        version: int = 1,
        start: S | None = None,
        title: str = "",
        key: KeyPolicy = "user_in_chat",
        on_repeat: OnRepeat = "resume",
        ttl: timedelta | None = None,
        idle: timedelta | None = None,
        keep_buttons: bool = False,
    ) -> None: ...
    @overload
    def __init__(
        self,
        name: str,
        *,
        steps: type[S],
        data: type[D],
        version: int = 1,
        start: S | None = None,
        title: str = "",
        key: KeyPolicy = "user_in_chat",
        on_repeat: OnRepeat = "resume",
        ttl: timedelta | None = None,
        idle: timedelta | None = None,
        keep_buttons: bool = False,
    ) -> None: ...
    def __init__(
        self,
        name: str,
        *,
        steps: type[S],
        data: type[D] | None = None,
        version: int = 1,
        start: S | None = None,
        title: str = "",
        key: KeyPolicy = "user_in_chat",
        on_repeat: OnRepeat = "resume",
        ttl: timedelta | None = None,
        idle: timedelta | None = None,
        keep_buttons: bool = False,
    ) -> None:
        """Name a flow. It starts at `start`, by default the first member; `ttl` and `idle` end abandoned runs."""
        written = FlowWritten(name, steps, data, version, start, title, key, on_repeat, ttl, idle, keep_buttons)
        self._source = Source(written)

    @property
    def name(self) -> str:
        """The flow's name."""
        return self._source.flow.name

    @property
    def version(self) -> int:
        """The flow's version."""
        return self._source.flow.version

    def build(self) -> FlowHandlers:
        """Return the definition with its code. Raises `InvalidFlow` with all problems at once."""
        return build(self._source)

    # --- steps ---------------------------------------------------------------------------------------------------

    def step(
        self,
        step: S,
        *,
        ask: Sayable | Reply[S, D] | None = None,
        accepts: Accepts | Trigger | None = None,
        retry: Sayable | RetryReply[S, D] | None = None,
        attempts: int = 0,
        on_exhausted: S | None = None,
        timeout: timedelta | None = None,
        on_timeout: S | Literal["cancel", "fail"] | OnTimeout[S, D] | None = None,
        remind: Sequence[Remind] = (),
        otherwise: Sayable | Reply[S, D] | None = None,
        who: Sequence[str] = (),
        gather: timedelta | None = None,
        to: Sequence[S] | None = None,
        on_error: S | Mapping[str, S] | None = None,
        retries: Retry | None = None,
        handler_timeout: timedelta | None = None,
        attempt_timeout: timedelta | None = None,
        continue_on_error: bool | None = None,
        routing: bool = False,
        title: str = "",
    ) -> StepDecorator[S, D]:
        """Register the handler of a step.

        With `ask` the step says its question and waits; the handler is called with each answer that parses. Options of
        the wait (`accepts` to `gather`) also hold for waits the handler opens itself. `to` declares all ways on;
        `on_error` leads to a step, by error code or `"*"` for any.
        """
        options = StepOptions(
            ask=ask, accepts=accepts, retry=retry, attempts=attempts, on_exhausted=on_exhausted, timeout=timeout,
            on_timeout=on_timeout, remind=remind, otherwise=otherwise, who=who, gather=gather, to=to, on_error=on_error,
            retries=retries, handler_timeout=handler_timeout, attempt_timeout=attempt_timeout,
            continue_on_error=continue_on_error, routing=routing, title=title,
        )  # fmt: skip
        return StepDecorator(self._source, step, options)

    def parallel(
        self,
        *,
        start: S,
        steps: Sequence[S],
        join: S,
        need: Literal["all", "any"] | int = "all",
        redo: bool = True,
        menu: Sayable | Reply[S, D] | None = None,
        timeout: timedelta | None = None,
        on_timeout: S | None = None,
    ) -> None:
        """Let a person complete `steps` in any order: reaching `start` opens them, `join` follows once enough are done."""
        self._source.parallels.append(
            ParallelWritten(start, steps, join, need, redo, menu, timeout, on_timeout, caller_locals(2))
        )

    # --- hooks ---------------------------------------------------------------------------------------------------

    def on_enter(self, hook: Hook[S, D, P]) -> Hook[S, D, P]:
        """Run a hook when a run starts."""
        return self._hook("flow_enter", hook)

    def on_exit(self, hook: Hook[S, D, P]) -> Hook[S, D, P]:
        """Run a hook when a run ends, however it ends (`turn.outcome`)."""
        return self._hook("flow_exit", hook)

    def on_complete(self, hook: Hook[S, D, P]) -> Hook[S, D, P]:
        """Run a hook when a run completes, before those of `on_exit`."""
        return self._hook("complete", hook)

    def on_step_enter(self, hook: Hook[S, D, P]) -> Hook[S, D, P]:
        """Run a hook whenever a step is entered (`turn.step`)."""
        return self._hook("step_enter", hook)

    def on_step_leave(self, hook: Hook[S, D, P]) -> Hook[S, D, P]:
        """Run a hook whenever a step is left (`turn.step`)."""
        return self._hook("step_leave", hook)

    def on_error(
        self, handler: Callable[Concatenate[Turn[S, D], Failure, P], Awaitable[Directive]]
    ) -> Callable[Concatenate[Turn[S, D], Failure, P], Awaitable[Directive]]:
        """Answer failures no step deals with: `repeat()`, `goto(...)`, `cancel()`, `escalate(...)`."""
        return self._hook("error", handler)

    def on_timeout(self, handler: Handler[S, D, P]) -> Handler[S, D, P]:
        """Answer timeouts of waits that say nothing about it themselves."""
        return self._hook("timeout", handler)

    def middleware(self, wrapper: Middleware[S, D]) -> Middleware[S, D]:
        """Wrap every step handler: `return await call_next()`. The first one registered is the outermost."""
        return self._hook("middleware", wrapper)

    # --- names and versions --------------------------------------------------------------------------------------

    def filter(self, name: str) -> Callable[[Callable[[Input], bool]], Callable[[Input], bool]]:
        """Register a predicate for `where(name)`."""

        def register(predicate: Callable[[Input], bool]) -> Callable[[Input], bool]:
            self._source.filters.append((name, predicate))
            return predicate

        return register

    def migrate(self, old: int, new: int, *, steps: Mapping[str, S | str] | None = None) -> Callable[[Change], Change]:
        """Register what carries data from one version to the next; `steps` says where runs at a renamed step go on."""

        def register(change: Change) -> Change:
            self._source.migrations.append(MigrationWritten(old, new, dict(steps or {}), change))
            return change

        return register

    def retired(self, step: str, *, then: S | str) -> None:
        """Send runs that stand at a step which no longer exists to `then`."""
        self._source.retired.append((step, then))

    def _hook(self, sort: str, code: F) -> F:
        self._source.hooks.setdefault(sort, []).append(Written(code, caller_locals(3)))
        return code
