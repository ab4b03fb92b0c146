"""The frozen model of a flow: what authors write, whichever way, ends up as these values and nothing else.

Nothing here runs. Names of steps are strings; durations are milliseconds. `outputs` are the declared edges of a step;
a handler may also go where no edge was declared (such targets are checked when they are used).
"""

from __future__ import annotations

from typing import Literal, TypeAlias
from zlib import crc32

from msgspec import Struct

from turnflow.core.ids import FlowName, Json, Millis, StepName
from turnflow.core.messages import Message
from turnflow.core.nodes import Node, Output, Retry, Settings, Template

__all__ = [
    "Accepts",
    "CatchUp",
    "Flow",
    "HandlerStep",
    "Hook",
    "KeyPolicy",
    "Node",
    "OnRepeat",
    "Output",
    "Overlap",
    "ParallelGroup",
    "Policies",
    "Question",
    "Registration",
    "Reminder",
    "Retry",
    "Settings",
    "Template",
    "Timeout",
    "Trigger",
    "WaitSpec",
]

KeyPolicy: TypeAlias = Literal["user_in_chat", "user", "chat", "thread"]
OnRepeat: TypeAlias = Literal["resume", "restart", "reject", "parallel"]
CatchUp: TypeAlias = Literal["none", "last", "all"]
Overlap: TypeAlias = Literal["skip", "queue", "allow"]
Hook: TypeAlias = Literal["flow_enter", "flow_exit", "step_enter", "step_leave", "error", "timeout"]


class Accepts(Struct, frozen=True, omit_defaults=True):
    """Which inputs a wait takes. Routing looks at `kinds` (and `command`, `filter`); parsing happens after it."""

    kinds: tuple[str, ...]
    """Input kinds; `("any",)` takes every kind but commands."""
    answer: str = ""
    """Name of the answer kind that parses it (`email`, `number`, ...); empty: taken as it is."""
    params: dict[str, Json] = {}
    """Parameters of the answer kind, for instance `{"min": 1, "max": 130}`."""
    command: str = ""
    """The command that a step claims for itself."""
    filter: str = ""
    """Name of a predicate of the author; the engine evaluates it before routing."""

    def __hash__(self) -> int:
        """Stand in annotations: `Annotated[str, email()] | None` wants all of it hashable, which the parameters are not."""
        return crc32("|".join((*self.kinds, self.answer, self.command, self.filter, *self.params)).encode())


class Timeout(Struct, frozen=True, omit_defaults=True):
    """What a wait does when its time is over: go to a step, end the run, or ask a handler."""

    to: StepName | None = None
    then: Literal["step", "cancel", "fail", "handler"] = "fail"


class Reminder(Struct, frozen=True, omit_defaults=True):
    """A message sent while a wait is open, `after` milliseconds from the question; without a message the question is repeated."""

    after: Millis
    message: Message | None = None


class WaitSpec(Struct, frozen=True, omit_defaults=True):
    """Everything an author says about a wait."""

    accepts: Accepts
    timeout: Millis | None = None
    on_timeout: Timeout = Timeout()
    remind: tuple[Reminder, ...] = ()
    retry: Message | None = None
    """Said when an answer does not parse; `{reason}` in its text stands for the reason. None: the reason itself is said."""
    retry_handler: bool = False
    """The reply to a bad answer comes from a handler (phase `retry`)."""
    attempts: int = 0
    """How many bad answers are allowed; 0 (or less) means any number."""
    on_exhausted: StepName | None = None
    otherwise: Message | None = None
    """Said to input of a kind the wait does not take; the wait stays."""
    otherwise_handler: bool = False
    """The reply to such input comes from a handler (phase `otherwise`)."""
    who: tuple[str, ...] = ()
    """Who may answer besides the run's own person: user ids, `role:NAME`, or `anyone`."""
    gather: Millis = 0
    """Collect everything that arrives within this time into one input."""


class Question(Struct, frozen=True, omit_defaults=True):
    """A step's own question: said on entry, then waited for."""

    wait: WaitSpec
    message: Message | None = None
    """The question itself; None: a handler computes it (phase `ask`)."""


class HandlerStep(Struct, frozen=True, tag="handler", omit_defaults=True):
    """A step whose code is Python; the code itself stands in the handler table, not here."""

    name: StepName
    title: str = ""
    question: Question | None = None
    outputs: tuple[Output, ...] = ()
    declared: bool = False
    """All ways out are declared by `outputs`; otherwise pictures draw them dashed."""
    routing: bool = False
    """A decision without a question: never in the history, so Back does not bounce off it."""
    settings: Settings = Settings()
    has_handler: bool = True
    """False only for a group's start step that has no code of its own."""
    kind: Literal["handler", "say", "ask"] = "handler"
    """Steps of flow graphs that talk are handler steps too; the code of theirs is the same for all flows."""
    say: Template | None = None
    """Of `say` and `ask`: the words, with `${...}` in them."""
    buttons: tuple[tuple[str, ...], ...] = ()
    """Of `say` and `ask`: labels in rows."""


class ParallelGroup(Struct, frozen=True, tag="parallel", omit_defaults=True):
    """Steps a person completes in any order (handler flows). The group's name is its start step."""

    name: StepName
    branches: tuple[StepName, ...]
    join: StepName
    need: int = 0
    """How many branches must be complete for the join; 0 means all."""
    redo: bool = True
    timeout: Millis | None = None
    on_timeout: StepName | None = None
    menu: Message | None = None
    """The question "which one?"; a button per open branch is added to it."""
    menu_handler: bool = False
    """The menu's text comes from a handler (phase `menu`)."""


class Policies(Struct, frozen=True, omit_defaults=True):
    """How runs of a flow are found, repeated and ended."""

    key: KeyPolicy = "user_in_chat"
    on_repeat: OnRepeat = "resume"
    ttl: Millis | None = None
    """Ends the run this long after its start."""
    idle: Millis | None = None
    """Ends the run this long after its last input."""
    keep_buttons: bool = False
    """Presses on dead buttons are ignored silently instead of being answered politely."""


class Flow(Struct, frozen=True, omit_defaults=True):
    """An immutable definition. Runs are pinned to `name` and `version`."""

    name: FlowName
    version: int
    start: StepName
    steps: dict[StepName, HandlerStep]
    groups: dict[StepName, ParallelGroup] = {}
    nodes: dict[StepName, Node] = {}
    """Steps of a flow graph; no name stands here and among `steps`."""
    title: str = ""
    data: dict[str, Json] = {}
    """JSON Schema of the flow's data."""
    input: dict[str, Json] = {}
    """JSON Schema of what a run of a flow graph is started with; {}: anything."""
    output: dict[str, Json] = {}
    """JSON Schema of its result."""
    params: dict[str, Json] = {}
    """JSON Schema of what whoever starts it may set beside the input."""
    policies: Policies = Policies()
    hooks: tuple[Hook, ...] = ()
    """Which hooks have code; the core asks for no other."""
    retired: dict[StepName, StepName] = {}
    """Steps that no longer exist, and where runs that stand there go on."""
    graph: bool = False
    """Written as a flow graph, even if all its steps talk and none is a node."""

    @property
    def is_graph(self) -> bool:
        """Its steps have outputs and results, whoever wrote them."""
        return self.graph or bool(self.nodes)


class Trigger(Struct, frozen=True, omit_defaults=True):
    """What starts a flow: input (more specific kinds win: command, callback, filter, pattern, media, any text), events, time."""

    kind: Literal["command", "callback", "filter", "pattern", "media", "any_text", "event", "schedule"]
    value: str = ""
    """Command name, callback data (a trailing `*` matches any ending), filter name, regular expression, media kind, topic of an
    event (dotted words; `*` stands for one of them, a last `**` for all that follow), or cron expression of a schedule."""
    when: str = ""
    """Of an event: a CEL condition over `event`; empty: each one counts."""
    zone: str = "UTC"
    """Of a schedule: the IANA time zone whose clocks it goes by."""
    catch_up: CatchUp = "last"
    """Of a schedule: which of the moments that nobody was there for are made up for."""
    overlap: Overlap = "skip"
    """Of a schedule: what happens at a moment at which a run that it started is still live."""
    input: dict[str, Json] = {}
    """Of a schedule: what its runs are started with."""

    def __hash__(self) -> int:
        """Stand in sets, which inputs do not."""
        return crc32("|".join((self.kind, self.value, self.when, self.zone)).encode("utf-8", "surrogatepass"))


class Registration(Struct, frozen=True):
    """A flow known to an engine, with what starts it there."""

    flow: Flow
    triggers: tuple[Trigger, ...] = ()
    callable: bool = False
    """May be started by other flows and by the host program."""
    initial: dict[str, Json] = {}
    """Data every triggered run starts with."""
