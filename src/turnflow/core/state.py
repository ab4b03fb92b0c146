"""Everything persisted about a run: small by construction, frozen, equal bytes for equal values.

A run is a set of cursors. Cursor 0 is the main path; each branch of an open parallel group is a further cursor.
What user code still has to be run stands in a cursor's `owed` queue, so recovery never needs another memory.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Raw, Struct

from turnflow.core.definition import KeyPolicy, WaitSpec
from turnflow.core.frames import Failure, Frame, Job
from turnflow.core.ids import (
    At,
    ConversationId,
    CursorId,
    EffectKey,
    FlowName,
    GroupId,
    MailboxId,
    MaybeRaw,
    Nonce,
    RunId,
    StepName,
    TimerId,
    UserId,
)
from turnflow.core.inputs import Input
from turnflow.core.owed import Owed, Phase

__all__ = [
    "SCHEMA",
    "TERMINAL",
    "Branch",
    "Call",
    "Child",
    "Cursor",
    "Ending",
    "Escalation",
    "Failure",
    "Fall",
    "Frame",
    "Job",
    "OpenGroup",
    "Outcome",
    "Owed",
    "Parent",
    "Phase",
    "RunState",
    "Status",
    "Timer",
    "Wait",
    "blank",
]

Status: TypeAlias = Literal[
    "created", "running", "waiting", "paused", "completed", "failed", "cancelled", "stuck", "blocked"
]
Outcome: TypeAlias = Literal["completed", "failed", "cancelled"]
TERMINAL: frozenset[str] = frozenset({"completed", "failed", "cancelled"})

SCHEMA = 1
"""Version of the persisted form; `codec` lifts older ones."""


class Wait(Struct, frozen=True, gc=False, omit_defaults=True):
    """A cursor parked for an input."""

    label: str
    """The author's token for it."""
    nonce: Nonce
    """Fresh for each wait; buttons carry it."""
    opened: At
    spec: WaitSpec | None = None
    """None: the wait of the step's own question, as the definition has it."""
    refused: int = 0
    """Bad answers so far."""
    expired: bool = False
    """Its time ran out while an answer to it was being handled; counts if that answer is refused."""
    gathered: tuple[Input, ...] = ()
    """A burst that is still being collected."""
    options: tuple[str, ...] = ()
    """Answers of its buttons that are too long for a button reference."""


class Call(Struct, frozen=True, gc=False, omit_defaults=True):
    """A cursor parked for a child run."""

    child: RunId
    flow: FlowName
    then: StepName = StepName("")
    """Where the caller goes on; empty: by the outputs of its step."""
    visit: int = 0
    """Of a flow step: its visit."""
    since: At = 0
    attempt: int = 1


class Escalation(Struct, frozen=True, gc=False, omit_defaults=True):
    """A cursor parked for an operator."""

    reason: str
    since: At
    then: StepName | None = None


class Cursor(Struct, frozen=True, gc=False, omit_defaults=True):
    """One active position."""

    id: CursorId
    step: StepName
    group: GroupId | None = None
    """The open group this cursor is a branch of; None for the main path."""
    head: StepName = StepName("")
    """Of a branch: the step it began with."""
    history: tuple[StepName, ...] = ()
    """Steps that Back returns to, oldest first; an open or joined group is one entry, under its start step."""
    scene: Raw = Raw(b"{}")
    """Temporary values of the step; gone with every transition."""
    owed: tuple[Owed, ...] = ()
    wait: Wait | None = None
    call: Call | None = None
    escalation: Escalation | None = None
    opened: GroupId | None = None
    """The open group whose start step this cursor stands on."""
    result: MaybeRaw = None
    """What `turn.result` shows: a child's result or an operator's answer."""
    spoken: At = 0
    """When a person last spoke to it; the newest has the focus."""
    frame: GroupId | None = None
    """The group of a flow graph that it is inside of."""
    lane: int = 0
    """Which branch, round or item of that group."""
    prefix: str = ""
    """The iterations around it: `orders[3]/`."""
    job: Job | None = None
    last: str = ""
    """Path of the step that its path came by last: what `output` means."""
    error: Failure | None = None
    """The failure whose output it took last."""
    moved: At = 0
    """When it was put here because its step was retired: what was sent until then answers another question."""


class Branch(Struct, frozen=True, gc=False, omit_defaults=True):
    """One branch of an open group."""

    head: StepName
    cursor: CursorId | None = None
    """None: complete."""


class OpenGroup(Struct, frozen=True, gc=False, omit_defaults=True):
    """A parallel group that has been entered and not yet joined."""

    id: GroupId
    name: StepName
    """Its start step."""
    parent: CursorId
    branches: tuple[Branch, ...]
    focus: StepName | None = None
    """Head of the branch that gets input when several could take it."""
    undecided: tuple[Input, ...] = ()
    """Input that waits for the person to say which branch it is for."""
    takers: tuple[CursorId, ...] = ()
    """Cursors whose waits could take `undecided`."""
    menu: Wait | None = None
    """The question "which one?", while it is open."""
    reopened: bool = False
    """Entered again by Back from the join: offers to go on as it is."""


class Timer(Struct, frozen=True, gc=False, omit_defaults=True):
    """A timer of this run; also a row of its own in the store, which fires it."""

    id: TimerId
    kind: Literal["wait", "remind", "gather", "retry", "group", "ttl", "idle", "step", "moment"]
    due: At
    cursor: CursorId | None = None
    group: GroupId | None = None
    index: int = 0
    """Of a reminder: which one."""


class Ending(Struct, frozen=True, gc=False, omit_defaults=True):
    """How the run ends; set while clean-up still runs, and kept afterwards."""

    outcome: Outcome
    result: MaybeRaw = None
    error: Failure | None = None
    reason: str = ""
    by: str = ""
    """Who cancelled it."""
    said: bool = False
    """The author already told the person."""


class Parent(Struct, frozen=True, gc=False, omit_defaults=True):
    """Where a child run belongs."""

    run: RunId
    mailbox: MailboxId
    root: RunId
    depth: int
    """1 for a child of a root run; at most 16."""
    awaited: bool = True
    """The parent waits for the result."""


class Child(Struct, frozen=True, gc=False, omit_defaults=True):
    """A live child run."""

    run: RunId
    mailbox: MailboxId
    ended: Ending | None = None
    """How it ended, if that happened while this run was blocked or stuck and could not take note."""


class Fall(Struct, frozen=True, gc=False, omit_defaults=True):
    """Where a run stood when it failed, so that it can be resumed there."""

    cursors: tuple[Cursor, ...] = ()
    groups: tuple[OpenGroup, ...] = ()
    frames: tuple[Frame, ...] = ()


class RunState(Struct, frozen=True, gc=False, omit_defaults=True):
    """The snapshot of a run."""

    run: RunId
    flow: FlowName = FlowName("")
    version: int = 0
    mailbox: MailboxId = MailboxId("")
    conversation: ConversationId = ConversationId("")
    """Empty: a run without conversation."""
    user: UserId = UserId("")
    chat: str = ""
    thread: str = ""
    key_policy: KeyPolicy = "user_in_chat"
    key: str = ""
    """Value of the key policy for this run."""
    exclusive: bool = True
    """At most one live run per flow and key; False for children and `on_repeat="parallel"`."""
    parent: Parent | None = None
    children: tuple[Child, ...] = ()
    status: Status = "created"
    reason: str = ""
    """Why it is blocked or stuck."""
    revision: int = 0
    """Number of commits."""
    serial: int = 0
    """How many things (effects, waits, calls, timers) this run has named; keys derive from it and never repeat."""
    hops: int = 0
    """Transitions since the last event that did not come from user code; bounded by the loop guard."""
    data: dict[str, Raw] = {}
    """The flow's data: one encoded JSON value per top-level field."""
    results: dict[StepName, Raw] = {}
    """Results of branches, by their first step."""
    cursors: tuple[Cursor, ...] = ()
    groups: tuple[OpenGroup, ...] = ()
    timers: tuple[Timer, ...] = ()
    inflight: EffectKey | None = None
    """Key of the one handler call that has been asked for and has not answered."""
    backlog: tuple[Input, ...] = ()
    """Accepted input that no wait could take yet: a handler is at work, or the run is blocked or stuck."""
    cancelling: Ending | None = None
    """Waiting for children to end before this run ends."""
    ending: Ending | None = None
    created: At = 0
    updated: At = 0
    schema: int = 0
    """Version of the persisted form this was written in."""
    input: dict[str, Raw] = {}
    """Of a flow graph: what it was started with."""
    params: dict[str, Raw] = {}
    trigger: Input | None = None
    """Of a flow graph: the input that started it."""
    frames: tuple[Frame, ...] = ()
    fell: Fall | None = None
    """Where it stood when it failed."""
    paused: At = 0
    """Since when it is paused; 0: it is not."""
    digest: str = ""
    """Of a flow that is a document: the digest of the definition it goes by to its end, whatever is deployed meanwhile."""


def blank(run: RunId) -> RunState:
    """Return the state of a run before its first event."""
    return RunState(run, schema=SCHEMA)
