"""Semantics F4, F6: runs that wait for an operator, and inputs that keep killing the process."""

from __future__ import annotations

from enum import StrEnum

import pytest

from tests.semantics.conftest import Rehearsing
from tests.semantics.flows import Only, asking
from tests.semantics.playing import results
from turnflow import Directive, Flow, Registry, Turn, answers, command, minutes
from turnflow.ports import Handled, Unclaimed
from turnflow.testing import Rehearsal

WAIT = "I am asking a colleague. Please wait a moment."
STUCK = "Something is wrong here and we are looking into it. Your messages are kept."


class Help(StrEnum):
    ASK = "ask"
    DECIDED = "decided"
    OTHER = "other"


def support(*, then: Help | None = None) -> Flow[Help, None]:
    flow = Flow("support", steps=Help)

    @flow.step(Help.ASK, ask="What is it?")
    async def ask(turn: Turn[Help, None], answer: str) -> Directive:
        if answer == "solved":
            return turn.complete("solved")
        return turn.escalate(f"wants: {answer}", then=then)

    @flow.step(Help.DECIDED)
    async def decided(turn: Turn[Help, None]) -> Directive:
        return turn.complete(turn.result)

    @flow.step(Help.OTHER, ask="Elsewhere.")
    async def other(turn: Turn[Help, None], answer: str) -> Directive:
        return turn.complete(answer)

    return flow


# --- F4 ---------------------------------------------------------------------------------------------------------------


async def test_f4_an_escalated_run_is_parked_and_the_operator_is_told_why(rehearse: Rehearsing) -> None:
    async with rehearse(support()) as play:
        await play.say("/start")
        assert await play.say("money back") == [WAIT]
        (told,) = play.operator.replies
        assert told.startswith("RUN ")
        assert "wants: money back" in told
        await play.restart()
        assert await play.clock(days=30) == [], "nobody is forgotten, however long it takes"
        assert [run.status for run in await play.runs()] == ["waiting"]


async def test_f4_what_the_person_says_meanwhile_goes_to_the_operator_with_files(rehearse: Rehearsing) -> None:
    async with rehearse(support()) as play:
        await play.say("/start")
        await play.say("help")
        assert await play.say("are you there?") == []
        assert isinstance(play.deliveries[0], Handled)
        assert play.operator.replies == ["RUN you: are you there?"]
        await play.share("photo", "broken.jpg")
        assert play.operator.replies == ["RUN you: photo"]


async def test_f4_the_operator_talks_and_then_answers_and_the_flow_goes_on(rehearse: Rehearsing) -> None:
    async with rehearse(support(then=Help.DECIDED)) as play:
        await play.say("/start")
        await play.say("help")
        await play.operator.say("Which order?")
        assert play.replies == ["Which order?"]
        await play.say("number 7")
        await play.restart()
        await play.operator.answer("You get it back.")
        assert play.replies == ["You get it back."]
        assert await results(play) == ["You get it back."]


async def test_f4_without_a_step_to_go_on_at_the_question_is_asked_again(rehearse: Rehearsing) -> None:
    async with rehearse(support()) as play:
        await play.say("/start")
        await play.say("help")
        await play.operator.answer("Try again, please.")
        assert play.replies == ["Try again, please.", "What is it?"]
        await play.say("solved")
        assert await results(play) == ["solved"]


async def test_f4_the_operator_moves_or_cancels_the_run(rehearse: Rehearsing) -> None:
    async with rehearse(support()) as play:
        await play.say("/start")
        await play.say("help")
        await play.operator.move("other")
        assert play.replies == ["Elsewhere."]
        await play.say("fine")
        await play.say("/start")
        await play.say("help")
        await play.operator.cancel()
        assert play.replies == ["Cancelled."]
        assert [ending.by for ending in await play.endings()] == ["", "operator"]


async def test_f4_the_person_may_still_cancel_and_use_other_flows(rehearse: Rehearsing) -> None:
    registry = Registry()
    registry.register(support(), on=[command("support")])
    registry.register(asking("a"), on=[command("a")])
    async with rehearse(registry) as play:
        await play.say("/support")
        await play.say("help")
        assert await play.say("/a") == ["a?"]
        await play.say("to a")
        assert play.operator.replies == [], "the newer flow had asked for it"
        assert await play.say("/support") == [WAIT]
        assert await play.say("/cancel") == ["Cancelled."]
        assert [run.status for run in await play.runs()] == ["completed", "cancelled"]


async def test_f4_a_branch_that_escalates_leaves_the_others_open(rehearse: Rehearsing) -> None:
    class Steps(StrEnum):
        BOTH = "both"
        HELP = "help"
        PHOTO = "photo"
        END = "end"

    flow = Flow("branches", steps=Steps)

    @flow.step(Steps.HELP)
    async def escalating(turn: Turn[Steps, None]) -> Directive:
        return turn.done(turn.result) if turn.result else turn.escalate("look", then=Steps.HELP)

    @flow.step(Steps.PHOTO, ask="Photo?", accepts=answers.photo())
    async def photo(turn: Turn[Steps, None], answer: object) -> Directive:
        return turn.done("seen")

    @flow.step(Steps.END)
    async def end(turn: Turn[Steps, None]) -> Directive:
        return turn.complete({step.value: result for step, result in turn.results.items()})

    flow.parallel(start=Steps.BOTH, steps=[Steps.HELP, Steps.PHOTO], join=Steps.END)
    async with rehearse(flow) as play:
        await play.say("/start")
        await play.share("photo", "x.jpg")
        assert play.operator.replies == []
        await play.operator.answer("ok")
        assert await results(play) == [{"help": "ok", "photo": "seen"}]


# --- F6 ---------------------------------------------------------------------------------------------------------------


async def killed(play: Rehearsal, text: str) -> None:
    """Say something that ends the process whenever it is handled."""
    for _ in range(20):
        play.crash("turn.before_handler")
    await play.say(text)
    play.fuse.disarm()
    await play.settle()


async def test_f6_an_input_that_keeps_killing_the_process_is_set_aside_and_the_person_is_told(
    rehearse: Rehearsing,
) -> None:
    async with rehearse(asking("a")) as play:
        bob = play.as_("bob")
        await bob.say("/start")
        await play.say("/start")
        await killed(play, "poison")
        assert len(play.fuse.blown) == 6, (
            "once before anything is counted, then the five attempts that are counted durably"
        )
        states = {str(run.user): run for run in await play.runs()}
        assert (states["you"].status, states["bob"].status) == ("stuck", "waiting")
        assert states["you"].reason
        assert play.person.texts[-1] == STUCK
        await bob.say("fine")
        assert await results(play) == ["bob: fine"], "others are not affected"


async def test_f6_a_stuck_run_keeps_what_comes_and_goes_on_when_it_is_retried(rehearse: Rehearsing) -> None:
    async with rehearse(asking("a")) as play:
        await play.say("/start")
        await killed(play, "poison")
        assert await play.say("hello?") == []
        assert isinstance(play.deliveries[0], Handled)
        await play.restart()
        (run,) = await play.runs()
        assert [kept.text for kept in run.backlog] == ["poison", "hello?"]
        await play.engine.retry(run.run)
        await play.settle()
        assert await results(play) == ["you: poison"]


async def test_f6_a_stuck_run_can_be_cancelled_by_its_person(rehearse: Rehearsing) -> None:
    async with rehearse(asking("a")) as play:
        await play.say("/start")
        await killed(play, "poison")
        assert await play.say("/cancel") == ["Cancelled."]
        assert await play.say("/start") == ["a?"]


async def test_f6_the_trigger_of_a_stuck_run_says_that_it_is_stuck(rehearse: Rehearsing) -> None:
    async with rehearse(asking("a")) as play:
        await play.say("/start")
        await killed(play, "poison")
        assert await play.say("/start") == [STUCK]
        assert len(await play.runs()) == 1


async def test_f6_a_trigger_that_keeps_killing_the_process_is_given_up_without_a_run(rehearse: Rehearsing) -> None:
    flow = Flow("deadly", steps=Only)

    @flow.step(Only.ASK)
    async def ask(turn: Turn[Only, None]) -> Directive:
        return turn.complete()

    async with rehearse(flow) as play:
        await killed(play, "/start")
        assert await play.runs() == []
        await play.say("anything")
        assert isinstance(play.deliveries[0], Unclaimed)


@pytest.mark.parametrize("answer", ["timer", "text"])
async def test_f6_a_stuck_run_that_is_retried_still_has_its_timers(rehearse: Rehearsing, answer: str) -> None:
    flow = Flow("late", steps=Only)

    @flow.step(Only.ASK, ask="?", timeout=minutes(10), on_timeout="cancel")
    async def ask(turn: Turn[Only, None], answer: int) -> Directive:
        return turn.complete(answer)

    async with rehearse(flow) as play:
        await play.say("/start")
        await killed(play, "poison")
        if answer == "timer":
            await play.clock(hours=1)
            assert [run.status for run in await play.runs()] == ["stuck"], "time stands still for it"
        (run,) = await play.runs()
        await play.engine.retry(run.run)
        await play.settle()
        if answer == "text":
            await play.say("7")
            assert await results(play) == [7]
        else:
            await play.clock(seconds=1)
            assert [run.status for run in await play.runs()] == ["cancelled"]
