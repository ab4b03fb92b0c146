"""Semantics A: runs, steps, navigation."""

from __future__ import annotations

import pytest
from msgspec import Raw

from tests.core.play import Asked, Broken, Play, Reaction, a_flow, acts, asks, group, marks, name
from turnflow.core.definition import Accepts, Output, WaitSpec
from turnflow.core.directives import (
    Back,
    Cancel,
    Complete,
    Directive,
    Done,
    Escalate,
    Fail,
    Goto,
    Next,
    Park,
    Repeat,
    Stay,
)
from turnflow.core.effects import Finish, RunHandler, Say
from turnflow.core.events import Asked as AskedAgain
from turnflow.core.events import HandlerAnswered, InputReceived
from turnflow.core.ids import FlowName
from turnflow.core.messages import Message
from turnflow.core.state import Ending

ANYTHING = WaitSpec(Accepts(("any",)))


def navigator(asked: Asked) -> Directive:
    """Answers as it is told: `next b`, `goto c`, `back`, `repeat`, `done`, ..."""
    word, _, step = asked.text.partition(" ")
    match word:
        case "next":
            return Next(name(step))
        case "goto":
            return Goto(name(step))
        case "back":
            return Back()
        case "repeat":
            return Repeat()
        case "complete":
            return Complete(Raw(b'"ok"'))
        case "cancel":
            return Cancel("enough")
        case "fail":
            return Fail("own", "no more")
        case "escalate":
            return Escalate("help", name(step) if step else None)
        case "done":
            return Done()
        case _:
            return Stay()


STEPS = "abcd"


def four_steps(**more: str) -> Play:
    flow = a_flow(*(asks(step) for step in STEPS))
    return Play(flow, dict.fromkeys(STEPS, navigator)).start()


def test_a2_a_handler_is_entered_without_input_and_then_once_per_input() -> None:
    seen: list[tuple[str, str]] = []

    def script(asked: Asked) -> Directive:
        seen.append((asked.owed.phase, asked.text))
        return Park("w", ANYTHING) if asked.owed.phase == "enter" else Stay()

    play = Play(a_flow(acts("a")), {"a": script}).start()
    play.types("one")
    play.types("two")
    assert seen == [("enter", ""), ("input", "one"), ("input", "two")]


def test_a2_code_before_a_wait_never_runs_again_because_it_was_answered() -> None:
    play = Play(
        a_flow(acts("a")),
        {"a": lambda asked: Reaction(Park("w", ANYTHING), (Message("hi"),)) if not asked.text else Stay()},
    ).start()
    for _ in range(3):
        play.types("again")
    assert play.said == ["hi"]
    assert play.entered("a") == 1


def test_a3_next_puts_the_step_onto_the_history_and_enters_the_target_in_the_same_turn() -> None:
    play = four_steps()
    play.types("next b")
    assert (play.step, play.state.cursors[0].history) == ("b", ("a",))
    assert play.said == ["a?", "b?"]


def test_a3_back_enters_the_previous_step_again_which_asks_again() -> None:
    play = four_steps()
    for word in ("next b", "next c", "back"):
        play.types(word)
    assert (play.step, play.state.cursors[0].history) == ("b", ("a",))
    assert play.said == ["a?", "b?", "c?", "b?"]


def test_a3_back_on_the_first_step_asks_it_again() -> None:
    play = four_steps()
    play.types("back")
    assert (play.step, play.said) == ("a", ["a?", "a?"])


def test_a3_goto_jumps_anywhere_and_the_history_restarts_there() -> None:
    play = four_steps()
    for word in ("next b", "next c", "goto d"):
        play.types(word)
    assert (play.step, play.state.cursors[0].history) == ("d", ())
    play.types("back")
    assert play.step == "d"


def test_a3_repeat_asks_the_current_step_again_and_keeps_its_history() -> None:
    play = four_steps()
    play.types("next b")
    play.types("repeat")
    assert (play.step, play.state.cursors[0].history) == ("b", ("a",))
    assert play.said == ["a?", "b?", "b?"]


def test_a3_back_does_not_bounce_off_a_decision() -> None:
    flow = a_flow(asks("a"), acts("fork", routing=True), asks("b"))
    scripts = {"a": navigator, "b": navigator, "fork": lambda _: Next(name("b"))}
    play = Play(flow, scripts).start()
    play.types("next fork")
    assert play.step == "b"
    play.types("back")
    assert play.step == "a"
    assert play.entered("fork") == 1


def test_a3_a_group_is_one_entry_of_the_history() -> None:
    flow = a_flow(asks("a"), marks("all"), asks("x"), asks("y"), asks("end"), groups=[group("all", "xy", "end")])
    scripts = {"a": navigator, "x": lambda _: Done(), "y": lambda _: Done(), "end": navigator}
    play = Play(flow, scripts).start()
    play.types("next all")
    play.types("1", fits=(play.state.cursors[1].id,))
    play.types("2")
    assert (play.step, play.state.cursors[0].history) == ("end", ("a", "all"))


@pytest.mark.parametrize(("word", "outcome"), [("complete", "completed"), ("cancel", "cancelled"), ("fail", "failed")])
def test_a3_a_handler_ends_its_run(word: str, outcome: str) -> None:
    play = four_steps()
    play.types(word)
    assert play.state.status == outcome
    assert play.finish is not None
    assert play.finish.ending.outcome == outcome
    assert play.state.timers == ()


def test_a3_complete_hands_on_the_result() -> None:
    play = four_steps()
    play.types("complete")
    assert play.finish is not None
    assert play.finish.ending == Ending("completed", Raw(b'"ok"'))


def test_a3_done_outside_a_group_takes_the_only_declared_way_on() -> None:
    flow = a_flow(acts("a", to=[Output(name("b")), Output(name("a"), error=("*",))]), asks("b"))
    assert Play(flow, {"a": lambda _: Done()}).start().step == "b"


def test_a3_done_outside_a_group_without_a_way_on_completes_the_run() -> None:
    play = Play(a_flow(acts("a")), {"a": lambda _: Done(Raw(b"7"))}).start()
    assert play.finish is not None
    assert play.finish.ending == Ending("completed", Raw(b"7"))


def test_a3_done_with_two_declared_ways_on_fails_and_says_so() -> None:
    flow = a_flow(acts("a", to=[Output(name("b")), Output(name("c"))]), asks("b"), asks("c"))
    play = Play(flow, {"a": lambda _: Done()}).start()
    assert play.state.ending is not None
    assert play.state.ending.error is not None
    assert play.state.ending.error.code == "ambiguous_done"
    assert "2 ways on" in play.state.ending.error.message


def test_a4_what_a_handler_wrote_stays_and_nothing_else_changes() -> None:
    flow = a_flow(asks("a"), asks("b"))
    script = {"a": lambda _: Reaction(Next(name("b")), patch={"age": Raw(b"36")})}
    play = Play(flow, script).start(data={"name": Raw(b'"Ada"'), "age": Raw(b"0")})
    play.types("36")
    assert play.state.data == {"name": Raw(b'"Ada"'), "age": Raw(b"36")}


@pytest.mark.parametrize("word", ["next b", "goto b", "back", "goto a", "next a"])
def test_a4_the_scene_is_cleared_on_every_transition(word: str) -> None:
    play = Play(
        a_flow(*(asks(step) for step in STEPS)), {"a": lambda asked: Reaction(navigator(asked), scene=Raw(b'{"n":1}'))}
    )
    play.start()
    play.types(word)
    assert play.state.cursors[0].scene == Raw(b"{}")


@pytest.mark.parametrize("directive", [Repeat(), Park("again", ANYTHING), Stay()])
def test_a4_the_scene_is_kept_on_wait_and_repeat(directive: Directive) -> None:
    play = Play(a_flow(asks("a")), {"a": lambda _: Reaction(directive, scene=Raw(b'{"n":1}'))}).start()
    play.types("x")
    assert play.state.cursors[0].scene == Raw(b'{"n":1}')


def test_a5_the_input_that_answered_a_step_never_leaks_into_the_next() -> None:
    inputs: list[str] = []

    def script(asked: Asked) -> Directive:
        inputs.append(f"{asked.owed.step}:{asked.owed.phase}:{asked.text}")
        return Park("w", ANYTHING) if asked.owed.phase == "enter" else Next(name("b"))

    play = Play(a_flow(acts("a"), acts("b")), {"a": script, "b": script}).start()
    play.types("one")
    assert inputs == ["a:enter:", "a:input:one", "b:enter:"]
    assert not play.state.backlog


def test_a5_a_repeated_step_does_not_see_the_input_again() -> None:
    inputs: list[str] = []

    def script(asked: Asked) -> Directive:
        inputs.append(asked.text)
        return Repeat() if asked.text else Park("w", ANYTHING)

    play = Play(a_flow(acts("a")), {"a": script}).start()
    play.types("x")
    assert inputs == ["", "x", ""]


def test_a5_the_input_that_started_a_run_does_not_answer_its_first_question() -> None:
    play = Play(a_flow(asks("a")), {"a": navigator})
    play.start(trigger=play.input("next b"))
    assert (play.step, play.calls) == ("a", [])


def test_a6_a_handler_that_raises_keeps_its_input_for_the_next_attempt() -> None:
    tries: list[str] = []

    def script(asked: Asked) -> Directive:
        tries.append(asked.text)
        if len(tries) == 1:
            raise Broken
        return Next(name("b"))

    play = Play(a_flow(asks("a"), asks("b"), hooks=("error",)), {"a": script, "error": lambda _: Repeat()}).start()
    play.types("answer")
    assert tries == ["answer", "answer"]
    assert play.step == "b"


def test_a6_a_step_that_raises_without_any_rule_ends_in_failed_and_not_in_limbo() -> None:
    def script(_: Asked) -> Directive:
        raise Broken

    play = Play(a_flow(asks("a")), {"a": script}).start()
    play.types("x")
    assert play.state.status == "failed"


def test_a7_input_that_comes_while_a_handler_is_at_work_is_applied_after_it_in_order() -> None:
    heard: list[str] = []

    def script(asked: Asked) -> Directive:
        heard.append(f"{asked.owed.step}={asked.text}")
        return Next(name(chr(ord(asked.owed.step) + 1)))

    play = Play(a_flow(*(asks(step) for step in STEPS)), dict.fromkeys("abc", script)).start()
    play.held = True
    for text in ("one", "two", "three"):
        assert play.types(text) == ""
    play.drive()
    assert heard == ["a=one", "b=two", "c=three"]
    assert play.step == "d"


def test_a7_only_the_call_that_is_at_work_may_answer_and_only_once() -> None:
    play = four_steps()
    play.held = True
    play.types("next b")
    call = next(effect for effect in play.effects if isinstance(effect, RunHandler))
    answer = play.answer(call)
    assert isinstance(answer, HandlerAnswered)
    play.watch.apply(answer)
    assert play.step == "b"
    play.watch.apply(answer)
    assert play.step == "b"
    assert play.watch.events.count(answer) == 1


def test_a_step_that_does_not_exist_fails_the_step_and_names_it() -> None:
    play = four_steps()
    play.types("next nowhere")
    assert play.state.ending is not None
    assert play.state.ending.error is not None
    assert (play.state.ending.error.code, "'nowhere'" in play.state.ending.error.message) == ("unknown_step", True)


def test_a_step_that_answers_neither_with_a_wait_nor_with_a_way_on_fails() -> None:
    play = Play(a_flow(acts("a")), {"a": lambda _: Stay()}).start()
    assert play.state.ending is not None
    assert play.state.ending.error is not None
    assert play.state.ending.error.code == "no_answer"


@pytest.mark.parametrize(
    "directive", [Next(name("a")), Goto(name("a")), Back(), Repeat(), Next(name("b")), Goto(name("nowhere"))]
)
def test_a_flow_that_spins_is_ended_instead(directive: Directive) -> None:
    """Also when `on_error` catches every failure and goes on spinning."""
    flow = a_flow(acts("a"), acts("b", routing=True), hooks=("error",))
    play = Play(flow, {"a": lambda _: directive, "b": lambda _: Next(name("a")), "error": lambda _: directive}).start()
    assert play.state.ending is not None
    assert play.state.ending.error is not None
    assert play.state.ending.error.code == "loop_guard"
    assert len(play.calls) <= 2_100


def test_a_thousand_answers_in_one_loop_are_no_spinning() -> None:
    play = four_steps()
    for number in range(1_100):
        play.types("next b" if number % 2 == 0 else "next a")
    assert play.state.status == "waiting"
    assert len(play.state.cursors[0].history) <= 200


def test_a_trigger_that_is_repeated_asks_the_open_question_again() -> None:
    play = four_steps()
    play.types("next b")
    old = play.state.cursors[0].wait
    play.send(AskedAgain(play.at))
    assert play.said == ["a?", "b?", "b?"]
    assert play.state.cursors[0].history == ("a",)
    assert old is not None
    assert play.state.cursors[0].wait is not None
    assert play.state.cursors[0].wait.nonce != old.nonce


def test_a_trigger_that_is_repeated_while_a_handler_is_at_work_changes_nothing() -> None:
    play = four_steps()
    play.held = True
    play.types("next b")
    before = play.state
    play.send(AskedAgain(play.at))
    assert play.state is before


def test_messages_stay_in_order_and_the_question_comes_last() -> None:
    play = Play(
        a_flow(asks("a"), asks("b")), {"a": lambda _: Reaction(Next(name("b")), (Message("1"), Message("2")))}
    ).start()
    play.types("x")
    assert play.said == ["a?", "1", "2", "b?"]


def test_every_effect_of_a_turn_belongs_to_one_run_and_ends_with_its_finish() -> None:
    play = four_steps()
    play.types("complete")
    assert isinstance(play.effects[-1], Finish)
    assert all(effect.key.startswith("r:") for effect in play.effects if isinstance(effect, Say))
    assert FlowName(play.state.flow) == "f"
    assert [type(event).__name__ for event in play.watch.events] == ["RunStarted", "InputReceived", "HandlerAnswered"]
    assert isinstance(play.watch.events[1], InputReceived)
