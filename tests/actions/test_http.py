"""`http.*`: what goes out, what comes in, and what cannot happen to the process that asks."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import logging
import ssl
import tracemalloc
import zlib
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
import trustme

from tests.actions.servers import LOOPBACK, Asked, as_json, builtin, call, context, field, resolver, response, serving
from turnflow.actions import HttpPolicy
from turnflow.actions.outbound.policy import BODY_LIMIT
from turnflow.core.ids import Json
from turnflow.errors import UserCodeError


class Secure(NamedTuple):
    """What a server called shop.test and those who trust it need."""

    server: ssl.SSLContext
    authority: str
    """File of the authority that vouches for it."""


@pytest.fixture
def secure(tmp_path: Path) -> Secure:
    """A certificate authority of this test alone, and a server it vouches for."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("shop.test").configure_cert(context)
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    return Secure(context, str(file))


async def fails(code: str, argument: dict[str, object], name: str = "http.get", **options: object) -> str:
    """Return the message of a call that fails with this code."""
    with pytest.raises(UserCodeError) as caught:
        await call(name, json.loads(json.dumps(argument)), **options)  # type: ignore[arg-type]  # because options are handed on
    assert caught.value.code == code
    return str(caught.value)


async def test_a_json_answer_is_status_headers_and_value() -> None:
    async with serving(as_json({"items": [1, 2.5, None]})) as server:
        found = await call("http.get", {"url": server.url("/a?x=1"), "query": {"y": ["b c", True], "z": 3}})
    assert field(found, "status") == 200
    assert field(found, "body") == {"items": [1, 2.5, None]}
    assert field(found, "headers", "content-type") == "application/json"
    assert field(found, "base64") is False
    assert (server.asked[0].method, server.asked[0].path) == ("GET", "/a?x=1&y=b+c&y=true&z=3")


async def test_text_is_text_in_its_charset_and_anything_else_is_base64() -> None:
    async with serving(response("Käse".encode("latin-1"), kind="text/plain; charset=iso-8859-1")) as server:
        assert field(await call("http.get", {"url": server.url()}), "body") == "Käse"
    async with serving(response(b"\x89PNG\x00", kind="image/png")) as server:
        found = await call("http.get", {"url": server.url()})
        assert field(found, "base64") is True
        assert base64.b64decode(str(field(found, "body"))) == b"\x89PNG\x00"
    async with serving(response("Käse".encode(), kind='Text/Plain; Format=flowed; Charset="UTF-8"')) as server:
        assert field(await call("http.get", {"url": server.url()}), "body") == "Käse"
    async with serving(response(b"\xef\xbb\xbf[1]", kind="application/json; charset=utf-8")) as server:
        assert field(await call("http.get", {"url": server.url()}), "body") == [1]
    async with serving(response(b"<a/>", kind="text/plain; charset=unicode_escape")) as server:
        assert field(await call("http.get", {"url": server.url()}), "body") == "<a/>"


@pytest.mark.parametrize("answer", [response(status="204 No Content"), response(kind="application/json")])
async def test_an_empty_body_is_null(answer: bytes) -> None:
    async with serving(answer) as server:
        assert field(await call("http.get", {"url": server.url()}), "body") is None


@pytest.mark.parametrize("body", [b"{", b'{"a": NaN}', b"[" * 100_000])
async def test_json_that_is_none_is_a_coded_failure(body: bytes) -> None:
    async with serving(response(body, kind="application/problem+json")) as server:
        await fails("http.invalid", {"url": server.url()})


async def test_json_and_text_are_posted_with_their_type() -> None:
    async with serving(as_json(None)) as server:
        await call("http.post", {"url": server.url(), "json": {"a": "ü"}})
        await call("http.post", {"url": server.url(), "body": "a=1", "headers": {"Content-Type": "text/csv"}})
        await call("http.post", {"url": server.url(), "json": None})
        await call("http.request", {"url": server.url(), "method": "DELETE"})
    sent = [(asked.method, asked.headers.get("content-type"), asked.body) for asked in server.asked]
    assert sent == [
        ("POST", "application/json", '{"a":"ü"}'.encode()),
        ("POST", "text/csv", b"a=1"),
        ("POST", "application/json", b"null"),
        ("DELETE", None, b""),
    ]
    await fails("http.invalid", {"url": "https://a.example/", "json": 1, "body": "x"}, "http.post")


async def test_a_head_request_has_no_body_to_wait_for() -> None:
    async with serving(response(length=10)) as server:
        found = await call("http.request", {"url": server.url(), "method": "HEAD"})
    assert (field(found, "status"), field(found, "body")) == (200, None)


async def test_attempts_of_one_call_carry_one_idempotency_key() -> None:
    async with serving(as_json({})) as server:
        await call("http.post", {"url": server.url()}, key="run/pay/1")
        await call("http.post", {"url": server.url(), "headers": {"Idempotency-Key": "mine"}}, key="run/pay/1")
        await call("http.get", {"url": server.url()}, key="run/pay/1")
        await call("http.post", {"url": server.url()}, key="run/zürück\r\n/1")
        await call("http.post", {"url": server.url()}, key="run/zürück\r\n/1")
    keys = [asked.headers.get("idempotency-key") for asked in server.asked]
    assert keys[:3] == ["run/pay/1", "mine", None]
    assert keys[3] == keys[4]
    assert keys[3]
    assert keys[3].isalnum()


@pytest.mark.parametrize("status", ["404 Not Found", "500 Internal Server Error", "429 Too Many Requests"])
async def test_an_unexpected_status_is_its_own_code(status: str) -> None:
    async with serving(response(b"no", status=status)) as server:
        message = await fails(f"http.{status[:3]}", {"url": server.url("/orders/7?token=t")})
    assert status[4:] in message
    assert "/orders/7" in message
    assert "token" not in message


async def test_expect_says_which_statuses_are_no_failure() -> None:
    async with serving(as_json({"why": "gone"}, status="404 Not Found")) as server:
        patterns: list[list[Json]] = [[404], ["404"], ["2xx", "4XX"]]
        for expect in patterns:
            found = await call("http.get", {"url": server.url(), "expect": expect})
            assert (field(found, "status"), field(found, "body")) == (404, {"why": "gone"})
        await fails("http.404", {"url": server.url(), "expect": ["2xx", 403]})
        asked = len(server.asked)
        await fails("http.invalid", {"url": server.url(), "expect": ["ok"]})
        assert len(server.asked) == asked


async def test_a_failure_is_known_by_its_status_however_long_its_page() -> None:
    async with serving(response(b"x" * (BODY_LIMIT + 1), status="500 Internal Server Error")) as server:
        await fails("http.500", {"url": server.url()})


async def test_a_body_of_the_limit_is_taken_and_one_byte_more_is_not() -> None:
    async with serving(response(b"x" * BODY_LIMIT)) as server:
        assert len(str(field(await call("http.get", {"url": server.url()}), "body"))) == BODY_LIMIT
    async with serving(response(gzip.compress(b"x" * BODY_LIMIT), "Content-Encoding: gzip")) as server:
        assert len(str(field(await call("http.get", {"url": server.url()}), "body"))) == BODY_LIMIT
    async with serving(response(b"x" * (BODY_LIMIT + 1))) as server:
        await fails("http.too_large", {"url": server.url()})
    async with serving(response(gzip.compress(b"x" * (BODY_LIMIT + 1)), "Content-Encoding: gzip")) as server:
        await fails("http.too_large", {"url": server.url()})


async def test_a_body_of_ten_megabytes_is_a_coded_failure() -> None:
    async with serving(response(b"x" * 10_000_000, kind="application/octet-stream")) as server:
        await fails("http.too_large", {"url": server.url()})
        await server.closed.wait()


async def test_a_body_without_an_end_is_cut_off() -> None:
    async def endless(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            await writer.drain()

    async with serving(endless) as server:
        await fails("http.too_large", {"url": server.url()})
        await server.closed.wait()


async def test_a_zip_bomb_is_not_inflated() -> None:
    packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(100)) + packer.flush()
    assert len(bomb) < 128 * 1024
    async with serving(response(bomb, "Content-Encoding: gzip", kind="application/octet-stream")) as server:
        tracemalloc.start()
        try:
            await fails("http.too_large", {"url": server.url()})
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 16 * BODY_LIMIT


async def test_what_follows_compressed_data_is_not_collected() -> None:
    async def tail(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        whole = gzip.compress(b"whole")
        writer.write(f"{len(whole):x}\r\n".encode() + whole + b"\r\n")
        while True:
            writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            await writer.drain()

    async with serving(tail) as server:
        assert field(await call("http.get", {"url": server.url()}), "body") == "whole"


@pytest.mark.parametrize(
    ("body", "encoding", "code"),
    [
        (gzip.compress(b"whole")[:-9], "gzip", "http.connection"),
        (b"not packed", "gzip", "http.invalid"),
        (b"x", "br", "http.invalid"),
    ],
)
async def test_damaged_compression_is_a_coded_failure(body: bytes, encoding: str, code: str) -> None:
    async with serving(response(body, f"Content-Encoding: {encoding}")) as server:
        await fails(code, {"url": server.url()})


async def test_deflate_is_read() -> None:
    async with serving(response(zlib.compress(b"flat"), "Content-Encoding: deflate")) as server:
        assert field(await call("http.get", {"url": server.url()}), "body") == "flat"


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\n", response(b"half", length=100), b"SSH-2.0-OpenSSH\r\n\r\n"]
)
async def test_a_connection_that_is_cut_is_a_coded_failure(answer: bytes) -> None:
    async def cut(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with serving(cut) as server:
        await fails("http.connection", {"url": server.url()})


async def test_nobody_there_is_a_coded_failure() -> None:
    async with serving(b"") as server:
        pass
    assert "cannot be reached" in await fails("http.connection", {"url": server.url()})
    assert "not known" in await fails("http.connection", {"url": "http://a.test/"}, resolve=resolver())


async def test_the_next_address_is_tried_if_nobody_is_at_the_first() -> None:
    policy = HttpPolicy(allow_http=True, allow_private=["127.0.0.0/8"])
    async with serving(as_json("here")) as server:
        found = await call(
            "http.get", {"url": server.url(host="a.test")}, policy, resolve=resolver(a_test="127.0.0.2 127.0.0.1")
        )
    assert field(found, "body") == "here"


async def test_a_slow_drip_ends_with_the_time_of_the_request() -> None:
    async def drip(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with serving(drip) as server:
        message = await fails("http.timeout", {"url": server.url("/drip?k=v"), "timeout": 0.3})
        assert "k=v" not in message
        await fails("http.timeout", {"url": server.url()}, policy=msgspec.structs.replace(LOOPBACK, max_timeout=0.3))
        await server.closed.wait()


async def test_cancelling_closes_the_connection() -> None:
    arrived = asyncio.Event()

    async def silent(asked: Asked, writer: asyncio.StreamWriter) -> None:
        arrived.set()

    async with serving(silent) as server, asyncio.TaskGroup() as tasks:
        task = tasks.create_task(call("http.get", {"url": server.url()}))
        await arrived.wait()
        assert not server.closed.is_set()
        task.cancel()
        await server.closed.wait()


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "a.example"}, {"content-length": "3"}, {"Transfer-Encoding": "chunked"}, {"Proxy-Authorization": "x"},
        {"X": "a\r\nY: b"}, {"X\r\nY": "b"}, {"": "b"}, {"X": "ü"}, {"X": ["a"]}, {"X": None},
    ],
)  # fmt: skip
async def test_headers_cannot_break_the_request(headers: dict[str, object]) -> None:
    async with serving(as_json({})) as server:
        await fails("http.invalid", {"url": server.url(), "headers": headers})
    assert not server.asked


async def test_the_server_has_to_prove_the_name_that_was_asked_for(secure: Secure) -> None:
    policy = HttpPolicy(allow_private=["127.0.0.1"], ca_file=secure.authority)
    names = resolver(shop_test="127.0.0.1", other_test="127.0.0.1")
    async with serving(as_json("hello"), secure.server) as server:
        found = await call("http.get", {"url": server.url("/", "shop.test", "https")}, policy, resolve=names)
        assert field(found, "body") == "hello"
        assert server.asked[0].headers["host"] == f"shop.test:{server.port}"
        await fails("http.connection", {"url": server.url("/", "other.test", "https")}, policy=policy, resolve=names)
        await fails("http.connection", {"url": server.url("/", scheme="https")}, policy=policy, resolve=names)
        strangers = msgspec.structs.replace(policy, ca_file="")
        await fails("http.connection", {"url": server.url("/", "shop.test", "https")}, policy=strangers, resolve=names)
    assert len(server.asked) == 1


async def test_a_line_that_is_not_secure_is_a_coded_failure(secure: Secure) -> None:
    policy = HttpPolicy(allow_private=["127.0.0.1"], ca_file=secure.authority)
    names = resolver(shop_test="127.0.0.1")

    async def cut(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(response(b"half", length=100))
        await writer.drain()
        writer.transport.abort()

    async with serving(cut, secure.server) as server:
        await fails("http.connection", {"url": server.url("/", "shop.test", "https")}, policy=policy, resolve=names)

    def talk_plainly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"no TLS here")
        writer.close()

    plain = await asyncio.start_server(talk_plainly, "127.0.0.1", 0)
    async with plain:
        url = f"https://shop.test:{plain.sockets[0].getsockname()[1]}/"
        await fails("http.connection", {"url": url}, policy=policy, resolve=names)


async def test_the_environment_sends_requests_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(as_json("direct")) as server, serving(as_json("proxy")) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url())
        assert field(await call("http.get", {"url": server.url()}), "body") == "direct"


async def test_urls_headers_and_bodies_stand_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving(as_json("answer-word")) as server:
        url = server.url("/bot123:token-word/send?k=query-word")
        await call("http.post", {"url": url, "headers": {"x-key": "header-word"}, "json": "body-word"})
        await call("http.get", {"url": url})
    logging.getLogger("httpx").info("of the host program")
    assert "of the host program" in caplog.text
    assert not [word for word in ("token", "query", "header", "body", "answer") if f"{word}-word" in caplog.text]


async def test_what_does_not_fit_the_input_is_refused() -> None:
    for argument in ({"url": "/a", "methd": "GET"}, {"url": "/a", "timeout": 0}, {"url": "/a", "method": "TRACE"}, {}):
        with pytest.raises(UserCodeError) as caught:
            await builtin("http.request")(json.dumps(argument).encode(), context())
        assert caught.value.code == "invalid_argument"
