"""Secrets: named where they are used, resolved at the last moment, and nowhere to be found afterwards."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from pathlib import Path

import pytest

from tests.actions.servers import LOOPBACK, Asked, as_json, builtin, call, context, field, resolver, response, serving
from turnflow.actions import Connection, HttpPolicy, redact, resolve_secrets
from turnflow.actions.secrets import FILE_LIMIT, REDACTED
from turnflow.core.ids import Json
from turnflow.errors import AuthorError, UserCodeError

PLANTED = 'pl4nted/"word"+ü'
ASCII = "pl4nted/word+&="


@pytest.fixture(autouse=True)
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANTED", PLANTED)
    monkeypatch.setenv("ASCII", ASCII)
    monkeypatch.setenv("EMPTY", "")


def test_references_are_replaced_at_any_depth(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("from a file\n")
    value: Json = {
        "a": [{"b": {"$secret": "env:PLANTED"}}, 1, None],
        "c": {"$secret": f"file:{file}"},
        "d": "env:PLANTED",
    }
    resolved, texts = resolve_secrets(value, None)
    assert resolved == {"a": [{"b": PLANTED}, 1, None], "c": "from a file", "d": "env:PLANTED"}
    assert texts == (PLANTED, "from a file")
    assert "$secret" in json.dumps(value)


def test_a_prefix_stands_before_the_secret() -> None:
    assert resolve_secrets({"$secret": "env:ASCII", "prefix": "Bearer "}, None) == (f"Bearer {ASCII}", (ASCII,))


@pytest.mark.parametrize(
    "reference",
    [
        "env:NOT_SET", "env:EMPTY", "env:", "file:relative", "file:/nowhere/at/all", "file:/", "vault:x", "PLANTED", "", 1, None,
        {"$secret": "env:ASCII"},
    ],
)  # fmt: skip
def test_a_reference_to_nothing_is_a_coded_failure(reference: Json) -> None:
    with pytest.raises(UserCodeError) as caught:
        resolve_secrets([{"$secret": reference}], None)
    assert caught.value.code == "secret"


def test_a_malformed_reference_is_no_ordinary_value() -> None:
    with pytest.raises(UserCodeError, match="prefix"):
        resolve_secrets({"$secret": "env:ASCII", "other": 1}, None)


def test_files_that_are_no_secret_are_not_read(tmp_path: Path) -> None:
    for name, content in (("empty", b"\n"), ("large", b"x" * (FILE_LIMIT + 1)), ("binary", b"\xff\xfe")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserCodeError) as caught:
            resolve_secrets({"$secret": f"file:{tmp_path / name}"}, None)
        assert caught.value.code == "secret"


def test_only_listed_references_may_be_used() -> None:
    assert resolve_secrets({"$secret": "env:ASCII"}, ["env:ASCII"])[0] == ASCII
    for allowed in ((), ["env:OTHER"], ["ASCII"], ["env:*"]):
        with pytest.raises(UserCodeError, match="may not be used") as caught:
            resolve_secrets({"$secret": "env:ASCII"}, allowed)
        assert caught.value.code == "secret"


@pytest.mark.parametrize("secret", [PLANTED, ASCII, "12345", "a.b*c(", "\\d+"])
def test_a_secret_is_taken_out_however_it_is_written(secret: str) -> None:
    from urllib.parse import quote, quote_plus

    forms = [secret, quote(secret), quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]]
    forms.append(base64.b64encode(secret.encode()).decode())
    value: Json = {
        "deep": [{f"key {secret}": [f"before {form} after" for form in forms]}],
        "plain": "word",
        "n": 1,
        "t": True,
    }
    expected: Json = {
        "deep": [{f"key {REDACTED}": [f"before {REDACTED} after"] * len(forms)}], "plain": "word", "n": 1, "t": True,
    }  # fmt: skip
    assert redact(value, [secret], ()) == expected


def test_a_secret_number_is_taken_out() -> None:
    assert redact([4711, 47110, "4711", 4711.0], ["4711"], ()) == [REDACTED, 47110, REDACTED, 4711.0]


def test_a_secret_within_a_secret_leaves_no_rest() -> None:
    assert redact("abcdef abc", ["abc", "abcdef"], ()) == f"{REDACTED} {REDACTED}"


def test_what_stands_under_a_telling_name_is_taken_out() -> None:
    value: Json = {"Api-Key": "k", "user": {"PASSWORD": ["p"], "name": "Ada"}, "token": None, "cookie": ""}
    assert redact(value, ()) == {
        "Api-Key": REDACTED, "user": {"PASSWORD": REDACTED, "name": "Ada"}, "token": None, "cookie": "",
    }  # fmt: skip
    assert redact(value, (), ()) == value
    assert redact({"pin": 1}, (), ["PIN"]) == {"pin": REDACTED}
    reference: Json = {"token": {"$secret": "env:ASCII"}}
    assert redact(reference, ()) == reference


async def echo(asked: Asked, writer: asyncio.StreamWriter) -> None:
    """Send back everything that came, in a header too."""
    told = [asked.path, asked.body.decode(), *asked.headers.values()]
    writer.write(response(json.dumps(told).encode(), f"X-Key: {asked.headers.get('x-key')}", kind="application/json"))


async def test_a_flow_uses_a_secret_that_the_result_does_not_hold(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    reference: Json = {"$secret": "env:ASCII"}
    argument: Json = {
        "headers": {"x-key": reference},
        "query": {"k": reference},
        "json": {"deep": [reference, "plain"]},
    }
    async with serving(echo) as server:
        assert isinstance(argument, dict)
        found = await call("http.post", {"url": server.url(), **argument}, secrets=["env:ASCII"])
        assert server.asked[0].headers["x-key"] == ASCII
        assert json.loads(server.asked[0].body) == {"deep": [ASCII, "plain"]}
    assert "plain" in json.dumps(found)
    assert "pl4nted" not in json.dumps(found)
    assert "pl4nted" not in caplog.text


@pytest.mark.parametrize("kind", ["text/plain", "image/png", "application/x-unknown"])
async def test_a_secret_in_a_body_of_any_type_is_taken_out(kind: str) -> None:
    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(response(f"before {asked.headers['x-key']} after".encode(), kind=kind))

    async with serving(answer) as server:
        argument: Json = {"url": server.url(), "headers": {"x-key": {"$secret": "env:ASCII"}}}
        found = await call("http.get", argument, secrets=None)
    body = str(field(found, "body"))
    text = base64.b64decode(body).decode() if field(found, "base64") else body
    assert text == f"before {REDACTED} after"


async def test_failures_do_not_tell_the_secret() -> None:
    async with serving(response(status="403 Forbidden")) as server:
        for path in ("/", f"/{ASCII}"):
            argument: Json = {"url": server.url(path), "headers": {"x-key": {"$secret": "env:ASCII"}}}
            with pytest.raises(UserCodeError) as caught:
                await call("http.get", argument, secrets=["env:ASCII"])
            assert caught.value.code == "http.403"
            assert "pl4nted" not in str(caught.value)
    with pytest.raises(UserCodeError) as caught:
        await call(
            "http.get", {"url": "https://a.test", "headers": {"x-key": {"$secret": "env:PLANTED"}}}, secrets=None
        )
    assert caught.value.code == "http.invalid"
    assert "pl4nted" not in str(caught.value)


async def test_a_flow_may_use_no_secret_unless_the_server_lists_it() -> None:
    async with serving(echo) as server:
        with pytest.raises(UserCodeError) as caught:
            await call("http.post", {"url": server.url(), "json": {"$secret": "env:ASCII"}})
    assert caught.value.code == "secret"
    assert not server.asked


async def test_other_actions_do_not_resolve_references() -> None:
    reference: Json = {"$secret": "env:ASCII"}
    assert await call("transform", reference, secrets=None) == reference


async def test_a_connection_brings_address_and_credentials() -> None:
    async with serving(echo) as server:
        shop = Connection("shop", server.url("/v2/"), {"x-key": {"$secret": "env:ASCII"}, "accept": "application/json"})
        argument: Json = {
            "connection": "shop",
            "url": "orders/7?full=1",
            "headers": {"X-Key": "mine", "accept": "text/html"},
        }
        found = await call("http.get", argument, connections=[shop])
        await call("http.get", {"connection": "shop", "url": ""}, connections=[shop])
    asked, root = server.asked
    assert (asked.path, root.path) == ("/v2/orders/7?full=1", "/v2")
    assert (asked.headers["x-key"], asked.headers["accept"]) == (ASCII, "application/json")
    assert "pl4nted" not in json.dumps(found)


@pytest.mark.parametrize(
    "url",
    ["https://evil.test/", "//evil.test/", "../admin", "/a/../../admin", "%2e%2e/admin", "..\\admin"],
)
async def test_a_connection_leads_nowhere_else(url: str) -> None:
    async with serving(echo) as server:
        shop = Connection("shop", server.url("/v2"), {"x-key": {"$secret": "env:ASCII"}})
        with pytest.raises(UserCodeError) as caught:
            await call("http.get", {"connection": "shop", "url": url}, connections=[shop], resolve=resolver())
        assert caught.value.code in ("http.refused", "http.invalid")
    assert not server.asked


async def test_a_connection_is_under_the_policy_too() -> None:
    shop = Connection("shop", "http://127.0.0.1:9/")
    for policy in (HttpPolicy(), HttpPolicy(allow_http=True)):
        with pytest.raises(UserCodeError) as caught:
            await call("http.get", {"connection": "shop", "url": "/"}, policy, connections=[shop])
        assert caught.value.code == "http.refused"


async def test_the_credentials_of_a_connection_go_to_no_other_server() -> None:
    async with serving(as_json("there")) as other:
        async with serving(response(b"", f"Location: {other.url()}", status="302 Found")) as server:
            shop = Connection("shop", server.url(), {"x-key": {"$secret": "env:ASCII"}})
            await call("http.get", {"connection": "shop", "url": "/", "redirects": 1}, connections=[shop])
    assert server.asked[0].headers["x-key"] == ASCII
    assert "x-key" not in other.asked[0].headers


async def test_an_unknown_connection_is_named() -> None:
    with pytest.raises(UserCodeError, match=r"no connection 'shp' is configured; there are: shop") as caught:
        await call("http.get", {"connection": "shp", "url": "/"}, connections=[Connection("shop", "https://a.test")])
    assert caught.value.code == "http.invalid"


@pytest.mark.parametrize("base", ["", "/v2", "a.test", "https://u:p@a.test", "https://a.test/?k=1", "https://[::1"])
def test_a_connection_without_an_address_is_refused_when_it_is_made(base: str) -> None:
    with pytest.raises(AuthorError, match="connection 'shop'"):
        Connection("shop", base)


def test_names_of_connections_are_unique() -> None:
    twice = [Connection("shop", "https://a.test"), Connection("shop", "https://b.test")]
    with pytest.raises(AuthorError, match="two connections"):
        builtin("log", LOOPBACK, connections=twice)
    with pytest.raises(AuthorError, match="not one text"):
        builtin("log", LOOPBACK, secrets="env:ASCII")
    assert context().services is None
