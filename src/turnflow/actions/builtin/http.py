"""`http.request`, `http.get`, `http.post`: ask another server.

Failures by code: `http.404` and the like for a status that was not expected, `http.timeout`, `http.connection`, `http.refused`
(the policy does not let it through), `http.too_large`, `http.invalid` (request or response is no HTTP, or not what it says).
"""

from __future__ import annotations

import asyncio
import re
from base64 import b64encode
from collections.abc import Collection, Mapping
from http import HTTPStatus
from typing import Annotated, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from turnflow.actions.action import Action, action
from turnflow.actions.outbound.body import body_of
from turnflow.actions.outbound.connection import Connection
from turnflow.actions.outbound.exchange import Incoming, exchange
from turnflow.actions.outbound.letter import Letter, letter
from turnflow.actions.outbound.policy import HttpPolicy
from turnflow.actions.outbound.target import Resolver, Target, joined, parse_url, tested
from turnflow.actions.secrets import REDACTED, redact, resolve_secrets
from turnflow.core.ids import Json
from turnflow.errors import UserCodeError
from turnflow.ports import ActionContext

Method: TypeAlias = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
REDIRECTS = frozenset({301, 302, 303, 307, 308})


class HttpGet(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Input of `http.get`, and what the others have in common with it."""

    url: str
    """`https://host/path`; with a `connection` a path below its address."""
    headers: dict[str, Json] = {}
    """Texts, numbers, references to secrets."""
    query: dict[str, Json] = {}
    """Added to the url; a list gives a name several times."""
    timeout: Annotated[float, Meta(gt=0)] | None = None
    """Seconds for everything, redirects included."""
    expect: list[int | str] = []
    """Statuses that are no failure, such as 200, "404", "2xx"; all below 400 if nothing is said."""
    redirects: Annotated[int, Meta(ge=0, le=10)] = 0
    """How many redirects are followed."""
    connection: str = ""
    """A connection of the server's configuration."""


class HttpPost(HttpGet, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Input of `http.post`."""

    json: Json | UnsetType = UNSET
    """The body, sent as JSON."""
    body: str | UnsetType = UNSET
    """The body as it is."""


class HttpRequest(HttpPost, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Input of `http.request`."""

    method: Method = "GET"


class HttpResponse(Struct, frozen=True):
    """Output of all three."""

    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: Json
    """The JSON value, the text, or base64; null if there was none."""
    base64: bool = False
    """The body is base64."""


class HttpClient:
    """Sends requests as a policy and connections of the server say."""

    def __init__(
        self,
        policy: HttpPolicy,
        connections: Mapping[str, Connection],
        secrets: Collection[str] | None,
        resolve: Resolver,
    ) -> None:
        """`secrets` are the references that flows may use; None: all. Connections may use any."""
        self._policy = policy
        self._connections = connections
        self._secrets = secrets
        self._resolve = resolve

    async def send(self, asked: HttpGet, method: Method, context: ActionContext) -> HttpResponse:
        """Do one request with its redirects. Raises `UserCodeError`, with no secret in it."""
        _check_patterns(asked.expect)
        seconds = min(asked.timeout or self._policy.timeout, self._policy.max_timeout)
        written, secrets = await self._letter(asked, method, context)
        try:
            async with asyncio.timeout(seconds):
                came, target = await self._deliver(written, asked)
            return _response(came, target, asked, method, secrets)
        except TimeoutError:
            where = written.url.copy_with(query=None, userinfo=b"")
            raise UserCodeError("http.timeout", f"{method} {where}: no answer within {seconds:g} s") from None
        except UserCodeError as error:
            raise UserCodeError(error.code, str(redact(str(error), secrets, ()))) from None

    async def _letter(self, asked: HttpGet, method: Method, context: ActionContext) -> tuple[Letter, tuple[str, ...]]:
        """Write the request, with its secrets in it."""
        connection = self._connection(asked.connection)
        theirs = await asyncio.to_thread(resolve_secrets, dict(connection.headers) if connection else {}, None)
        said: dict[str, Json] = {"headers": asked.headers, "query": asked.query}
        content: bytes | None = None
        if isinstance(asked, HttpPost):
            if asked.json is not UNSET and asked.body is not UNSET:
                raise UserCodeError("http.invalid", "a request has `json` or `body`, not both")
            content = None if asked.body is UNSET else asked.body.encode()
            said |= {} if asked.json is UNSET else {"json": asked.json}
        known, ours = await asyncio.to_thread(resolve_secrets, said, self._secrets)
        url = connection.below(asked.url) if connection else parse_url(asked.url)
        return letter(method, url, known, theirs[0], content, context.key), theirs[1] + ours

    def _connection(self, name: str) -> Connection | None:
        if name and name not in self._connections:
            known = ", ".join(sorted(self._connections)) or "none"
            raise UserCodeError("http.invalid", f"no connection {name!r} is configured; there are: {known}")
        return self._connections.get(name)

    async def _deliver(self, written: Letter, asked: HttpGet) -> tuple[Incoming, Target]:
        """Send, and follow redirects, each of them tested anew."""
        for left in range(asked.redirects, -1, -1):
            target = await tested(written.url, self._policy, self._resolve)

            def wanted(status: int, follows: bool = left > 0) -> bool:
                return _is_expected(status, asked.expect) and not (follows and status in REDIRECTS)

            came = await exchange(written.outgoing(), target, self._policy, wanted)
            location = came.headers.get("location", "")
            if not left or came.status not in REDIRECTS or not location:
                return came, target
            written = written.redirected(came.status, joined(written.url, location))
        raise AssertionError("the last round returns")


def http_actions(
    client: HttpClient,
) -> tuple[Action[HttpRequest, HttpResponse], Action[HttpGet, HttpResponse], Action[HttpPost, HttpResponse]]:
    """Return the three actions."""

    @action(name="http.request")
    async def request(asked: HttpRequest, context: ActionContext) -> HttpResponse:
        return await client.send(asked, asked.method, context)

    @action(name="http.get")
    async def get(asked: HttpGet, context: ActionContext) -> HttpResponse:
        return await client.send(asked, "GET", context)

    @action(name="http.post")
    async def post(asked: HttpPost, context: ActionContext) -> HttpResponse:
        return await client.send(asked, "POST", context)

    return request, get, post


def _response(came: Incoming, target: Target, asked: HttpGet, method: Method, secrets: tuple[str, ...]) -> HttpResponse:
    """Return what the flow gets; a secret that the server sends back is taken out, because results are stored."""
    if not _is_expected(came.status, asked.expect):
        phrase = HTTPStatus(came.status).phrase if came.status in set(HTTPStatus) else "unknown"
        raise UserCodeError(f"http.{came.status}", f"{method} {target.place} answered {came.status} ({phrase})")
    found = body_of(came.content, came.headers)
    if not secrets:
        return HttpResponse(came.status, came.headers, found.value, found.base64)
    if found.base64:
        content = came.content
        for secret in secrets:
            content = content.replace(secret.encode(), REDACTED.encode())
        found = found._replace(value=b64encode(content).decode())
    headers = {name: str(redact(value, secrets, ())) for name, value in came.headers.items()}
    return HttpResponse(came.status, headers, redact(found.value, secrets, ()), found.base64)


def _is_expected(status: int, expect: list[int | str]) -> bool:
    if not expect:
        return status < 400
    patterns = [str(pattern).lower() for pattern in expect]
    return any(str(status) == pattern or f"{status // 100}xx" == pattern for pattern in patterns)


def _check_patterns(expect: list[int | str]) -> None:
    for pattern in expect:
        if not re.fullmatch(r"[1-5](\d\d|xx|XX)", str(pattern)):
            raise UserCodeError("http.invalid", f"`expect` lists statuses such as 200 or 2xx, not {pattern!r}")
