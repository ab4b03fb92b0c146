"""The recorded bot: what it keeps, and the ways in which it fails."""

from __future__ import annotations

from contextlib import suppress

import pytest

from tests.testing.flows import greeting
from turnflow.core.ids import ConversationId, EffectKey
from turnflow.core.messages import Button, Media, Message
from turnflow.errors import RetryLater, Undeliverable
from turnflow.ports import Outbound
from turnflow.testing import RecordedBot, Rehearsal

ROOM = ConversationId("chat:you")


def outbound(key: str, message: Message) -> Outbound:
    return Outbound(ROOM, 1, 0, EffectKey(key), message)


async def test_it_shows_each_reply_once_and_keeps_all_copies() -> None:
    bot = RecordedBot()
    for key in ("a", "b", "a"):
        await bot.send(outbound(key, Message(key)))
    await bot.send(outbound("press:1", Message()))
    assert bot.texts(ROOM) == ["a", "b"]
    assert (len(bot.sent), bot.copies()) == (4, 1)


async def test_replies_look_as_they_do_in_transcripts() -> None:
    bot = RecordedBot()
    link = Button("more", url="https://example.org")
    await bot.send(outbound("a", Message("Sure?", [[Button("yes", ref="~1.2:yes"), "no"], [link]])))
    await bot.send(outbound("b", Message("", media=(Media("photo", "id1", "cat.jpg"),))))
    assert bot.texts(ROOM) == ["Sure? [yes] [no] [more]", "(photo cat.jpg)"]


async def test_a_button_is_found_by_its_label_newest_first() -> None:
    bot = RecordedBot()
    for number in (1, 2):
        await bot.send(outbound(f"{number}", Message("Sure?", [[Button("yes", ref=f"~{number}.1:yes")]])))
    assert bot.button(ROOM, "yes").ref == "~2.1:yes"
    assert bot.button(ROOM, "yes", 2).ref == "~1.1:yes"
    with pytest.raises(LookupError, match=r"no such button \[no\]; the buttons so far, newest first: \[yes\]"):
        bot.button(ROOM, "no")
    with pytest.raises(LookupError, match=r"no such button \[yes\]"):
        bot.button(ROOM, "yes", 3)


@pytest.mark.parametrize(
    ("error", "delivered", "copies", "doubtful"),
    [
        (RetryLater(30), False, 0, 0),
        (ConnectionResetError(), False, 0, 1),
        (ConnectionResetError(), True, 1, 1),
    ],
)
async def test_a_reply_that_fails_is_sent_again_and_doubt_is_on_record(
    error: Exception, delivered: bool, copies: int, doubtful: int
) -> None:
    async with Rehearsal(greeting) as play:
        play.bot.fail(error, delivered=delivered)
        await play.say("/start")
        assert play.bot.attempts == 1
        await play.clock(seconds=30)
        assert play.person.texts == ["Name?"]
        found = await play.check()
        assert (play.bot.attempts, found.copies, found.doubtful) == (2, copies, doubtful)


async def test_what_can_never_be_delivered_does_not_stop_what_follows() -> None:
    async with Rehearsal(greeting) as play:
        play.bot.fail(Undeliverable("blocked"))
        assert await play.say("/start") == []
        assert await play.say("Ada") == ["Age?"]
        await play.check()


async def test_failures_happen_in_the_order_in_which_they_were_asked_for() -> None:
    bot = RecordedBot()
    bot.fail(RetryLater(1), times=2)
    bot.fail(Undeliverable("gone"))
    seen = []
    for _ in range(4):
        with suppress(RetryLater, Undeliverable):
            seen.append(await bot.send(outbound("a", Message("a"))))
    assert (bot.attempts, len(seen)) == (4, 1)
