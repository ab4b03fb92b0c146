"""Steps of flow graphs that need no Python of their own: actions, decisions, events, timers, nested flows, ends, and groups.

They stand beside the handler steps of a flow (`Flow.nodes`), share their names' space and are entered like them. Expressions are
source text here (CEL); whoever calls `advance` hands in what evaluates them.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from turnflow.core.ids import FlowName, Json, Millis, StepName

Join: TypeAlias = Literal["all", "any", "n", "settled"]
Rest: TypeAlias = Literal["cancel", "leave"]
OnItemError: TypeAlias = Literal["fail", "skip"]


class Template(Struct, frozen=True, omit_defaults=True):
    """JSON whose strings may hold `${...}` expressions; a string that is one expression keeps the type of its value."""

    value: Json = None
    static: bool = True
    """It holds no expression, so it is its own value."""


class Output(Struct, frozen=True, omit_defaults=True):
    """One ordered outgoing edge: taken for `error` codes (`*` for any), else if `when` holds (empty: the default)."""

    to: StepName
    name: str = ""
    error: tuple[str, ...] = ()
    """Codes; `http.*` matches every code with that beginning."""
    when: str = ""
    """A CEL condition over what the step came to; only in flow graphs."""
    also: tuple[StepName, ...] = ()
    """Further targets: the path forks."""


class Retry(Struct, frozen=True, omit_defaults=True):
    """Repetition of a failed step: `count` further attempts, `delay * factor**n` apart and at most `max_delay`.

    `jitter` (0..1) spreads the delays.
    """

    count: int
    delay: Millis = 1000
    factor: float = 2.0
    max_delay: Millis = 60_000
    jitter: float = 0.0
    on: tuple[str, ...] = ()
    """Error codes to retry on; empty: all."""
    within: Millis | None = None
    """No attempt starts later than this after the first one."""


class Settings(Struct, frozen=True, omit_defaults=True):
    """How a step is executed."""

    timeout: Millis | None = None
    """Bounds the step with all its retries. None: five minutes for an action, a day for an event, else no bound."""
    attempt_timeout: Millis | None = None
    """Bounds one attempt."""
    retry: Retry | None = None
    continue_on_error: bool | None = None
    """None: implied by naming an error output. True without one: the default output is taken."""
    idle_timeout: Millis | None = None
    """Of a long-running action: the longest time between two signs of life."""
    at_most_once: bool = False
    """The action is not repeated when it is unknown whether it ran: that is the failure `outcome_unknown`."""
    idempotency_key: Template | None = None
    """What the action gets as its key; None: run, step and visit."""
    concurrency: int = 0
    """How many executions of this step may be under way in one process at once; 0: only the process's own bound."""
    redact: tuple[str, ...] = ()
    """Names of fields, at any depth of input and output, whose values are not shown to people."""


class ActionStep(Struct, frozen=True, tag="action", omit_defaults=True):
    """Calls a registered action."""

    name: StepName
    action: str
    input: Template = Template({})
    outputs: tuple[Output, ...] = ()
    settings: Settings = Settings()
    title: str = ""


class DecisionStep(Struct, frozen=True, tag="decision", omit_defaults=True):
    """Takes the first output whose condition holds."""

    name: StepName
    outputs: tuple[Output, ...] = ()
    settings: Settings = Settings()
    title: str = ""


class TimerStep(Struct, frozen=True, tag="timer", omit_defaults=True):
    """Waits for a duration, or until a moment."""

    name: StepName
    duration: Millis | None = None
    until: Template | None = None
    """A moment (RFC 3339 text or milliseconds since the epoch), or a duration in words (`10m`)."""
    outputs: tuple[Output, ...] = ()
    settings: Settings = Settings()
    title: str = ""


class Poll(Struct, frozen=True, omit_defaults=True):
    """Asks an action again and again until its result satisfies the step's `match`."""

    action: str
    input: Template = Template({})
    interval: Millis = 60_000


class EventStep(Struct, frozen=True, tag="event", omit_defaults=True):
    """Waits for an event: on a topic of the internal bus, at a signed webhook, or found by polling."""

    name: StepName
    topic: str = ""
    """Dotted words; `*` stands for one of them, a last `**` for all that follow."""
    match: str = ""
    """A CEL condition over `event`; empty: the first one counts."""
    correlate: Template | None = None
    """What the event's correlation key must equal."""
    lookback: Millis | None = None
    """How far back an earlier event may lie; None: until the start of the run."""
    poll: Poll | None = None
    webhook: bool = False
    outputs: tuple[Output, ...] = ()
    settings: Settings = Settings()
    title: str = ""


class FlowStep(Struct, frozen=True, tag="flow", omit_defaults=True):
    """Runs another flow and waits for its result."""

    name: StepName
    flow: FlowName
    input: Template = Template({})
    outputs: tuple[Output, ...] = ()
    settings: Settings = Settings()
    title: str = ""


class EndStep(Struct, frozen=True, tag="end", omit_defaults=True):
    """Ends the run; what is left of it is cancelled."""

    name: StepName
    outcome: Literal["completed", "failed", "cancelled"] = "completed"
    output: Template = Template()
    """The run's result."""
    code: str = "failed"
    """Of a failure: its code."""
    message: Template = Template("")
    """Of a failure or a cancellation: why."""
    title: str = ""

    @property
    def outputs(self) -> tuple[Output, ...]:
        """Nothing follows."""
        return ()

    @property
    def settings(self) -> Settings:
        """Nothing is executed."""
        return Settings()


class Sequence(Struct, frozen=True, tag="sequential", omit_defaults=True):
    """Steps one after another: a step without outputs goes on to the next of the list."""

    name: StepName
    steps: tuple[StepName, ...] = ()
    outputs: tuple[Output, ...] = ()
    settings: Settings = Settings()
    title: str = ""


class Parallel(Struct, frozen=True, tag="parallel", omit_defaults=True):
    """Branches side by side: each listed step begins one. The output is the list of their results, in that order."""

    name: StepName
    steps: tuple[StepName, ...] = ()
    limit: int = 16
    """How many branches are under way at once."""
    join: Join = "all"
    """all: every branch succeeds; any: one; n: `need` of them; settled: every one has ended, well or not."""
    need: int = 0
    rest: Rest = "cancel"
    """What becomes of branches that the join does not wait for."""
    outputs: tuple[Output, ...] = ()
    settings: Settings = Settings()
    title: str = ""


class Loop(Struct, frozen=True, tag="loop", omit_defaults=True):
    """Its steps, one after another, once per item or as long as a condition says. The output is the list of results."""

    name: StepName
    steps: tuple[StepName, ...] = ()
    over: Template | None = None
    """The list of items; they are `item` and `index` inside."""
    while_: str = ""
    """A CEL condition tested before each round."""
    until: str = ""
    """A CEL condition tested after each round."""
    item: str = ""
    """A further name for `item`."""
    limit: int = 1
    """How many items are under way at once; only with `over`."""
    max_iterations: int = 10_000
    on_item_error: OnItemError = "fail"
    """fail: the loop fails with the item; skip: its result is null and the others go on."""
    outputs: tuple[Output, ...] = ()
    settings: Settings = Settings()
    title: str = ""


Group: TypeAlias = Sequence | Parallel | Loop
Node: TypeAlias = ActionStep | DecisionStep | TimerStep | EventStep | FlowStep | EndStep | Group
GROUPS = (Sequence, Parallel, Loop)
