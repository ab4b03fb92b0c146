"""Semantics E3: hooks around flows and steps."""

from __future__ import annotations

from typing import get_args

import pytest
from msgspec import Raw

from tests.core.play import Asked, Broken, Play, Reaction, Script, a_flow, acts, asks, group, marks, name
from turnflow.core.definition import Flow, Hook
from turnflow.core.directives import Back, Cancel, Complete, Directive, Done, Goto, Next, Repeat, Stay
from turnflow.core.effects import Finish
from turnflow.core.events import CancelRequested, InputSetAside
from turnflow.core.messages import Message

ALL: tuple[Hook, ...] = get_args(Hook)


def two_steps(*hooks: Hook) -> Flow:
    return a_flow(asks("a"), asks("b"), hooks=hooks)


def trail(play: Play) -> list[str]:
    return [f"{owed.hook} {owed.step}" for owed in play.calls if owed.phase == "hook"]


def broken(_: Asked) -> Directive:
    raise Broken


def test_e3_flow_and_step_hooks_run_in_order() -> None:
    flow = two_steps("flow_enter", "flow_exit", "step_enter", "step_leave")
    play = Play(flow, {"a": lambda _: Next(name("b")), "b": lambda _: Complete()}).start()
    for text in "xy":
        play.types(text)
    assert trail(play) == [
        "flow_enter a",
        "step_enter a",
        "step_leave a",
        "step_enter b",
        "step_leave b",
        "flow_exit b",
    ]


def test_e3_a_step_is_asked_only_after_its_enter_hook() -> None:
    scripts: dict[str, Script] = {"step_enter": lambda asked: Reaction(Stay(), (Message(f"-> {asked.owed.step}"),))}
    assert Play(two_steps("step_enter"), scripts).start().said == ["-> a", "a?"]


def test_e3_repeat_neither_leaves_nor_enters() -> None:
    play = Play(two_steps("step_enter", "step_leave"), {"a": lambda _: Repeat()}).start()
    play.types("x")
    assert trail(play) == ["step_enter a"]


@pytest.mark.parametrize(("outcome", "directive"), [("completed", Complete()), ("cancelled", Cancel())])
def test_e3_exit_runs_however_the_run_ends_and_knows_how(outcome: str, directive: Directive) -> None:
    play = Play(two_steps("flow_exit"), {"a": lambda _: directive}).start()
    play.types("x")
    assert [owed.outcome for owed in play.calls if owed.hook == "flow_exit"] == [outcome]
    assert play.state.status == outcome


def test_e3_exit_runs_after_a_failure_and_sees_the_error() -> None:
    play = Play(two_steps("flow_exit"), {"a": broken}).start()
    play.types("x")
    exit_hook = play.calls[-1]
    assert exit_hook.error is not None
    assert (exit_hook.hook, exit_hook.outcome, exit_hook.error.code) == ("flow_exit", "failed", "exception")


def test_e3_exit_runs_after_a_cancel_from_outside() -> None:
    play = Play(two_steps("flow_exit"), {"flow_exit": lambda _: Reaction(Stay(), (Message("bye"),))}).start()
    play.send(CancelRequested(play.at, "u", "because"))
    assert play.said == ["a?", "bye", "<cancelled>"]
    assert isinstance(play.effects[-1], Finish)


@pytest.mark.parametrize("hook", ["flow_enter", "flow_exit", "step_enter", "step_leave"])
def test_e3_a_failing_hook_never_strands_or_resurrects_a_run(hook: Hook) -> None:
    play = Play(two_steps(hook), {"a": lambda _: Next(name("b")), "b": lambda _: Complete(), hook: broken}).start()
    for text in "xy":
        play.types(text)
    assert play.ended("completed")


def test_e3_a_hook_that_ends_the_process_is_given_up_and_the_run_ends() -> None:
    play = Play(two_steps("step_leave", "flow_exit"), {"a": lambda _: Complete()}).start()
    play.held = True
    play.types("x")
    play.watch.apply(play.answer(play.watch.asked))
    assert play.watch.asked.owed.hook == "step_leave"
    play.send(InputSetAside(play.at, "it ended the process 5 times"))
    assert play.watch.asked.owed.hook == "flow_exit"
    play.drive()
    assert play.ended("completed")


@pytest.mark.parametrize("directive", [Next(name("b")), Goto(name("a")), Back(), Complete(), Cancel()])
def test_e3_a_hook_directs_nothing(directive: Directive) -> None:
    play = Play(two_steps("step_enter"), {"step_enter": lambda _: directive}).start()
    assert (play.step, play.state.status) == ("a", "waiting")


def test_e3_a_hook_may_write_data() -> None:
    play = Play(two_steps("flow_enter"), {"flow_enter": lambda _: Reaction(Stay(), patch={"n": Raw(b"1")})}).start()
    assert play.state.data == {"n": Raw(b"1")}


def test_e3_branches_are_entered_and_left_and_the_start_step_is_left_at_the_join() -> None:
    flow = a_flow(
        marks("go"),
        asks("x"),
        asks("y"),
        asks("end"),
        groups=[group("go", "xy", "end")],
        hooks=("step_enter", "step_leave"),
    )
    play = Play(flow, {"x": lambda _: Done(), "y": lambda _: Done()}).start()
    for head in "xy":
        play.types("1", fits=tuple(cursor.id for cursor in play.state.cursors if cursor.head == head))
    assert trail(play) == [
        "step_enter go",
        "step_enter x",
        "step_enter y",
        "step_leave x",
        "step_leave y",
        "step_leave go",
        "step_enter end",
    ]


def test_e3_back_into_a_joined_group_leaves_the_join_step() -> None:
    flow = a_flow(marks("go"), asks("x"), asks("end"), groups=[group("go", "x", "end")], hooks=("step_leave",))
    play = Play(flow, {"x": lambda _: Done(), "end": lambda _: Back()}).start()
    for text in "12":
        play.types(text)
    assert trail(play) == ["step_leave x", "step_leave go", "step_leave end"]
    assert play.said[-1] == "<menu>"


def test_only_hooks_that_have_code_are_asked_for() -> None:
    play = Play(two_steps(), {"a": lambda _: Next(name("b")), "b": lambda _: Complete()}).start()
    for text in "xy":
        play.types(text)
    assert trail(play) == []
    assert set(ALL) == {"flow_enter", "flow_exit", "step_enter", "step_leave", "error", "timeout"}


def test_a_flow_that_enters_a_decision_first_still_runs_its_enter_hook_first() -> None:
    flow = a_flow(acts("fork", routing=True), asks("b"), hooks=("flow_enter",))
    play = Play(flow, {"fork": lambda _: Next(name("b"))}).start()
    assert [owed.hook or owed.step for owed in play.calls] == ["flow_enter", "fork"]
