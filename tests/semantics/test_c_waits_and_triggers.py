"""Semantics C4-C8: presses, waiting runs, triggers, and what nobody wants."""

from __future__ import annotations

from tests.semantics.conftest import Rehearsing
from tests.semantics.flows import Only, asking, registered
from tests.semantics.playing import results
from turnflow import (
    Button,
    Directive,
    Flow,
    Input,
    Media,
    Message,
    Registry,
    Turn,
    answers,
    any_text,
    callback,
    command,
    media,
    pattern,
    where,
)
from turnflow.core.ids import InputId, UserId
from turnflow.ports import Inbound, Unclaimed


def buttons(name: str) -> Flow[Only, None]:
    flow = Flow(name, steps=Only)

    @flow.step(Only.ASK, ask=Message(f"{name}?", buttons=[[f"yes {name}", f"no {name}"]]))
    async def ask(turn: Turn[Only, None], answer: str) -> Directive:
        return turn.complete(f"{name}: {answer}")

    return flow


async def test_c4_a_press_goes_to_the_run_whose_wait_it_references_even_if_another_one_is_newer(
    rehearse: Rehearsing,
) -> None:
    async with rehearse(registered(buttons("a"), buttons("b"))) as play:
        await play.say("/a")
        await play.say("/b")
        await play.press("yes a")
        assert await results(play) == ["a: yes a"]
        await play.press("no b")
        assert await results(play) == ["a: yes a", "b: no b"]


async def test_c5_other_input_goes_to_the_newest_run_and_after_its_end_to_the_older_one(rehearse: Rehearsing) -> None:
    async with rehearse(registered(asking("a"), asking("b"), asking("c"))) as play:
        for text in ("/a", "/b", "/c", "one", "two", "three"):
            await play.say(text)
        assert [run.flow for run in await play.runs()] == ["c", "b", "a"]
        assert await results(play) == ["you: one", "you: two", "you: three"]


async def test_c5_input_goes_past_a_newer_run_whose_wait_does_not_take_its_kind(rehearse: Rehearsing) -> None:
    async with rehearse(registered(asking("a"), asking("b", accepts=answers.photo()))) as play:
        await play.say("/a")
        await play.say("/b")
        await play.say("hello")
        assert [run.flow for run in await play.runs() if run.status == "completed"] == ["a"]


async def test_c5_a_run_that_takes_the_kind_is_preferred_to_a_newer_one_that_would_only_refuse_it(
    rehearse: Rehearsing,
) -> None:
    picky = Flow("picky", steps=Only)

    @picky.step(Only.ASK, ask="picky?", accepts=answers.photo(), otherwise="Only photos.")
    async def ask(turn: Turn[Only, None], answer: Media) -> Directive:
        return turn.complete()

    registry = registered(asking("a"), picky)
    async with rehearse(registry) as play:
        await play.say("/a")
        await play.say("/picky")
        assert await play.say("hello") == []
        assert await results(play) == ["you: hello"]
        assert await play.say("hello") == ["Only photos."]


async def test_c6_the_most_specific_trigger_wins_then_the_order_of_registration(rehearse: Rehearsing) -> None:
    registry = Registry()
    filtered = asking("filtered")

    @filtered.filter("shouted")
    def shouted(input: Input) -> bool:
        return input.text.isupper()

    registry.register(asking("anything"), on=[any_text()])
    registry.register(asking("anything_later"), on=[any_text()])
    registry.register(asking("pictures"), on=[media("photo")])
    registry.register(asking("refund"), on=[pattern(r"money\s+back")])
    registry.register(asking("money"), on=[pattern(r"money")])
    registry.register(filtered, on=[where("shouted")])
    async with rehearse(registry) as play:
        for text, flow in (
            ("hello", "anything"),
            ("I want my Money  back", "refund"),
            ("money, money", "money"),
            ("MONEY BACK", "filtered"),
        ):
            assert await play.say(text) == [f"{flow}?"], text
            await play.say("/cancel")
        assert await play.share("photo", "cat.jpg") == ["pictures?"]
        await play.say("/cancel")
        assert await play.share("video", "cat.mp4") == []
        assert isinstance(play.deliveries[0], Unclaimed)


async def test_c6_a_waiting_run_gets_its_text_before_any_trigger(rehearse: Rehearsing) -> None:
    registry = Registry()
    registry.register(asking("a"), on=[command("a")])
    registry.register(asking("anything"), on=[any_text()])
    async with rehearse(registry) as play:
        await play.say("/a")
        assert await play.say("hello") == []
        assert await results(play) == ["you: hello"]
        assert await play.say("hello") == ["anything?"]


async def test_c6_a_button_of_the_host_starts_the_flow_with_that_callback_trigger(rehearse: Rehearsing) -> None:
    registry = Registry()
    shop = Flow("shop", steps=Only)

    @shop.step(Only.ASK)
    async def offer(turn: Turn[Only, None]) -> Directive:
        turn.say("Buy?", buttons=[[Button("Tea", callback="buy:tea"), Button("Sale", callback="buy:sale")]])
        return turn.complete()

    registry.register(shop, on=[command("shop")])
    registry.register(asking("buy"), on=[callback("buy:*")])
    registry.register(asking("sale"), on=[callback("buy:sale")])
    async with rehearse(registry) as play:
        await play.say("/shop")
        assert await play.press("Tea") == ["buy?"]
        await play.say("/cancel")
        await play.restart()
        assert await play.press("Sale") == ["sale?"], "the exact trigger is the more specific one"
        presses = [reply.press for reply in play.bot.sent if reply.press]
        assert len(presses) == 2, "each press is acknowledged"


async def test_c6_a_filter_that_raises_does_not_match_and_nothing_is_lost(rehearse: Rehearsing) -> None:
    registry = Registry()
    flow = asking("filtered")

    @flow.filter("broken")
    def broken(input: Input) -> bool:
        raise RuntimeError

    registry.register(flow, on=[where("broken")])
    registry.register(asking("anything"), on=[any_text()])
    async with rehearse(registry) as play:
        assert await play.say("hello") == ["anything?"]


async def test_c6_the_file_that_triggered_a_flow_can_be_read_by_it(rehearse: Rehearsing) -> None:
    flow = Flow("scan", steps=Only)

    @flow.step(Only.ASK)
    async def ask(turn: Turn[Only, None]) -> Directive:
        came = turn.trigger
        assert came is not None
        return turn.complete([came.media[0].name if came.media else "", came.args])

    registry = Registry()
    registry.register(flow, on=[media("photo"), command("scan")])
    async with rehearse(registry) as play:
        await play.share("photo", "bill.jpg")
        await play.say("/scan all of it")
        assert await results(play) == [["bill.jpg", ""], ["", "all of it"]]


async def test_c8_what_nobody_wants_is_unclaimed_and_handed_to_the_host(rehearse: Rehearsing) -> None:
    async with rehearse(registered(asking("a"))) as play:
        for kind, detail in (("photo", "x.jpg"), ("location", "1 2"), ("contact", "+49")):
            assert await play.share(kind, detail) == []
            assert isinstance(play.deliveries[0], Unclaimed)
        assert await play.say("hello") == []
        assert isinstance(play.deliveries[0], Unclaimed)
        press = Input(InputId("host"), "press", UserId("you"), ref="some:host:button")
        assert await play.deliver(Inbound(play.person.conversation, press)) == [
            Unclaimed("no run and no trigger wants it")
        ]
        assert await play.runs() == []


async def test_c5_a_background_run_that_ends_does_not_give_its_parent_the_attention(rehearse: Rehearsing) -> None:
    registry = registered(asking("a"), asking("b"))
    registry.register_callable(asking("child"))
    async with rehearse(registry) as play:
        bob = play.as_("bob")
        await play.say("/a")
        (run,) = await play.runs()
        await play.engine.start("child", conversation=bob.conversation, user="bob", parent=run.run)
        await play.settle()
        await play.say("/b")
        await bob.say("done")
        await play.say("for b")
        assert {run.flow: run.status for run in await play.runs()} == {
            "a": "waiting",
            "b": "completed",
            "child": "completed",
        }
