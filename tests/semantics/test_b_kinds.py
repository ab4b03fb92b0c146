"""Semantics B1: what a wait takes."""

from __future__ import annotations

from datetime import date, time

import pytest

from tests.semantics.conftest import Rehearsing
from tests.semantics.flows import Only
from tests.semantics.playing import result_of
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
    command,
    where,
)
from turnflow.core.definition import Accepts, Trigger
from turnflow.ports import Unclaimed
from turnflow.testing import Rehearsal


def taking(accepts: Accepts | Trigger, said: str | Message = "Well?") -> Flow[Only, None]:
    """Takes one input of the kind wanted and completes with what it got."""
    flow = Flow("taking", steps=Only)

    @flow.step(Only.ASK, otherwise="Not that.")
    async def ask(turn: Turn[Only, None]) -> Directive:
        if turn.input is None:
            turn.say(said)
            return turn.wait("wanted", accepts=accepts)
        return turn.complete([turn.input.kind, turn.input.text or turn.input.value or turn.input.phone])

    @flow.filter("shouted")
    def shouted(input: Input) -> bool:
        return input.text.isupper()

    return flow


def question(annotation: object, accepts: Accepts | None = None) -> Flow[Only, None]:
    """Asks for a typed answer and completes with its representation."""
    flow = Flow("asking", steps=Only)

    async def ask(turn: Turn[Only, None], answer: object) -> Directive:
        return turn.complete(repr(answer))

    ask.__annotations__["answer"] = annotation
    flow.step(Only.ASK, ask="Well?", accepts=accepts)(ask)
    return flow


ACTS: dict[str, tuple[str, str]] = {
    "text": ("say", "hello"),
    "photo": ("photo", "cat.jpg"),
    "video": ("video", "cat.mp4"),
    "voice": ("voice", "hum.ogg"),
    "audio": ("audio", "song.mp3"),
    "document": ("document", "cv.pdf"),
    "location": ("location", "52.52 13.40"),
    "contact": ("contact", "+4930123456"),
    "command": ("say", "/help"),
}


async def do(play: Rehearsal, kind: str) -> list[str]:
    verb, detail = ACTS[kind]
    return await (play.say(detail) if verb == "say" else play.share(verb, detail))


@pytest.mark.parametrize(
    ("kind", "accepts"),
    [
        ("text", answers.text()),
        ("photo", answers.photo()),
        ("video", answers.video()),
        ("voice", answers.voice()),
        ("audio", answers.audio()),
        ("document", answers.document()),
        ("location", answers.location()),
        ("contact", answers.contact()),
        ("command", command("help")),
    ],
)
async def test_b1_a_wait_takes_its_own_kind_and_answers_every_other_one_with_otherwise(
    rehearse: Rehearsing, kind: str, accepts: Accepts | Trigger
) -> None:
    async with rehearse(taking(accepts)) as play:
        await play.say("/start")
        for other in ACTS.keys() - {kind, "command"}:
            assert await do(play, other) == ["Not that."], other
        await do(play, kind)
        (ending,) = await play.endings()
        result = result_of(ending)
        assert isinstance(result, list)
        assert result[0] == kind


async def test_b1_a_wait_for_anything_takes_everything_but_commands(rehearse: Rehearsing) -> None:
    async with rehearse(taking(answers.any_input())) as play:
        for kind in ACTS.keys() - {"command"}:
            await play.say("/start")
            await do(play, kind)
            assert result_of((await play.endings())[-1]) is not None, kind
        await play.say("/start")
        await play.say("/help")
        assert isinstance(play.deliveries[0], Unclaimed)


async def test_b1_a_wait_with_a_filter_takes_what_the_predicate_says_yes_to(rehearse: Rehearsing) -> None:
    async with rehearse(taking(where("shouted"))) as play:
        await play.say("/start")
        assert await play.say("hello") == ["Not that."]
        await play.say("HELLO")
        assert result_of((await play.endings())[0]) == ["text", "HELLO"]


def pressing() -> Flow[Only, None]:
    """Waits for a press and nothing else."""
    flow = Flow("pressing", steps=Only)

    @flow.step(Only.ASK)
    async def ask(turn: Turn[Only, None]) -> Directive:
        if turn.input is None:
            turn.say("Tea?", buttons=[["yes", Button("No, thanks", value="no")]])
            return turn.wait_callback("tea")
        return turn.complete(turn.input.value)

    return flow


async def test_b1_a_callback_wait_takes_a_press_and_ignores_text(rehearse: Rehearsing) -> None:
    async with rehearse(pressing()) as play:
        assert await play.say("/start") == ["Tea? [yes] [No, thanks]"]
        assert await play.say("yes") == []
        assert isinstance(play.deliveries[0], Unclaimed)
        assert await play.press("No, thanks") == []
        assert result_of((await play.endings())[0]) == "no"


async def test_b1_a_text_wait_ignores_presses_of_other_waits(rehearse: Rehearsing) -> None:
    asked = taking(answers.text())
    pressed = pressing()
    registry = Registry()
    registry.register(pressed, on=[command("tea")])
    registry.register(asked, on=[command("start")])
    async with rehearse(registry) as play:
        await play.say("/tea")
        await play.say("/start")
        await play.press("yes")
        assert {run.flow: run.status for run in await play.runs()} == {"pressing": "completed", "taking": "waiting"}


async def test_b1_otherwise_may_be_a_handler_that_knows_what_came_and_the_wait_stays(rehearse: Rehearsing) -> None:
    flow = Flow("photos", steps=Only)

    @flow.step(
        Only.ASK,
        ask="A photo, please.",
        accepts=answers.photo(),
        otherwise=lambda turn: f"A {turn.input.kind if turn.input else '?'} is no photo.",
    )
    async def ask(turn: Turn[Only, None], answer: Media) -> Directive:
        return turn.complete(answer.name)

    async with rehearse(flow) as play:
        await play.say("/start")
        assert await play.say("here it is") == ["A text is no photo."]
        await play.restart()
        assert await play.share("video", "cat.mp4") == ["A video is no photo."]
        await play.share("photo", "cat.jpg")
        assert result_of((await play.endings())[0]) == "cat.jpg"


async def test_b1_without_otherwise_input_of_another_kind_is_left_to_the_host_and_the_wait_stays(
    rehearse: Rehearsing,
) -> None:
    async with rehearse(question(str)) as play:
        await play.say("/start")
        assert await play.share("photo", "cat.jpg") == []
        assert isinstance(play.deliveries[0], Unclaimed)
        await play.say("words")
        assert result_of((await play.endings())[0]) == "'words'"


@pytest.mark.parametrize(
    ("accepts", "bad", "good", "value"),
    [
        (answers.email(), "ada@", " Ada@Example.COM ", "Ada@example.com"),
        (answers.phone("GB"), "12", "020 7946 0958", "+442079460958"),
        (answers.url(), "not a page", "Example.com/a", "https://example.com/a"),
        (answers.number(1, 130), "131", "1.5", 1.5),
        (answers.number(1, 130, whole=True), "1.5", "36", 36),
        (answers.date(), "30.02.2026", "2026-02-28", date(2026, 2, 28)),
        (answers.time(), "25:00", "14:30", time(14, 30)),
        (answers.choice("red", ("Deep blue", "blue")), "green", "deep BLUE", "blue"),
        (answers.yes_no(), "perhaps", "yes", True),
        (answers.text(2, 4), "a", "abcd", "abcd"),
        (answers.text(pattern=r"[A-Z]\d+"), "A", "B12", "B12"),
    ],
)
async def test_b1_answer_kinds_parse_and_normalise_and_say_why_they_refuse(
    rehearse: Rehearsing, accepts: Accepts, bad: str, good: str, value: object
) -> None:
    flow = Flow("kinds", steps=Only)
    got: list[object] = []

    @flow.step(Only.ASK, ask="Well?", accepts=accepts)
    async def ask(turn: Turn[Only, None], answer: object) -> Directive:
        got.append(answer)
        return turn.complete()

    async with rehearse(flow) as play:
        await play.say("/start")
        (reason,) = await play.say(bad)
        assert reason
        assert got == []
        await play.say(good)
        assert got == [value]


@pytest.mark.parametrize("how", ["typed", "pressed"])
async def test_b1_a_choice_may_be_typed_or_pressed(rehearse: Rehearsing, how: str) -> None:
    async with rehearse(question(object, answers.choice("red", ("Deep blue", "blue")))) as play:
        assert await play.say("/start") == ["Well? [red] [Deep blue]"]
        await (play.say("deep blue") if how == "typed" else play.press("Deep blue"))
        assert result_of((await play.endings())[0]) == "'blue'"


async def test_b1_a_phone_number_may_be_shared_as_a_contact(rehearse: Rehearsing) -> None:
    async with rehearse(question(str, answers.phone())) as play:
        await play.say("/start")
        await play.share("contact", "+44 20 7946 0958")
        assert result_of((await play.endings())[0]) == "'+442079460958'"


async def test_b1_routing_looks_at_the_kind_only_so_an_answer_that_does_not_parse_is_not_given_to_another_run(
    rehearse: Rehearsing,
) -> None:
    registry = Registry()
    registry.register(taking(answers.text()), on=[command("older")])
    registry.register(question(int), on=[command("newer")])
    async with rehearse(registry) as play:
        await play.say("/older")
        await play.say("/newer")
        (reason,) = await play.say("not a number")
        assert "number" in reason
        assert await play.endings() == []
