"""Targets of requests: an URL with the addresses that were found behind its host and tested.

A request goes to one of these addresses and to no other: the name is not looked up again, so it cannot come to mean something
else between test and use (DNS rebinding).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address
from typing import NamedTuple, TypeAlias

import httpx

from turnflow.actions.outbound.policy import HttpPolicy, unwrapped
from turnflow.errors import UserCodeError

Resolver: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""Finds the addresses of a host (with a port), best first. Raises `OSError` if the name is not known."""


class Target(NamedTuple):
    """Where a request goes. Every address has been tested."""

    url: httpx.URL
    addresses: tuple[str, ...]

    @property
    def place(self) -> str:
        """What messages may say of it: the query may hold secrets."""
        return place_of(self.url)

    @property
    def server_name(self) -> str:
        """The name the server has to prove to have."""
        return self.url.raw_host.decode("ascii").rstrip(".")


async def resolve_host(host: str, port: int) -> Sequence[str]:
    """Ask the system, as every program does."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def parse_url(text: str) -> httpx.URL:
    """Return an absolute or relative URL. Raises `UserCodeError` (`http.invalid`)."""
    try:
        return httpx.URL(text)
    except (httpx.InvalidURL, ValueError) as error:
        reason = "it is too long" if "too long" in str(error) else "write it as https://host/path"
        raise UserCodeError("http.invalid", f"the url cannot be read; {reason}") from None


def joined(url: httpx.URL, location: str) -> httpx.URL:
    """Return where a redirect leads. Raises `UserCodeError` (`http.invalid`)."""
    try:
        return url.join(location)
    except (httpx.InvalidURL, ValueError):
        raise UserCodeError("http.invalid", f"{place_of(url)} redirects to something that is no url") from None


def place_of(url: httpx.URL) -> str:
    """Return an URL without what may be secret in it."""
    return f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}{url.path}"


def port_of(url: httpx.URL) -> int:
    """Return the port that is meant."""
    return url.port if url.port is not None else 443 if url.scheme == "https" else 80


def origin_of(url: httpx.URL) -> tuple[str, bytes, int]:
    """Return scheme, host and port: who it is that a request talks to."""
    return url.scheme, url.raw_host, port_of(url)


async def tested(url: httpx.URL, policy: HttpPolicy, resolve: Resolver) -> Target:
    """Look a host up, once, and test every address it has.

    Raises `UserCodeError`: `http.invalid` for an URL that names no place, `http.refused` for one that the policy does not let
    through, `http.connection` for a host nobody knows.
    """
    if url.scheme not in ("http", "https") or not url.host:
        raise UserCodeError("http.invalid", f"the url {place_of(url)!r} names no place; write https://host/path")
    if url.scheme == "http" and not policy.allow_http:
        raise UserCodeError(
            "http.refused", f"{place_of(url)!r} is not https; set HttpPolicy(allow_http=True) to let it go out"
        )
    if url.userinfo:
        raise UserCodeError("http.refused", f"{place_of(url)!r} comes with a user in it; put credentials into headers")
    if not 0 < port_of(url) < 65536:
        raise UserCodeError("http.invalid", f"{place_of(url)!r} has a port that does not exist")
    host = url.raw_host.decode("ascii")
    addresses: list[str] = []
    for text in await _addresses(url, host, resolve):
        address = unwrapped(ip_address(text))
        if not policy.lets_through(host, address):
            raise UserCodeError(
                "http.refused",
                f"{host!r} is or may be {address}, which is not public; "
                "list it in HttpPolicy(allow_private=[...]) if requests may go there",
            )
        addresses.append(str(address))
    return Target(url, tuple(dict.fromkeys(addresses)))


async def _addresses(url: httpx.URL, host: str, resolve: Resolver) -> Sequence[str]:
    try:
        return [str(ip_address(host))]
    except ValueError:
        pass
    try:
        found = await resolve(host, port_of(url))
    except UnicodeError:
        raise UserCodeError("http.invalid", f"{host!r} is no name of a host") from None
    except OSError as error:
        raise UserCodeError("http.connection", f"the host {host!r} is not known: {error.strerror or error}") from error
    if not found:
        raise UserCodeError("http.connection", f"the host {host!r} has no address")
    return found
