"""One exchange with a server: a request out to a tested address, a response in, cut off at the limit.

httpx is used below its client, which would follow redirects, keep cookies, ask the environment for proxies and write URLs into
logs at INFO. Each exchange has a connection of its own: a shared one could be handed on between names that share an address.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import NamedTuple

import httpx

from turnflow.actions.outbound.policy import HttpPolicy
from turnflow.actions.outbound.silence import silence
from turnflow.actions.outbound.target import Target
from turnflow.errors import UserCodeError

CONNECT_WITHIN = 10.0
"""Seconds until the next address of a host is tried."""


class Outgoing(NamedTuple):
    """What is sent."""

    method: str
    headers: Sequence[tuple[str, str]]
    content: bytes | None = None


class Incoming(NamedTuple):
    """What came back; header names are in lower case."""

    status: int
    headers: dict[str, str]
    content: bytes


async def exchange(sent: Outgoing, target: Target, policy: HttpPolicy, reads: Callable[[int], bool]) -> Incoming:
    """Send a request, and read the response if `reads` says so of its status. Cancelling it closes the connection.

    Raises `UserCodeError`: `http.timeout`, `http.connection`, `http.too_large`, `http.invalid`.
    """
    last = target.addresses[-1]
    for address in target.addresses:
        try:
            with silence():
                return await _over(address, sent, target, policy, reads)
        except httpx.ConnectError as error:
            if address == last:
                raise UserCodeError("http.connection", f"{target.place} cannot be reached: {error}") from error
        except httpx.ConnectTimeout as error:
            if address == last:
                raise UserCodeError("http.timeout", f"{target.place} did not take the connection in time") from error
        except httpx.TimeoutException as error:
            raise UserCodeError("http.timeout", f"{target.place} did not answer in time") from error
        except (httpx.LocalProtocolError, httpx.UnsupportedProtocol):
            raise UserCodeError("http.invalid", f"the request to {target.place} cannot be written as HTTP") from None
        except (httpx.TransportError, OSError) as error:
            raise UserCodeError("http.connection", f"the connection to {target.place} was cut: {error}") from error
    raise AssertionError("the last address returns or raises")


async def _over(
    address: str, sent: Outgoing, target: Target, policy: HttpPolicy, reads: Callable[[int], bool]
) -> Incoming:
    """Talk to one address, under the name that was asked for."""
    times = {"connect": CONNECT_WITHIN, "read": policy.max_timeout, "write": policy.max_timeout, "pool": None}
    request = httpx.Request(
        sent.method,
        target.url.copy_with(host=address),
        headers=[("Host", target.url.netloc.decode("ascii")), *sent.headers],
        content=sent.content,
        extensions={"timeout": times, "sni_hostname": target.server_name},
    )
    transport = httpx.AsyncHTTPTransport(verify=policy.tls(), trust_env=False)
    async with transport:
        response = await transport.handle_async_request(request)
        async with aclosing(response):
            headers = dict(response.headers.items())
            content = b""
            if sent.method != "HEAD" and reads(response.status_code):
                raw = response.aiter_raw()
                encoding = headers.get("content-encoding", "")
                content = await _inflated(raw, encoding, policy.body_limit, target.place)
            return Incoming(response.status_code, headers, content)


async def _inflated(raw: AsyncIterator[bytes], encoding: str, limit: int, place: str) -> bytes:
    """Return a body without its compression; never more than `limit` bytes of it are in memory."""
    inflate = _inflater(encoding, place)
    body = bytearray()
    seen = False
    async for chunk in raw:
        seen = seen or bool(chunk)
        try:
            body += chunk if inflate is None else inflate.decompress(chunk, limit + 1 - len(body))
        except zlib.error as error:
            raise UserCodeError("http.invalid", f"what {place} sent is not the {encoding} it says: {error}") from error
        if len(body) > limit:
            raise UserCodeError("http.too_large", f"{place} sent over {limit} bytes; ask for less, or for pages of it")
        if inflate is not None and inflate.eof:
            break
    if inflate is not None and seen and not inflate.eof:
        raise UserCodeError("http.connection", f"what {place} sent ends in the middle")
    return bytes(body)


def _inflater(encoding: str, place: str) -> zlib._Decompress | None:
    match encoding.strip().lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip":
            return zlib.decompressobj(zlib.MAX_WBITS | 16)
        case "deflate":
            return zlib.decompressobj()
        case other:
            raise UserCodeError(
                "http.invalid", f"{place} sent {other!r}, which nobody asked for; gzip and deflate can be read"
            )
