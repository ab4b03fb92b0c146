"""Semantics B5, B6: timeouts, reminders, ttl, idle, and bursts."""

from __future__ import annotations

from tests.core.play import (
    MINUTE,
    SECOND,
    TEXT,
    TO_B,
    Asked,
    Broken,
    Play,
    Reaction,
    Script,
    a_flow,
    acts,
    asks,
    failure,
    name,
    one_question,
)
from turnflow.core.definition import Accepts, Output, Policies, Reminder, Timeout, WaitSpec
from turnflow.core.directives import Next, Park, Refuse, Repeat, Stay
from turnflow.core.effects import ClearTimer, SetTimer
from turnflow.core.events import Asked as AskedAgain
from turnflow.core.events import TimerFired
from turnflow.core.ids import TimerId
from turnflow.core.inputs import InputKind
from turnflow.core.machine import advance
from turnflow.core.messages import Message

# --- B5: time -------------------------------------------------------------------------------------------------------


def test_b5_a_timeout_goes_to_its_step_at_its_time_and_not_before() -> None:
    play = one_question(WaitSpec(TEXT, timeout=MINUTE, on_timeout=Timeout(name("late"), "step")))
    timer = play.state.timers[0]
    play.watch.apply(TimerFired(timer.due - 1, timer.id))
    assert play.step == "a"
    play.later(MINUTE)
    assert play.step == "late"
    assert play.state.timers == ()


def test_b5_a_timeout_may_cancel() -> None:
    play = one_question(WaitSpec(TEXT, timeout=MINUTE, on_timeout=Timeout(then="cancel")))
    play.later(MINUTE)
    assert play.ended("cancelled")
    assert play.said[-1] == "<expired>"


def test_b5_a_timeout_may_fail_and_an_error_output_may_catch_it() -> None:
    play = one_question(WaitSpec(TEXT, timeout=MINUTE))
    play.later(MINUTE)
    assert failure(play).code == "timeout"
    step = asks("a", "a?", WaitSpec(TEXT, timeout=MINUTE))
    flow = a_flow(
        type(step)(step.name, question=step.question, outputs=(Output(name("late"), error=("timeout",)),)), asks("late")
    )
    caught = Play(flow).start()
    caught.later(MINUTE)
    assert caught.step == "late"


def test_b5_a_timeout_may_call_a_handler() -> None:
    play = Play(
        a_flow(asks("a", "a?", WaitSpec(TEXT, timeout=MINUTE, on_timeout=Timeout(then="handler"))), asks("b")),
        {"timeout": lambda asked: Next(name("b"))},
    ).start()
    play.later(MINUTE)
    assert [owed.phase for owed in play.calls] == ["timeout"]
    assert (play.calls[0].label, play.step) == ("a", "b")


def test_b5_a_timer_fires_once() -> None:
    play = one_question(WaitSpec(TEXT, timeout=MINUTE, on_timeout=Timeout(name("late"), "step")))
    timer = play.state.timers[0]
    play.later(MINUTE)
    assert advance(play.flow, play.state, TimerFired(play.at, timer.id)).effects == ()


def test_b5_answering_clears_the_timers_of_the_wait() -> None:
    play = one_question(WaitSpec(TEXT, timeout=MINUTE, remind=(Reminder(SECOND),)))
    asked = [effect.timer for effect in play.effects if isinstance(effect, SetTimer)]
    play.types("x")
    cleared = [effect.timer for effect in play.effects if isinstance(effect, ClearTimer)]
    assert sorted(asked) == sorted(cleared)
    assert play.state.timers == ()


def test_b5_a_bad_answer_does_not_prolong_the_time() -> None:
    play = one_question(WaitSpec(TEXT, timeout=MINUTE, on_timeout=Timeout(name("late"), "step")), script=Refuse("no"))
    play.later(MINUTE - SECOND)
    play.types("x")
    play.later(SECOND)
    assert play.step == "late"


def test_b5_reminders_come_before_the_timeout() -> None:
    remind = (Reminder(10 * SECOND), Reminder(20 * SECOND, Message("still there?")))
    play = one_question(WaitSpec(TEXT, timeout=MINUTE, on_timeout=Timeout(name("late"), "step"), remind=remind))
    play.later(MINUTE)
    assert play.said == ["a?", "a?", "still there?", "late?"]


def test_b5_a_reminder_of_a_computed_question_computes_it_again_for_the_same_wait() -> None:
    flow = a_flow(asks("a", None, WaitSpec(TEXT, remind=(Reminder(SECOND),))), asks("b"))
    scripts: dict[str, Script] = {
        "ask:a": lambda _: Reaction(Stay(), (Message("computed", [["yes"]]),)),
        "a": lambda _: TO_B,
    }
    play = Play(flow, scripts).start()
    wait = play.state.cursors[0].wait
    play.later(SECOND)
    assert play.said == ["computed", "computed"]
    assert play.state.cursors[0].wait == wait
    assert play.press(play.button("yes", 0)) == ""
    assert play.step == "b"


def test_b5_a_reminder_that_cannot_be_computed_uses_the_engines_words() -> None:
    def script(asked: Asked) -> Reaction:
        if asked.cursor.wait is not None:
            raise Broken
        return Reaction(Stay(), (Message("computed"),))

    play = Play(a_flow(asks("a", None, WaitSpec(TEXT, remind=(Reminder(SECOND),)))), {"a": script}).start()
    play.later(SECOND)
    assert (play.said, play.state.status) == (["computed", "<again>"], "waiting")


def test_b5_input_that_comes_while_a_reminder_is_computed_is_taken_after_it() -> None:
    flow = a_flow(asks("a", None, WaitSpec(TEXT, remind=(Reminder(SECOND),))), asks("b"))
    play = Play(flow, {"ask:a": lambda _: Reaction(Stay(), (Message("computed"),)), "a": lambda _: TO_B}).start()
    play.held = True
    play.later(SECOND)
    assert play.types("x") == ""
    play.drive()
    assert play.step == "b"


def test_b5_a_reminder_of_a_handlers_own_wait_uses_the_engines_words() -> None:
    play = Play(a_flow(acts("a")), {"a": lambda _: Park("w", WaitSpec(TEXT, remind=(Reminder(SECOND),)))}).start()
    play.later(SECOND)
    assert play.said == ["<again>"]


def test_b5_no_reminder_while_the_answer_is_being_handled() -> None:
    play = one_question(WaitSpec(TEXT, remind=(Reminder(SECOND),)))
    play.held = True
    play.types("x")
    play.later(SECOND)
    play.drive()
    assert play.said == ["a?", "b?"]


def test_b5_the_ttl_ends_a_run_whatever_it_does() -> None:
    play = Play(a_flow(asks("a"), policies=Policies(ttl=MINUTE)), {"a": lambda _: Repeat()}).start()
    for _ in range(3):
        play.later(20 * SECOND - 1)
        play.types("x")
    play.later(SECOND)
    assert play.ended("cancelled")
    assert play.said[-1] == "<expired>"


def test_b5_idle_counts_from_the_last_input_of_any_use() -> None:
    wait = WaitSpec(TEXT, otherwise=Message("text, please"))
    play = Play(a_flow(asks("a", "a?", wait), policies=Policies(idle=MINUTE)), {"a": lambda _: Repeat()}).start()
    kinds: tuple[InputKind, ...] = ("text", "photo", "text")
    for kind in kinds:
        play.later(MINUTE - 1)
        play.types("x", kind=kind)
    assert play.state.status == "waiting"
    play.later(MINUTE)
    assert play.ended("cancelled")


def test_b5_idle_counts_what_people_said_to_a_flow_the_run_waits_for() -> None:
    play = Play(a_flow(asks("a"), policies=Policies(idle=MINUTE))).start()
    timer = play.state.timers[0]
    play.send(TimerFired(timer.due, timer.id, heard=timer.due - SECOND))
    assert [(again.id, again.due) for again in play.state.timers] == [("idle", timer.due - SECOND + MINUTE)]
    play.send(TimerFired(timer.due + MINUTE, timer.id, heard=timer.due - SECOND))
    assert play.ended("cancelled")


def test_b5_a_timer_of_nobody_changes_nothing() -> None:
    play = one_question(WaitSpec(TEXT))
    before = play.state
    play.send(TimerFired(play.at, TimerId("w99")))
    assert play.state is before


# --- B6: bursts -----------------------------------------------------------------------------------------------------


def gathering() -> Play:
    heard = WaitSpec(
        Accepts(("photo", "text")), gather=SECOND, timeout=MINUTE, on_timeout=Timeout(name("late"), "step")
    )
    return Play(a_flow(asks("a", "a?", heard, "yes"), asks("b"), asks("late")), {"a": lambda _: TO_B}).start()


def test_b6_everything_within_the_window_arrives_as_one_input_in_order() -> None:
    play = gathering()
    for number in range(5):
        play.types(f"p{number}", kind="photo")
        play.later(100)
    play.press(play.button("yes"))
    assert play.calls == []
    play.later(SECOND)
    assert len(play.calls) == 1
    input = play.calls[0].input
    assert input is not None
    assert [item.text or item.value for item in input.items] == ["p0", "p1", "p2", "p3", "p4", "yes"]
    assert (input.text, play.step) == ("p0", "b")


def test_b6_a_single_input_of_a_burst_comes_as_itself() -> None:
    play = gathering()
    play.types("p", kind="photo")
    play.later(SECOND)
    assert play.calls[0].input is not None
    assert play.calls[0].input.items == ()


def test_b6_a_wait_that_expires_while_it_gathers_still_delivers() -> None:
    play = gathering()
    play.later(MINUTE - 500)
    play.types("p", kind="photo")
    play.later(500)
    assert play.step == "a"
    play.later(500)
    assert play.step == "b"


def test_b6_repeating_the_trigger_does_not_lose_a_burst() -> None:
    play = gathering()
    play.types("p", kind="photo")
    play.send(AskedAgain(play.at))
    play.later(SECOND)
    assert play.step == "b"
