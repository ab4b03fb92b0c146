"""Who gets in, what is refused and how, over HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from litestar import Litestar

from tests.channels.scripted import Scripted
from tests.channels.server import TOKEN
from tests.channels.serving import enter, inside
from turnflow.channels.webchat import WebChannel, webchat_app
from turnflow.errors import InvalidValue

BASE = "http://127.0.0.1"
ID = "0123456789abcdef"


@pytest.fixture
def runtime() -> Scripted:
    return Scripted()


@pytest.fixture
def app(runtime: Scripted) -> Litestar:
    channel = WebChannel()
    runtime.connect(channel)
    return webchat_app(runtime, channel, token=TOKEN, title="<Acme> & Co")


@pytest.fixture
async def client(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    """A browser without a session."""
    transport = inside(app)
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
        yield client


@pytest.fixture
async def visitor(client: httpx.AsyncClient) -> httpx.AsyncClient:
    await enter(client)
    return client


async def say(client: httpx.AsyncClient, text: str, id: str = ID, **headers: str) -> httpx.Response:
    return await client.post("/messages", json={"id": id, "text": text}, headers=headers)


def code(response: httpx.Response) -> str:
    error = response.json()["error"]
    assert set(error) == {"code", "message", "request"}
    assert error["request"] == response.headers["x-request-id"]
    assert "Traceback" not in response.text
    return str(error["code"])


async def test_without_a_session_the_page_says_what_to_do(client: httpx.AsyncClient) -> None:
    response = await client.get("/")
    assert response.status_code == 401
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "access link" in response.text


async def test_the_title_cannot_inject_markup(visitor: httpx.AsyncClient) -> None:
    page = await visitor.get("/")
    assert page.status_code == 200
    assert "<title>&lt;Acme&gt; &amp; Co</title>" in page.text
    assert "{{" not in page.text


@pytest.mark.parametrize("path", ["/events", "/history"])
async def test_nothing_of_a_conversation_is_read_without_a_session(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path)
    assert (response.status_code, code(response)) == (401, "no_session")


async def test_nothing_is_said_without_a_session(client: httpx.AsyncClient, runtime: Scripted) -> None:
    response = await say(client, "/start")
    assert (response.status_code, code(response)) == (401, "no_session")
    assert runtime.delivered == []


async def test_the_wrong_token_opens_nothing(client: httpx.AsyncClient) -> None:
    for token in ("", "x" * 40, TOKEN[:-1], TOKEN + "x", "\ud800"):
        body = json.dumps({"token": token})
        response = await client.post("/session", content=body, headers={"content-type": "application/json"})
        assert (response.status_code, code(response)) == (401, "wrong_token")
        assert "set-cookie" not in response.headers


async def test_the_token_in_a_query_string_opens_nothing(client: httpx.AsyncClient) -> None:
    response = await client.get("/", params={"token": TOKEN})
    assert response.status_code == 401


async def test_the_session_cookie_is_strict_and_hidden_from_scripts(client: httpx.AsyncClient) -> None:
    response = await client.post("/session", json={"token": TOKEN})
    cookie = response.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Secure" not in cookie
    assert TOKEN not in cookie


async def test_off_loopback_the_cookie_is_secure(runtime: Scripted) -> None:
    app = webchat_app(runtime, WebChannel(), token=TOKEN, hosts=["chat.example"])
    for base in ("https://chat.example", "http://chat.example"):
        async with httpx.AsyncClient(transport=inside(app), base_url=base) as client:
            response = await client.post("/session", json={"token": TOKEN})
            assert "Secure" in response.headers["set-cookie"]


async def test_a_session_survives_a_new_server_with_the_same_token(visitor: httpx.AsyncClient) -> None:
    runtime = Scripted()
    for token, status in ((TOKEN, 200), ("another-token-of-more-than-32-characters", 401)):
        transport = inside(webchat_app(runtime, WebChannel(), token=token))
        async with httpx.AsyncClient(transport=transport, base_url=BASE, cookies=visitor.cookies) as client:
            assert (await client.get("/")).status_code == status


async def test_opening_the_link_again_keeps_the_conversation(visitor: httpx.AsyncClient, runtime: Scripted) -> None:
    await say(visitor, "/start", "first-message")
    await enter(visitor)
    await say(visitor, "Ada", "second-message")
    one, other = runtime.delivered
    assert one.conversation == other.conversation
    assert one.conversation.startswith("web:")
    assert one.input.sender == other.input.sender


async def test_a_forged_or_damaged_cookie_is_no_session(visitor: httpx.AsyncClient) -> None:
    ((name, value),) = visitor.cookies.items()
    id, _, signature = value.partition(".")
    for forged in ("", ".", id, f"{id}.", f"{id[:-1]}x.{signature}", f"{id}.{signature[:-1]}", f"{id}.é", "x" * 4000):
        visitor.cookies.clear()
        response = await visitor.get("/history", headers={b"cookie": f"{name}={forged}".encode()})
        assert response.status_code == 401


async def test_two_visitors_have_two_conversations(app: Litestar, runtime: Scripted) -> None:
    for id in ("message-one", "message-two"):
        async with httpx.AsyncClient(transport=inside(app), base_url=BASE) as client:
            await enter(client)
            await say(client, "/start", id)
    one, other = runtime.delivered
    assert one.conversation != other.conversation
    assert one.input.sender != other.input.sender


async def test_a_retry_with_the_same_id_is_told_to_be_a_duplicate(visitor: httpx.AsyncClient) -> None:
    assert (await say(visitor, "/start")).json() == {"outcome": "handled"}
    assert (await say(visitor, "/start")).json() == {"outcome": "duplicate"}
    lines = (await visitor.get("/history")).json()["lines"]
    assert [line["text"] for line in lines] == ["/start", "Hello! What is your name?"]


async def test_input_that_nobody_wants_is_told_politely(visitor: httpx.AsyncClient) -> None:
    response = await say(visitor, "anybody there?")
    assert response.status_code == 200
    assert response.json()["outcome"] == "unclaimed"


async def test_a_press_on_a_dead_button_is_told(visitor: httpx.AsyncClient) -> None:
    await say(visitor, "/start")
    response = await visitor.post("/messages", json={"id": "press-0001", "press": "old:yes"})
    assert response.status_code == 200
    assert response.json() == {"outcome": "handled", "reason": "This button is no longer active."}


async def test_a_limit_of_the_runtime_is_a_429_with_its_reason(visitor: httpx.AsyncClient) -> None:
    response = await say(visitor, "flood")
    assert (response.status_code, code(response)) == (429, "refused")
    assert "100 messages" in response.text
    assert response.headers["retry-after"]


async def test_while_the_store_is_away_the_page_is_told_to_come_back(
    visitor: httpx.AsyncClient, runtime: Scripted
) -> None:
    runtime.is_away = True
    response = await say(visitor, "/start")
    assert (response.status_code, code(response)) == (503, "away")
    runtime.is_away = False
    assert (await say(visitor, "/start")).json() == {"outcome": "handled"}


async def test_a_defect_shows_a_request_id_and_nothing_else(
    visitor: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    response = await say(visitor, "boom")
    assert (response.status_code, code(response)) == (500, "internal")
    assert "secret detail" not in response.text
    assert response.headers["x-request-id"] in caplog.text


@pytest.mark.parametrize("size", [70_000, 1_100_000])
async def test_a_body_over_64_kib_is_refused(visitor: httpx.AsyncClient, runtime: Scripted, size: int) -> None:
    response = await say(visitor, "x" * size)
    assert (response.status_code, code(response)) == (413, "too_large")
    assert runtime.delivered == []


async def test_a_long_body_without_a_length_is_refused(visitor: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 4096

    response = await visitor.post("/messages", content=endless(), headers={"content-type": "application/json"})
    assert (response.status_code, code(response)) == (413, "too_large")


async def test_text_over_32_kib_is_refused(visitor: httpx.AsyncClient) -> None:
    response = await say(visitor, "x" * 40_000)
    assert (response.status_code, code(response)) == (413, "text_too_long")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""])
async def test_only_json_is_taken(visitor: httpx.AsyncClient, kind: str) -> None:
    body = b'{"id": "0123456789abcdef", "text": "/start"}'
    response = await visitor.post("/messages", content=body, headers={"content-type": kind})
    assert (response.status_code, code(response)) == (415, "not_json")


async def test_a_bomb_of_nested_json_is_refused(visitor: httpx.AsyncClient) -> None:
    response = await visitor.post("/messages", content=b"[" * 60_000, headers={"content-type": "application/json"})
    assert (response.status_code, code(response)) == (400, "bad_json")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "127.0.0.1@evil.example", "[::1", "x:y:z"])
@pytest.mark.parametrize("path", ["/", "/history", "/assets/chat.js", "/nowhere"])
async def test_other_host_names_are_refused_everywhere(visitor: httpx.AsyncClient, host: str, path: str) -> None:
    response = await visitor.get(path, headers={"host": host})
    assert response.status_code in (400, 421)
    assert "<html" not in response.text


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8000", "localhost", "LOCALHOST:80"])
async def test_the_allowed_host_names_are_answered_on_any_port(visitor: httpx.AsyncClient, host: str) -> None:
    assert (await visitor.get("/assets/chat.js", headers={"host": host})).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:81"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
async def test_other_sites_can_neither_say_nor_read_anything(
    visitor: httpx.AsyncClient, runtime: Scripted, headers: dict[str, str]
) -> None:
    tries = [
        await visitor.post("/session", json={"token": TOKEN}, headers=headers),
        await say(visitor, "/start", **headers),
        await visitor.get("/events", headers=headers),
        await visitor.get("/history", headers=headers),
    ]
    assert [(one.status_code, code(one)) for one in tries] == [(403, "wrong_origin")] * 4
    assert runtime.delivered == []
    assert not any(name.startswith("access-control") for one in tries for name in one.headers)


async def test_the_own_origin_is_let_through(visitor: httpx.AsyncClient) -> None:
    headers = {"origin": BASE, "sec-fetch-site": "same-origin"}
    assert (await say(visitor, "/start", **headers)).status_code == 200


async def test_every_response_carries_the_security_headers(visitor: httpx.AsyncClient) -> None:
    responses = [
        await visitor.get("/"),
        await visitor.get("/assets/chat.js"),
        await visitor.get("/nowhere"),
        await visitor.delete("/messages"),
        await say(visitor, "/start"),
        await say(visitor, "boom", "another-id"),
    ]
    for response in responses:
        policy = response.headers["content-security-policy"]
        for part in ("default-src 'none'", "script-src 'self'", "base-uri 'none'", "frame-ancestors 'none'"):
            assert part in policy
        assert "unsafe" not in policy
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert response.headers["x-request-id"]


async def test_unknown_addresses_and_methods_have_an_outcome(visitor: httpx.AsyncClient) -> None:
    paths = ["/nowhere", "/assets/none.js", "/assets/..%2f..%2fapp.py", "/assets/index.html", "/a/b/c"]
    for path in paths:
        assert code(await visitor.get(path)) == "not_found"
    assert code(await visitor.put("/nowhere")) == "not_found"
    response = await visitor.delete("/messages")
    assert (response.status_code, code(response)) == (405, "wrong_method")


async def test_get_changes_nothing(visitor: httpx.AsyncClient, runtime: Scripted) -> None:
    assert (await visitor.get("/messages", params={"id": ID, "text": "/start"})).status_code in (404, 405)
    assert runtime.delivered == []


async def test_assets_have_their_types_and_are_revalidated(client: httpx.AsyncClient) -> None:
    types = {"chat.js": "text/javascript", "chat.css": "text/css", "icon.svg": "image/svg+xml", "door.js": "text/java"}
    for name, media_type in types.items():
        response = await client.get(f"/assets/{name}")
        assert response.headers["content-type"].startswith(media_type)
        assert response.headers["cache-control"] == "no-cache"
        again = await client.get(f"/assets/{name}", headers={"if-none-match": response.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


async def test_what_people_said_is_not_cached(visitor: httpx.AsyncClient) -> None:
    for response in (await visitor.get("/"), await visitor.get("/history"), await say(visitor, "/start")):
        assert response.headers["cache-control"] == "no-store"


async def test_the_history_can_be_read_back_in_larger_pieces(visitor: httpx.AsyncClient) -> None:
    for number in range(5):
        await say(visitor, "/start", f"message-{number}")
    piece = (await visitor.get("/history", params={"count": 3})).json()
    assert len(piece["lines"]) == 3
    assert piece["more"] is True
    whole = (await visitor.get("/history", params={"count": 100})).json()
    assert len(whole["lines"]) == 10
    assert whole["more"] is False


@pytest.mark.parametrize("count", ["x", "1e9", "", "-1", "0", "٣"])
async def test_a_count_that_is_no_number_is_refused(visitor: httpx.AsyncClient, count: str) -> None:
    assert code(await visitor.get("/history", params={"count": count})) == "bad_count"


async def test_the_app_works_under_a_path_of_another_app(app: Litestar) -> None:
    transport = inside(app, root_path="/support/chat")
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
        await client.post("/support/chat/session", json={"token": TOKEN})
        page = await client.get("/support/chat/")
        assert page.status_code == 200
        assert 'src="/support/chat/assets/chat.js"' in page.text
        assert (await client.get("/support/chat/assets/chat.js")).status_code == 200
        assert (await client.post("/support/chat/messages", json={"id": ID, "text": "/start"})).status_code == 200


def test_a_short_token_is_refused_with_the_remedy() -> None:
    with pytest.raises(InvalidValue, match="32"):
        webchat_app(Scripted(), WebChannel(), token="short")
