"""Everything that may happen to a run, likely and unlikely: with keys and references of now, of earlier, and of nowhere."""

from __future__ import annotations

from msgspec import Raw

from tests.core.dice import Dice
from tests.core.random_flows import CODES, a_message, a_wait
from turnflow.core.definition import Flow
from turnflow.core.directives import (
    Back,
    CallFlow,
    Cancel,
    Complete,
    Directive,
    Done,
    Escalate,
    Fail,
    Goto,
    Next,
    Park,
    Refuse,
    Repeat,
    Stay,
)
from turnflow.core.events import (
    Asked,
    Blocked,
    CancelRequested,
    ChildAttached,
    ChildFinished,
    Event,
    HandlerAnswered,
    HandlerFailed,
    InputReceived,
    InputSetAside,
    Migrated,
    MoveRequested,
    OperatorAnswered,
    RetryRequested,
    RunStarted,
    TimerFired,
)
from turnflow.core.ids import CursorId, EffectKey, FlowName, InputId, MailboxId, RunId, StepName, TimerId, UserId
from turnflow.core.inputs import Input, InputKind
from turnflow.core.state import Child, Failure, Outcome, RunState

NOWHERE = StepName("nowhere")
OUTCOMES: tuple[Outcome, ...] = ("completed", "failed", "cancelled")


class Nature:
    """Makes events for a run. It keeps the clock and remembers references of old buttons."""

    def __init__(self, dice: Dice, flow: Flow) -> None:
        self.dice = dice
        self.flow = flow
        self.at = 1_000
        self.steps = list(flow.steps)
        self.old_keys = [EffectKey("nonsense"), EffectKey("r:1.1")]
        self.old_nonces = ["r.0", "other.1"]
        self._inputs = 0

    def start(self) -> RunStarted:
        return RunStarted(
            self.at,
            self.flow.name,
            self.flow.version,
            MailboxId("c"),
            user=UserId("u"),
            chat="c",
            key_policy=self.flow.policies.key,
            key="c|u",
            data={"name": Raw(b'"Ada"')},
        )

    def next(self, state: RunState) -> Event:
        """Return something that may happen now: mostly what the run waits for, now and then nonsense."""
        dice = self.dice
        self.at += dice.pick((0, 1, 100, 1_000, 10_000))
        if state.inflight is not None:
            self.old_keys.append(state.inflight)
        for cursor in state.cursors:
            if cursor.wait is not None:
                self.old_nonces.append(cursor.wait.nonce)
        self.old_nonces += [group.menu.nonce for group in state.groups if group.menu is not None]
        if state.inflight is not None and not dice.one_in(4):
            return self._reply(state.inflight, state)
        kind = dice.below(20)
        if kind < 9:
            return self._input(state)
        lasting = [timer for timer in state.timers if timer.kind not in ("ttl", "idle") or dice.one_in(20)]
        if kind < 13 and lasting:
            timer = dice.pick(lasting)
            self.at = max(self.at, timer.due)
            return TimerFired(self.at, timer.id)
        if kind == 13 and state.children:
            return self._child(dice.pick(state.children).run)
        return self._rare(state)

    def _reply(self, key: EffectKey, state: RunState) -> Event:
        dice = self.dice
        directive = self.directive()
        if isinstance(directive, Refuse | Stay) and not any(c.wait for c in state.cursors) and not dice.one_in(6):
            directive = Park("label", a_wait(dice, self.steps))
        if dice.one_in(10):
            return HandlerFailed(self.at, key, dice.pick(CODES), "it broke")
        return HandlerAnswered(
            self.at,
            key,
            directive,
            says=(a_message(dice, "reply"),) * dice.pick((0, 0, 1, 2)),
            patch=dice.pick(({}, {"name": Raw(b'"Bob"')})),
            scene=dice.pick((None, Raw(b'{"n":1}'))),
        )

    def directive(self) -> Directive:
        dice = self.dice
        step = NOWHERE if dice.one_in(20) else dice.pick(self.steps)
        match dice.below(20):
            case 0 | 1 | 2 | 3:
                return Next(step)
            case 4 | 5 | 6:
                return Park(dice.pick(("label", "")), a_wait(dice, [*self.steps, *self.steps, NOWHERE]))
            case 7 | 8:
                return Done(dice.pick((None, Raw(b"7"))))
            case 9:
                return Goto(step)
            case 10:
                return Back()
            case 11:
                return Repeat()
            case 12:
                return Stay()
            case 13 | 14:
                return Refuse("not a number")
            case 15:
                return CallFlow(FlowName("child"), step, {"a": Raw(b"1")})
            case 16:
                return Escalate("help", dice.pick((None, step)))
            case 17:
                return Fail(dice.pick(CODES), "no") if dice.one_in(3) else Back()
            case 18:
                return Complete(Raw(b"1")) if dice.one_in(8) else Next(step)
            case _:
                if dice.one_in(8):
                    return Cancel("enough")
                return Goto(step)

    def an_input(self, state: RunState) -> Input:
        dice = self.dice
        self._inputs += 1
        id, sender = InputId(f"i{self._inputs}"), UserId(dice.pick(("u", "u", "u", "other", "stranger")))
        kinds: tuple[InputKind, ...] = ("text", "text", "press", "press", "photo", "command", "location")
        kind = dice.pick(kinds)
        if kind == "press":
            nonces = [c.wait.nonce for c in state.cursors if c.wait] + [g.menu.nonce for g in state.groups if g.menu]
            nonce = dice.pick(nonces) if nonces and not dice.one_in(3) else dice.pick(self.old_nonces)
            value = dice.pick(("yes", "#0", "#9", "#x", *self.steps))
            return Input(
                id, kind, sender, self.at, ref=dice.pick((f"~{nonce}:{value}",) * 5 + ("host-data", "~broken"))
            )
        text = dice.pick(("hello", "yes", "\u2192", "\u2713 s1", *self.steps))
        return Input(id, kind, sender, self.at, text, command=dice.pick(("skip", "foo")) if kind == "command" else "")

    def _input(self, state: RunState) -> InputReceived:
        dice = self.dice
        fits = tuple(c.id for c in state.cursors if dice.below(2)) if dice.one_in(3) else None
        if dice.one_in(12):
            fits = (CursorId(77),)
        return InputReceived(
            self.at,
            self.an_input(state),
            fits,
            dice.pick(((), ("wanted",))),
            dice.pick(((), ("operator",))),
        )

    def _child(self, run: RunId) -> ChildFinished:
        outcome = self.dice.pick(OUTCOMES)
        if outcome == "completed":
            return ChildFinished(self.at, run, outcome, Raw(b'{"ok":true}'))
        return ChildFinished(self.at, run, outcome, error=self.dice.pick((None, Failure("own", "sorry"))))

    def _rare(self, state: RunState) -> Event:
        dice, at = self.dice, self.at
        step = dice.pick((*self.steps, NOWHERE))
        match dice.below(17):
            case 0 | 1:
                return TimerFired(at, TimerId(dice.pick(("w1", "ttl", "idle", "x"))))
            case 2:
                timer = dice.pick(state.timers).id if state.timers else TimerId("g1")
                return TimerFired(0, timer)
            case 3:
                return HandlerAnswered(at, dice.pick(self.old_keys), self.directive())
            case 4:
                return HandlerFailed(at, dice.pick(self.old_keys), "exception")
            case 5:
                return OperatorAnswered(at, UserId("op"), dice.pick(("", "done")), dice.pick((True, True, False)))
            case 6 | 7:
                return Asked(at)
            case 8:
                return Blocked(at, "version 1 is missing")
            case 9:
                return InputSetAside(at, "it ended the process", dice.pick((None, self.an_input(state))))
            case 10 | 11:
                return RetryRequested(at, "op")
            case 12:
                return Migrated(at, self.flow.version, dice.pick((None, {"name": Raw(b"null")})), self._renaming(step))
            case 13:
                return MoveRequested(at, step, "op")
            case 14:
                return ChildAttached(at, Child(RunId(f"attached{dice.below(4)}"), MailboxId("m")))
            case 15:
                return self._child(RunId("unknown"))
            case _:
                if dice.one_in(4):
                    return CancelRequested(at, "u", "because", dice.one_in(2))
                return self.start()

    def _renaming(self, step: StepName) -> dict[StepName, StepName]:
        return self.dice.pick(({}, {}, {self.dice.pick(self.steps): step}))
