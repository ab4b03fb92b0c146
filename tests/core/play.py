"""A play: a flow with scripted handlers, driven until it parks; clock and people are the test's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple, TypeAlias

from msgspec import Raw

from tests.core.watch import Watch
from turnflow.core.definition import (
    Accepts,
    Flow,
    HandlerStep,
    Hook,
    Output,
    ParallelGroup,
    Policies,
    Question,
    Settings,
    WaitSpec,
)
from turnflow.core.directives import Directive, Next, Stay
from turnflow.core.effects import AnswerPress, Effect, Finish, RunHandler, Say
from turnflow.core.events import Event, HandlerAnswered, HandlerFailed, InputReceived, RunStarted, TimerFired
from turnflow.core.ids import ConversationId, CursorId, FlowName, InputId, MailboxId, Millis, StepName, UserId
from turnflow.core.inputs import Input, InputKind
from turnflow.core.machine import Decision, Ignored, pending
from turnflow.core.messages import Button, Message
from turnflow.core.state import TERMINAL, Cursor, Failure, Outcome, Owed, Parent, RunState

TEXT: Final = Accepts(("text",))
SECOND: Final = 1_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE


class Asked(NamedTuple):
    """What a scripted handler sees."""

    owed: Owed
    state: RunState
    cursor: Cursor

    @property
    def text(self) -> str:
        """The input: a text, or the answer of a button; empty on entry."""
        return (self.owed.input.text or self.owed.input.value) if self.owed.input is not None else ""


class Reaction(NamedTuple):
    """What a scripted handler answers, beyond a bare directive."""

    directive: Directive
    says: tuple[Message, ...] = ()
    patch: dict[str, Raw] = {}
    scene: Raw | None = None


class Broken(Exception):
    """What a scripted handler raises; `code` is the error's code."""

    def __init__(self, code: str = "exception") -> None:
        self.code = code
        super().__init__(f"broken: {code}")


Script: TypeAlias = Callable[[Asked], "Directive | Reaction"]


def name(step: str) -> StepName:
    return StepName(step)


def question(text: str | None, wait: WaitSpec | None = None, *buttons: str) -> Question:
    message = None if text is None else Message(text, [list(buttons)] if buttons else [])
    return Question(wait or WaitSpec(TEXT), message)


def asks(step: str, text: str | None = "", wait: WaitSpec | None = None, *buttons: str) -> HandlerStep:
    """A step with a question of its own; None: a handler computes it."""
    return HandlerStep(name(step), question=question(f"{step}?" if text == "" else text, wait, *buttons))


def acts(
    step: str, *, to: Iterable[Output] = (), settings: Settings | None = None, routing: bool = False
) -> HandlerStep:
    """A step in two phases: its handler is entered, and again for each input."""
    return HandlerStep(name(step), outputs=tuple(to), settings=settings or Settings(), routing=routing)


def marks(step: str) -> HandlerStep:
    """A group's start step without code."""
    return HandlerStep(name(step), has_handler=False)


def a_flow(
    *steps: HandlerStep,
    groups: Iterable[ParallelGroup] = (),
    policies: Policies | None = None,
    hooks: tuple[Hook, ...] = (),
    retired: dict[StepName, StepName] | None = None,
    version: int = 1,
) -> Flow:
    return Flow(
        FlowName("f"),
        version,
        steps[0].name,
        {step.name: step for step in steps},
        {group.name: group for group in groups},
        policies=policies or Policies(),
        hooks=hooks,
        retired=retired or {},
    )


def group(start: str, branches: Iterable[str], join: str, *, need: int = 0, redo: bool = True) -> ParallelGroup:
    return ParallelGroup(name(start), tuple(name(branch) for branch in branches), name(join), need, redo)


class Play:
    """One run of a flow. Handlers are found by `phase:step`, then by phase (hooks by their name), then by step."""

    def __init__(self, flow: Flow, scripts: Mapping[str, Script] | None = None) -> None:
        self.flow = flow
        self.scripts = dict(scripts or {})
        self.watch = Watch(flow)
        self.at = 1_000
        self.calls: list[Owed] = []
        """Every piece of user code that was run, attempt by attempt."""
        self.held = False
        """Handlers are asked for but do not answer."""
        self._inputs = 0
        self.presses: list[AnswerPress] = []

    @property
    def state(self) -> RunState:
        return self.watch.state

    @property
    def effects(self) -> list[Effect]:
        return self.watch.effects

    @property
    def said(self) -> list[str]:
        """Everything said to the person, in order: texts, and the engine's own words as `<notice>`."""
        return [spoken(effect) for effect in self.effects if isinstance(effect, Say) and not effect.role]

    @property
    def operators(self) -> list[str]:
        """Everything said to the operators' inbox."""
        return [effect.message.text for effect in self.effects if isinstance(effect, Say) and effect.role == "operator"]

    @property
    def finish(self) -> Finish | None:
        ends = [effect for effect in self.effects if isinstance(effect, Finish)]
        assert len(ends) <= 1
        return ends[0] if ends else None

    @property
    def steps(self) -> list[str]:
        """Where the cursors stand."""
        return [cursor.step for cursor in self.state.cursors]

    @property
    def step(self) -> str:
        return self.state.cursors[0].step

    def start(
        self,
        *,
        parent: Parent | None = None,
        data: dict[str, Raw] | None = None,
        trigger: Input | None = None,
        conversation: str = "c",
    ) -> Play:
        policy = self.flow.policies.key
        key = {"user_in_chat": "c|u", "user": "u", "chat": "c", "thread": "c|"}[policy]
        self.send(
            RunStarted(
                self.at,
                self.flow.name,
                self.flow.version,
                MailboxId("c"),
                ConversationId(conversation),
                UserId("u"),
                "c",
                key_policy=policy,
                key=key,
                parent=parent,
                data=data or {},
                trigger=trigger,
            )
        )
        return self

    def send(self, event: Event) -> Decision:
        """Apply an event, and whatever handlers answer to what follows from it."""
        decision = self.watch.apply(event)
        if not self.held:
            self.drive()
        return decision

    def drive(self) -> None:
        """Let handlers answer until none is asked for."""
        while owed := pending(self.state):
            call = owed[0]
            assert isinstance(call, RunHandler)
            self.watch.apply(self.answer(call))

    def answer(self, call: RunHandler) -> Event:
        """Return what the scripted handler says to a call."""
        owed = call.owed
        self.calls.append(owed)
        phase = owed.hook if owed.phase == "hook" else owed.phase
        script = next(
            (self.scripts[key] for key in (f"{phase}:{owed.step}", phase, owed.step) if key in self.scripts), None
        )
        if script is None or (
            owed.phase == "hook" and phase not in self.scripts and f"{phase}:{owed.step}" not in self.scripts
        ):
            return HandlerAnswered(self.at, call.key, Stay())
        cursor = next(cursor for cursor in self.state.cursors if cursor.id == call.cursor)
        try:
            reaction = script(Asked(owed, self.state, cursor))
        except Broken as error:
            return HandlerFailed(self.at, call.key, error.code, str(error))
        if not isinstance(reaction, Reaction):
            reaction = Reaction(reaction)
        return HandlerAnswered(self.at, call.key, reaction.directive, reaction.says, reaction.patch, reaction.scene)

    def input(
        self, text: str, kind: InputKind = "text", sender: str = "u", *, command: str = "", ref: str = ""
    ) -> Input:
        self._inputs += 1
        return Input(InputId(f"i{self._inputs}"), kind, UserId(sender), self.at, text, command, ref=ref)

    def types(
        self,
        text: str,
        *,
        kind: InputKind = "text",
        sender: str = "u",
        fits: tuple[int, ...] | None = None,
        matched: tuple[str, ...] = (),
        roles: tuple[str, ...] = (),
        command: str = "",
    ) -> str:
        """Send an input; return "" or why it was ignored."""
        input = self.input(text, kind, sender, command=command)
        chosen = tuple(CursorId(id) for id in fits) if fits is not None else None
        return why(self.send(InputReceived(self.at, input, chosen, matched, roles)))

    def press(self, ref: str, *, sender: str = "u", roles: tuple[str, ...] = ()) -> str:
        """Press a button by its reference; return "" or why it was ignored."""
        input = self.input("", "press", sender, ref=ref)
        decision = self.send(InputReceived(self.at, input, None, (), roles))
        self.presses += [effect for effect in decision.effects if isinstance(effect, AnswerPress)]
        return why(decision)

    def button(self, text: str, message: int = -1) -> str:
        """Return the reference of a button, of the newest message that has it."""
        found = [
            button.ref
            for effect in self.effects
            if isinstance(effect, Say)
            for row in effect.message.buttons
            for button in row
            if isinstance(button, Button) and button.text == text
        ]
        return found[message]

    def later(self, duration: Millis) -> None:
        """Let time pass; timers fire when they are due, in order."""
        end = self.at + duration
        while due := sorted((timer.due, timer.id) for timer in self.state.timers if timer.due <= end):
            before = self.state
            self.at = max(self.at, due[0][0])
            self.send(TimerFired(self.at, due[0][1]))
            assert self.state is not before
        self.at = end

    def ended(self, outcome: Outcome) -> bool:
        return self.state.status == outcome and self.state.status in TERMINAL

    def entered(self, step: str) -> int:
        """How often a step's handler was run on entry."""
        return sum(1 for owed in self.calls if owed.phase == "enter" and owed.step == step)


def spoken(effect: Say) -> str:
    return effect.message.text if effect.notice is None else f"<{effect.notice}>"


def why(decision: Decision) -> str:
    return decision.verdict.reason if isinstance(decision.verdict, Ignored) else ""


def failure(play: Play) -> Failure:
    """Why the run failed."""
    assert play.state.ending is not None
    assert play.state.ending.error is not None
    return play.state.ending.error


TO_B: Final = Next(name("b"))


def one_question(wait: WaitSpec, *buttons: str, script: Directive = TO_B) -> Play:
    """A started run of a question, with steps `b` and `late` after it; `script` is what its handler answers."""
    flow = a_flow(asks("a", "a?", wait, *buttons), asks("b"), asks("late"))
    return Play(flow, {"a": lambda _: script}).start()
