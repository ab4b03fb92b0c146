"""`http.*` goes to public places over https, whatever names and notations are used, unless the server's policy says more."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from ipaddress import ip_address

import msgspec
import pytest

from tests.actions.servers import LOOPBACK, Asked, as_json, call, field, resolver, response, serving
from turnflow.actions import HttpPolicy, builtin_actions
from turnflow.actions.outbound.policy import BODY_LIMIT, is_public, unwrapped
from turnflow.actions.outbound.target import Resolver, resolve_host
from turnflow.core.ids import Json
from turnflow.errors import AuthorError, UserCodeError

CLEAR = HttpPolicy(allow_http=True)
SHOP = HttpPolicy(allow_http=True, allow_private=["shop.test", "other.test"])
"""Names may be private, bare addresses not."""
NAMES = resolver(shop_test="127.0.0.1", other_test="127.0.0.1", both_test="93.184.215.14 127.0.0.1")


async def code_of(url: str, policy: HttpPolicy = CLEAR, resolve: Resolver = resolve_host) -> str:
    """Return the code a request fails with."""
    with pytest.raises(UserCodeError) as caught:
        await call("http.get", {"url": url}, policy, resolve=resolve)
    return caught.value.code


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.0.0.8", "192.0.0.192",
        "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1",
        "255.255.255.255", "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1",
        "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:7f00:1::", "2001:db8::1", "2002:7f00:1::",
        "2002:808:808::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1",
    ],
)  # fmt: skip
async def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not is_public(unwrapped(ip_address(address)))
    written = f"[{address}]" if ":" in address else address
    assert await code_of(f"http://{written}/") == "http.refused"
    assert await code_of("http://a.test/", resolve=resolver(a_test=address)) == "http.refused"
    assert await code_of("http://a.test/", resolve=resolver(a_test=f"93.184.215.14 {address}")) == "http.refused"
    assert await code_of("http://a.test/", resolve=resolver(a_test=f"{address} 93.184.215.14")) == "http.refused"


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.215.14", "192.0.1.1", "2606:4700:4700::1111", "2a00::1", "::ffff:1.1.1.1"]
)
def test_public_addresses_are_let_through(address: str) -> None:
    assert is_public(unwrapped(ip_address(address)))
    assert HttpPolicy().lets_through("a.test", ip_address(address))


@pytest.mark.parametrize(
    "host",
    ["2130706433", "0x7f000001", "127.1", "0177.1", "0x7f.1", "localhost", "LOCALHOST", "127.0.0.1.", "[::1]", "0"],
)
async def test_other_notations_of_this_machine_are_refused_by_the_systems_resolver(host: str) -> None:
    assert await code_of(f"http://{host}/") in ("http.refused", "http.connection")


@pytest.mark.parametrize(
    "host", ["0177.0.0.1", "127.0.0.256", "１２７.0.0.1", "[fe80::1%25lo]", "[::1", "a b", "a\r\nb", "x" * 70_000]
)
async def test_a_host_that_is_none_is_invalid(host: str) -> None:
    assert await code_of(f"http://{host}/", resolve=resolver()) in ("http.invalid", "http.connection", "http.refused")


async def test_an_address_with_a_zone_is_refused() -> None:
    assert await code_of("http://a.test/", resolve=resolver(a_test="2606:4700::1%eth0")) == "http.refused"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ftp://a.test/", "http.invalid"), ("file:///etc/passwd", "http.invalid"), ("gopher://a.test/", "http.invalid"),
        ("/path", "http.invalid"), ("a.test", "http.invalid"), ("//a.test/", "http.invalid"), ("", "http.invalid"),
        ("http://a.test:0/", "http.invalid"), ("http://a.test:99999/", "http.invalid"),
        ("http://user@a.test/", "http.refused"), ("http://user:word@a.test/", "http.refused"),
        ("http://93.184.215.14\\@a.test/", "http.refused"),
    ],
)  # fmt: skip
async def test_an_url_that_is_no_plain_web_address_is_refused(url: str, code: str) -> None:
    with pytest.raises(UserCodeError) as caught:
        await call("http.get", {"url": url}, CLEAR, resolve=resolver(a_test="127.0.0.1"))
    assert caught.value.code == code
    assert "word" not in str(caught.value)


async def test_requests_in_clear_need_the_servers_consent() -> None:
    with pytest.raises(UserCodeError, match="not https") as caught:
        await call("http.get", {"url": "http://shop.test/"}, HttpPolicy(), resolve=NAMES)
    assert caught.value.code == "http.refused"


async def test_private_places_need_the_servers_consent() -> None:
    async with serving(as_json("in")) as server:
        for policy in (LOOPBACK, HttpPolicy(allow_http=True, allow_private={"127.0.0.0/8"})):
            assert field(await call("http.get", {"url": server.url()}, policy), "body") == "in"
        mapped = await call("http.get", {"url": server.url(host="[::ffff:127.0.0.1]")})
        assert field(mapped, "body") == "in"
        assert field(await call("http.get", {"url": server.url(host="SHOP.test")}, SHOP, resolve=NAMES), "body") == "in"
        assert await code_of(server.url(host="both.test"), SHOP, resolve=NAMES) == "http.refused"
        assert await code_of(server.url(), SHOP, resolve=NAMES) == "http.refused"
        assert (
            await code_of(server.url(host="shop.test"), SHOP, resolve=resolver(shop_test="224.0.0.1")) == "http.refused"
        )
        assert (
            await code_of(server.url(host="x.shop.test"), SHOP, resolve=resolver(x_shop_test="127.0.0.1"))
            == "http.refused"
        )


async def test_the_address_that_was_tested_is_the_one_that_is_used() -> None:
    """A name that changes its address between two look-ups gains nothing: there is one look-up."""
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    policy = HttpPolicy(allow_http=True, allow_private=["127.0.0.1"])
    async with serving(as_json("first")) as server:
        found = await call("http.get", {"url": server.url(host="rebind.test")}, policy, resolve=rebinding)
        assert server.asked[0].headers["host"] == f"rebind.test:{server.port}"
    assert field(found, "body") == "first"
    assert asked == ["rebind.test"]


async def test_a_redirect_is_an_answer_like_any_other_unless_the_flow_follows() -> None:
    async with serving(response(b"moved", "Location: /there", status="302 Found")) as server:
        found = await call("http.get", {"url": server.url()})
        assert (field(found, "status"), field(found, "headers", "location")) == (302, "/there")
        assert (field(found, "body"), len(server.asked)) == ("moved", 1)
        found = await call("http.get", {"url": server.url(), "redirects": 2})
        assert (field(found, "status"), len(server.asked)) == (302, 4)


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("http://127.0.0.1:{port}/", "http.refused"), ("http://[::1]:{port}/", "http.refused"),
        ("http://169.254.169.254/latest/", "http.refused"), ("//127.0.0.1:{port}/", "http.refused"),
        ("http://both.test/", "http.refused"), ("http://u:p@shop.test:{port}/", "http.refused"),
        ("file:///etc/passwd", "http.invalid"), ("http://[::1/", "http.invalid"), ("http://nobody.test/", "http.connection"),
    ],
)  # fmt: skip
async def test_every_redirect_is_tested_anew(location: str, code: str) -> None:
    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        port = writer.get_extra_info("sockname")[1]
        writer.write(response(b"", f"Location: {location.format(port=port)}", status="307 Temporary Redirect"))

    async with serving(answer) as server:
        with pytest.raises(UserCodeError) as caught:
            await call("http.get", {"url": server.url(host="shop.test"), "redirects": 5}, SHOP, resolve=NAMES)
    assert caught.value.code == code
    assert len(server.asked) == 1


async def follow(argument: dict[str, Json], status: str, host: str) -> list[Asked]:
    """Send a request from shop.test to `host` by a redirect and return what arrived there."""

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        port = writer.get_extra_info("sockname")[1]
        there = asked.path.startswith("/there")
        writer.write(
            as_json("there") if there else response(b"", f"Location: http://{host}:{port}/there", status=status)
        )

    async with serving(answer) as server:
        asked = {"url": server.url("/here?k=v", "shop.test"), "redirects": 1, **argument}
        assert field(await call("http.request", asked, SHOP, resolve=NAMES), "body") == "there"
    return server.asked


async def test_a_redirect_keeps_what_the_standard_keeps() -> None:
    post: dict[str, Json] = {"method": "POST", "json": [1], "headers": {"x-key": "k"}}
    for status in ("301 Moved", "302 Found", "303 See Other"):
        _, there = await follow(post, status, "shop.test")
        assert (there.method, there.body, there.headers["x-key"]) == ("GET", b"", "k")
        assert "idempotency-key" not in there.headers
    for status in ("307 Temporary Redirect", "308 Permanent Redirect"):
        here, there = await follow(post, status, "shop.test")
        assert (there.method, there.body, there.headers["x-key"]) == ("POST", b"[1]", "k")
        assert there.headers["idempotency-key"] == here.headers["idempotency-key"]


async def test_the_page_of_a_redirect_that_is_followed_is_not_read() -> None:
    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        page = response(b"x" * (BODY_LIMIT + 1), "Location: /there", status="302 Found")
        writer.write(as_json("there") if asked.path == "/there" else page)

    async with serving(answer) as server:
        assert field(await call("http.get", {"url": server.url(), "redirects": 1}), "body") == "there"
        assert await code_of(server.url(), LOOPBACK) == "http.too_large"


async def test_another_server_gets_neither_headers_nor_content() -> None:
    headers: dict[str, Json] = {"authorization": "Bearer t", "cookie": "c", "x-key": "k"}
    here, there = await follow({"headers": headers}, "302 Found", "other.test")
    assert here.headers.keys() > headers.keys()
    assert not there.headers.keys() & headers.keys()
    assert there.headers["host"].startswith("other.test:")
    with pytest.raises(UserCodeError) as caught:
        await follow({"method": "PUT", "json": "word"}, "307 Temporary Redirect", "other.test")
    assert caught.value.code == "http.refused"


async def test_redirects_share_the_time_of_the_request() -> None:
    async def slow(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.1)
        writer.write(response(b"", "Location: /again", status="302 Found"))

    async with serving(slow) as server:
        with pytest.raises(UserCodeError) as caught:
            await call("http.get", {"url": server.url(), "redirects": 10, "timeout": 0.5})
    assert caught.value.code == "http.timeout"


@pytest.mark.parametrize("entry", ["10.0.0.1/8", "http://a.test", "a.test:80", "", "*.a.test", "10.0.0.0/33"])
def test_a_policy_with_a_mistake_is_refused_when_the_server_starts(entry: str) -> None:
    with pytest.raises(AuthorError, match="allow_private"):
        HttpPolicy(allow_private=[entry])


def test_a_policy_is_not_changed_but_replaced() -> None:
    with pytest.raises(AuthorError, match="not one text"):
        HttpPolicy(allow_private="10.0.0.0/8")
    with pytest.raises(AuthorError, match="ca_file"):
        builtin_actions(HttpPolicy(ca_file="/nowhere.pem"))
    with pytest.raises(AttributeError):
        CLEAR.allow_http = False  # type: ignore[misc]  # because the mistake is the test
    assert msgspec.structs.replace(CLEAR, allow_http=False) == HttpPolicy()
