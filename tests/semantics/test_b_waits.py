"""Semantics B: waits and input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, time
from enum import Enum, StrEnum
from typing import Annotated, Literal

import msgspec
import pytest
from msgspec import Meta
from pydantic import BaseModel, EmailStr, PositiveInt

from tests.semantics.conftest import Rehearsing
from tests.semantics.playing import result_of
from turnflow import (
    Button,
    Directive,
    Failure,
    Flow,
    Input,
    Media,
    Message,
    Registry,
    Texts,
    Turn,
    answers,
    command,
    days,
    hours,
    minutes,
    seconds,
    where,
)
from turnflow.core.definition import Accepts, Trigger
from turnflow.core.ids import InputId, Json, UserId
from turnflow.ports import Handled, Inbound, Unclaimed
from turnflow.testing import Rehearsal

INACTIVE = "This button is no longer active."
EXPIRED = "This took too long, so I have stopped here. Start again whenever you like."
SORRY = "Sorry, something went wrong here. Please try again later."


class Only(StrEnum):
    ASK = "ask"


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


def asking(annotation: object, accepts: Accepts | None = None) -> Flow[Only, None]:
    """Asks for a typed answer and completes with its representation."""
    flow = Flow("asking", steps=Only)

    async def ask(turn: Turn[Only, None], answer: object) -> Directive:
        return turn.complete(repr(answer))

    ask.__annotations__["answer"] = annotation
    flow.step(Only.ASK, ask="Well?", accepts=accepts)(ask)
    return flow


# --- B1: what a wait takes ------------------------------------------------------------------------------------------

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
    async with rehearse(asking(str)) as play:
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
    async with rehearse(asking(object, answers.choice("red", ("Deep blue", "blue")))) as play:
        assert await play.say("/start") == ["Well? [red] [Deep blue]"]
        await (play.say("deep blue") if how == "typed" else play.press("Deep blue"))
        assert result_of((await play.endings())[0]) == "'blue'"


async def test_b1_a_phone_number_may_be_shared_as_a_contact(rehearse: Rehearsing) -> None:
    async with rehearse(asking(str, answers.phone())) as play:
        await play.say("/start")
        await play.share("contact", "+44 20 7946 0958")
        assert result_of((await play.endings())[0]) == "'+442079460958'"


async def test_b1_routing_looks_at_the_kind_only_so_an_answer_that_does_not_parse_is_not_given_to_another_run(
    rehearse: Rehearsing,
) -> None:
    registry = Registry()
    registry.register(taking(answers.text()), on=[command("older")])
    registry.register(asking(int), on=[command("newer")])
    async with rehearse(registry) as play:
        await play.say("/older")
        await play.say("/newer")
        (reason,) = await play.say("not a number")
        assert "number" in reason
        assert await play.endings() == []


# --- B2: buttons ----------------------------------------------------------------------------------------------------


class Two(StrEnum):
    DRINK = "drink"
    SIZE = "size"


def cafe(*, keep_buttons: bool = False) -> Flow[Two, None]:
    flow = Flow("cafe", steps=Two, keep_buttons=keep_buttons)

    @flow.step(Two.DRINK, ask=Message("Drink?", buttons=[["tea", "coffee"]]))
    async def drink(turn: Turn[Two, None], answer: str) -> Directive:
        return turn.next(Two.SIZE)

    @flow.step(Two.SIZE, ask="Size?")
    async def size(turn: Turn[Two, None], answer: Literal["big", "small", "back"]) -> Directive:
        return turn.back() if answer == "back" else turn.complete(answer)

    return flow


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


# --- B3: one wait, one completion -----------------------------------------------------------------------------------


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


async def test_b3_an_answer_at_the_instant_of_the_timeout_has_one_winner(rehearse: Rehearsing) -> None:
    async with rehearse(expiring(on_timeout="cancel")) as play:
        await play.say("/start")
        play.fake_clock.advance(minutes=10)
        await play.say("just in time")
        await play.clock(minutes=1)
        assert len(await play.endings()) == 1


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


# --- B4: typed answers ----------------------------------------------------------------------------------------------


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Point(msgspec.Struct):
    x: int
    y: int = 0


class Contact(BaseModel):
    mail: EmailStr
    age: PositiveInt


@pytest.mark.parametrize(
    ("annotation", "bad", "good", "value"),
    [
        (int, "four", "4", 4),
        (Annotated[int, Meta(ge=1, le=5)], "6", "5", 5),
        (float, "pi", "3.14", 3.14),
        (bool, "perhaps", "no", False),
        (Literal["small", "big"], "medium", "BIG", "big"),
        (Colour, "green", "blue", Colour.BLUE),
        (date, "someday", "2026-02-28", date(2026, 2, 28)),
        (Point, '{"x": "one"}', '{"x": 1}', Point(1)),
        (Contact, '{"mail": "ada@example.com", "age": 0}', '{"mail": "ada@example.com", "age": 36}', None),
        (PositiveInt, "0", "7", 7),
        (Annotated[str, Meta(max_length=3)], "long", "abc", "abc"),
        (int | None, "none", "4", 4),
    ],
)
async def test_b4_the_annotation_parses_and_validates_and_the_reason_is_told(
    rehearse: Rehearsing, annotation: object, bad: str, good: str, value: object
) -> None:
    flow = Flow("typed", steps=Only)
    got: list[object] = []

    async def ask(turn: Turn[Only, None], answer: object) -> Directive:
        got.append(answer)
        return turn.complete()

    ask.__annotations__["answer"] = annotation
    flow.step(Only.ASK, ask="Well?")(ask)
    async with rehearse(flow) as play:
        await play.say("/start")
        (reason,) = await play.say(bad)
        assert reason[0].isupper()
        assert reason.endswith(".")
        assert got == []
        await play.say(good)
        assert got == [value] if value is not None else isinstance(got[0], Contact)


async def test_b4_a_refused_answer_changes_nothing_and_gets_the_retry_reply_with_the_reason(
    rehearse: Rehearsing,
) -> None:
    flow = Flow("age", steps=Only)

    @flow.step(Only.ASK, ask="How old?", retry="{reason} (You may also say /cancel.)")
    async def ask(turn: Turn[Only, None], answer: Annotated[int, Meta(ge=1, le=130)]) -> Directive:
        return turn.complete(answer)

    async with rehearse(flow) as play:
        await play.say("/start")
        (before,) = await play.runs()
        (said,) = await play.say("300")
        assert said.endswith(" (You may also say /cancel.)")
        assert "130" in said
        (after,) = await play.runs()
        assert (after.cursors[0].step, after.data) == (before.cursors[0].step, before.data)
        await play.restart()
        await play.say("30")
        assert result_of((await play.endings())[0]) == 30


async def test_b4_the_retry_reply_may_be_a_handler_that_gets_the_reason(rehearse: Rehearsing) -> None:
    flow = Flow("age", steps=Only)

    @flow.step(
        Only.ASK,
        ask="How old?",
        retry=lambda turn, reason: Message(f"{turn.input.text if turn.input else ''}? {reason}", buttons=[["18"]]),
    )
    async def ask(turn: Turn[Only, None], answer: int) -> Directive:
        return turn.complete(answer)

    async with rehearse(flow) as play:
        await play.say("/start")
        (said,) = await play.say("old")
        assert said.startswith("old? ")
        await play.press("18")
        assert result_of((await play.endings())[0]) == 18, "buttons of a retry reply answer the open question"


async def test_b4_attempts_bound_the_retries_and_lead_to_the_step_named(rehearse: Rehearsing) -> None:
    class Steps(StrEnum):
        AGE = "age"
        GUESS = "guess"

    flow = Flow("age", steps=Steps)

    @flow.step(Steps.AGE, ask="How old?", retry="A number, please.", attempts=3, on_exhausted=Steps.GUESS)
    async def age(turn: Turn[Steps, None], answer: int) -> Directive:
        return turn.complete(answer)

    @flow.step(Steps.GUESS, ask="Shall I guess?")
    async def guess(turn: Turn[Steps, None], answer: bool) -> Directive:
        return turn.complete("guessed") if answer else turn.back()

    async with rehearse(flow) as play:
        await play.say("/start")
        assert await play.say("a") == ["A number, please."]
        await play.restart()
        assert await play.say("b") == ["A number, please."]
        assert await play.say("c") == ["Shall I guess? [Yes] [No]"]
        assert await play.press("No") == ["How old?"]
        assert await play.say("d") == ["A number, please."], "asked anew, there are three attempts again"


async def test_b4_attempts_without_a_way_out_fail_the_step(rehearse: Rehearsing) -> None:
    flow = Flow("age", steps=Only)

    @flow.step(Only.ASK, ask="How old?", attempts=1)
    async def ask(turn: Turn[Only, None], answer: int) -> Directive:
        return turn.complete(answer)

    async with rehearse(flow) as play:
        await play.say("/start")
        assert (await play.say("a"))[-1] == SORRY
        (ending,) = await play.endings()
        assert ending.error is not None
        assert ending.error.code == "attempts_exhausted"


# --- B5: timeouts, reminders, ttl, idle ------------------------------------------------------------------------------


class Late(StrEnum):
    ASK = "ask"
    LATE = "late"


def expiring(
    on_timeout: Literal["cancel", "fail"] | Late | Callable[[Turn[Late, None]], object] | None,
    remind: Sequence[object] = (),
) -> Flow[Late, None]:
    """Waits for ten minutes."""
    flow = Flow("expiring", steps=Late)

    @flow.step(Late.ASK, ask="Well?", timeout=minutes(10), on_timeout=on_timeout, remind=remind)  # type: ignore[arg-type]
    async def ask(turn: Turn[Late, None], answer: str) -> Directive:
        return turn.complete(answer)

    @flow.step(Late.LATE, ask="You are late. Well?")
    async def late(turn: Turn[Late, None], answer: str) -> Directive:
        return turn.complete(answer)

    return flow


async def test_b5_a_timeout_goes_to_a_step_at_its_time_and_once(rehearse: Rehearsing) -> None:
    async with rehearse(expiring(Late.LATE)) as play:
        await play.say("/start")
        assert await play.clock(minutes=9, seconds=59) == []
        assert await play.clock(seconds=1) == ["You are late. Well?"]
        assert await play.clock(days=2) == []
        await play.say("sorry")
        assert result_of((await play.endings())[0]) == "sorry"


async def test_b5_a_timeout_cancels_and_the_person_is_told(rehearse: Rehearsing) -> None:
    async with rehearse(expiring("cancel")) as play:
        await play.say("/start")
        assert await play.clock(minutes=10) == [EXPIRED]
        assert [(ending.outcome, ending.reason) for ending in await play.endings()] == [("cancelled", "timeout")]


@pytest.mark.parametrize("chosen", ["fail", None])
async def test_b5_a_timeout_fails_the_step_if_nothing_else_is_said(
    rehearse: Rehearsing, chosen: Literal["fail"] | None
) -> None:
    async with rehearse(expiring(chosen)) as play:
        await play.say("/start")
        assert await play.clock(minutes=10) == [SORRY]
        (ending,) = await play.endings()
        assert ending.error is not None
        assert (ending.error.code, ending.error.step) == ("timeout", "ask")


async def test_b5_a_timeout_calls_a_handler(rehearse: Rehearsing) -> None:
    async def ended(turn: Turn[Late, None]) -> Directive:
        turn.say("Asleep?")
        return turn.repeat()

    async with rehearse(expiring(ended)) as play:
        await play.say("/start")
        assert await play.clock(minutes=10) == ["Asleep?", "Well?"]
        assert await play.clock(minutes=10) == ["Asleep?", "Well?"], "asked again, the wait has its whole time again"
        await play.say("no")
        assert result_of((await play.endings())[0]) == "no"


async def test_b5_an_answer_in_time_clears_the_timeout(rehearse: Rehearsing) -> None:
    async with rehearse(cafe_with_timeout()) as play:
        await play.say("/start")
        await play.say("tea")
        assert await play.clock(days=1) == []
        await play.say("big")
        assert result_of((await play.endings())[0]) == "big"


def cafe_with_timeout() -> Flow[Two, None]:
    flow = Flow("cafe", steps=Two)

    @flow.step(Two.DRINK, ask="Drink?", timeout=minutes(1), on_timeout="cancel")
    async def drink(turn: Turn[Two, None], answer: str) -> Directive:
        return turn.next(Two.SIZE)

    @flow.step(Two.SIZE, ask="Size?")
    async def size(turn: Turn[Two, None], answer: str) -> Directive:
        return turn.complete(answer)

    return flow


async def test_b5_a_timeout_fires_after_a_restart_and_once_if_it_was_due_while_nothing_ran(
    rehearse: Rehearsing,
) -> None:
    async with rehearse(expiring(Late.LATE)) as play:
        await play.say("/start")
        await play.restart(minutes(1))
        assert await play.clock(minutes=9) == ["You are late. Well?"]
        await play.say("/cancel")
        await play.say("/start")
        assert await play.restart(hours(5)) == ["You are late. Well?"]
        await play.restart()
        await play.clock(days=1)
        assert play.person.texts.count("You are late. Well?") == 2


async def test_b5_a_refused_answer_does_not_prolong_the_wait(rehearse: Rehearsing) -> None:
    flow = Flow("age", steps=Only)

    @flow.step(Only.ASK, ask="How old?", timeout=minutes(10), on_timeout="cancel", retry="A number.")
    async def ask(turn: Turn[Only, None], answer: int) -> Directive:
        return turn.complete(answer)

    async with rehearse(flow) as play:
        await play.say("/start")
        await play.clock(minutes=9)
        assert await play.say("old") == ["A number."]
        assert await play.clock(minutes=1) == [EXPIRED]


async def test_b5_reminders_are_sent_before_the_timeout_and_repeat_the_question_if_they_say_nothing(
    rehearse: Rehearsing,
) -> None:
    remind = [minutes(2), (minutes(5), "Still there?")]
    async with rehearse(expiring("cancel", remind)) as play:
        await play.say("/start")
        assert await play.clock(minutes=3) == ["Well?"]
        await play.restart()
        assert await play.clock(minutes=3) == ["Still there?"]
        assert await play.clock(minutes=5) == [EXPIRED]


async def test_b5_a_reminder_repeats_a_computed_question_with_working_buttons(rehearse: Rehearsing) -> None:
    flow = Flow("computed", steps=Only)

    @flow.step(Only.ASK, ask=lambda turn: Message(f"{turn.run.user}?", buttons=[["ok"]]), remind=[minutes(1)])
    async def ask(turn: Turn[Only, None], answer: str) -> Directive:
        return turn.complete(answer)

    async with rehearse(flow) as play:
        assert await play.say("/start") == ["you? [ok]"]
        assert await play.clock(minutes=2) == ["you? [ok]"]
        assert await play.press("ok", nth=2) == [], "the buttons of the first time still count: the wait is the same"
        assert result_of((await play.endings())[0]) == "ok"


async def test_b5_an_answered_question_reminds_nobody(rehearse: Rehearsing) -> None:
    flow = Flow("cafe", steps=Two)

    @flow.step(Two.DRINK, ask="Drink?", remind=[minutes(1)])
    async def drink(turn: Turn[Two, None], answer: str) -> Directive:
        return turn.next(Two.SIZE)

    @flow.step(Two.SIZE, ask="Size?")
    async def size(turn: Turn[Two, None], answer: str) -> Directive:
        return turn.complete(answer)

    async with rehearse(flow) as play:
        await play.say("/start")
        await play.say("tea")
        assert await play.clock(days=1) == []


def chatting(**policies: object) -> Flow[Only, None]:
    """Goes on for ever."""
    flow: Flow[Only, None] = Flow("chatting", steps=Only, **policies)  # type: ignore[call-overload]

    @flow.step(Only.ASK, ask="Go on.")
    async def ask(turn: Turn[Only, None], answer: str) -> Directive:
        return turn.repeat()

    return flow


async def test_b5_ttl_ends_a_run_a_fixed_time_after_its_start_whatever_is_said(rehearse: Rehearsing) -> None:
    async with rehearse(chatting(ttl=hours(2))) as play:
        await play.say("/start")
        for _ in range(3):
            await play.clock(minutes=30)
            assert await play.say("more") == ["Go on."]
        await play.restart()
        assert await play.clock(minutes=30) == [EXPIRED]
        assert [(ending.outcome, ending.reason) for ending in await play.endings()] == [("cancelled", "ttl")]


async def test_b5_idle_ends_a_run_a_fixed_time_after_its_last_input(rehearse: Rehearsing) -> None:
    async with rehearse(chatting(idle=hours(1))) as play:
        await play.say("/start")
        for _ in range(3):
            await play.clock(minutes=59)
            assert await play.say("more") == ["Go on."]
        await play.restart()
        assert await play.clock(hours=1) == [EXPIRED]
        assert [(ending.outcome, ending.reason) for ending in await play.endings()] == [("cancelled", "idle")]


async def test_b5_who_talks_to_a_called_flow_is_not_idle_in_the_one_that_called_it(rehearse: Rehearsing) -> None:
    class Outer(StrEnum):
        CALL = "call"
        END = "end"

    outer = Flow("outer", steps=Outer, idle=hours(1))
    inner = Flow("inner", steps=Only)

    @outer.step(Outer.CALL)
    async def call(turn: Turn[Outer, None]) -> Directive:
        return turn.call(inner, then=Outer.END)

    @outer.step(Outer.END)
    async def end(turn: Turn[Outer, None]) -> Directive:
        return turn.complete(turn.result)

    @inner.step(Only.ASK, ask="Go on.")
    async def ask(turn: Turn[Only, None], answer: str) -> Directive:
        return turn.complete(answer) if answer == "enough" else turn.repeat()

    registry = Registry()
    registry.register(outer, on=[command("start")])
    registry.register_callable(inner)
    async with rehearse(registry) as play:
        await play.say("/start")
        for _ in range(4):
            await play.clock(minutes=40)
            assert await play.say("more") == ["Go on."]
        assert await play.clock(minutes=61) == [EXPIRED], "but who says nothing to either is idle"
        assert {run.status for run in await play.runs()} == {"cancelled"}


# --- B6: gathering --------------------------------------------------------------------------------------------------


async def test_b6_what_arrives_within_the_window_is_delivered_as_one_input_in_order(rehearse: Rehearsing) -> None:
    flow = Flow("album", steps=Only)

    @flow.step(Only.ASK, accepts=answers.photo(), gather=seconds(1))
    async def ask(turn: Turn[Only, None]) -> Directive:
        if turn.input is None:
            turn.say("Your photos?")
            return turn.wait("photos")
        return turn.complete([item.media[0].name for item in turn.input.items or (turn.input,)])

    async with rehearse(flow) as play:
        await play.say("/start")
        for name in ("one.jpg", "two.jpg", "three.jpg"):
            await play.share("photo", name)
        await play.restart()
        await play.clock(seconds=2)
        assert result_of((await play.endings())[0]) == ["one.jpg", "two.jpg", "three.jpg"]
        await play.say("/start")
        await play.share("photo", "single.jpg")
        await play.clock(seconds=2)
        assert result_of((await play.endings())[1]) == ["single.jpg"]


@pytest.mark.parametrize(
    ("annotation", "result"),
    [(str, "'hello\\nthere'"), (list[Media], None)],
)
async def test_b6_a_burst_becomes_one_typed_answer(rehearse: Rehearsing, annotation: object, result: Json) -> None:
    flow = Flow("burst", steps=Only)

    async def ask(turn: Turn[Only, None], answer: object) -> Directive:
        return turn.complete(repr(answer) if annotation is str else [file.name for file in answer])  # type: ignore[attr-defined]

    ask.__annotations__["answer"] = annotation
    flow.step(Only.ASK, ask="Well?", gather=seconds(1))(ask)
    async with rehearse(flow) as play:
        await play.say("/start")
        if annotation is str:
            await play.say("hello")
            await play.say("there")
        else:
            await play.share("photo", "a.jpg")
            await play.share("document", "b.pdf")
        await play.clock(seconds=1)
        assert result_of((await play.endings())[0]) == (result or ["a.jpg", "b.pdf"])


async def test_b6_a_timeout_during_the_window_waits_for_the_burst_that_is_being_collected(rehearse: Rehearsing) -> None:
    flow = Flow("burst", steps=Only)

    @flow.step(Only.ASK, ask="Well?", gather=seconds(10), timeout=seconds(60), on_timeout="cancel")
    async def ask(turn: Turn[Only, None], answer: str) -> Directive:
        return turn.complete(answer)

    async with rehearse(flow) as play:
        await play.say("/start")
        await play.clock(seconds=55)
        await play.say("wait")
        await play.clock(seconds=20)
        assert [ending.outcome for ending in await play.endings()] == ["completed"]


async def test_b5_the_flow_s_own_on_timeout_answers_waits_that_say_nothing_themselves(rehearse: Rehearsing) -> None:
    flow = Flow("expiring", steps=Only)

    @flow.step(Only.ASK, timeout=days(1))
    async def ask(turn: Turn[Only, None]) -> Directive:
        if turn.input is None:
            turn.say("Well?")
            return turn.wait("opinion")
        return turn.complete()

    @flow.on_timeout
    async def late(turn: Turn[Only, None], answer: object = None) -> Directive:
        turn.say("Never mind.")
        return turn.complete("no opinion")

    @flow.on_error
    async def wrong(turn: Turn[Only, None], error: Failure) -> Directive:
        return turn.fail("must not be asked")

    async with rehearse(flow) as play:
        await play.say("/start")
        assert await play.clock(days=1) == ["Never mind."]
        assert result_of((await play.endings())[0]) == "no opinion"
