"""Bad input: every kind of nonsense has an outcome of its own, and none of it is lost or does harm."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from tests.faults.house import House, house, stores
from turnflow import Directive, Flow, Input, Message, Registry, Turn, any_text, command
from turnflow.answers import text
from turnflow.core.ids import ConversationId, InputId, UserId
from turnflow.core.inputs import TEXT_LIMIT, clean
from turnflow.core.messages import Media
from turnflow.ports import Handled, Inbound, Refused, Unclaimed

STORES = pytest.mark.parametrize("name", ["memory", "sqlite"])


class Step(StrEnum):
    ECHO = "echo"


class Heard(msgspec.Struct):
    lines: list[str] = msgspec.field(default_factory=list)


def echo() -> Registry:
    """Says back whatever it hears, and says what it is told not to."""
    flow = Flow("echo", steps=Step, data=Heard)

    @flow.step(Step.ECHO, ask="?")
    async def say(turn: Turn[Step, Heard], answer: str) -> Directive:
        kept = not answer.startswith("say")
        if "half a face" in answer:
            answer = f"\ud83d {answer} \x00"
        if kept:
            turn.data.lines.append(answer)
        turn.say(Message(answer, buttons=[["ok"]]))
        return turn.wait("line", accepts=text())

    flows = Registry()
    flows.register(flow, on=[command("echo"), any_text()])
    return flows


async def heard(home: House) -> list[str]:
    return msgspec.json.decode((await home.run()).data["lines"], type=list[str])


@STORES
@pytest.mark.parametrize(
    "given",
    [
        "NUL \x00 inside",
        "half a pair \ud83d",
        "\udc80\udcff",
        "\U0010ffff",
        "\u202e\u0000\ufeff",
        "e\u0301",
    ],
)
async def test_text_of_any_kind_is_kept_as_every_store_can_keep_it(tmp_path: Path, name: str, given: str) -> None:
    async with house(echo(), stores(tmp_path)[name]) as home:
        await home.say("/echo")
        raw = Input(InputId("x"), "text", UserId("ann"), text=given)
        assert isinstance(await home.send(Inbound(ConversationId("t:1"), raw)), Handled)
        (line,) = await heard(home)
        assert line == clean(given)
        assert "\x00" not in line.encode().decode()
        assert home.texts()[-1] == line
        await home.verify()


@STORES
@pytest.mark.parametrize(
    "place", ["id", "sender", "conversation", "chat", "thread", "name", "ref", "command", "phone", "media"]
)
async def test_nonsense_in_any_field_harms_nobody(tmp_path: Path, name: str, place: str) -> None:
    """Half a character, or a NUL, where a channel should not have let one through."""
    nonsense = "x\ud83d\x00"
    async with house(echo(), stores(tmp_path)[name]) as home:
        await home.say("/echo", by="bob", chat="2")
        input = Input(InputId("i"), "text", UserId("ann"), text="hello")
        inbound = Inbound(ConversationId("t:1"), input)
        if place in ("conversation", "chat", "thread"):
            changed: dict[str, Any] = {place: f"t:{nonsense}"}
            inbound = replace(inbound, **changed)
        elif place == "media":
            inbound = replace(inbound, input=replace(input, kind="photo", media=(Media("photo", nonsense, nonsense),)))
        else:
            changed = {place: nonsense}
            kind = {"ref": "press", "command": "command", "phone": "contact"}.get(place, "text")
            inbound = replace(inbound, input=replace(input, kind=kind, **changed))
        answer = await home.send(inbound)
        assert isinstance(answer, Handled | Refused | Unclaimed)
        home.consumed.clear()  # the id is not what was sent
        assert isinstance(await home.say("still here", by="bob", chat="2"), Handled)
        assert home.texts("2")[-1] == "still here"
        await home.verify()


@STORES
async def test_a_megabyte_of_text_is_refused_with_a_reason_and_changes_nothing(tmp_path: Path, name: str) -> None:
    async with house(echo(), stores(tmp_path)[name]) as home:
        await home.say("/echo")
        for words in ("x" * (1 << 20), "\u20ac" * (TEXT_LIMIT // 3 + 1), "x" * (TEXT_LIMIT + 1)):
            answer = await home.say(words)
            assert isinstance(answer, Refused)
            assert "long" in answer.reason
        assert isinstance(await home.say("x" * TEXT_LIMIT), Handled)
        assert [len(line) for line in await heard(home)] == [TEXT_LIMIT]
        await home.verify()


@STORES
@pytest.mark.parametrize(("words", "outcome"), [("say half a face", "waiting"), ("keep half a face", "failed")])
async def test_half_a_character_in_what_a_handler_says_or_keeps_is_no_dead_end(
    tmp_path: Path, name: str, words: str, outcome: str
) -> None:
    async with house(echo(), stores(tmp_path)[name]) as home:
        await home.say("/echo")
        assert isinstance(await home.say(words), Handled)
        assert (await home.run()).status == outcome
        assert isinstance(await home.say("and on"), Handled)
        await home.verify()


async def test_a_kind_that_no_wait_takes_is_handed_back() -> None:
    async with house(echo()) as home:
        await home.say("/echo")
        before = await home.run()
        for kind in ("photo", "location", "contact", "document", "voice"):
            raw = Input(InputId(f"k-{kind}"), kind, UserId("ann"))
            answer = await home.send(Inbound(ConversationId("t:1"), raw))
            assert isinstance(answer, Unclaimed), (kind, answer)
        assert await home.run() == before
        await home.verify()


async def test_an_unknown_kind_of_update_is_refused_or_handed_back_and_the_engine_lives() -> None:
    async with house(echo()) as home:
        await home.say("/echo")
        raw = Input(InputId("odd"), "hologram", UserId("ann"), text="?")  # type: ignore[arg-type]  # no such kind, on purpose
        answer = await home.send(Inbound(ConversationId("t:1"), raw))
        assert isinstance(answer, Refused | Unclaimed), answer
        assert isinstance(await home.say("on"), Handled)
        await home.verify()


@pytest.mark.parametrize(
    "ref", ["~", "~x", "~.:", "~a.b:c", "~run.1:yes", "~" + "x" * 500, "\x00", "~\ud83d.1:a", "yes"]
)
async def test_a_press_on_anything_else_runs_nothing(ref: str) -> None:
    async with house(echo()) as home:
        await home.say("/echo")
        await home.say("one")
        raw = Input(InputId("p"), "press", UserId("ann"), ref=ref)
        answer = await home.send(Inbound(ConversationId("t:1"), raw))
        assert isinstance(answer, Unclaimed) or (isinstance(answer, Handled) and answer.refused), answer
        assert await heard(home) == ["one"]
        await home.verify()


async def test_an_input_without_an_id_or_a_conversation_is_refused() -> None:
    async with house(echo()) as home:
        for inbound in (home.text("x", id="y"), home.text("x")):
            nameless = replace(inbound, input=replace(inbound.input, id=InputId("")))
            assert isinstance(await home.send(nameless), Refused)
            assert isinstance(await home.send(replace(inbound, conversation=ConversationId(""))), Refused)
        await home.verify()
