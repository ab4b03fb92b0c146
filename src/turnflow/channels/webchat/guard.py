"""What every request must pass and every response carries: host, origin, security headers, errors with an id."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from litestar import Request, Response
from litestar.datastructures import Headers, MutableScopeHeaders, State
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from turnflow.channels.webchat.channel import AWAY
from turnflow.channels.webchat.codec import BODY_LIMIT, BadRequest

Asked = Request[None, None, State]

_log = logging.getLogger("turnflow.webchat")

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
_MESSAGES = {
    404: ("not_found", "there is nothing at this address"),
    405: ("wrong_method", "this address does not take that method"),
    413: ("too_large", f"the request is larger than {BODY_LIMIT // 1024} KiB"),
}


class Problem(HTTPException):
    """A refusal with a stable code."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail=message, status_code=status, headers=headers)
        self.code = code


def guard(hosts: Collection[str]) -> Callable[[ASGIApp], ASGIApp]:
    """Return a middleware that lets only requests for these hosts pass, and only from pages of the same origin.

    Reading a page needs no origin; everything that changes state or streams does (absent is fine: browsers send it
    whenever another site is behind the request).
    """
    allowed = {host.lower() for host in hosts}

    def wrap(app: ASGIApp) -> ASGIApp:
        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == ScopeType.HTTP:
                headers = Headers.from_scope(scope)
                host = headers.get("host", "").lower()
                if _name(host) not in allowed:
                    raise Problem(421, "unknown_host", "this host name is not among the ones the web chat answers to")
                if not _is_same_origin(headers, host, strict=_needs_origin(scope["method"], scope["path"])):
                    raise Problem(403, "wrong_origin", "this request came from another site")
            await app(scope, receive, send)

        return guarded

    return wrap


async def stamp(message: Message, scope: Scope) -> None:
    """Put the security headers and the request id on a response that is about to start."""
    if message["type"] == "http.response.start":
        headers = MutableScopeHeaders.from_message(message)
        for name, value in _HEADERS.items():
            headers[name] = value
        headers.setdefault("cache-control", "no-store")
        headers["x-request-id"] = request_id(scope)


def request_id(scope: Scope) -> str:
    """Return the id of a request, made on first use."""
    return str(scope["state"].setdefault("turnflow_request", secrets.token_hex(8)))


def explain(request: Asked, error: Exception) -> Response[object]:
    """Return the response for an error: code, message, request id; never a traceback."""
    status, code, message = 500, "internal", "something went wrong here; the log has the details under this request id"
    headers: dict[str, str] = {}
    match error:
        case Problem():
            status, code, message = error.status_code, error.code, error.detail
            headers = dict(error.headers or {})
        case BadRequest():
            status, code, message = error.status, error.code, str(error)
        case HTTPException() if error.status_code < 500:
            status = error.status_code
            code, message = _MESSAGES.get(status, ("bad_request", "the request was not understood"))
            headers = dict(error.headers or {})
        case _ if isinstance(error, AWAY):
            status, code, message = 503, "away", "the service is not ready; send the same request again"
            headers = {"retry-after": "1"}
        case _:
            _log.error("request %s failed", request_id(request.scope), exc_info=error)
    body = {"error": {"code": code, "message": message, "request": request_id(request.scope)}}
    return Response(body, status_code=status, headers=headers, media_type="application/json")


def _needs_origin(method: str, path: str) -> bool:
    return method not in ("GET", "HEAD") or path.rstrip("/").endswith(("/events", "/history"))


def _is_same_origin(headers: Headers, host: str, *, strict: bool) -> bool:
    site = headers.get("sec-fetch-site")
    if strict and site not in (None, "same-origin"):
        return False
    origin = headers.get("origin")
    # Only the authority is compared: behind a proxy that ends TLS the scheme is not known here.
    return origin is None or not strict or urlsplit(origin).netloc.lower() == host


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
