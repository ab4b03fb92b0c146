"""What must be done about a run: a closed union. Every effect has a `key` that stays the same however often it is derived."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Raw, Struct

from turnflow.core.frames import Job, StepResult
from turnflow.core.ids import At, CursorId, EffectKey, FlowName, InputId, RunId, StepName, TimerId
from turnflow.core.inputs import Input
from turnflow.core.messages import Message
from turnflow.core.state import Ending, Owed, Parent

Notice: TypeAlias = Literal[
    "cancelled", "expired", "failed", "blocked", "stuck", "inactive", "menu", "escalated", "again", "already"
]
"""What the engine says in its own words; the host configures the words."""


class RunHandler(Struct, frozen=True, gc=False, tag="handler"):
    """Run user code once for a cursor and report what it answered."""

    key: EffectKey
    cursor: CursorId
    owed: Owed


class Say(Struct, frozen=True, gc=False, tag="say", omit_defaults=True):
    """Send a message to the run's conversation, or to the inbox of a role."""

    key: EffectKey
    message: Message = Message()
    notice: Notice | None = None
    """Set: the engine's own words, with `message` supplying buttons and details."""
    role: str = ""
    """Set: goes to the inbox of that role instead."""


class AnswerPress(Struct, frozen=True, gc=False, tag="answer_press", omit_defaults=True):
    """Answer a button press, exactly once."""

    key: EffectKey
    press: InputId
    notice: Notice | None = None
    """None: a silent acknowledgement."""


class SetTimer(Struct, frozen=True, gc=False, tag="set_timer"):
    """Store a timer of this run."""

    key: EffectKey
    timer: TimerId
    due: At


class ClearTimer(Struct, frozen=True, gc=False, tag="clear_timer"):
    """Remove a timer of this run."""

    key: EffectKey
    timer: TimerId


class StartChild(Struct, frozen=True, gc=False, tag="start_child"):
    """Start a child run under an id that derives from the parent's."""

    key: EffectKey
    child: RunId
    flow: FlowName
    parent: Parent
    data: dict[str, Raw]


class CancelChild(Struct, frozen=True, gc=False, tag="cancel_child"):
    """Cancel a live child; its `ChildFinished` follows."""

    key: EffectKey
    child: RunId
    reason: str


class CallAction(Struct, frozen=True, gc=False, tag="action", omit_defaults=True):
    """Run a registered action for a step; its `ActionSucceeded` or `ActionFailed` carries the same key."""

    key: EffectKey
    cursor: CursorId
    step: StepName
    job: Job


class CancelAction(Struct, frozen=True, gc=False, tag="cancel_action"):
    """End an action whose outcome nobody waits for any more."""

    key: EffectKey
    call: EffectKey
    """Key of its `CallAction`."""


class KeepResult(Struct, frozen=True, gc=False, tag="result"):
    """Keep what a step came to as a row of its own."""

    key: EffectKey
    result: StepResult


class Subscribe(Struct, frozen=True, gc=False, tag="subscribe", omit_defaults=True):
    """Wait for an event on a topic; its `SignalReceived` names the same key. Events since `since` count as well."""

    key: EffectKey
    cursor: CursorId
    step: StepName
    topic: str
    correlation: str
    since: At


class Unsubscribe(Struct, frozen=True, gc=False, tag="unsubscribe"):
    """Stop waiting for an event."""

    key: EffectKey
    subscription: EffectKey


class RetryChild(Struct, frozen=True, gc=False, tag="retry_child"):
    """Resume a failed child where it failed; if that cannot be done, its `ChildFinished` says so."""

    key: EffectKey
    child: RunId


class Release(Struct, frozen=True, gc=False, tag="release"):
    """Input this run kept while it was busy and then had no use for, at rest or at its end: route it anew."""

    key: EffectKey
    inputs: tuple[Input, ...]


class Finish(Struct, frozen=True, gc=False, tag="finish"):
    """The run has ended; tell its parent and whoever waits for it."""

    key: EffectKey
    ending: Ending
    parent: Parent | None


Effect: TypeAlias = (
    RunHandler
    | CallAction
    | CancelAction
    | KeepResult
    | Subscribe
    | Unsubscribe
    | Say
    | AnswerPress
    | SetTimer
    | ClearTimer
    | StartChild
    | CancelChild
    | RetryChild
    | Release
    | Finish
)
