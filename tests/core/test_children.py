"""Semantics E2, E4: flows that call flows."""

from __future__ import annotations

import pytest
from msgspec import Raw

from tests.core.play import Asked, Play, Reaction, a_flow, acts, asks, failure, group, marks, name
from turnflow.core.definition import HandlerStep, Output
from turnflow.core.directives import CallFlow, Complete, Directive, Done, Fail, Next
from turnflow.core.effects import CancelChild, StartChild
from turnflow.core.events import (
    Blocked,
    CancelRequested,
    ChildAttached,
    ChildFinished,
    InputSetAside,
    Migrated,
    MoveRequested,
    RetryRequested,
)
from turnflow.core.ids import FlowName, MailboxId, RunId
from turnflow.core.messages import Message
from turnflow.core.state import Child, Failure, Outcome, Parent

CALL = CallFlow(FlowName("checkout"), name("paid"), {"sum": Raw(b"7")})


def shop(*outputs: Output, hooks: bool = False) -> Play:
    steps = (asks("cart"), asks("paid"), asks("sorry"))
    cart = HandlerStep(steps[0].name, question=steps[0].question, outputs=outputs)
    flow = a_flow(cart, *steps[1:], hooks=("flow_exit", "error") if hooks else ())
    play = Play(flow, {"cart": lambda _: CALL, "paid": lambda asked: Complete(asked.cursor.result)})
    return play.start()


def calling() -> Play:
    play = shop()
    play.types("buy")
    return play


def child_of(play: Play) -> RunId:
    return next(effect.child for effect in play.effects if isinstance(effect, StartChild))


def cancelled(play: Play) -> list[RunId]:
    return [effect.child for effect in play.effects if isinstance(effect, CancelChild)]


def ends(play: Play, outcome: Outcome, result: bytes | None = None, error: Failure | None = None) -> None:
    play.send(ChildFinished(play.at, child_of(play), outcome, Raw(result) if result is not None else None, error))


def test_e2_the_child_is_a_run_of_its_own_with_a_parent_and_the_parent_waits() -> None:
    play = calling()
    start = next(effect for effect in play.effects if isinstance(effect, StartChild))
    assert start.flow == "checkout"
    assert start.data == {"sum": Raw(b"7")}
    assert start.parent == Parent(RunId("r"), MailboxId("c"), RunId("r"), 1)
    assert play.state.status == "waiting"
    assert play.state.cursors[0].wait is None
    assert play.types("hello?") == ""
    assert play.state.backlog[0].text == "hello?"


def test_e2_its_result_arrives_at_the_step_named_by_then() -> None:
    play = calling()
    ends(play, "completed", b'{"order":1}')
    assert play.step == "paid"
    assert play.state.cursors[0].result == Raw(b'{"order":1}')
    assert play.state.cursors[0].history == ("cart",)
    assert play.state.children == ()
    play.types("ok")
    assert play.finish is not None
    assert play.finish.ending.result == Raw(b'{"order":1}')


@pytest.mark.parametrize(
    ("outcome", "code", "message"),
    [
        ("failed", "child_failed", "flow 'checkout' ended failed: no money"),
        ("cancelled", "child_cancelled", "flow 'checkout' ended cancelled: cancelled"),
    ],
)
def test_e2_its_failure_or_cancel_is_an_error_output_of_the_calling_step(
    outcome: Outcome, code: str, message: str
) -> None:
    error = Failure("poor", "no money") if outcome == "failed" else None
    caught = shop(Output(name("sorry"), error=(code,)))
    caught.types("buy")
    ends(caught, outcome, error=error)
    assert caught.step == "sorry"
    play = calling()
    ends(play, outcome, error=error)
    assert failure(play) == Failure(code, message, name("cart"))


def test_e2_the_flow_may_nest_sixteen_deep_and_no_deeper() -> None:
    def at_depth(depth: int) -> Play:
        play = Play(a_flow(acts("a"), asks("paid")), {"a": lambda _: CALL})
        return play.start(parent=Parent(RunId("p"), MailboxId("c"), RunId("root"), depth))

    assert at_depth(15).state.status == "waiting"
    assert failure(at_depth(16)).code == "nesting_too_deep"


def test_e2_the_root_of_a_nest_is_handed_down_and_a_detached_child_begins_its_own() -> None:
    for awaited, root in ((True, "root"), (False, "r")):
        play = Play(a_flow(acts("a"), asks("paid")), {"a": lambda _: CALL})
        play.start(parent=Parent(RunId("p"), MailboxId("c"), RunId("root"), 3, awaited))
        start = next(effect for effect in play.effects if isinstance(effect, StartChild))
        assert (start.parent.root, start.parent.depth) == (root, 4)


def test_e2_a_child_that_nobody_knows_changes_nothing() -> None:
    play = calling()
    before = play.state
    play.send(ChildFinished(play.at, RunId("unknown"), "completed"))
    assert play.state is before


def test_e2_a_childs_end_counts_once() -> None:
    play = calling()
    ends(play, "completed")
    before = play.state
    ends(play, "failed")
    assert play.state is before


def test_e2_nested_runs_work_in_branches_and_loops() -> None:
    flow = a_flow(marks("go"), acts("x"), asks("y"), asks("paid"), asks("end"), groups=[group("go", "xy", "end")])

    def again(asked: Asked) -> Directive:
        return Next(name("x")) if asked.text == "again" else Done()

    play = Play(flow, {"x": lambda _: CALL, "y": lambda _: Done(), "paid": again}).start()
    for _ in range(3):
        child = play.state.children[0].run
        play.send(ChildFinished(play.at, child, "completed", Raw(b"1")))
        play.types("again", fits=(play.state.cursors[1].id,))
    started = [effect.child for effect in play.effects if isinstance(effect, StartChild)]
    assert len(set(started)) == 4
    play.send(ChildFinished(play.at, started[-1], "completed"))
    play.types("enough", fits=(play.state.cursors[1].id,))
    play.types("y")
    assert play.steps == ["end"]


def test_e4_cancelling_a_parent_cancels_its_children_first_and_then_cleans_up() -> None:
    play = shop(hooks=True)
    play.types("buy")
    play.send(CancelRequested(play.at, "u", "no more"))
    assert cancelled(play) == [child_of(play)]
    assert play.calls[-1].phase == "input"
    assert play.finish is None
    ends(play, "cancelled")
    assert [owed.hook for owed in play.calls if owed.phase == "hook"] == ["flow_exit"]
    assert play.ended("cancelled")


def test_e4_while_it_waits_for_its_children_it_cannot_be_cancelled_twice_or_moved() -> None:
    play = calling()
    play.send(CancelRequested(play.at, "u"))
    before = play.state
    for event in (
        CancelRequested(play.at, "u"),
        MoveRequested(play.at, name("paid")),
        ChildAttached(play.at, Child(RunId("new"), MailboxId("m"))),
        Blocked(play.at, "gone"),
        Migrated(play.at, 1),
    ):
        play.send(event)
        assert play.state is before


def test_e4_a_failed_step_cancels_its_siblings_children() -> None:
    flow = a_flow(marks("go"), acts("x"), asks("y"), asks("paid"), asks("end"), groups=[group("go", "xy", "end")])
    play = Play(flow, {"x": lambda _: CALL, "y": lambda _: Fail("own")}).start()
    play.types("1")
    assert cancelled(play) == [child_of(play)]
    ends(play, "cancelled")
    assert failure(play).code == "own"


def test_e4_leaving_a_group_cancels_the_children_its_branches_wait_for() -> None:
    flow = a_flow(
        marks("go"), acts("x"), asks("y"), asks("paid"), asks("end"), groups=[group("go", "xy", "end", need=1)]
    )
    play = Play(flow, {"x": lambda _: CALL, "y": lambda _: Done()}).start()
    play.types("1")
    assert play.steps == ["end"]
    assert cancelled(play) == [child_of(play)]
    ends(play, "cancelled")
    assert (play.steps, play.state.children) == (["end"], ())


def test_e4_moving_a_run_cancels_the_child_it_waits_for() -> None:
    play = calling()
    play.send(MoveRequested(play.at, name("sorry"), "op"))
    assert cancelled(play) == [child_of(play)]
    ends(play, "cancelled")
    assert (play.step, play.state.status) == ("sorry", "waiting")


def test_e2_a_child_of_the_host_program_does_not_make_the_run_wait() -> None:
    play = Play(a_flow(asks("a")), {"a": lambda _: Complete()}).start()
    attached = ChildAttached(play.at, Child(RunId("side"), MailboxId("m")))
    play.send(attached)
    before = play.state
    play.send(attached)
    assert play.state is before
    play.types("x")
    assert play.ended("completed")
    assert cancelled(play) == []


def test_e2_a_child_in_the_background_gives_its_parent_no_attention() -> None:
    play = Play(a_flow(asks("a"))).start()
    before = play.state.updated
    play.at += 5
    play.send(ChildAttached(play.at, Child(RunId("side"), MailboxId("m"))))
    play.at += 5
    play.send(ChildFinished(play.at, RunId("side"), "completed"))
    assert play.state.updated == before


def test_e2_a_run_that_completes_waits_only_for_the_children_it_cancelled() -> None:
    flow = a_flow(marks("go"), acts("x"), asks("y"), asks("paid"), asks("end"), groups=[group("go", "xy", "end")])
    play = Play(flow, {"x": lambda _: CALL, "y": lambda _: Complete()}).start()
    play.send(ChildAttached(play.at, Child(RunId("side"), MailboxId("m"))))
    play.types("1")
    assert cancelled(play) == [child_of(play)]
    ends(play, "cancelled")
    assert play.ended("completed")


def test_e4_cancelling_also_ends_children_that_nobody_waits_for() -> None:
    play = Play(a_flow(asks("a"))).start()
    play.send(ChildAttached(play.at, Child(RunId("side"), MailboxId("m"))))
    play.send(CancelRequested(play.at, "u"))
    assert cancelled(play) == [RunId("side")]
    play.send(ChildFinished(play.at, RunId("side"), "cancelled"))
    assert play.ended("cancelled")


@pytest.mark.parametrize("stuck", [True, False])
def test_a_childs_end_waits_for_a_parent_that_is_blocked_or_stuck(stuck: bool) -> None:
    play = calling()
    play.send(InputSetAside(play.at, "it crashed") if stuck else Blocked(play.at, "version 1 is missing"))
    ends(play, "completed", b"1")
    assert play.step == "cart"
    ends(play, "failed")
    play.send(RetryRequested(play.at, "op") if stuck else Migrated(play.at, 1))
    assert (play.step, play.state.cursors[0].result) == ("paid", Raw(b"1"))


def test_a_blocked_parent_can_be_cancelled_after_its_child_has_ended() -> None:
    play = calling()
    play.send(Blocked(play.at, "version 1 is missing"))
    ends(play, "completed", b"1")
    play.send(CancelRequested(play.at, "op"))
    assert play.ended("cancelled")
    assert cancelled(play) == []


def test_what_is_said_before_a_call_is_said_before_the_child_starts() -> None:
    flow = a_flow(acts("a"), asks("paid"))
    play = Play(flow, {"a": lambda _: Reaction(CALL, (Message("to the till"),))}).start()
    assert play.said == ["to the till"]
    assert isinstance(play.effects[-1], StartChild)


def test_an_awaited_child_does_not_speak_of_its_own_end() -> None:
    for awaited, said in ((True, ["a?"]), (False, ["a?", "<cancelled>"])):
        play = Play(a_flow(asks("a")))
        play.start(parent=Parent(RunId("p"), MailboxId("c"), RunId("p"), 1, awaited))
        play.send(CancelRequested(play.at, "u"))
        assert play.said == said
        assert play.finish is not None
        assert play.finish.parent is not None
