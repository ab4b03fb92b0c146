"""A request as it is written: method, URL, headers, content, and what of it goes on when it is redirected."""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import NamedTuple

import httpx

from turnflow.actions.outbound.exchange import Outgoing
from turnflow.actions.outbound.target import origin_of, place_of
from turnflow.authoring.codecs import encode
from turnflow.core.ids import Json
from turnflow.errors import UserCodeError

DEFAULTS = {"accept": "*/*", "accept-encoding": "gzip", "user-agent": "turnflow"}
OURS = frozenset(
    {"connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)
"""Headers that say how the message travels; a flow cannot set them, nor those that begin with `proxy-`."""
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e]*")
_KEY = re.compile(r"[\x21-\x7e]{1,200}")


class Letter(NamedTuple):
    """A request that is ready to go. Header names are in lower case."""

    method: str
    url: httpx.URL
    headers: Mapping[str, str]
    content: bytes | None

    def outgoing(self) -> Outgoing:
        """Return what is sent."""
        return Outgoing(self.method, tuple(self.headers.items()), self.content)

    def redirected(self, status: int, url: httpx.URL) -> Letter:
        """Return what goes to the place that a response named (RFC 9110, 15.4).

        To another server go no headers of the flow and no content: they may hold secrets. Raises `UserCodeError`
        (`http.refused`).
        """
        method, headers, content = self.method, dict(self.headers), self.content
        if (status == 303 and method != "HEAD") or (status in (301, 302) and method == "POST"):
            method, content = "GET", None
            headers = {
                name: value for name, value in headers.items() if name not in ("content-type", "idempotency-key")
            }
        if origin_of(url) != origin_of(self.url):
            if content is not None:
                raise UserCodeError(
                    "http.refused",
                    f"{place_of(self.url)} redirects what was sent to another server; send it there at once",
                )
            headers = dict(DEFAULTS)
        return Letter(method, url.copy_with(fragment=None), headers, content)


def letter(method: str, url: httpx.URL, said: Json, connection: Json, content: bytes | None, key: str) -> Letter:
    """Write a request. `said` has `headers`, `query` and perhaps `json` of the flow, `connection` the headers of the connection.

    Values are texts already, without references. `key` is the idempotency key. Raises `UserCodeError` (`http.invalid`).
    """
    assert isinstance(said, dict)
    headers = DEFAULTS | _headers(said["headers"])
    if "json" in said:
        content = encode(said["json"])
        headers.setdefault("content-type", "application/json")
    if content is not None:
        headers.setdefault("content-type", "text/plain; charset=utf-8")
    if key and method not in ("GET", "HEAD"):
        headers.setdefault("idempotency-key", _key(key))
    headers |= _headers(connection)
    return Letter(method, _queried(url, said["query"]), headers, content)


def _headers(said: Json) -> dict[str, str]:
    assert isinstance(said, dict)
    found = {}
    for name, value in said.items():
        lower = name.lower()
        if not _NAME.fullmatch(name) or lower in OURS or lower.startswith("proxy-"):
            raise UserCodeError("http.invalid", f"the header {name!r} cannot be set")
        text = _text(value)
        if text is None or not _VALUE.fullmatch(text):
            raise UserCodeError("http.invalid", f"the header {name!r} is no line of ASCII text")
        found[lower] = text.strip()
    return found


def _queried(url: httpx.URL, query: Json) -> httpx.URL:
    assert isinstance(query, dict)
    if not query:
        return url
    pairs: list[tuple[str, str]] = []
    for name, value in query.items():
        for item in value if isinstance(value, list) else [value]:
            text = _text(item)
            if text is None:
                raise UserCodeError("http.invalid", f"`query`: {name!r} is neither text nor number nor a list of these")
            pairs.append((name, text))
    try:
        return url.copy_with(params=[*url.params.multi_items(), *pairs])
    except (httpx.InvalidURL, ValueError):
        raise UserCodeError("http.invalid", "the url with its `query` is no url; it may be too long") from None


def _text(value: Json) -> str | None:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int() | float():
            return str(value)
        case _:
            return None


def _key(key: str) -> str:
    """Return a key as a header can hold it."""
    return key if _KEY.fullmatch(key) else blake2b(key.encode(), digest_size=20).hexdigest()
