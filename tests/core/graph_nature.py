"""Everything that may happen to a run of a flow graph, likely and unlikely."""

from __future__ import annotations

from msgspec import Raw

from tests.core.dice import Dice
from tests.core.graph_watch import GraphWatch
from tests.core.random_graphs import CODES
from turnflow.core.definition import Accepts, Flow, WaitSpec
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
    ActionFailed,
    ActionSucceeded,
    Asked,
    Blocked,
    CancelRequested,
    ChildFinished,
    Event,
    HandlerAnswered,
    HandlerFailed,
    InputReceived,
    InputSetAside,
    Migrated,
    MoveRequested,
    OperatorAnswered,
    PauseRequested,
    ResumeRequested,
    RetryRequested,
    RunStarted,
    SignalReceived,
    TimerFired,
)
from turnflow.core.ids import EffectKey, FlowName, InputId, MailboxId, RunId, StepName, TimerId, UserId
from turnflow.core.inputs import Input
from turnflow.core.state import Failure, RunState

OUTPUTS = (Raw(b"1"), Raw(b"null"), Raw(b'{"x":true}'), Raw(b"[1,2]"), Raw(b'"text"'))


class GraphNature:
    """Makes events for a run; keeps the clock, and keys that were of use once."""

    def __init__(self, dice: Dice, flow: Flow) -> None:
        self.dice = dice
        self.flow = flow
        self.at = 1_000
        self.steps = [*flow.nodes, *flow.steps]
        self.old = [EffectKey("nonsense"), EffectKey("r:1.1")]
        self._inputs = 0

    def start(self) -> RunStarted:
        given = {"n": Raw(b"2"), "items": Raw(b"[1,2,3,4]"), "when": Raw(b'"1s"')}
        return RunStarted(
            self.at, self.flow.name, 1, MailboxId("c"), user=UserId("u"), chat="c", key="c|u", input=given
        )

    def next(self, watch: GraphWatch) -> Event:
        """Return something that may happen now: mostly what the run waits for, now and then nonsense."""
        dice, state = self.dice, watch.state
        self.at += dice.pick((0, 1, 100, 1_000))
        self.old += watch.calls
        self.old += watch.subscriptions
        if state.status in ("failed", "paused", "stuck", "blocked") and not dice.one_in(3):
            return self._again(state)
        if state.inflight is not None:
            self.old.append(state.inflight)
            if not dice.one_in(5):
                return self._reply(state.inflight, state)
        kind = dice.below(24)
        if kind < 8 and watch.calls:
            return self._outcome(dice.pick(list(watch.calls)))
        if kind < 11 and watch.subscriptions:
            return SignalReceived(self.at, dice.pick(list(watch.subscriptions)), dice.pick(OUTPUTS))
        if kind < 16 and state.timers:
            timer = dice.pick(state.timers)
            if timer.kind != "ttl" or dice.one_in(9):
                self.at = max(self.at, timer.due)
                return TimerFired(self.at, timer.id)
        if kind < 19 and watch.children:
            return self._child(dice.pick(list(watch.children)))
        if kind < 22 and any(cursor.wait is not None for cursor in state.cursors):
            return InputReceived(self.at, self._input())
        return self._rare(state)

    def _outcome(self, key: EffectKey) -> Event:
        if self.dice.one_in(3):
            return ActionFailed(self.at, key, self.dice.pick(CODES), "no", final=self.dice.one_in(4))
        return ActionSucceeded(self.at, key, self.dice.pick(OUTPUTS))

    def _input(self) -> Input:
        self._inputs += 1
        return Input(InputId(f"i{self._inputs}"), "text", UserId("u"), self.at, "hello")

    def _child(self, run: RunId) -> ChildFinished:
        if self.dice.one_in(2):
            return ChildFinished(self.at, run, "failed", error=Failure("own", "sorry"))
        return ChildFinished(self.at, run, self.dice.pick(("completed", "completed", "cancelled")), Raw(b"7"))

    def _again(self, state: RunState) -> Event:
        if state.status == "paused":
            return ResumeRequested(self.at)
        if state.status == "blocked":
            return Migrated(self.at, 1)
        step = self.dice.pick(self.steps) if self.dice.one_in(5) else StepName("")
        return RetryRequested(self.at, "op", step)

    def _reply(self, key: EffectKey, state: RunState) -> Event:
        dice = self.dice
        if dice.one_in(8):
            return HandlerFailed(self.at, key, dice.pick(CODES), "it broke")
        phase = next(cursor.owed[0].phase for cursor in state.cursors if cursor.owed and not cursor.owed[0].delayed)
        directive: Directive = Stay() if phase == "ask" else Done(dice.pick((None, Raw(b"1"))))
        if phase == "error" or dice.one_in(8):
            directive = self._directive()
        return HandlerAnswered(self.at, key, directive)

    def _directive(self) -> Directive:
        dice = self.dice
        step = StepName("nowhere") if dice.one_in(12) else dice.pick(self.steps)
        options: tuple[Directive, ...] = (
            Repeat(), Fail("own", "no"), Next(step), Goto(step), Done(), Stay(), Escalate("help"),
            Escalate("help", step), Back(), Refuse("hm"), Park("again", WaitSpec(Accepts(("text",)), 3_000)),
            CallFlow(FlowName("child"), step, {}), Complete() if dice.one_in(4) else Repeat(),
            Cancel("enough") if dice.one_in(4) else Repeat(),
        )  # fmt: skip
        return dice.pick(options)

    def _rare(self, state: RunState) -> Event:
        dice, at = self.dice, self.at
        match dice.below(18):
            case 0:
                return TimerFired(at, TimerId(dice.pick(("s1", "m1", "ttl", "x"))))
            case 1:
                return ActionSucceeded(at, dice.pick(self.old), Raw(b"9"))
            case 2:
                return ActionFailed(at, dice.pick(self.old), "own")
            case 3:
                return SignalReceived(at, dice.pick(self.old), Raw(b"9"))
            case 4:
                return HandlerAnswered(at, dice.pick(self.old), self._directive())
            case 5 | 6:
                return PauseRequested(at)
            case 7:
                return ResumeRequested(at)
            case 8:
                return RetryRequested(at, "op")
            case 9:
                return MoveRequested(at, dice.pick((*self.steps, StepName("nowhere"))), "op")
            case 10:
                return Blocked(at, "version 1 is missing")
            case 11:
                return Migrated(at, 1)
            case 12:
                return InputSetAside(at, "it ended the process", dice.pick((None, self._input())))
            case 13:
                return OperatorAnswered(at, UserId("op"), "done", dice.pick((True, False)))
            case 14:
                return Asked(at)
            case 15:
                return self._child(RunId("unknown"))
            case 16:
                return InputReceived(at, self._input())
            case _:
                return CancelRequested(at, "u", "because") if dice.one_in(6) else self.start()
