"""Semantics B2, B3: buttons, and one winner per wait."""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.core.play import (
    MINUTE,
    TEXT,
    TO_B,
    Asked,
    Play,
    Reaction,
    a_flow,
    acts,
    asks,
    name,
    one_question,
)
from turnflow.core.definition import Policies, Timeout, WaitSpec
from turnflow.core.directives import Complete, Directive, Next, Park, Refuse, Repeat, Stay
from turnflow.core.effects import Say
from turnflow.core.events import CancelRequested, Event, InputReceived, TimerFired
from turnflow.core.inputs import Input
from turnflow.core.machine import Accepted
from turnflow.core.messages import Button, Message

# --- B2: buttons ----------------------------------------------------------------------------------------------------


def test_b2_each_wait_has_a_fresh_nonce_and_references_fit_into_64_bytes() -> None:
    long = "an answer that is much too long for the callback data of a button in a messenger"
    play = Play(a_flow(asks("a", "a?", None, "yes", long, "#5")), {"a": lambda asked: Repeat()}).start()
    nonces = set()
    for count in range(1, 4):
        play.types("again")
        wait = play.state.cursors[0].wait
        assert wait is not None
        nonces.add(wait.nonce)
        assert len(nonces) == count
    refs = [play.button(text) for text in ("yes", long, "#5")]
    assert all(len(ref.encode()) <= 64 for ref in refs)
    assert len(set(refs)) == 3


@pytest.mark.parametrize(
    "answer", ["yes", "an answer much too long for the callback data of a button anywhere", "#5", "~:#"]
)
def test_b2_a_press_gives_the_answer_its_button_was_made_with(answer: str) -> None:
    heard: list[str] = []

    def script(asked: Asked) -> Directive:
        heard.append(asked.text)
        return Stay()

    play = Play(a_flow(asks("a", "a?", None, "other", answer)), {"a": script}).start()
    play.press(play.button(answer))
    assert heard == [answer]


def test_b2_links_and_raw_callbacks_are_left_as_they_are() -> None:
    rows = [[Button("site", url="https://x.example"), Button("raw", callback="host:1"), Button("v", value="w")]]
    play = Play(a_flow(acts("a")), {"a": lambda _: Reaction(Park("w", WaitSpec(TEXT)), (Message("m", rows),))}).start()
    say = next(effect for effect in play.effects if isinstance(effect, Say))
    site, raw, bound = say.message.buttons[0]
    assert site == Button("site", url="https://x.example")
    assert isinstance(raw, Button)
    assert raw.ref == "host:1"
    assert isinstance(bound, Button)
    assert bound.ref.endswith(":w")


@pytest.mark.parametrize("ref", ["", "host", "~", "~x", "~other.1:yes", "~r.999:yes", "~r.1", "~.:"])
def test_b2_a_press_on_anything_else_runs_nothing_and_is_answered_politely(ref: str) -> None:
    play = one_question(WaitSpec(TEXT), "yes")
    before = play.state
    assert play.press(ref) == "inactive"
    assert play.state is before
    assert [press.notice for press in play.presses] == ["inactive"]


def test_b2_a_foreign_user_cannot_press() -> None:
    play = one_question(WaitSpec(TEXT), "yes")
    assert play.press(play.button("yes"), sender="stranger") == "foreign"
    assert (play.step, play.presses[-1].notice) == ("a", "inactive")


def test_b2_dead_buttons_may_be_left_without_a_word() -> None:
    flow = a_flow(asks("a", "a?", None, "yes"), policies=Policies(keep_buttons=True))
    play = Play(flow).start()
    assert play.press("~r.99:yes") == "inactive"
    assert [press.notice for press in play.presses] == [None]


def test_b2_a_triple_click_answers_once() -> None:
    play = one_question(WaitSpec(TEXT), "pay")
    ref = play.button("pay")
    play.held = True
    assert [play.press(ref) for _ in range(3)] == ["", "answered", "answered"]
    play.drive()
    assert len(play.calls) == 1
    assert [press.notice for press in play.presses] == [None, "inactive", "inactive"]


def test_b2_a_press_while_a_reply_to_a_bad_answer_is_at_work_still_counts() -> None:
    wait = WaitSpec(TEXT, retry_handler=True)
    play = Play(
        a_flow(asks("a", "a?", wait, "yes"), asks("b")),
        {"a": lambda asked: TO_B if asked.text == "yes" else Refuse("?")},
    )
    play.start()
    ref = play.button("yes")
    play.held = True
    play.types("maybe")
    play.watch.apply(play.answer(play.watch.asked))
    assert play.press(ref) == ""
    play.drive()
    assert play.step == "b"


# --- B3: one winner -------------------------------------------------------------------------------------------------


def rivals(play: Play) -> dict[str, Event]:
    ref = play.button("yes")
    at = play.at + 2 * MINUTE
    timer = play.state.timers[0].id
    return {
        "press": InputReceived(at, Input(play.input("").id, "press", play.state.user, at, ref=ref)),
        "text": InputReceived(at, play.input("yes")),
        "timer": TimerFired(at, timer),
        "cancel": CancelRequested(at, "u"),
    }


@pytest.mark.parametrize("order", list(permutations(("press", "text", "timer", "cancel"))), ids="-".join)
def test_b3_of_press_text_timer_and_cancel_exactly_one_wins(order: tuple[str, ...]) -> None:
    def script(asked: Asked) -> Directive:
        return Complete() if asked.owed.phase == "input" else Next(name("a"))

    wait = WaitSpec(TEXT, timeout=MINUTE, on_timeout=Timeout(name("late"), "step"))
    flow = a_flow(asks("a", "a?", wait, "yes"), acts("late"))
    play = Play(flow, {"a": script, "late": lambda _: Complete()}).start()
    events = rivals(play)
    verdicts = [play.send(events[kind]).verdict for kind in order]
    assert [isinstance(verdict, Accepted) for verdict in verdicts] == [True, False, False, False]
    assert play.ended("cancelled" if order[0] == "cancel" else "completed")
    assert len(play.calls) == (0 if order[0] == "cancel" else 1)


@pytest.mark.parametrize("order", list(permutations(("press", "text", "timer"))), ids="-".join)
def test_b3_while_the_winners_handler_is_at_work_the_others_change_nothing_of_its_wait(order: tuple[str, ...]) -> None:
    wait = WaitSpec(TEXT, timeout=MINUTE, on_timeout=Timeout(name("late"), "step"))
    flow = a_flow(asks("a", "a?", wait, "yes"), asks("b"), acts("late"))
    play = Play(flow, {"a": lambda _: TO_B, "late": lambda _: Next(name("b"))}).start()
    events = rivals(play)
    play.held = True
    for kind in order:
        play.send(events[kind])
    play.drive()
    winners = [owed.phase for owed in play.calls if owed.step in ("a", "late")]
    assert len(winners) == 1
    assert winners[0] == ("enter" if order[0] == "timer" else "input")
    assert play.step == "b"


def test_b3_a_wait_that_expires_while_a_bad_answer_is_judged_expires_then() -> None:
    wait = WaitSpec(TEXT, timeout=MINUTE, on_timeout=Timeout(name("late"), "step"))
    play = one_question(wait, script=Refuse("not a number"))
    play.held = True
    play.types("x")
    play.later(MINUTE)
    assert play.step == "a"
    play.drive()
    assert play.step == "late"
