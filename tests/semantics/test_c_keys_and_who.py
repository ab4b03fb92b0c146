"""Semantics C: whose run it is, and who may answer."""

from __future__ import annotations

import pytest

from tests.semantics.conftest import Rehearsing
from tests.semantics.flows import Call, Only, asking, registered
from tests.semantics.playing import INACTIVE, results
from turnflow import (
    Directive,
    Flow,
    Message,
    Registry,
    Turn,
    command,
)
from turnflow.core.definition import Accepts, KeyPolicy
from turnflow.core.ids import ConversationId
from turnflow.core.inputs import typed
from turnflow.ports import Inbound, Unclaimed


async def test_c_keyed_by_user_in_chat_every_person_has_a_run_of_their_own_in_each_chat(rehearse: Rehearsing) -> None:
    async with rehearse(registered(asking("a"))) as play:
        bob = play.as_("bob", chat="you")
        await play.say("/a")
        assert await bob.say("/a") == ["a?"]
        await bob.say("mine")
        assert await results(play) == ["bob: mine"]
        await bob.say("again mine?")
        assert isinstance(play.deliveries[0], Unclaimed), "the other run is not his to answer"
        elsewhere = play.as_("you", chat="group")
        await elsewhere.say("here?")
        assert isinstance(play.deliveries[0], Unclaimed)
        assert await elsewhere.say("/a") == ["a?"]
        assert len(await play.runs()) == 3


async def test_c_keyed_by_user_a_run_follows_its_person_across_chats_and_answers_where_they_are(
    rehearse: Rehearsing,
) -> None:
    async with rehearse(registered(asking_twice("user"))) as play:
        home, work = play.as_("ada", chat="home"), play.as_("ada", chat="work")
        bob = play.as_("bob", chat="work")
        assert await home.say("/a") == ["first?"]
        assert await bob.say("not mine") == []
        assert isinstance(play.deliveries[0], Unclaimed)
        assert await work.say("one") == ["second? [ok]"]
        assert home.texts == ["first?"]
        await play.restart()
        home.attend()
        assert await home.say("/a") == ["second? [ok]"], "the trigger repeated in another chat resumes there"
        assert (await work.press("ok"))[-1] == INACTIVE, "asked again elsewhere, the older buttons are dead"
        await home.press("ok")
        assert await results(play) == ["ada: ok"]


async def test_c_keyed_by_user_a_run_is_cancelled_from_any_chat(rehearse: Rehearsing) -> None:
    async with rehearse(registered(asking_twice("user"))) as play:
        home, work = play.as_("ada", chat="home"), play.as_("ada", chat="work")
        await home.say("/a")
        assert await work.say("/cancel") == ["Cancelled."]
        assert [run.status for run in await play.runs()] == ["cancelled"]


def asking_twice(key: KeyPolicy) -> Flow[Only, None]:
    flow = Flow("a", steps=Only, key=key)

    @flow.step(Only.ASK)
    async def ask(turn: Turn[Only, None]) -> Directive:
        if turn.input is None:
            turn.say("second?" if turn.scene else "first?", buttons=[["ok"]] if turn.scene else ())
            return turn.wait("answer", accepts=Accepts(("text", "press")))
        if turn.scene:
            return turn.complete(f"{turn.input.sender}: {turn.input.text or turn.input.value}")
        turn.scene["first"] = turn.input.text
        return turn.repeat()

    return flow


async def test_c_keyed_by_chat_everybody_in_it_shares_one_run(rehearse: Rehearsing) -> None:
    async with rehearse(registered(asking_twice("chat"))) as play:
        bob, eve = play.as_("bob", chat="you"), play.as_("eve")
        await play.say("/a")
        assert await bob.say("/a") == ["first?"]
        assert await bob.say("one") == ["second? [ok]"]
        assert await eve.say("/a") == ["first?"], "another chat, another run"
        await play.press("ok")
        assert await results(play) == ["you: ok"]


async def test_c_keyed_by_thread_each_thread_of_a_chat_has_its_own_run(rehearse: Rehearsing) -> None:
    async with rehearse(registered(asking_twice("thread"))) as play:

        async def says(who: str, text: str, thread: str) -> list[str]:
            line = typed(text, id=play.new_id(), sender=who, at=0)
            await play.deliver(Inbound(ConversationId("chat:group"), line, chat="group", thread=thread))
            return play.bot.texts(ConversationId("chat:group"))[seen:]

        seen = 0
        assert await says("ada", "/a", "t1") == ["first?"]
        seen = 1
        assert await says("bob", "/a", "t2") == ["first?"]
        seen = 2
        assert await says("bob", "one", "t1") == ["second? [ok]"]
        states = {run.thread: run.cursors[0].scene for run in await play.runs()}
        assert bytes(states["t2"]) == b"{}"


@pytest.mark.parametrize(("key", "chat"), [("chat", "you"), ("user", "work")])
async def test_c_a_called_flow_is_answered_by_whoever_may_answer_its_caller(
    rehearse: Rehearsing, key: KeyPolicy, chat: str
) -> None:
    outer = Flow("outer", steps=Call, key=key)

    @outer.step(Call.CALL)
    async def call(turn: Turn[Call, None]) -> Directive:
        return turn.call("inner", then=Call.END)

    @outer.step(Call.END)
    async def end(turn: Turn[Call, None]) -> Directive:
        return turn.complete(turn.result)

    registry = Registry()
    registry.register(outer, on=[command("outer")])
    registry.register_callable(asking("inner"))
    async with rehearse(registry) as play:
        other = play.as_("bob" if key == "chat" else "you", chat=chat)
        await play.person.say("/outer")
        await other.say("mine")
        assert await results(play) == [f"{other.name}: mine"]


async def test_c_who_lets_others_answer_by_id_and_nobody_else(rehearse: Rehearsing) -> None:
    async with rehearse(registered(asking("a", who=("boss",)))) as play:
        eve, boss = play.as_("eve", chat="you"), play.as_("boss", chat="you")
        await play.say("/a")
        await eve.say("approved")
        assert isinstance(play.deliveries[0], Unclaimed)
        await boss.say("approved")
        assert await results(play) == ["boss: approved"]


async def test_c_who_lets_a_role_answer_by_text_and_by_press(rehearse: Rehearsing) -> None:
    flow = Flow("holiday", steps=Only)

    @flow.step(Only.ASK, ask=Message("Approve?", buttons=[["approve"]]), who=["role:manager"])
    async def ask(turn: Turn[Only, None], answer: str) -> Directive:
        return turn.complete(f"{turn.input.sender if turn.input else ''}: {answer}")

    async with rehearse(flow, roles={"manager": ["grace"], "intern": ["eve"]}) as play:
        eve, grace = play.as_("eve", chat="you"), play.as_("grace", chat="you")
        await play.say("/start")
        assert (await eve.press("approve"))[-1] == INACTIVE
        await grace.press("approve")
        await play.say("/start")
        await eve.say("approve")
        await grace.say("fine")
        assert await results(play) == ["grace: approve", "grace: fine"]


async def test_c_who_anyone_lets_everybody_in_the_chat_answer_but_nobody_from_elsewhere(rehearse: Rehearsing) -> None:
    async with rehearse(registered(asking("a", who=("anyone",)))) as play:
        bob, eve = play.as_("bob", chat="you"), play.as_("eve")
        await play.say("/a")
        await eve.say("me")
        assert isinstance(play.deliveries[0], Unclaimed)
        await bob.say("me")
        assert await results(play) == ["bob: me"]


async def test_c_who_is_an_id_and_never_a_display_name(rehearse: Rehearsing) -> None:
    async with rehearse(registered(asking("a", who=("boss",)))) as play:
        await play.say("/a")
        line = typed("approved", id="fake", sender="eve", at=0, name="boss")
        await play.deliver(Inbound(play.person.conversation, line))
        assert isinstance(play.deliveries[0], Unclaimed)
        assert await results(play) == []


async def test_c_who_may_be_said_for_one_wait(rehearse: Rehearsing) -> None:
    flow = Flow("review", steps=Only)

    @flow.step(Only.ASK)
    async def ask(turn: Turn[Only, None]) -> Directive:
        if turn.input is None:
            turn.say("Text?")
            return turn.wait("text")
        if not turn.scene:
            turn.scene["text"] = turn.input.text
            turn.say("Review?", buttons=[["good"]])
            return turn.wait_callback("review", who=["bob"])
        return turn.complete(f"{turn.input.sender}: {turn.input.value}")

    async with rehearse(flow) as play:
        bob = play.as_("bob", chat="you")
        await play.say("/start")
        await bob.say("mine")
        assert isinstance(play.deliveries[0], Unclaimed)
        await play.say("my text")
        await bob.press("good")
        assert await results(play) == ["bob: good"]


async def test_c_a_run_that_the_host_starts_without_a_user_is_answered_by_whoever_is_there(
    rehearse: Rehearsing,
) -> None:
    registry = Registry()
    registry.register_callable(asking("poll"))
    async with rehearse(registry) as play:
        await play.engine.start("poll", conversation="chat:you")
        await play.settle()
        assert play.person.texts == ["poll?"]
        await play.say("yes")
        assert await results(play) == ["you: yes"]


async def test_c_a_run_keyed_by_user_that_the_host_starts_follows_its_person(rehearse: Rehearsing) -> None:
    registry = Registry()
    registry.register_callable(asking("a", key="user"))
    async with rehearse(registry) as play:
        home, work = play.as_("ada", chat="home"), play.as_("ada", chat="work")
        await play.engine.start("a", conversation=home.conversation, user="ada")
        await play.settle()
        assert home.texts == ["a?"]
        await work.say("yes")
        assert await results(play) == ["ada: yes"]
