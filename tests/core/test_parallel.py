"""Semantics D1, D2: opening a group, and which branch gets an input."""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.core.kyc import HEADS, HEADS_, answer, in_group, kyc, menu, results
from tests.core.play import (
    MINUTE,
    TEXT,
    Asked,
    Play,
    Reaction,
    Script,
    a_flow,
    acts,
    name,
)
from turnflow.core.definition import ParallelGroup, WaitSpec
from turnflow.core.directives import Directive, Done, Next, Park, Stay
from turnflow.core.events import HandlerFailed, InputSetAside, RetryRequested
from turnflow.core.messages import Message

# --- D1: opening ----------------------------------------------------------------------------------------------------


def test_d1_all_branches_are_entered_in_listed_order() -> None:
    play = in_group(kyc())
    assert play.said == ["hello?", "email?", "phone?", "photo?"]
    assert play.steps == ["kyc", *HEADS]


def test_d1_the_start_step_runs_its_own_handler_first() -> None:
    play = in_group(kyc(start=acts("kyc")), kyc=lambda _: Reaction(Done(), (Message("three things"),)))
    assert play.said == ["hello?", "three things", "email?", "phone?", "photo?"]


def test_d1_the_start_step_may_ask_before_it_opens_the_group() -> None:
    def start(asked: Asked) -> Directive:
        return Done() if asked.text else Park("ready", WaitSpec(TEXT))

    play = in_group(kyc(start=acts("kyc")), kyc=start)
    assert play.steps == ["kyc"]
    play.types("ready")
    assert play.steps == ["kyc", *HEADS]


def test_d1_next_to_a_branch_from_the_start_step_opens_the_group_with_the_focus_there() -> None:
    play = in_group(kyc(start=acts("kyc")), kyc=lambda _: Next(name("phone")))
    play.types("12")
    assert results(play.state) == {"phone": b'"12"'}


def test_d1_the_start_step_may_go_around_the_group_and_back_returns_to_it() -> None:
    def start(asked: Asked) -> Directive:
        return Next(name("other")) if asked.text else Park("ready", WaitSpec(TEXT))

    play = in_group(kyc(start=acts("kyc")), kyc=start)
    play.types("no")
    assert play.steps == ["other"]
    play.types("back")
    assert (play.steps, play.state.groups, play.entered("kyc")) == (["kyc"], (), 2)


# --- D2: any order --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", list(permutations(HEADS)), ids="-".join)
def test_d2_branches_complete_in_any_order_and_the_join_runs_once(order: tuple[str, ...]) -> None:
    play = in_group(kyc())
    for head in order:
        assert "all?" not in play.said
        answer(play, head)
    assert play.steps == ["all"]
    assert play.said.count("all?") == 1
    assert set(results(play.state)) == set(HEADS)


def test_d2_a_press_goes_to_the_branch_it_references() -> None:
    play = in_group(kyc())
    play.press(play.button("skip"))
    assert results(play.state) == {"phone": b'"skip"'}


def test_d2_input_that_only_one_branch_takes_goes_there() -> None:
    play = in_group(kyc())
    play.types("p", kind="photo")
    assert set(results(play.state)) == {"photo"}


def test_d2_of_several_branches_the_one_for_which_the_answer_parses_gets_it() -> None:
    play = in_group(kyc())
    play.types("12", fits=(play.state.cursors[2].id,))
    assert set(results(play.state)) == {"phone"}


def test_d2_else_the_focused_branch_gets_it() -> None:
    play = in_group(kyc(start=acts("kyc")), kyc=lambda _: Next(name("email")), email=lambda _: Stay())
    play.types("one")
    play.types("two")
    assert [owed.step for owed in play.calls if owed.phase == "input"] == ["hello", "email", "email"]


def test_d2_else_the_group_asks_which_one_with_a_button_per_branch() -> None:
    play = in_group(kyc())
    play.types("12")
    assert play.said[-1] == "<menu>"
    assert menu(play) == list(HEADS)
    play.press(play.button("phone"))
    assert results(play.state) == {"phone": b'"12"'}


@pytest.mark.parametrize("text", ["phone", " PHONE "])
def test_d2_the_menu_may_be_answered_by_typing(text: str) -> None:
    play = in_group(kyc())
    play.types("12")
    play.types(text)
    assert results(play.state) == {"phone": b'"12"'}


def test_d2_everything_typed_before_the_choice_reaches_the_chosen_branch() -> None:
    heard: list[str] = []

    def email(asked: Asked) -> Directive:
        heard.append(asked.text)
        return Stay()

    play = in_group(kyc(), email=email)
    for text in ("one", "two", "three"):
        play.types(text)
    play.types("email")
    assert heard == ["one", "two", "three"]


def test_d2_a_burst_that_no_branch_can_claim_waits_for_the_choice_too() -> None:
    heard: list[str] = []

    def email(asked: Asked) -> Directive:
        heard.append(asked.text)
        return Stay()

    play = in_group(kyc(), email=email)
    play.send(InputSetAside(play.at, "it crashed"))
    for text in ("one", "two"):
        play.types(text)
    play.send(RetryRequested(play.at))
    assert heard == []
    play.types("email")
    assert heard == ["one", "two"]


def test_d2_what_came_after_an_undecided_line_waits_its_turn_and_does_not_push_it_out() -> None:
    play = in_group(kyc())
    play.send(InputSetAside(play.at, "it crashed"))
    play.types("one")
    play.types("picture", kind="photo")
    play.send(RetryRequested(play.at))
    assert menu(play) == list(HEADS)
    play.types("email")
    assert results(play.state) == {"email": b'"one"', "photo": b'"picture"'}


def test_d2_a_menu_keeps_a_hundred_inputs_and_refuses_the_next() -> None:
    play = in_group(kyc())
    assert {play.types("x") for _ in range(100)} == {""}
    assert play.types("x") == "backlog_full"


def test_d2_a_stranger_cannot_choose_from_the_menu() -> None:
    play = in_group(kyc())
    play.types("12")
    ref = play.button("phone")
    assert play.types("phone", sender="stranger") == "foreign"
    assert play.press(ref, sender="stranger") == "foreign"
    assert results(play.state) == {}


def test_d2_choosing_a_branch_that_does_not_take_the_input_asks_its_question() -> None:
    play = in_group(kyc())
    play.types("12")
    play.press(play.button("photo"))
    assert play.said[-1] == "photo?"
    assert results(play.state) == {}


def test_d2_the_menu_is_the_authors() -> None:
    flow = kyc()
    own = a_flow(
        *flow.steps.values(), groups=[ParallelGroup(name("kyc"), HEADS_, name("all"), menu=Message("Which part?"))]
    )
    play = in_group(own)
    play.types("12")
    assert play.said[-1] == "Which part?"
    assert play.button("email")


def menu_by_handler(script: Script) -> Play:
    flow = a_flow(*kyc().steps.values(), groups=[ParallelGroup(name("kyc"), HEADS_, name("all"), menu_handler=True)])
    play = in_group(flow, menu=script)
    play.types("12")
    return play


def test_d2_the_menu_may_come_from_a_handler() -> None:
    play = menu_by_handler(lambda _: Reaction(Stay(), (Message("well..."), Message("which?"))))
    assert play.said[-2:] == ["well...", "which?"]
    play.press(play.button("email"))
    assert results(play.state) == {"email": b'"12"'}


def test_d2_a_menu_handler_that_raises_is_replaced_by_the_plain_menu() -> None:
    play = in_group(
        a_flow(*kyc().steps.values(), groups=[ParallelGroup(name("kyc"), HEADS_, name("all"), menu_handler=True)])
    )
    play.held = True
    play.types("12")
    play.send(HandlerFailed(play.at, play.watch.asked.key, "exception"))
    play.drive()
    assert play.said[-1] == "<menu>"


def test_d2_a_menu_whose_group_is_gone_before_it_was_made_is_dropped() -> None:
    flow = a_flow(
        *kyc().steps.values(),
        groups=[
            ParallelGroup(name("kyc"), HEADS_, name("all"), timeout=MINUTE, on_timeout=name("other"), menu_handler=True)
        ],
    )
    play = in_group(flow)
    play.held = True
    play.types("12")
    play.later(MINUTE)
    play.drive()
    assert play.steps == ["other"]
    assert play.state.status == "waiting"


def test_d2_a_button_of_a_closed_menu_is_dead() -> None:
    play = in_group(kyc())
    play.types("12")
    ref = play.button("email")
    play.press(ref)
    assert play.press(ref) == "inactive"
