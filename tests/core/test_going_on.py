"""Going on from where a run was: a failed one on a step of one's choice, and a new one that begins as a copy."""

from __future__ import annotations

import pytest
from msgspec import Raw

from tests.core.graphs import act, end, graph, parallel, sequence, sleep
from tests.core.play import a_flow, acts, asks
from turnflow.core.codec import decode_entry, encode_entry, encode_state
from turnflow.core.definition import Flow
from turnflow.core.effects import CallAction, KeepResult, SetTimer
from turnflow.core.events import (
    ActionFailed,
    ActionSucceeded,
    Event,
    HandlerFailed,
    InputSetAside,
    MoveRequested,
    RetryRequested,
    RunForked,
    RunStarted,
)
from turnflow.core.ids import MailboxId, RunId, StepName
from turnflow.core.machine import Accepted, Decision, Entry, Ignored, advance, blank, pending, replay, sealed
from turnflow.core.state import RunState

HOUR = 3_600_000


class Life:
    """One run of a flow, with its journal."""

    def __init__(self, flow: Flow, run: str = "r") -> None:
        self.flow = flow
        self.state = blank(RunId(run))
        self.entries: list[Entry] = []
        self.last: Decision | None = None

    def send(self, event: Event) -> Decision:
        self.last = advance(self.flow, self.state, event)
        if isinstance(self.last.verdict, Accepted):
            self.state = sealed(self.last.state)
            self.entries.append(Entry(self.state.revision, (event,)))
        return self.last

    def start(self) -> Life:
        self.send(RunStarted(1_000, self.flow.name, self.flow.version, MailboxId("m"), input={"a": Raw(b"1")}))
        return self

    def work(self, output: bytes = b"1", at: int = 2_000) -> None:
        """Let the action that is under way succeed."""
        [call] = [effect for effect in pending(self.state) if isinstance(effect, CallAction)]
        self.send(ActionSucceeded(at, call.key, Raw(output)))

    def fail(self, at: int = 3_000) -> None:
        """Let the action that is under way fail."""
        [call] = [effect for effect in pending(self.state) if isinstance(effect, CallAction)]
        self.send(ActionFailed(at, call.key, "broken"))

    @property
    def called(self) -> list[str]:
        """The steps whose actions the last event asked for."""
        assert self.last is not None
        return [effect.step for effect in self.last.effects if isinstance(effect, CallAction)]

    def check(self) -> None:
        """The journal, as it is stored, gives the state."""
        stored = [decode_entry(encode_entry(entry)) for entry in self.entries]
        told = replay(blank(self.state.run), {(self.flow.name, self.flow.version): self.flow}, stored)
        assert encode_state(told) == encode_state(self.state)


CHAIN = graph(act("first", "second"), act("second", "third"), act("third", "done"), end())
GROUPS = graph(sequence("all", "one two", "pause"), act("one"), act("two"), sleep("pause", "done"), end())


def failed() -> Life:
    life = Life(CHAIN).start()
    life.work()
    life.fail()
    assert life.state.status == "failed"
    return life


def copied(flow: Flow, seed: RunState, step: str = "") -> Life:
    copy = Life(flow, "copy")
    copy.send(RunForked(10_000, seed, MailboxId("run:copy"), StepName(step), "ada"))
    return copy


# --- a failed run on another step --------------------------------------------------------------------------------


def test_f5_a_failed_run_goes_on_at_a_chosen_step() -> None:
    life = failed()
    life.send(RetryRequested(5_000, "ada", StepName("first")))
    assert (life.state.status, life.called) == ("running", ["first"])
    assert (life.state.fell, life.state.ending) == (None, None)
    for _ in range(3):
        life.work(at=6_000)
    assert life.state.status == "completed"
    life.check()


def test_f5_a_stuck_run_goes_on_at_a_chosen_step() -> None:
    life = Life(CHAIN).start()
    life.send(InputSetAside(2_000, "it ended the process"))
    life.send(RetryRequested(3_000, "ada", StepName("third")))
    assert (life.state.status, life.called) == ("running", ["third"])
    life.check()


def test_f5_a_failed_run_of_python_steps_goes_on_at_a_chosen_step() -> None:
    life = Life(a_flow(acts("a"), asks("b"))).start()
    [call] = pending(life.state)
    life.send(HandlerFailed(2_000, call.key, "broken"))
    assert life.state.ending is not None
    assert isinstance(life.send(RetryRequested(3_000, "ada")).verdict, Ignored)
    life.send(RetryRequested(3_000, "ada", StepName("b")))
    assert life.state.status == "waiting"
    assert [cursor.step for cursor in life.state.cursors] == ["b"]
    life.check()


@pytest.mark.parametrize(("step", "why"), [("nowhere", "unknown_step"), ("one", "inside_group")])
def test_a_step_that_cannot_be_entered_from_outside_changes_nothing(step: str, why: str) -> None:
    life = Life(GROUPS).start()
    assert life.send(MoveRequested(2_000, StepName(step), "ada")).verdict == Ignored(why)
    life.fail()
    assert life.send(RetryRequested(4_000, "ada", StepName(step))).verdict == Ignored(why)
    assert life.state.status == "failed"
    assert copied(GROUPS, life.state, step).state.status == "created"


def test_a_run_that_completed_is_not_retried() -> None:
    life = Life(graph(act("only", "done"), end())).start()
    life.work()
    assert life.send(RetryRequested(3_000, "ada", StepName("only"))).verdict == Ignored("ended")


# --- copies ------------------------------------------------------------------------------------------------------


def test_f5_a_copy_goes_on_at_a_step_with_input_and_data_of_the_original_and_a_name_of_its_own() -> None:
    life = failed()
    before = encode_state(life.state)
    copy = copied(CHAIN, life.state, "third")
    assert (copy.state.status, copy.called) == ("running", ["third"])
    assert (copy.state.run, copy.state.mailbox, copy.state.parent) == ("copy", "run:copy", None)
    assert (copy.state.input, copy.state.created, copy.state.exclusive) == (life.state.input, 10_000, False)
    copy.work(at=11_000)
    assert copy.state.status == "completed"
    assert encode_state(life.state) == before
    copy.check()


def test_f5_a_copy_of_a_failed_run_goes_on_where_that_failed() -> None:
    copy = copied(CHAIN, failed().state)
    assert (copy.state.status, copy.called) == ("running", ["second"])
    copy.check()


def test_f5_a_copy_never_repeats_a_key_or_a_visit_of_the_original() -> None:
    life = failed()
    copy = copied(CHAIN, life.state)
    assert copy.state.serial > life.state.serial
    [call] = [effect for effect in pending(copy.state) if isinstance(effect, CallAction)]
    assert call.key.startswith("copy:")
    assert call.job.visit > life.state.serial
    assert call.job.attempt == 1


def test_f5_a_copy_of_a_live_run_begins_what_that_is_at_anew() -> None:
    life = Life(GROUPS).start()
    life.work()
    copy = copied(GROUPS, life.state)
    assert copy.called == ["two"]
    copy.work(at=11_000)
    assert copy.last is not None
    [timer] = [effect for effect in copy.last.effects if isinstance(effect, SetTimer)]
    assert timer.due == 12_000
    assert copy.state.status == "waiting"
    copy.check()
    life.work(at=3_000)
    again = copied(GROUPS, life.state)
    assert again.last is not None
    assert any(isinstance(effect, SetTimer) and effect.due == 11_000 for effect in again.last.effects)


def test_f5_a_copy_with_branches_under_way_does_all_of_them_itself() -> None:
    flow = graph(parallel("both", "one two", "done"), act("one"), act("two"), end())
    life = Life(flow).start()
    copy = copied(flow, life.state)
    assert sorted(copy.called) == ["one", "two"]
    calls = [effect for effect in pending(copy.state) if isinstance(effect, CallAction)]
    for call in calls:
        copy.send(ActionSucceeded(11_000, call.key, Raw(b"1")))
    assert copy.state.status == "completed"
    assert copy.last is not None
    assert "both" in [effect.result.path for effect in copy.last.effects if isinstance(effect, KeepResult)]
    copy.check()


def test_only_a_run_that_does_not_exist_yet_can_begin_as_a_copy() -> None:
    life = failed()
    fork = RunForked(10_000, life.state, MailboxId("m"), StepName("first"))
    assert life.send(fork).verdict == Ignored("ended")
    live = Life(CHAIN).start()
    assert live.send(fork).verdict == Ignored("started")
