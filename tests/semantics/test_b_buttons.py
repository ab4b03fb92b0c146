"""Semantics B2, B3: buttons, and that one wait has one completion."""

from __future__ import annotations

from tests.semantics.conftest import Rehearsing
from tests.semantics.flows import Only, cafe
from tests.semantics.playing import INACTIVE, result_of
from turnflow import (
    Button,
    Directive,
    Flow,
    Input,
    Message,
    Texts,
    Turn,
)
from turnflow.core.ids import InputId, UserId
from turnflow.ports import Handled, Inbound


async def test_b2_buttons_carry_an_opaque_reference_of_at_most_64_bytes_however_long_the_answer(
    rehearse: Rehearsing,
) -> None:
    long = "the answer that is much longer than sixty-four bytes, which are all that Telegram lets a button carry"
    flow = Flow("long", steps=Only)

    @flow.step(Only.ASK, ask=Message("Which?", buttons=[[Button("A", value=long), Button("Ä", value="ä" * 40), "#1"]]))
    async def ask(turn: Turn[Only, None], answer: str) -> Directive:
        return turn.complete(answer)

    async with rehearse(flow) as play:
        for label, value in (("A", long), ("Ä", "ä" * 40), ("#1", "#1")):
            await play.say("/start")
            ref = play.bot.button(play.person.conversation, label).ref
            assert len(ref.encode()) <= 64
            await play.press(label)
            assert result_of((await play.endings())[-1]) == value


async def test_b2_a_press_on_an_old_message_runs_nothing_and_is_answered_politely(rehearse: Rehearsing) -> None:
    async with rehearse(cafe()) as play:
        await play.say("/start")
        await play.press("tea")
        assert await play.press("coffee") == [INACTIVE]
        assert play.deliveries == [Handled(((await play.runs())[0].run,), "inactive")]
        await play.press("back")
        assert await play.press("coffee", nth=2) == [INACTIVE], "asked again: only the newest buttons count"
        assert await play.press("coffee") == ["Size? [big] [small] [back]"]


async def test_b2_a_press_on_a_finished_run_is_answered_politely(rehearse: Rehearsing) -> None:
    async with rehearse(cafe()) as play:
        await play.say("/start")
        await play.press("tea")
        await play.press("big")
        await play.restart()
        assert await play.press("tea") == [INACTIVE]
        assert await play.press("big") == [INACTIVE]


async def test_b2_a_press_of_another_run_does_not_answer_this_one(rehearse: Rehearsing) -> None:
    async with rehearse(cafe()) as play:
        await play.say("/start")
        await play.say("/cancel")
        await play.say("/start")
        assert await play.press("tea", nth=2) == [INACTIVE]
        assert await play.press("tea", nth=1) == ["Size? [big] [small] [back]"]


async def test_b2_a_press_by_somebody_else_runs_nothing_and_is_answered_politely(rehearse: Rehearsing) -> None:
    async with rehearse(cafe()) as play:
        bob = play.as_("bob", chat="you")
        await play.say("/start")
        assert (await bob.press("tea"))[-1] == INACTIVE
        assert await play.press("tea") == ["Size? [big] [small] [back]"]


async def test_b2_a_press_forwarded_to_another_conversation_runs_nothing(rehearse: Rehearsing) -> None:
    async with rehearse(cafe()) as play:
        await play.say("/start")
        ref = play.bot.button(play.person.conversation, "tea").ref
        bob = play.as_("bob")
        press = Input(InputId("forwarded"), "press", UserId("bob"), ref=ref)
        (delivery,) = await play.deliver(Inbound(bob.conversation, press))
        assert delivery == Handled((), "inactive")
        assert bob.replies == [INACTIVE]
        assert await play.press("tea") == ["Size? [big] [small] [back]"]


async def test_b2_the_words_of_the_refusal_are_configurable(rehearse: Rehearsing) -> None:
    async with rehearse(cafe(), texts=Texts(inactive="Gone!")) as play:
        await play.say("/start")
        await play.press("tea")
        assert await play.press("tea") == ["Gone!"]


async def test_b2_a_flow_may_want_presses_on_old_buttons_to_be_passed_over_in_silence(rehearse: Rehearsing) -> None:
    async with rehearse(cafe(keep_buttons=True)) as play:
        await play.say("/start")
        await play.press("tea")
        assert await play.press("tea") == []
        assert play.bot.sent[-1].press, "the press is acknowledged all the same"


async def test_b2_every_press_is_acknowledged_exactly_once(rehearse: Rehearsing) -> None:
    async with rehearse(cafe()) as play:
        await play.say("/start")
        await play.press("tea")
        await play.redeliver()
        await play.press("tea")
        await play.press("big")
        presses = [reply.press for reply in play.bot.sent if reply.press]
        assert len(presses) == len(set(presses)) == 3


async def test_b3_of_two_presses_at_once_one_wins_and_the_other_is_told(rehearse: Rehearsing) -> None:
    async with rehearse(cafe()) as play:
        await play.say("/start")
        first, second = await play.race("[tea]", "[coffee]")
        assert isinstance(first, Handled)
        assert isinstance(second, Handled)
        assert sorted((first.refused, second.refused)) == ["", "inactive"]
        assert play.replies == ["Size? [big] [small] [back]", INACTIVE]


async def test_b3_a_press_and_a_cancel_at_once_have_one_winner(rehearse: Rehearsing) -> None:
    async with rehearse(cafe()) as play:
        await play.say("/start")
        await play.race("/cancel", "[tea]")
        assert play.replies == ["Cancelled.", INACTIVE]
        (ending,) = await play.endings()
        assert ending.outcome == "cancelled"


async def test_b3_a_text_that_loses_against_a_press_goes_on_to_whoever_wants_it_now(rehearse: Rehearsing) -> None:
    async with rehearse(cafe()) as play:
        await play.say("/start")
        await play.race("[tea]", "coffee")
        assert play.replies[0] == "Size? [big] [small] [back]"
        assert len(play.replies) == 2
        assert "big" in play.replies[1], "it is taken as an answer to the open question, and refused with the reason"


async def test_b3_an_operator_who_cancels_wins_against_a_later_answer(rehearse: Rehearsing) -> None:
    async with rehearse(cafe()) as play:
        await play.say("/start")
        (run,) = await play.runs()
        await play.engine.cancel(run.run, by="operator:eve", reason="shop closed")
        await play.settle()
        assert play.replies[-1] == "Cancelled."
        assert await play.press("tea") == [INACTIVE]
        (ending,) = await play.endings()
        assert (ending.outcome, ending.by, ending.reason) == ("cancelled", "operator:eve", "shop closed")
