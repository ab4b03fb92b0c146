"""The web chat's HTTP side: one Litestar app, served on its own or mounted into another ASGI app.

    GET  /          the page (401 with instructions for those without a session)
    POST /session   {token} -> a session cookie
    POST /messages  {id, text} or {id, press} -> what became of it
    GET  /events    the event stream, resumable by `Last-Event-ID`
    GET  /history   {lines, more}: the newest `count` lines, for scrolling back

A request whose outcome is unknown is sent again with the same `id`; it has no further effect.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from http.cookies import SimpleCookie
from typing import NamedTuple

from litestar import Litestar, Response, get, post, route
from litestar.datastructures import State
from litestar.exceptions import NotFoundException
from litestar.response import Stream

from turnflow.channels.unread import has_earlier
from turnflow.channels.webchat import codec
from turnflow.channels.webchat.channel import WebChannel, follow
from turnflow.channels.webchat.guard import Asked, Problem, explain, guard, stamp
from turnflow.channels.webchat.pages import Pages
from turnflow.channels.webchat.session import Sessions, Visitor
from turnflow.core.ids import Json
from turnflow.ports import Runtime

HISTORY_LIMIT = 2000
"""Most lines a page may ask for when it scrolls back."""
_COOKIE_AGE = 90 * 24 * 3600
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Site(NamedTuple):
    """What the request handlers work with."""

    runtime: Runtime
    channel: WebChannel
    sessions: Sessions
    pages: Pages
    commands: Mapping[str, str]
    heartbeat: float


def webchat_app(
    runtime: Runtime,
    channel: WebChannel,
    *,
    token: str,
    hosts: Collection[str] = ("127.0.0.1", "localhost"),
    title: str = "Turnflow",
    commands: Mapping[str, str] | None = None,
    heartbeat: float = 15.0,
) -> Litestar:
    """Return the app. `channel` must be connected to the runtime.

    `token` (32 characters or more) opens sessions: hand people the address with `#token` behind it; the fragment is
    never sent to a server. `hosts` are the host names it answers to, without port. `commands` (name without slash ->
    what it does) are suggested by the page. `heartbeat` is in seconds. Raises `InvalidValue` for too short a token.
    """
    site = Site(runtime, channel, Sessions(token), Pages(title), commands or {}, heartbeat)
    return Litestar(
        route_handlers=[index, asset, open_session, messages, events, history, nothing],
        middleware=[guard(hosts)],
        before_send=[stamp],
        exception_handlers={Exception: explain},
        state=State({"site": site}),
        request_max_body_size=codec.BODY_LIMIT,
        openapi_config=None,
        logging_config=None,
    )


@get("/", media_type="text/html")
async def index(request: Asked) -> Response[bytes]:
    """Serve the page, or the door to it."""
    site = _site(request)
    root = request.scope.get("root_path", "").rstrip("/")
    if (visitor := _visitor(request)) is None:
        return Response(site.pages.door(root), status_code=401, media_type="text/html")
    return Response(site.pages.chat(root, visitor.conversation), media_type="text/html")


@get("/assets/{name:str}")
async def asset(request: Asked) -> Response[bytes]:
    """Serve a script, style sheet or icon."""
    if (found := _site(request).pages.assets.get(request.path_params["name"])) is None:
        raise NotFoundException
    headers = {"cache-control": "no-cache", "etag": found.etag}
    if request.headers.get("if-none-match") == found.etag:
        return Response(b"", status_code=304, headers=headers, media_type=found.media_type)
    return Response(found.content, headers=headers, media_type=found.media_type)


@post("/session", status_code=204)
async def open_session(request: Asked) -> Response[None]:
    """Open a session for somebody who knows the token; one that is open already is kept."""
    sessions = _site(request).sessions
    if not sessions.knows(codec.read_key(await _json(request)).token):
        raise Problem(401, "wrong_token", "this access link is not valid (any more); ask for a new one")
    response: Response[None] = Response(None, status_code=204)
    if _visitor(request) is None:
        response.headers["set-cookie"] = _cookie(request, sessions)
    return response


@post("/messages", status_code=200)
async def messages(request: Asked) -> codec.Result:
    """Hand a line or a press to the runtime and return after its turn."""
    site = _site(request)
    visitor = _known(request)
    posted = codec.read_post(await _json(request))
    inbound = codec.inbound(posted, conversation=visitor.conversation, user=visitor.user)
    result = codec.result(await site.runtime.deliver(inbound))
    site.channel.wake(visitor.conversation)
    if result.outcome == "refused":
        raise Problem(429, "refused", result.reason, {"retry-after": "2"})
    return result


@get("/events")
async def events(request: Asked) -> Stream:
    """Stream the conversation from the place in `Last-Event-ID` on."""
    site = _site(request)
    visitor = _known(request)
    if site.channel.closed:
        raise Problem(503, "away", "the service is stopping; come back in a moment", {"retry-after": "1"})
    if site.channel.is_full(visitor.conversation):
        raise Problem(429, "too_many_streams", "this conversation is open in too many tabs; close some")
    commands: list[Json] = [{"name": name, "about": about} for name, about in site.commands.items()]
    return Stream(
        follow(
            site.runtime,
            site.channel,
            visitor.conversation,
            after=codec.read_place(request.headers.get("last-event-id", "")),
            heartbeat=site.heartbeat,
            greeting={"commands": commands},
        ),
        media_type="text/event-stream",
        headers={"x-accel-buffering": "no"},
    )


@get("/history")
async def history(request: Asked) -> codec.Lines:
    """Return the newest `count` lines, oldest first."""
    site = _site(request)
    visitor = _known(request)
    count = request.query_params.get("count", "200")
    if not re.fullmatch(r"[1-9]\d{0,8}", count, re.ASCII):
        raise Problem(400, "bad_count", "`count` must be a number of lines, 1 or more")
    wanted = min(int(count), HISTORY_LIMIT)
    said = await site.runtime.history(visitor.conversation, limit=-wanted)
    lines = tuple(line for one in said if (line := codec.line(one)) is not None)
    more = wanted < HISTORY_LIMIT and await has_earlier(site.runtime, visitor.conversation, said)
    return codec.Lines(lines, more=more)


@route(["/{rest:path}"], http_method=["GET", "POST", "PUT", "PATCH", "DELETE"])
async def nothing() -> None:
    """Refuse every other address, behind the same guard."""
    raise NotFoundException


def _site(request: Asked) -> Site:
    site: Site = request.app.state.site
    return site


def _visitor(request: Asked) -> Visitor | None:
    sessions = _site(request).sessions
    return sessions.visitor(request.cookies.get(sessions.cookie))


def _known(request: Asked) -> Visitor:
    if (visitor := _visitor(request)) is None:
        raise Problem(401, "no_session", "this browser has no session; open the access link")
    return visitor


async def _json(request: Asked) -> bytes:
    if request.content_type[0] != "application/json":
        raise Problem(415, "not_json", "send Content-Type: application/json")
    return await request.body()


def _cookie(request: Asked, sessions: Sessions) -> str:
    jar = SimpleCookie({sessions.cookie: sessions.open()})
    morsel = jar[sessions.cookie]
    morsel["path"] = request.scope.get("root_path", "") or "/"
    morsel["max-age"] = _COOKIE_AGE
    morsel["httponly"] = True
    morsel["samesite"] = "Strict"
    # Browsers keep no `Secure` cookie from plain http, which is meant: off loopback the chat needs https.
    morsel["secure"] = not (request.url.scheme == "http" and request.url.hostname in _LOOPBACK)
    return morsel.OutputString()
