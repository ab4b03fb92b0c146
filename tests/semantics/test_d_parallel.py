"""Semantics D: parallel steps in a conversation: opening, choosing, completing, joining."""

from __future__ import annotations

from enum import StrEnum

import pytest

from tests.semantics.conftest import Rehearsing
from tests.semantics.kyc import Kyc, kyc
from tests.semantics.playing import results
from turnflow import Directive, Flow, Input, Message, Turn, answers, minutes
from turnflow.testing import Rehearsal

MENU = "Which one would you like to do? [Your mail] [phone] [document]"
MAIL = "Mail? [back] [out] [to phone]"
TELEPHONE = "Phone? [back]"
CODE = "Code? [back]"
PHONE = "020 7946 0958"


async def complete(play: Rehearsal, *branches: str) -> None:
    """Complete branches in that order."""
    for branch in branches:
        match branch:
            case "email":
                await play.say("ada@example.com")
            case "phone":
                await play.say(PHONE)
                await play.say("123")
            case _:
                await play.share("photo", "passport.jpg")


# --- D1 ---------------------------------------------------------------------------------------------------------------


async def test_d1_the_start_step_runs_first_then_all_branches_are_entered_in_listed_order(rehearse: Rehearsing) -> None:
    async with rehearse(kyc()) as play:
        assert await play.say("/start") == ["Three things.", MAIL, TELEPHONE, "Document?"]


async def test_d1_a_start_step_may_ask_before_it_opens_the_branches(rehearse: Rehearsing) -> None:
    flow = Flow("two", steps=Kyc)

    @flow.step(Kyc.START, ask="Ready?")
    async def start(turn: Turn[Kyc, None], answer: bool) -> Directive:
        return turn.done() if answer else turn.cancel()

    for step in Kyc:
        if step is not Kyc.START:

            @flow.step(step, ask=f"{step}?")
            async def handler(turn: Turn[Kyc, None], answer: str) -> Directive:
                return turn.done(answer)

    flow.parallel(start=Kyc.START, steps=[Kyc.EMAIL, Kyc.PHONE], join=Kyc.ALL)
    async with rehearse(flow) as play:
        assert await play.say("/start") == ["Ready? [Yes] [No]"]
        assert await play.press("Yes") == ["email?", "phone?"]


async def test_d1_a_start_step_without_a_handler_opens_the_branches_at_once(rehearse: Rehearsing) -> None:
    flow = Flow("two", steps=Kyc)
    for step in Kyc:
        if step is not Kyc.START:

            @flow.step(step, ask=f"{step}?")
            async def handler(turn: Turn[Kyc, None], answer: str) -> Directive:
                return turn.done(answer)

    flow.parallel(start=Kyc.START, steps=[Kyc.PHONE, Kyc.EMAIL], join=Kyc.ALL)
    async with rehearse(flow) as play:
        assert await play.say("/start") == ["phone?", "email?"]


# --- D2 ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "order",
    [
        ("email", "phone", "document"),
        ("document", "phone", "email"),
        ("phone", "email", "document"),
        ("email", "document", "phone"),
    ],
)
async def test_d2_branches_may_be_completed_in_any_order_also_over_restarts(
    rehearse: Rehearsing, order: tuple[str, ...]
) -> None:
    async with rehearse(kyc()) as play:
        await play.say("/start")
        for branch in order:
            await complete(play, branch)
            await play.restart()
        assert play.person.texts[-1] == "3/3 complete: ['document', 'email', 'phone']. Correct?"
        await play.say("yes")
        assert await results(play) == [{"email": "ada@example.com", "phone": 123, "document": None}]


async def test_d2_input_goes_to_the_only_branch_whose_wait_takes_its_kind(rehearse: Rehearsing) -> None:
    async with rehearse(kyc()) as play:
        await play.say("/start")
        await play.share("photo", "passport.jpg")
        assert await play.engine.progress((await play.runs())[0].run) == (1, 3)


async def test_d2_of_several_branches_that_take_text_the_one_whose_answer_parses_gets_it(rehearse: Rehearsing) -> None:
    async with rehearse(kyc()) as play:
        await play.say("/start")
        assert await play.say(PHONE) == [CODE]
        assert await play.say("ada@example.com") == ["Mail noted, 1 of 3."]


async def test_d2_what_fits_several_branches_alike_goes_to_the_one_last_spoken_to(rehearse: Rehearsing) -> None:
    async with rehearse(kyc()) as play:
        await play.say("/start")
        await play.say(PHONE)
        (said,) = await play.say("not a code")
        assert "number" in said, "refused by the branch that has the attention"


async def test_d2_otherwise_the_group_asks_which_one_and_the_input_is_not_lost(rehearse: Rehearsing) -> None:
    async with rehearse(kyc()) as play:
        await play.say("/start")
        assert await play.say("back") == [MENU]
        await play.restart()
        assert await play.press("phone") == [MENU], "the phone branch was meant, and goes back to the menu"
        assert await play.press("Your mail") == [MAIL]


async def test_d2_the_menu_may_be_answered_by_typing_a_name(rehearse: Rehearsing) -> None:
    async with rehearse(kyc()) as play:
        await play.say("/start")
        await play.say("hello")
        (said,) = await play.say("your MAIL")
        assert "e-mail" in said
        assert "hello" not in said


async def test_d2_a_press_goes_to_the_branch_it_references_whatever_has_the_attention(rehearse: Rehearsing) -> None:
    flow = Flow("buttons", steps=Kyc)
    for step in Kyc:

        @flow.step(step, ask=Message(f"{step}?", buttons=[[f"{step} yes"]]))
        async def handler(turn: Turn[Kyc, None], answer: str) -> Directive:
            return turn.done(answer)

    flow.parallel(start=Kyc.START, steps=[Kyc.EMAIL, Kyc.PHONE, Kyc.DOCUMENT], join=Kyc.ALL)
    async with rehearse(flow) as play:
        await play.say("/start")
        await play.press("start yes")
        await play.press("phone yes")
        await play.press("document yes")
        run = (await play.runs())[0]
        assert set(run.results) == {"phone", "document"}


@pytest.mark.parametrize(
    "menu", ["What first?", lambda turn: Message(f"{turn.progress.pending} left: what first?")], ids=["text", "handler"]
)
async def test_d2_the_menu_can_be_customised(rehearse: Rehearsing, menu: str) -> None:
    async with rehearse(kyc(menu=menu)) as play:
        await play.say("/start")
        (said,) = await play.say("hello")
        words = "What first?" if menu == "What first?" else "3 left: what first?"
        assert said == f"{words} [Your mail] [phone] [document]"
        assert "e-mail" in (await play.press("Your mail"))[0]


# --- D3 ---------------------------------------------------------------------------------------------------------------


async def test_d3_done_completes_a_branch_and_next_to_a_step_of_its_own_moves_within_it(rehearse: Rehearsing) -> None:
    async with rehearse(kyc()) as play:
        await play.say("/start")
        run = (await play.runs())[0].run
        assert await play.say(PHONE) == [CODE]
        assert await play.engine.progress(run) == (0, 3)
        assert await play.say("123") == []
        assert await play.engine.progress(run) == (1, 3)


async def test_d3_next_to_the_join_completes_a_branch_and_does_not_enter_the_join_early(rehearse: Rehearsing) -> None:
    async with rehearse(kyc()) as play:
        await play.say("/start")
        assert await play.share("photo", "passport.jpg") == []
        assert await play.engine.progress((await play.runs())[0].run) == (1, 3)


async def test_d3_next_to_another_branch_completes_this_one_and_gives_that_one_the_attention(
    rehearse: Rehearsing,
) -> None:
    async with rehearse(kyc()) as play:
        await play.say("/start")
        assert await play.say("to phone") == [TELEPHONE]
        assert await play.engine.progress((await play.runs())[0].run) == (1, 3)
        assert await play.say("back") == ["Which one would you like to do? [✓ Your mail] [phone] [document]"]


async def test_d3_goto_a_step_outside_the_group_cancels_the_other_branches(rehearse: Rehearsing) -> None:
    async with rehearse(kyc()) as play:
        await play.say("/start")
        assert await play.say("out") == ["Elsewhere."]
        await play.share("photo", "passport.jpg")
        (run,) = await play.runs()
        assert (len(run.cursors), run.groups, run.results) == (1, (), {})
        await play.say("done")
        assert await results(play) == ["left"]


async def test_d3_a_completed_branch_may_be_redone_and_its_result_is_replaced(rehearse: Rehearsing) -> None:
    async with rehearse(kyc()) as play:
        await play.say("/start")
        await complete(play, "email", "document")
        await play.say("back")
        assert await play.press("✓ Your mail") == [MAIL]
        await play.say("bob@example.com")
        await complete(play, "phone")
        assert play.person.texts[-1].startswith("3/3 complete")
        await play.say("yes")
        assert await results(play) == [{"email": "bob@example.com", "phone": 123, "document": None}]


async def test_d3_a_result_stays_until_the_branch_that_is_redone_has_a_new_one(rehearse: Rehearsing) -> None:
    async with rehearse(kyc()) as play:
        await play.say("/start")
        await complete(play, "email")
        await play.say("back")
        await play.press("✓ Your mail")
        await complete(play, "document", "phone")
        assert "3/3" not in play.person.texts[-1], "the branch being redone is pending again"
        await play.say("bob@example.com")
        assert play.person.texts[-1].startswith("3/3 complete")


async def test_d3_without_redo_a_completed_branch_is_not_offered_again(rehearse: Rehearsing) -> None:
    async with rehearse(kyc(redo=False)) as play:
        await play.say("/start")
        await complete(play, "email")
        assert await play.say("back") == ["Which one would you like to do? [phone] [document]"]


# --- D4 ---------------------------------------------------------------------------------------------------------------


async def test_d4_the_join_runs_once_even_if_the_last_answers_arrive_at_once(rehearse: Rehearsing) -> None:
    async with rehearse(kyc()) as play:
        await play.say("/start")
        await play.say(PHONE)
        await play.race("ada@example.com", "(photo passport.jpg)", "123")
        assert [text for text in play.replies if "complete" in text] == [
            "3/3 complete: ['document', 'email', 'phone']. Correct?"
        ]


@pytest.mark.parametrize(("need", "branches"), [("any", ["document"]), (1, ["email"]), (2, ["email", "document"])])
async def test_d4_the_join_runs_when_as_many_branches_are_complete_as_are_needed(
    rehearse: Rehearsing, need: int, branches: list[str]
) -> None:
    async with rehearse(kyc(need=need)) as play:
        await play.say("/start")
        await complete(play, *branches)
        assert play.person.texts[-1] == f"{len(branches)}/3 complete: {sorted(branches)}. Correct?"
        await play.say("ada@example.com")
        (ending,) = await results(play)
        assert isinstance(ending, dict)
        assert sorted(ending) == sorted(branches), "what the other branches asked is over"


# --- D5 ---------------------------------------------------------------------------------------------------------------


async def test_d5_progress_is_known_to_every_handler_and_to_outside_callers_at_any_time(rehearse: Rehearsing) -> None:
    async with rehearse(kyc()) as play:
        await play.say("/start")
        run = (await play.runs())[0].run
        before = await play.engine.progress(run)
        assert (before.completed, before.pending, before.total, before.text()) == (0, 3, 3, "0/3")
        assert await play.say("ada@example.com") == ["Mail noted, 1 of 3."]
        assert (await play.engine.progress(run)).text() == "1/3"
        await complete(play, "phone", "document")
        assert play.person.texts[-1].startswith("3/3 complete")
        assert (await play.engine.progress(run)).text() == "3/3", "also once the group is behind"


# --- D6 ---------------------------------------------------------------------------------------------------------------


async def test_d6_a_timeout_of_the_group_goes_to_its_step(rehearse: Rehearsing) -> None:
    async with rehearse(kyc(timeout=minutes(30))) as play:
        await play.say("/start")
        await complete(play, "email")
        await play.restart()
        assert await play.clock(minutes=29) == []
        assert await play.clock(minutes=1) == ["Elsewhere."]
        await play.share("photo", "passport.jpg")
        await play.say("ok")
        assert await results(play) == ["left"]


async def test_d6_a_group_that_is_joined_in_time_does_not_time_out(rehearse: Rehearsing) -> None:
    async with rehearse(kyc(timeout=minutes(30))) as play:
        await play.say("/start")
        await complete(play, "email", "phone", "document")
        assert await play.clock(hours=1) == []


async def test_d6_back_inside_a_branch_does_not_touch_the_others(rehearse: Rehearsing) -> None:
    async with rehearse(kyc()) as play:
        await play.say("/start")
        await complete(play, "email")
        await play.say(PHONE)
        assert await play.say("back") == [TELEPHONE]
        assert await play.engine.progress((await play.runs())[0].run) == (1, 3)
        await complete(play, "phone", "document")
        assert play.person.texts[-1].startswith("3/3 complete")


async def test_d6_back_on_the_first_step_of_a_branch_shows_the_menu(rehearse: Rehearsing) -> None:
    async with rehearse(kyc()) as play:
        await play.say("/start")
        await complete(play, "email")
        await play.say(PHONE)
        await play.say("back")
        assert await play.say("back") == ["Which one would you like to do? [✓ Your mail] [phone] [document]"]
        assert await play.press("document") == ["Document?"]


async def test_d6_back_from_the_join_reopens_the_group_with_its_results_and_joins_anew(rehearse: Rehearsing) -> None:
    async with rehearse(kyc()) as play:
        await play.say("/start")
        await complete(play, "email", "phone", "document")
        (menu,) = await play.say("back")
        assert menu == "Which one would you like to do? [✓ Your mail] [✓ phone] [✓ document] [→]"
        await play.restart()
        assert await play.press("✓ Your mail") == [MAIL]
        said = await play.say("bob@example.com")
        assert said[-1] == "3/3 complete: ['document', 'email', 'phone']. Correct?"
        await play.say("back")
        assert await play.press("→") == ["3/3 complete: ['document', 'email', 'phone']. Correct?"]
        await play.say("yes")
        assert await results(play) == [{"email": "bob@example.com", "phone": 123, "document": None}]


async def test_d6_the_group_is_one_entry_in_the_history_around_it(rehearse: Rehearsing) -> None:
    flow = Flow("history", steps=Kyc, start=Kyc.ELSEWHERE)

    def asks(step: Kyc, then: Kyc | None) -> None:
        @flow.step(step, ask=f"{step}?")
        async def handler(turn: Turn[Kyc, None], answer: str) -> Directive:
            if answer == "back":
                return turn.back()
            return turn.done(answer) if then is None else turn.next(then)

    asks(Kyc.ELSEWHERE, Kyc.START)
    asks(Kyc.EMAIL, Kyc.CODE)
    asks(Kyc.CODE, None)
    asks(Kyc.ALL, Kyc.DOCUMENT)
    asks(Kyc.DOCUMENT, None)

    @flow.step(Kyc.PHONE, ask="phone?", accepts=answers.photo())
    async def phone(turn: Turn[Kyc, None], answer: object) -> Directive:
        return turn.done()

    flow.parallel(start=Kyc.START, steps=[Kyc.EMAIL, Kyc.PHONE], join=Kyc.ALL)
    async with rehearse(flow) as play:
        assert await play.say("/start") == ["elsewhere?"]
        assert await play.say("x") == ["email?", "phone?"]
        await play.say("mail")
        await play.share("photo", "x.jpg")
        assert await play.say("code") == ["all?"]
        assert await play.say("x") == ["document?"]
        assert await play.say("back") == ["all?"]
        (menu,) = await play.say("back")
        assert menu.startswith("Which one")


class Nested(StrEnum):
    OUTER = "outer"
    NOTE = "note"
    INNER = "inner"
    LEFT = "left"
    RIGHT = "right"
    BOTH = "both"
    END = "end"


async def test_d_groups_nest_and_each_joins_once(rehearse: Rehearsing) -> None:
    flow = Flow("nested", steps=Nested)
    for step in (Nested.NOTE, Nested.LEFT, Nested.RIGHT):

        @flow.step(step, ask=Message(f"{step}?", buttons=[[f"{step} ok"]]))
        async def leaf(turn: Turn[Nested, None], answer: str) -> Directive:
            return turn.back() if answer == "back" else turn.done(answer)

    @flow.step(Nested.BOTH)
    async def both(turn: Turn[Nested, None]) -> Directive:
        turn.say("Inner complete.")
        return turn.done("both")

    @flow.step(Nested.END)
    async def end(turn: Turn[Nested, None]) -> Directive:
        return turn.complete({step.value: result for step, result in turn.results.items()})

    flow.parallel(start=Nested.INNER, steps=[Nested.LEFT, Nested.RIGHT], join=Nested.BOTH)
    flow.parallel(start=Nested.OUTER, steps=[Nested.NOTE, Nested.INNER], join=Nested.END)
    async with rehearse(flow) as play:
        assert await play.say("/start") == ["note? [note ok]", "left? [left ok]", "right? [right ok]"]
        await play.press("right ok")
        await play.restart()
        await play.press("note ok")
        assert await play.press("left ok") == ["Inner complete."]
        (result,) = await results(play)
        assert result == {"note": "note ok", "left": "left ok", "right": "right ok", "inner": "both"}


async def test_d_a_branch_that_completes_the_run_ends_it_with_everything_that_was_open(rehearse: Rehearsing) -> None:
    flow = Flow("early", steps=Kyc)

    @flow.step(Kyc.EMAIL, ask="Mail?", timeout=minutes(5))
    async def email(turn: Turn[Kyc, None], answer: str) -> Directive:
        return turn.complete("enough") if answer == "stop" else turn.done()

    for step in Kyc:
        if step not in (Kyc.START, Kyc.EMAIL):

            @flow.step(step, ask=Message(f"{step}?", buttons=[[f"{step} ok"]]), timeout=minutes(5))
            async def other(turn: Turn[Kyc, None], answer: str) -> Directive:
                return turn.done()

    flow.parallel(start=Kyc.START, steps=[Kyc.EMAIL, Kyc.PHONE], join=Kyc.ALL)
    async with rehearse(flow) as play:
        await play.say("/start")
        await play.press("phone ok")
        await play.say("stop")
        assert await results(play) == ["enough"]
        assert await play.clock(hours=1) == []


async def test_d_a_wait_of_one_branch_that_times_out_leaves_the_others_alone(rehearse: Rehearsing) -> None:
    flow = Flow("late", steps=Kyc)
    for step in Kyc:
        if step is Kyc.START:
            continue

        @flow.step(
            step,
            ask=f"{step}?",
            accepts=answers.photo() if step is Kyc.DOCUMENT else answers.text(),
            timeout=minutes(5) if step is Kyc.EMAIL else None,
            on_timeout=Kyc.CODE if step is Kyc.EMAIL else None,
        )
        async def handler(turn: Turn[Kyc, None], answer: Input) -> Directive:
            return turn.done(answer.text or answer.kind)

    flow.parallel(start=Kyc.START, steps=[Kyc.EMAIL, Kyc.DOCUMENT], join=Kyc.ALL)
    async with rehearse(flow) as play:
        await play.say("/start")
        assert await play.clock(minutes=5) == ["code?"]
        await play.share("photo", "x.jpg")
        assert await play.say("123") == ["all?"]
        (run,) = await play.runs()
        assert {head: bytes(value) for head, value in run.results.items()} == {
            "email": b'"123"',
            "document": b'"photo"',
        }
