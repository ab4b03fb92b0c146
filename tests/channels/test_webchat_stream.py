"""The event stream over real sockets: everything said arrives once, over reconnects and kills of the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import httpx
import pytest

from tests.channels.scripted import Scripted
from tests.channels.server import TOKEN
from tests.channels.serving import Event, Killable, enter, events, said_until, serving
from turnflow.channels.unread import TAIL
from turnflow.channels.webchat import WebChannel, webchat_app
from turnflow.channels.webchat.channel import STREAMS_PER_CONVERSATION
from turnflow.core.ids import ConversationId


class Place:
    """A server with one visitor."""

    def __init__(self, runtime: Scripted, channel: WebChannel, client: httpx.AsyncClient) -> None:
        self.runtime = runtime
        self.channel = channel
        self.client = client
        self._count = 0

    async def say(self, text: str) -> None:
        self._count += 1
        await self.client.post("/messages", json={"id": f"message-{self._count}", "text": text})

    async def press(self, ref: str, id: str = "press-0001") -> None:
        await self.client.post("/messages", json={"id": id, "press": ref})

    @property
    def conversation(self) -> ConversationId:
        return self.runtime.delivered[-1].conversation


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    runtime, channel = Scripted(), WebChannel()
    runtime.connect(channel)
    app = webchat_app(runtime, channel, token=TOKEN, commands={"start": "Begin"}, heartbeat=0.2)
    async with serving(app) as address, httpx.AsyncClient(base_url=address) as client:
        await enter(client)
        yield Place(runtime, channel, client)


async def first(stream: AsyncIterator[Event], name: str) -> Event:
    async for event in stream:
        if event.name == name:
            return event
    raise AssertionError(f"no {name} event")


def texts(lines: list[Event]) -> list[object]:
    return [line.data.get("text") for line in lines]


async def test_what_is_said_arrives_live_in_order(place: Place) -> None:
    async with aclosing(events(place.client)) as stream:
        hello = await anext(stream)
        assert hello == Event(
            "hello", {"commands": [{"name": "start", "about": "Begin"}], "newest": "", "earlier": False}
        )
        await place.say("/start")
        await place.say("Ada")
        lines = await said_until(stream, "How old are you?")
    assert texts(lines) == ["/start", "Hello! What is your name?", "Ada", "Nice to meet you, Ada.", "How old are you?"]
    assert [line.id for line in lines] == ["1.-1", "1.0", "2.-1", "2.0", "2.1"]


async def test_a_reader_that_comes_back_gets_exactly_what_it_missed(place: Place) -> None:
    await place.say("/start")
    async with aclosing(events(place.client)) as stream:
        seen = await said_until(stream, "Hello! What is your name?")
    await place.say("Ada")
    await place.say("36")
    async with aclosing(events(place.client, after=seen[-1].id)) as stream:
        missed = await said_until(stream, "Ada, 36 years old. Is that right?")
    assert [line.id for line in missed] == ["2.-1", "2.0", "2.1", "3.-1", "3.0"]


async def test_a_long_absence_is_made_up_for_completely(place: Place) -> None:
    await place.say("/start")
    for number in range(2 * TAIL + 30):
        await place.runtime.tell(place.conversation, f"reminder {number}")
    async with aclosing(events(place.client, after="1.0")) as stream:
        lines = await said_until(stream, f"reminder {2 * TAIL + 29}")
        await place.runtime.tell(place.conversation, "one more")
        more = await said_until(stream, "one more")
    assert texts(lines) == [f"reminder {number}" for number in range(2 * TAIL + 30)]
    assert texts(more) == ["one more"]


async def test_a_new_reader_starts_at_the_newest_lines(place: Place) -> None:
    await place.say("/start")
    for number in range(TAIL + 30):
        await place.runtime.tell(place.conversation, f"reminder {number}")
    async with aclosing(events(place.client)) as stream:
        hello = await anext(stream)
        lines = await said_until(stream, f"reminder {TAIL + 29}")
    assert hello.data["earlier"] is True
    assert 0 < len(lines) <= TAIL


async def test_a_reader_from_another_store_starts_afresh(place: Place) -> None:
    await place.say("/start")
    async with aclosing(events(place.client, after="900.3")) as stream:
        hello = await anext(stream)
        lines = await said_until(stream, "Hello! What is your name?")
    assert hello.data["newest"] == "1.0"
    assert len(lines) == 2


async def test_a_line_that_turns_up_late_is_shown_and_moves_no_cursor_back(place: Place) -> None:
    await place.say("/start")
    await place.runtime.tell(place.conversation, "earlier")
    await place.runtime.tell(place.conversation, "later")
    turns = place.runtime.turns[place.conversation]
    late = turns.pop(1)
    async with aclosing(events(place.client)) as stream:
        await said_until(stream, "later")
        turns.insert(1, late)
        place.channel.wake(place.conversation)
        (line,) = await said_until(stream, "earlier")
        assert ((line.data["seq"], line.data["index"]), line.id) == ((2, 0), "")
        await place.say("Ada")
        assert texts(await said_until(stream, "How old are you?")) == [
            "Ada",
            "Nice to meet you, Ada.",
            "How old are you?",
        ]


async def test_an_answer_to_a_press_is_shown_once_and_not_kept(place: Place) -> None:
    await place.say("/start")
    async with aclosing(events(place.client)) as stream:
        await said_until(stream, "Hello! What is your name?")
        await place.press("dead:button")
        answer = await first(stream, "press")
    assert answer == Event("press", {"id": "press-0001", "text": "This button is no longer active."})
    async with aclosing(events(place.client)) as stream:
        await said_until(stream, "Hello! What is your name?")
        await place.say("Ada")
        names = [(await anext(stream)).name for _ in range(3)]
    assert "press" not in names


async def test_readers_are_told_which_buttons_still_mean_something(place: Place) -> None:
    for text in ("/start", "Ada", "36"):
        await place.say(text)
    async with aclosing(events(place.client)) as stream:
        assert (await first(stream, "live")).data == {"live": ["3.0"]}
        await place.press("3:yes")
        assert (await first(stream, "live")).data == {"live": []}


async def test_a_quiet_stream_shows_that_it_is_alive(place: Place) -> None:
    async with place.client.stream("GET", "/events") as response, asyncio.timeout(5):
        async for line in response.aiter_lines():
            if line.startswith(":"):
                return
    pytest.fail("no heartbeat")


async def test_lines_that_nobody_announced_arrive_with_the_heartbeat(place: Place) -> None:
    await place.say("/start")
    place.runtime.channels.clear()
    async with aclosing(events(place.client)) as stream:
        await said_until(stream, "Hello! What is your name?")
        await place.runtime.tell(place.conversation, "from another process")
        await said_until(stream, "from another process")


async def test_a_stream_ends_when_the_store_goes_away_and_goes_on_afterwards(place: Place) -> None:
    await place.say("/start")
    async with aclosing(events(place.client)) as stream:
        await said_until(stream, "Hello! What is your name?")
        place.runtime.is_away = True
        assert [event.name async for event in stream] == ["live"]
    place.runtime.is_away = False
    await place.runtime.tell(place.conversation, "back again")
    async with aclosing(events(place.client, after="1.0")) as stream:
        assert texts(await said_until(stream, "back again")) == ["back again"]


async def test_too_many_streams_of_one_conversation_are_refused(place: Place) -> None:
    async with (
        asyncio.timeout(10),
        httpx.AsyncClient(base_url=place.client.base_url, cookies=place.client.cookies) as other,
    ):
        streams = [events(other) for _ in range(STREAMS_PER_CONVERSATION)]
        for stream in streams:
            await anext(stream)
        refused = await place.client.get("/events")
        assert refused.status_code == 429
        for stream in streams:
            await stream.aclose()
        while (await _status(place.client)) != 200:
            await asyncio.sleep(0.05)


async def test_closing_the_channel_ends_the_streams(place: Place) -> None:
    async with aclosing(events(place.client)) as stream:
        await anext(stream)
        place.channel.close()
        async with asyncio.timeout(5):
            assert "said" not in [event.name async for event in stream]
    assert (await place.client.get("/events")).status_code == 503


async def test_no_line_is_lost_or_repeated_over_kills_of_the_server(tmp_path: Path) -> None:
    server = Killable(tmp_path / "said.jsonl")
    seen: list[str] = []
    try:
        await server.start()
        async with httpx.AsyncClient(base_url=server.address) as client:
            await enter(client)
            for number in range(3):
                await _post(client, number, "/start")
                async with aclosing(events(client, after=seen[-1] if seen else "")) as stream:
                    seen += [line.id for line in await said_until(stream, "Hello! What is your name?")]
                    await _post(client, 100 + number, f"Visitor {number}")
                    server.kill()
                    await server.start()
                async with aclosing(events(client, after=seen[-1])) as stream:
                    seen += [line.id for line in await said_until(stream, "How old are you?")]
                # The page cannot know whether its last post arrived, and sends it again.
                assert (await _post(client, 100 + number, f"Visitor {number}"))["outcome"] == "duplicate"
    finally:
        server.kill()
    assert seen == [f"{seq}.{index}" for turn in (1, 3, 5) for seq, index in
                    [(turn, -1), (turn, 0), (turn + 1, -1), (turn + 1, 0), (turn + 1, 1)]]  # fmt: skip


async def _post(client: httpx.AsyncClient, number: int, text: str) -> dict[str, str]:
    response = await client.post("/messages", json={"id": f"message-{number}", "text": text})
    outcome: dict[str, str] = response.json()
    return outcome


async def _status(client: httpx.AsyncClient) -> int:
    async with client.stream("GET", "/events") as response:
        return response.status_code
