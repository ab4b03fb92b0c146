"""The working copy of a run inside one `advance`: mutable here, frozen again before anybody sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Raw, json
from msgspec.structs import replace

from turnflow.core._buttons import bind
from turnflow.core.definition import Flow, HandlerStep, Template, WaitSpec
from turnflow.core.effects import AnswerPress, ClearTimer, Effect, KeepResult, Notice, Say, SetTimer
from turnflow.core.evaluation import Evaluate, Evaluation, Scope, Value
from turnflow.core.frames import Frame, StepResult
from turnflow.core.ids import At, CursorId, EffectKey, GroupId, Json, MaybeRaw, Nonce, StepName, TimerId
from turnflow.core.inputs import Input
from turnflow.core.messages import Message
from turnflow.core.state import Child, Cursor, Ending, Fall, OpenGroup, Owed, RunState, Status, Timer


class Draft:
    """A run while one event is applied to it."""

    __slots__ = (
        "at",
        "backlog",
        "cancelling",
        "children",
        "cursors",
        "data",
        "effects",
        "ending",
        "evaluations",
        "evaluator",
        "falling",
        "fell",
        "flow",
        "frames",
        "fresh_results",
        "groups",
        "hops",
        "inflight",
        "input",
        "params",
        "paused",
        "reason",
        "results",
        "serial",
        "state",
        "status",
        "timers",
        "trigger",
        "version",
    )

    def __init__(self, flow: Flow, state: RunState, at: At, evaluate: Evaluate) -> None:
        self.flow = flow
        self.at = at
        self.evaluator = evaluate
        self.evaluations: list[Evaluation] = []
        self.fresh_results: dict[str, StepResult] = {}
        """What steps came to within this very event, by path."""
        self.effects: list[Effect] = []
        self.state = state
        self.version = state.version
        self.status: Status = state.status
        self.reason = state.reason
        self.serial = state.serial
        self.hops = state.hops
        self.data = state.data
        self.results = state.results
        self.cursors: dict[CursorId, Cursor] = {cursor.id: cursor for cursor in state.cursors}
        self.groups: dict[GroupId, OpenGroup] = {group.id: group for group in state.groups} if state.groups else {}
        self.timers: dict[TimerId, Timer] = {timer.id: timer for timer in state.timers} if state.timers else {}
        self.children: tuple[Child, ...] = state.children
        self.inflight = state.inflight
        self.backlog: tuple[Input, ...] = state.backlog
        self.cancelling: Ending | None = state.cancelling
        self.ending: Ending | None = state.ending
        self.input = state.input
        self.params = state.params
        self.trigger = state.trigger
        self.frames: dict[GroupId, Frame] = {frame.id: frame for frame in state.frames} if state.frames else {}
        self.fell: Fall | None = state.fell
        self.falling: Fall | None = None
        """How things stood when something failed within this event."""
        self.paused = state.paused

    def freeze(self) -> RunState:
        """Return the state as it is now."""
        old = self.state
        return RunState(
            old.run,
            old.flow,
            self.version,
            old.mailbox,
            old.conversation,
            old.user,
            old.chat,
            old.thread,
            old.key_policy,
            old.key,
            old.exclusive,
            old.parent,
            self.children,
            self.status,
            self.reason,
            old.revision,
            self.serial,
            self.hops,
            self.data,
            self.results,
            tuple(self.cursors.values()),
            tuple(self.groups.values()) if self.groups else (),
            tuple(self.timers.values()) if self.timers else (),
            self.inflight,
            self.backlog,
            self.cancelling,
            self.ending,
            old.created,
            self.at if self.at > old.updated else old.updated,
            old.schema,
            self.input,
            self.params,
            self.trigger,
            tuple(self.frames.values()) if self.frames else (),
            self.fell,
            self.paused,
            old.digest,
        )

    @property
    def halted(self) -> bool:
        """Blocked, stuck or paused: nothing is done until somebody lets it go on."""
        return self.status == "blocked" or self.status == "stuck" or self.status == "paused"

    @property
    def leaving(self) -> bool:
        """On its way to its end, waiting for children or running clean-up."""
        return self.ending is not None or self.cancelling is not None

    def fresh(self) -> int:
        """Return the next serial number."""
        self.serial += 1
        return self.serial

    def key(self) -> EffectKey:
        """Return a key for an effect that no other effect of this run ever has."""
        self.serial += 1
        return EffectKey(f"{self.state.run}:{self.serial}")

    def nonce(self) -> Nonce:
        """Return a nonce for a wait."""
        self.serial += 1
        return Nonce(f"{self.state.run}.{self.serial:x}")

    def put(self, cursor: Cursor) -> None:
        """Replace a cursor (or add it)."""
        self.cursors[cursor.id] = cursor

    def step(self, name: StepName) -> HandlerStep | None:
        """Return a step of the flow, following the map of retired ones."""
        return self.flow.steps.get(name) or step_of(self.flow, name)

    def knows(self, name: StepName) -> bool:
        """Tell whether a path may lead to a step."""
        return name in self.flow.nodes or self.step(name) is not None

    def spec(self, cursor: Cursor) -> WaitSpec | None:
        """Return what the author said about the wait of a cursor; None if there is no wait (any more)."""
        return spec_of(self.flow, cursor)

    def owe(self, cursor: Cursor, owed: Owed) -> None:
        """Queue user code for a cursor."""
        self.put(replace(cursor, owed=(*cursor.owed, owed)))

    def evaluate(
        self, asked: Template | str, cursor: Cursor, *, event: MaybeRaw = None, schema: Mapping[str, Json] | None = None
    ) -> Evaluation:
        """Evaluate an expression as a cursor sees it; with a schema the value must satisfy that."""
        if isinstance(asked, Template) and asked.static and not schema:
            return Value(Raw(json.encode(asked.value)))
        scope = Scope(
            self.state, self.data, self.input, self.params, self.trigger, self.at, cursor.step, cursor.prefix,
            cursor.last, cursor.error, event, self.fresh_results, schema,
        )  # fmt: skip
        answer = self.evaluator(asked, scope)
        self.evaluations.append(answer)
        return answer

    # --- effects -----------------------------------------------------------------------------------------------

    def keep(self, result: StepResult) -> None:
        self.fresh_results[result.path] = result
        self.effects.append(KeepResult(self.key(), result))

    def say(self, message: Message) -> None:
        self.effects.append(Say(self.key(), message))

    def notice(self, notice: Notice, message: Message = Message()) -> None:  # noqa: B008 - frozen
        self.effects.append(Say(self.key(), message, notice))

    def tell_role(self, role: str, message: Message) -> None:
        self.effects.append(Say(self.key(), message, role=role))

    def answer_press(self, input: Input, notice: Notice | None = None) -> None:
        if input.kind == "press":
            self.effects.append(AnswerPress(EffectKey(f"press:{input.id}"), input.id, notice))

    def set_timer(self, timer: Timer) -> None:
        self.timers[timer.id] = timer
        self.effects.append(SetTimer(self.key(), timer.id, timer.due))

    def clear_timer(self, id: TimerId) -> None:
        del self.timers[id]
        self.effects.append(ClearTimer(self.key(), id))

    def clear_timers(self, cursor: CursorId | None = None, group: GroupId | None = None) -> None:
        """Clear the timers of a cursor, or of a group."""
        if self.timers:
            for timer in list(self.timers.values()):
                if (cursor is not None and timer.cursor == cursor) or (group is not None and timer.group == group):
                    self.clear_timer(timer.id)


NULL: Final = Raw(b"null")


def step_of(flow: Flow, name: StepName) -> HandlerStep | None:
    """Return a step of a flow, following the map of retired ones."""
    found = flow.steps.get(name)
    if found is None and name in flow.retired:
        found = flow.steps.get(flow.retired[name])
    return found


def spec_of(flow: Flow, cursor: Cursor) -> WaitSpec | None:
    """Return what the author said about the wait of a cursor; None if there is no wait (any more)."""
    wait = cursor.wait
    if wait is None:
        return None
    if wait.spec is not None:
        return wait.spec
    step = flow.steps.get(cursor.step) or step_of(flow, cursor.step)
    return step.question.wait if step is not None and step.question is not None else None


def bound_to(draft: Draft, cursor: Cursor | None, message: Message) -> Message:
    """Return `message` with its buttons leading to the open wait of a cursor; without one they lead nowhere."""
    if not message.buttons:
        return message
    wait = cursor.wait if cursor is not None else None
    if wait is None or cursor is None:
        return bind(message, f"{draft.state.run}.0", [])
    options = list(wait.options)
    bound = bind(message, wait.nonce, options)
    if len(options) != len(wait.options):
        draft.put(replace(cursor, wait=replace(wait, options=tuple(options))))
    return bound


def encoded(text: str) -> Raw:
    """Return a text as an encoded JSON value."""
    return Raw(json.encode(text))
