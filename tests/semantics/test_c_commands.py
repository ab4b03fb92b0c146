"""Semantics C1-C3: duplicates, the cancel command, commands."""

from __future__ import annotations

from tests.semantics.conftest import Rehearsing
from tests.semantics.flows import asking, nest, registered
from tests.semantics.playing import result_of, results
from turnflow import (
    answers,
    command,
)
from turnflow.core.inputs import typed
from turnflow.ports import Duplicate, Handled, Inbound, Unclaimed


async def test_c1_a_duplicate_is_acknowledged_and_changes_nothing_also_after_a_restart(rehearse: Rehearsing) -> None:
    async with rehearse(registered(asking("a"))) as play:
        for act in ("/a", "hello"):
            await play.say(act)
            before = await play.runs()
            assert await play.redeliver() == [Duplicate()]
            await play.restart()
            await play.clock(hours=71)
            assert await play.redeliver() == [Duplicate()]
            assert play.replies == []
            assert [run.revision for run in await play.runs()] == [run.revision for run in before]


async def test_c1_the_same_input_delivered_twice_at_once_counts_once(rehearse: Rehearsing) -> None:
    async with rehearse(registered(asking("a"))) as play:
        line = Inbound(play.person.conversation, typed("/a", id="twice", sender="you", at=0))
        first, second = await play.deliver(line, line)
        assert isinstance(first, Handled)
        assert second == Duplicate()
        assert play.replies == ["a?"]


async def test_c2_the_cancel_command_cancels_the_whole_nest_and_runs_its_exit_hooks(rehearse: Rehearsing) -> None:
    left: list[str] = []
    async with rehearse(nest(left)) as play:
        assert await play.say("/start") == ["inner?"]
        await play.restart()
        assert await play.say("/cancel") == ["Cancelled."]
        assert left == ["inner cancelled", "middle cancelled", "outer cancelled"]
        assert {run.status for run in await play.runs()} == {"cancelled"}
        assert {run.ending.by for run in await play.runs() if run.ending} >= {"you"}


async def test_c2_the_cancel_command_ends_the_run_last_active_and_leaves_the_others(rehearse: Rehearsing) -> None:
    async with rehearse(registered(asking("a"), asking("b"))) as play:
        await play.say("/a")
        await play.say("/b")
        assert await play.say("/cancel") == ["Cancelled."]
        assert {run.flow: run.status for run in await play.runs()} == {"a": "waiting", "b": "cancelled"}
        await play.say("/cancel")
        assert {run.status for run in await play.runs()} == {"cancelled"}


async def test_c2_the_cancel_command_with_nothing_to_cancel_is_left_to_the_host(rehearse: Rehearsing) -> None:
    async with rehearse(registered(asking("a"))) as play:
        assert await play.say("/cancel") == []
        assert isinstance(play.deliveries[0], Unclaimed)


async def test_c2_the_cancel_command_may_have_another_name_and_then_cancel_is_a_command_like_any_other(
    rehearse: Rehearsing,
) -> None:
    async with rehearse(registered(asking("a"), asking("cancel")), cancel_command="stop") as play:
        await play.say("/a")
        assert await play.say("/cancel") == ["cancel?"]
        assert await play.say("/stop") == ["Cancelled."]
        await play.say("still here")
        assert await results(play) == [None, "you: still here"]


async def test_c2_nobody_cancels_somebody_else_s_run_not_even_who_may_answer_its_question(rehearse: Rehearsing) -> None:
    async with rehearse(registered(asking("a", who=("bob",)))) as play:
        bob, eve = play.as_("bob", chat="you"), play.as_("eve", chat="you")
        await play.say("/a")
        for other in (bob, eve):
            await other.say("/cancel")
            assert isinstance(play.deliveries[0], Unclaimed)
        assert [run.status for run in await play.runs()] == ["waiting"]


async def test_c2_cancel_wins_against_a_step_that_waits_for_any_text(rehearse: Rehearsing) -> None:
    async with rehearse(registered(asking("a", accepts=answers.any_input()))) as play:
        await play.say("/a")
        assert await play.say("/cancel") == ["Cancelled."]


async def test_c3_a_command_starts_its_flow_while_another_run_keeps_waiting(rehearse: Rehearsing) -> None:
    async with rehearse(registered(asking("a"), asking("b"))) as play:
        await play.say("/a")
        assert await play.say("/b") == ["b?"]
        assert [run.status for run in await play.runs()] == ["waiting", "waiting"]


async def test_c3_a_command_re_enters_its_flow_and_gives_it_the_attention(rehearse: Rehearsing) -> None:
    async with rehearse(registered(asking("a"), asking("b"))) as play:
        await play.say("/a")
        await play.say("/b")
        assert await play.say("/a") == ["a?"]
        await play.say("for a")
        assert [(run.flow, result_of(run.ending)) for run in await play.runs() if run.ending] == [("a", "you: for a")]


async def test_c3_a_step_claims_a_command_even_one_that_starts_a_flow(rehearse: Rehearsing) -> None:
    async with rehearse(registered(asking("a", accepts=command("b")), asking("b"))) as play:
        assert await play.say("/b") == ["b?"]
        await play.say("answer")
        await play.say("/a")
        assert await play.say("/b please") == []
        assert await results(play) == ["you: answer", "you: /b please"]


async def test_c3_commands_are_known_whatever_their_case_and_with_the_bot_s_name(rehearse: Rehearsing) -> None:
    async with rehearse(registered(asking("a"))) as play:
        assert await play.say("/A@the_bot now") == ["a?"]


async def test_c3_an_unknown_command_is_left_to_the_host(rehearse: Rehearsing) -> None:
    async with rehearse(registered(asking("a", accepts=answers.any_input()))) as play:
        await play.say("/a")
        assert await play.say("/settings") == []
        assert isinstance(play.deliveries[0], Unclaimed)
