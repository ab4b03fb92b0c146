"""Semantics B1, B4: what a wait takes, answers that do not parse, and input that nobody waits for."""

from __future__ import annotations

import pytest

from tests.core.play import (
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
from turnflow.core.definition import Accepts, WaitSpec
from turnflow.core.directives import Complete, Directive, Refuse, Repeat, Stay
from turnflow.core.effects import AnswerPress, Release
from turnflow.core.events import CancelRequested
from turnflow.core.ids import StepName
from turnflow.core.inputs import InputKind
from turnflow.core.messages import Message
from turnflow.core.state import TERMINAL, Failure

# --- B1: what a wait takes ------------------------------------------------------------------------------------------

KINDS: tuple[InputKind, ...] = ("text", "photo", "video", "voice", "audio", "document", "location", "contact")


@pytest.mark.parametrize("kind", KINDS)
def test_b1_a_wait_takes_its_kind_and_leaves_every_other(kind: InputKind) -> None:
    for other in KINDS:
        play = one_question(WaitSpec(Accepts((kind,))))
        assert play.types("x", kind=other) == ("" if other == kind else "no_wait")
        assert play.step == ("b" if other == kind else "a")


@pytest.mark.parametrize("kind", KINDS)
def test_b1_any_takes_every_kind_but_commands(kind: InputKind) -> None:
    play = one_question(WaitSpec(Accepts(("any",))))
    assert play.types("/help", kind="command", command="help") == "no_wait"
    assert play.types("x", kind=kind) == ""


def test_b1_a_step_may_claim_a_command() -> None:
    play = one_question(WaitSpec(Accepts(("text",), command="skip")))
    assert play.types("/help", kind="command", command="help") == "no_wait"
    assert play.types("/Skip", kind="command", command="Skip") == ""
    assert play.step == "b"


def test_b1_a_filter_decides_by_itself() -> None:
    play = one_question(WaitSpec(Accepts(("text",), filter="even")))
    assert play.types("3") == "no_wait"
    assert play.types("4", matched=("even",)) == ""


def test_b1_a_callback_wait_ignores_text_and_takes_its_press() -> None:
    play = one_question(WaitSpec(Accepts(("press",))), "yes")
    assert play.types("yes") == "no_wait"
    assert play.press(play.button("yes")) == ""
    assert play.step == "b"


def test_b1_a_text_wait_ignores_presses_of_other_waits() -> None:
    play = one_question(WaitSpec(TEXT), "yes")
    old = play.button("yes")
    play.types("x")
    assert play.step == "b"
    assert play.press(old) == "inactive"
    assert play.step == "b"


def test_b1_otherwise_answers_input_of_another_kind_and_the_wait_stays() -> None:
    play = one_question(WaitSpec(Accepts(("photo",)), otherwise=Message("a photo, please")))
    wait = play.state.cursors[0].wait
    assert play.types("no") == ""
    assert play.said == ["a?", "a photo, please"]
    assert play.state.cursors[0].wait == wait


def test_b1_otherwise_may_be_a_handler() -> None:
    flow = a_flow(asks("a", "a?", WaitSpec(Accepts(("photo",)), otherwise_handler=True)))
    play = Play(flow, {"otherwise": lambda asked: Reaction(Stay(), (Message(f"not {asked.text}"),))}).start()
    play.types("that")
    assert play.said == ["a?", "not that"]
    assert play.state.status == "waiting"


def test_b1_an_otherwise_handler_that_raises_leaves_the_wait_open() -> None:
    def script(_: Asked) -> Directive:
        raise Broken

    play = Play(
        a_flow(asks("a", "a?", WaitSpec(Accepts(("photo",)), otherwise_handler=True))), {"otherwise": script}
    ).start()
    play.types("that")
    assert (play.said, play.state.status) == (["a?", "<again>"], "waiting")


# --- B4: answers that do not parse ----------------------------------------------------------------------------------


def test_b4_a_bad_answer_gets_the_retry_reply_with_the_reason_and_the_wait_stays() -> None:
    wait = WaitSpec(TEXT, retry=Message("A number, please: {reason}."))
    play = one_question(wait, "yes", script=Refuse("'x' is none"))
    ref = play.button("yes")
    play.types("x")
    assert play.said == ["a?", "A number, please: 'x' is none."]
    assert play.press(ref) == ""


def test_b4_without_a_retry_reply_the_reason_itself_is_said() -> None:
    play = one_question(WaitSpec(TEXT), script=Refuse("a number, please"))
    play.types("x")
    assert play.said == ["a?", "a number, please"]


def test_b4_the_retry_reply_may_come_from_a_handler_and_its_buttons_answer_the_wait() -> None:
    flow = a_flow(asks("a", "a?", WaitSpec(TEXT, retry_handler=True)), asks("b"))
    scripts: dict[str, Script] = {
        "a": lambda asked: TO_B if asked.text == "seven" else Refuse("no"),
        "retry": lambda asked: Reaction(Stay(), (Message(f"{asked.owed.reason}: {asked.text}", [["seven"]]),)),
    }
    play = Play(flow, scripts).start()
    play.types("x")
    assert play.said == ["a?", "no: x"]
    play.press(play.button("seven"))
    assert play.step == "b"


def test_b4_a_retry_handler_that_raises_is_replaced_by_the_plain_reply() -> None:
    def script(asked: Asked) -> Directive:
        if asked.owed.phase == "retry":
            raise Broken
        return Refuse("a number, please")

    play = Play(a_flow(asks("a", "a?", WaitSpec(TEXT, retry_handler=True))), {"a": script, "retry": script}).start()
    play.types("x")
    assert (play.said, play.state.status) == (["a?", "a number, please"], "waiting")


def test_b4_attempts_are_bounded_and_then_the_run_goes_elsewhere() -> None:
    play = one_question(WaitSpec(TEXT, attempts=3, on_exhausted=StepName("late")), script=Refuse("no"))
    for _ in range(2):
        play.types("x")
        assert play.step == "a"
    play.types("x")
    assert play.step == "late"


def test_b4_exhausted_attempts_without_a_step_fail_with_a_code_of_their_own() -> None:
    play = one_question(WaitSpec(TEXT, attempts=1), script=Refuse("no"))
    play.types("x")
    assert failure(play) == Failure("attempts_exhausted", "no", name("a"))


def test_b4_asking_again_counts_attempts_anew() -> None:
    play = Play(
        a_flow(asks("a", "a?", WaitSpec(TEXT, attempts=2))),
        {"a": lambda asked: Repeat() if asked.text == "r" else Refuse("no")},
    ).start()
    for text in ("x", "r", "x"):
        play.types(text)
    assert play.state.status == "waiting"


def test_b4_a_refusal_without_a_wait_fails_the_step() -> None:
    play = Play(a_flow(acts("a")), {"a": lambda _: Refuse("no")}).start()
    assert failure(play).code == "refused_without_wait"


# --- input that nobody waits for ------------------------------------------------------------------------------------


def test_kept_input_that_no_wait_takes_is_given_back_once_the_run_is_at_rest() -> None:
    play = Play(a_flow(asks("a"), asks("b", "b?", WaitSpec(Accepts(("photo",))))), {"a": lambda _: TO_B}).start()
    play.held = True
    play.types("x")
    play.types("too early")
    play.drive()
    released = [effect for effect in play.effects if isinstance(effect, Release)]
    assert [input.text for effect in released for input in effect.inputs] == ["too early"]
    assert play.state.backlog == ()
    assert play.step == "b"


def test_kept_input_is_given_back_when_the_run_ends() -> None:
    play = Play(a_flow(asks("a")), {"a": lambda _: Complete()}).start()
    play.held = True
    play.types("x")
    play.types("for somebody else")
    play.drive()
    released = [effect for effect in play.effects if isinstance(effect, Release)]
    assert [input.text for effect in released for input in effect.inputs] == ["for somebody else"]


def test_a_run_keeps_a_hundred_inputs_and_refuses_the_next() -> None:
    play = Play(a_flow(asks("a")), {"a": lambda _: Repeat()}).start()
    play.held = True
    play.types("first")
    assert {play.types("x") for _ in range(100)} == {""}
    assert play.types("x") == "backlog_full"


def test_who_widens_who_may_answer() -> None:
    for who, sender, roles, expected in (
        ("anyone", "other", (), ""),
        ("other", "other", (), ""),
        ("role:operator", "other", ("operator",), ""),
        ("role:operator", "other", (), "foreign"),
        ("somebody", "other", (), "foreign"),
    ):
        play = one_question(WaitSpec(TEXT, who=(who,)), "yes")
        assert play.press(play.button("yes"), sender=sender, roles=roles) == expected
        play = one_question(WaitSpec(TEXT, who=(who,)))
        assert play.types("x", sender=sender, roles=roles) == expected


def test_a_run_that_is_ending_takes_nothing_says_so_to_presses_and_gives_the_rest_back() -> None:
    play = Play(a_flow(asks("a", "a?", None, "yes"), hooks=("flow_exit",))).start()
    ref = play.button("yes")
    play.held = True
    play.send(CancelRequested(play.at, "u"))
    assert play.state.status not in TERMINAL
    assert play.types("x") == ""
    assert play.press(ref) == "ending"
    assert [press.notice for press in play.presses] == ["inactive"]
    play.drive()
    assert play.ended("cancelled")
    released = [effect for effect in play.effects if isinstance(effect, Release)]
    assert [input.text for effect in released for input in effect.inputs] == ["x"]
    assert any(isinstance(effect, AnswerPress) for effect in play.effects)
