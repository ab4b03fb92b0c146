"""Semantics D3, D4, D6: completing branches, joining, time, history and Back."""

from __future__ import annotations

import pytest
from msgspec import Raw

from tests.core.kyc import HEADS, HEADS_, answer, in_group, kyc, menu, results
from tests.core.play import (
    MINUTE,
    Play,
    a_flow,
    acts,
    asks,
    failure,
    group,
    marks,
    name,
    question,
)
from turnflow.core.definition import HandlerStep, Output, ParallelGroup
from turnflow.core.directives import Back, Complete, Directive, Done, Fail, Goto, Next, Repeat
from turnflow.core.events import Asked as AskedAgain

# --- D3: completing -------------------------------------------------------------------------------------------------


def test_d3_next_to_the_join_is_done() -> None:
    play = in_group(kyc())
    answer(play, "email", "next all")
    assert play.steps == ["kyc", "phone", "photo"]
    assert results(play.state) == {"email": b"null"}


def test_d3_next_to_another_branch_is_done_and_gives_it_the_focus() -> None:
    play = in_group(kyc())
    answer(play, "email", "next phone")
    assert set(results(play.state)) == {"email"}
    assert play.said[-1] == "phone?"
    play.types("12")
    assert set(results(play.state)) == {"email", "phone"}


def test_d3_next_to_a_branch_that_is_complete_already_shows_the_menu_and_does_not_undo_it() -> None:
    play = in_group(kyc())
    answer(play, "phone", "12")
    answer(play, "email", "next phone")
    assert set(results(play.state)) == {"email", "phone"}
    assert menu(play) == ["\u2713 email", "\u2713 phone", "photo"]


def test_d3_next_to_a_step_of_its_own_moves_within_the_branch() -> None:
    play = in_group(kyc())
    answer(play, "email", "next extra")
    assert play.steps == ["kyc", "extra", "phone", "photo"]
    assert results(play.state) == {}
    play.types("done", fits=(play.state.cursors[1].id,))
    assert set(results(play.state)) == {"email"}


def test_d3_goto_out_of_the_group_cancels_the_other_branches() -> None:
    play = in_group(kyc())
    answer(play, "email", "goto other")
    assert (play.steps, play.state.groups, play.said[-1]) == (["other"], (), "other?")


def test_d3_goto_within_the_branch_stays_in_it() -> None:
    steps = dict(kyc().steps)
    steps[name("email")] = HandlerStep(name("email"), question=question("email?"), outputs=(Output(name("extra")),))
    play = in_group(a_flow(*steps.values(), groups=[group("kyc", HEADS, "all")]))
    answer(play, "email", "goto extra")
    assert play.steps == ["kyc", "extra", "phone", "photo"]
    assert play.state.cursors[1].history == ()


def test_d3_goto_another_branch_moves_the_attention_and_leaves_this_one_open() -> None:
    play = in_group(kyc())
    answer(play, "email", "goto phone")
    assert results(play.state) == {}
    assert play.said[-1] == "phone?"
    play.types("12")
    assert set(results(play.state)) == {"phone"}


def test_d3_a_completed_branch_may_be_redone_until_the_join_and_its_result_is_replaced() -> None:
    play = in_group(kyc())
    answer(play, "email", "old")
    play.types("back", fits=(play.state.cursors[1].id,))
    assert menu(play) == ["\u2713 email", "phone", "photo"]
    play.press(play.button("\u2713 email"))
    assert play.said[-1] == "email?"
    assert results(play.state) == {"email": b'"old"'}
    answer(play, "email", "new")
    assert results(play.state) == {"email": b'"new"'}
    for head in ("phone", "photo"):
        answer(play, head)
    assert play.said.count("all?") == 1


def test_d3_redo_may_be_forbidden() -> None:
    play = in_group(kyc(redo=False))
    answer(play, "email", "old")
    play.types("back", fits=(play.state.cursors[1].id,))
    assert menu(play) == ["phone", "photo"]
    nonce = play.state.groups[0].menu
    assert nonce is not None
    play.press(f"~{nonce.nonce}:email")
    assert results(play.state) == {"email": b'"old"'}
    assert play.said[-1] == "<menu>"


# --- D4: joining ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("need", [1, 2, 3])
def test_d4_the_join_runs_as_soon_as_enough_branches_are_complete(need: int) -> None:
    play = in_group(kyc(need=need))
    for count, head in enumerate(HEADS, 1):
        answer(play, head)
        if count == need:
            break
        assert play.step == "kyc"
    assert play.steps == ["all"]
    assert len(play.state.results) == need
    assert play.state.timers == ()


def test_d4_a_new_visit_to_the_group_begins_without_results() -> None:
    play = in_group(kyc(need=1))
    answer(play, "email", "first")
    play.types("next kyc")
    assert results(play.state) == {}
    answer(play, "photo", "second")
    assert set(results(play.state)) == {"photo"}
    assert play.said.count("all?") == 2


def test_d4_a_branch_that_is_complete_without_a_person_is_complete_all_the_same() -> None:
    steps = [marks("go"), acts("x"), acts("y"), asks("end")]
    play = Play(
        a_flow(*steps, groups=[group("go", "xy", "end")]), {"x": lambda _: Done(), "y": lambda _: Done()}
    ).start()
    assert play.steps == ["end"]


def test_d4_a_failing_branch_ends_the_run_and_keeps_the_results_of_the_others() -> None:
    play = in_group(kyc(), photo=lambda _: Fail("own", "no"))
    answer(play, "email", "x")
    answer(play, "photo")
    assert failure(play).code == "own"
    assert results(play.state) == {"email": b'"x"'}


def test_d4_complete_inside_a_branch_ends_the_run() -> None:
    play = in_group(kyc(), photo=lambda _: Complete(Raw(b"1")))
    answer(play, "photo")
    assert play.ended("completed")


# --- D6: time, history, Back ----------------------------------------------------------------------------------------


def test_d6_a_timeout_of_the_group_goes_to_a_step_and_keeps_the_results() -> None:
    play = in_group(kyc(timeout=True))
    answer(play, "email", "x")
    play.later(MINUTE)
    assert (play.steps, play.state.groups) == (["other"], ())
    assert results(play.state) == {"email": b'"x"'}


def test_d6_a_group_timeout_without_a_step_follows_the_failure_rules() -> None:
    limits = ParallelGroup(name("kyc"), HEADS_, name("all"), timeout=MINUTE)
    play = in_group(a_flow(*kyc().steps.values(), groups=[limits]))
    play.later(MINUTE)
    assert failure(play).code == "timeout"
    caught = in_group(
        a_flow(*kyc().steps.values(), groups=[limits], hooks=("timeout",)), timeout=lambda _: Next(name("other"))
    )
    caught.later(MINUTE)
    assert caught.steps == ["other"]


def test_d6_history_and_back_inside_one_branch_do_not_touch_the_others() -> None:
    play = in_group(kyc())
    before = play.state.cursors[2:]
    answer(play, "email", "next extra")
    play.types("back", fits=(play.state.cursors[1].id,))
    assert play.steps == ["kyc", *HEADS]
    assert play.state.cursors[2:] == before


def test_d6_back_on_a_branchs_first_step_shows_the_menu_and_its_question_stays_open() -> None:
    play = in_group(kyc())
    wait = play.state.cursors[1].wait
    answer(play, "email", "back")
    assert play.said[-1] == "<menu>"
    assert play.state.cursors[1].wait == wait


def test_d6_back_on_entering_a_branch_is_no_endless_loop() -> None:
    steps = [marks("go"), acts("x"), asks("y"), asks("end")]
    play = Play(a_flow(*steps, groups=[group("go", "xy", "end")]), {"x": lambda _: Back()}).start()
    assert failure(play).code == "loop_guard"


@pytest.mark.parametrize("directive", [Next(name("y")), Goto(name("y")), Repeat()])
def test_d6_branches_that_send_the_attention_to_and_fro_are_no_endless_loop(directive: Directive) -> None:
    steps = [marks("go"), acts("x"), acts("y"), asks("z"), asks("end")]
    other = type(directive)(name("x")) if isinstance(directive, Next | Goto) else directive
    play = Play(
        a_flow(*steps, groups=[group("go", "xyz", "end")]), {"x": lambda _: directive, "y": lambda _: other}
    ).start()
    assert play.state.status in ("waiting", "failed")
    assert len(play.calls) < 3_000


def reopened() -> Play:
    play = in_group(kyc())
    for head in HEADS:
        answer(play, head, head)
    play.types("back")
    return play


def test_d6_back_from_the_join_reopens_the_group_with_its_results_kept() -> None:
    play = reopened()
    assert play.steps == ["kyc"]
    assert set(results(play.state)) == set(HEADS)
    assert menu(play) == ["\u2713 email", "\u2713 phone", "\u2713 photo", "\u2192"]


def test_d6_a_reopened_group_may_be_left_as_it_is_and_joins_anew() -> None:
    play = reopened()
    play.press(play.button("\u2192"))
    assert play.steps == ["all"]
    assert play.said.count("all?") == 2
    assert play.state.cursors[0].history == ("hello", "kyc")


def test_d6_a_branch_of_a_reopened_group_may_be_redone() -> None:
    play = reopened()
    play.types("email")
    answer(play, "email", "new")
    assert play.steps == ["all"]
    assert results(play.state)[name("email")] == b'"new"'


def test_d6_a_reopened_group_has_its_time_again() -> None:
    play = in_group(kyc(timeout=True))
    for head in HEADS:
        answer(play, head)
    assert play.state.timers == ()
    play.types("back")
    play.later(MINUTE)
    assert play.steps == ["other"]


def test_d6_going_on_by_typing_works_only_while_it_is_offered() -> None:
    play = in_group(kyc())
    play.types("12")
    play.types("\u2192")
    assert play.steps == ["kyc", *HEADS]
    assert play.said[-1] == "<menu>"


def test_the_trigger_repeated_shows_the_menu_that_is_open() -> None:
    play = reopened()
    play.send(AskedAgain(play.at))
    assert play.said[-2:] == ["<menu>", "<menu>"]


def test_the_trigger_repeated_asks_the_focused_branch_else_all() -> None:
    play = in_group(kyc())
    play.send(AskedAgain(play.at))
    assert play.said[-3:] == ["email?", "phone?", "photo?"]
    play.types("12")
    play.types("phone")
    play.types("stay", fits=(play.state.cursors[1].id,))
    play.send(AskedAgain(play.at))
    assert play.said[-1] == "email?"
