"""The policy of the server: where HTTP actions may connect to, whatever a flow says.

What counts as private follows the IANA special-purpose registries (RFC 6890) as `ipaddress` knows them, and is stricter where an
address carries another one inside (RFC 6052, RFC 3056, RFC 4380) or where older Pythons know less.
"""

from __future__ import annotations

import ssl
from collections.abc import Collection
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

import httpx
from msgspec import Struct

from turnflow.errors import AuthorError

BODY_LIMIT = 1 << 20
"""Bytes of the longest response body, after decompression."""

_UNICAST = IPv6Network("2000::/3")
"""The part of IPv6 in which public addresses are; outside lie 64:ff9b::/96, ::/96 and all other addresses with another inside."""
_REFUSED = tuple(
    ip_network(text)
    for text in (
        "192.0.0.0/24",
        "192.88.99.0/24",
        "64:ff9b::/96",
        "2001::/32",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )
)


class HttpPolicy(Struct, frozen=True, kw_only=True):
    """Where HTTP actions may go. Raises `AuthorError` for an entry that is neither network nor address nor host."""

    allow_http: bool = False
    """Let requests go out in clear."""
    allow_private: Collection[str] = ()
    """Networks (`10.1.0.0/16`), addresses and host names (`billing.internal`) that may be reached though they are not public."""
    timeout: float = 30.0
    """Seconds a request may take with all redirects, where the flow says nothing."""
    max_timeout: float = 300.0
    """Seconds a flow may ask for."""
    body_limit: int = BODY_LIMIT
    """Bytes of the longest response body, after decompression."""
    ca_file: str = ""
    """PEM file of certificate authorities to trust instead of the public ones."""

    def __post_init__(self) -> None:
        """Read the entries once, so that mistakes show when the server starts."""
        if isinstance(self.allow_private, str):
            raise AuthorError("HttpPolicy.allow_private is a collection of networks and hosts, not one text")
        _exempt(tuple(self.allow_private))

    def lets_through(self, host: str, address: IPv4Address | IPv6Address) -> bool:
        """Tell whether a request to `host` may go to this address, which is one of those that the host's name stands for."""
        networks, hosts = _exempt(tuple(self.allow_private))
        plain = unwrapped(address)
        if any(plain in network for network in networks if network.version == plain.version):
            return True
        return is_public(plain) or (host.casefold().rstrip(".") in hosts and not plain.is_multicast)

    def tls(self) -> ssl.SSLContext:
        """Return how servers prove who they are. The environment has no say in it."""
        return _tls(self.ca_file)


def unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address inside `::ffff:a.b.c.d`, else the address itself."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether an address (not a mapped one) is one of the public internet."""
    if isinstance(address, IPv6Address) and (address not in _UNICAST or address.scope_id):
        return False
    refused = any(address in network for network in _REFUSED if network.version == address.version)
    return address.is_global and not address.is_multicast and not refused


@lru_cache(maxsize=64)
def _exempt(entries: tuple[str, ...]) -> tuple[tuple[IPv4Network | IPv6Network, ...], frozenset[str]]:
    networks: list[IPv4Network | IPv6Network] = []
    hosts: set[str] = set()
    for entry in entries:
        try:
            networks.append(ip_network(entry))
        except ValueError as error:
            if not entry or set(entry) & set("/:*@ "):
                raise AuthorError(
                    f"HttpPolicy.allow_private: {entry!r} is no network, address or host name, such as '10.1.0.0/16' or "
                    f"'billing.internal' ({error})"
                ) from None
            hosts.add(entry.casefold().rstrip("."))
    return tuple(networks), frozenset(hosts)


@lru_cache(maxsize=16)
def _tls(ca_file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file) if ca_file else httpx.create_ssl_context(trust_env=False)
    except OSError as error:
        raise AuthorError(f"HttpPolicy.ca_file: {ca_file!r} cannot be read: {error}") from error
