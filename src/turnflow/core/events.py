"""What happened to a run, in the past tense: a closed union. Each event carries `at`, the only time the core knows."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Raw, Struct

from turnflow.core.definition import KeyPolicy
from turnflow.core.directives import Directive
from turnflow.core.ids import (
    At,
    ConversationId,
    CursorId,
    EffectKey,
    FlowName,
    MailboxId,
    MaybeRaw,
    RunId,
    StepName,
    TimerId,
    UserId,
)
from turnflow.core.inputs import Input
from turnflow.core.messages import Message
from turnflow.core.state import Child, Failure, Outcome, Parent, RunState


class RunStarted(Struct, frozen=True, gc=False, tag="started", omit_defaults=True):
    """The first event of every run; it carries all that a replay needs."""

    at: At
    flow: FlowName
    version: int
    mailbox: MailboxId
    conversation: ConversationId = ConversationId("")
    user: UserId = UserId("")
    chat: str = ""
    thread: str = ""
    key_policy: KeyPolicy = "user_in_chat"
    key: str = ""
    exclusive: bool = True
    parent: Parent | None = None
    data: dict[str, Raw] = {}
    """Initial data, already complete: every field of the data type."""
    trigger: Input | None = None
    """The input that started it; consumed by the start."""
    input: dict[str, Raw] = {}
    """Of a flow graph: what it is started with, complete."""
    params: dict[str, Raw] = {}
    digest: str = ""
    """Of a flow that is a document: the digest of the definition it goes by to its end."""


class RunForked(Struct, frozen=True, gc=False, tag="forked", omit_defaults=True):
    """The first event of a run that begins as a copy of another one; it carries all that a replay needs."""

    at: At
    seed: RunState
    """The original as it was."""
    mailbox: MailboxId
    step: StepName = StepName("")
    """Where it goes on; empty: where the original stands, or stood when it failed."""
    by: str = ""


class HandlerAnswered(Struct, frozen=True, gc=False, tag="answered", omit_defaults=True):
    """User code answered the `RunHandler` of that key."""

    at: At
    key: EffectKey
    directive: Directive
    says: tuple[Message, ...] = ()
    patch: dict[str, Raw] = {}
    """Top-level fields of the data that changed."""
    scene: MaybeRaw = None
    """The scene as the handler left it; None: unchanged."""


class HandlerFailed(Struct, frozen=True, gc=False, tag="raised", omit_defaults=True):
    """User code raised, or ran over its time."""

    at: At
    key: EffectKey
    code: str
    message: str = ""


class ActionSucceeded(Struct, frozen=True, gc=False, tag="succeeded", omit_defaults=True):
    """The action of that key returned."""

    at: At
    key: EffectKey
    output: Raw


class ActionFailed(Struct, frozen=True, gc=False, tag="action_failed", omit_defaults=True):
    """The action of that key failed, ran over its time, or may or may not have run (`outcome_unknown`)."""

    at: At
    key: EffectKey
    code: str
    message: str = ""
    final: bool = False
    """No further attempt is made, whatever the step's settings say."""


class SignalReceived(Struct, frozen=True, gc=False, tag="signal", omit_defaults=True):
    """An event arrived that a subscription of this run asked for."""

    at: At
    key: EffectKey
    """Of the subscription."""
    event: Raw


class InputReceived(Struct, frozen=True, gc=False, tag="input", omit_defaults=True):
    """Routing gave this run an input."""

    at: At
    input: Input
    fits: tuple[CursorId, ...] | None = None
    """Of several waits that take its kind, those whose answers parse; None: not asked."""
    matched: tuple[str, ...] = ()
    """Names of the filters that say yes to it."""
    roles: tuple[str, ...] = ()
    """Roles of the sender."""


class TimerFired(Struct, frozen=True, gc=False, tag="timer", omit_defaults=True):
    """A timer row of this run was due."""

    at: At
    timer: TimerId
    heard: At = 0
    """Of the idle timer: when a person last spoke to a flow that this run waits for."""


class ChildAttached(Struct, frozen=True, gc=False, tag="child", omit_defaults=True):
    """The host program started a child that this run does not wait for."""

    at: At
    child: Child


class ChildFinished(Struct, frozen=True, gc=False, tag="child_finished", omit_defaults=True):
    """A child run ended, or could not be started."""

    at: At
    child: RunId
    outcome: Outcome
    result: MaybeRaw = None
    error: Failure | None = None


class OperatorAnswered(Struct, frozen=True, gc=False, tag="operator", omit_defaults=True):
    """An operator spoke to an escalated run: `say` keeps it parked, `answer` lets it go on."""

    at: At
    by: UserId
    text: str
    ends: bool = True


class CancelRequested(Struct, frozen=True, gc=False, tag="cancel", omit_defaults=True):
    """Somebody wants the run to end."""

    at: At
    by: str = ""
    """A user id, `parent`, or `engine`."""
    reason: str = ""
    notify: bool = True
    """Tell the person."""


class MoveRequested(Struct, frozen=True, gc=False, tag="move", omit_defaults=True):
    """Somebody put the run onto another step."""

    at: At
    step: StepName
    by: str = ""


class RetryRequested(Struct, frozen=True, gc=False, tag="retry", omit_defaults=True):
    """Somebody wants a stuck run to go on, or a failed one to be resumed where it failed."""

    at: At
    by: str = ""
    step: StepName = StepName("")
    """Where it goes on instead; empty: where it stands, or stood when it failed."""


class PauseRequested(Struct, frozen=True, gc=False, tag="pause", omit_defaults=True):
    """Somebody wants the run to stand still, its timers too."""

    at: At
    by: str = ""


class ResumeRequested(Struct, frozen=True, gc=False, tag="resume", omit_defaults=True):
    """Somebody lets a paused run go on; its timers run from here."""

    at: At
    by: str = ""


class Migrated(Struct, frozen=True, gc=False, tag="migrated", omit_defaults=True):
    """The run was carried over to another version of its flow, or a blocked run fits again."""

    at: At
    version: int
    data: dict[str, Raw] | None = None
    """All fields, if the data changed."""
    steps: dict[StepName, StepName] = {}
    """Old step to new step, where they differ."""


class Blocked(Struct, frozen=True, gc=False, tag="blocked", omit_defaults=True):
    """Neither the registered versions nor a migration fit the run."""

    at: At
    reason: str
    notify: bool = True
    """Tell the person now; False: they have just written, and what they wrote will be answered so."""


class InputSetAside(Struct, frozen=True, gc=False, tag="set_aside", omit_defaults=True):
    """An input (or the handler's own work, if there is none) ended the process too often; the run is stuck until a retry."""

    at: At
    reason: str
    input: Input | None = None


class Asked(Struct, frozen=True, gc=False, tag="asked", omit_defaults=True):
    """The person repeated the trigger of a live flow: the open question is asked again."""

    at: At
    by: Literal["trigger", "operator"] = "trigger"


Event: TypeAlias = (
    RunStarted
    | RunForked
    | HandlerAnswered
    | HandlerFailed
    | ActionSucceeded
    | ActionFailed
    | SignalReceived
    | InputReceived
    | TimerFired
    | ChildAttached
    | ChildFinished
    | OperatorAnswered
    | CancelRequested
    | MoveRequested
    | RetryRequested
    | PauseRequested
    | ResumeRequested
    | Migrated
    | Blocked
    | InputSetAside
    | Asked
)
