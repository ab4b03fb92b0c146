"""A real HTTP server on loopback, which answers what a test says, byte for byte, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple, TypeAlias, cast

from turnflow.actions import HttpPolicy, builtin_actions
from turnflow.core.ids import Json, RunId
from turnflow.ports import Action, ActionContext, ActionServices

LOOPBACK = HttpPolicy(allow_http=True, allow_private=["127.0.0.1"], timeout=60)
"""What lets tests reach their server; a request that hangs is a failure by the time limit of the test."""


class Asked(NamedTuple):
    """A request as it arrived. Header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Answers: TypeAlias = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]


class Server(NamedTuple):
    """A server that runs."""

    port: int
    asked: list[Asked]
    closed: asyncio.Event
    """Set when a client went away."""

    def url(self, path: str = "/", host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"


def response(
    body: bytes = b"", *headers: str, status: str = "200 OK", kind: str = "text/plain", length: int | None = None
) -> bytes:
    """A whole response, which says that it is `length` bytes long."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join([*lines, f"Content-Type: {kind}", "", ""]).encode() + body


def as_json(value: Json, status: str = "200 OK") -> bytes:
    return response(json.dumps(value).encode(), status=status, kind="application/json")


@asynccontextmanager
async def serving(answer: bytes | Answers, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """Serve until the block ends: the same bytes to everybody, or what a function writes."""
    asked: list[Asked] = []
    closed = asyncio.Event()
    tasks: set[asyncio.Task[object]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(cast("asyncio.Task[object]", asyncio.current_task()))
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
            request = await _read(reader)
            asked.append(request)
            if isinstance(answer, bytes):
                writer.write(answer)
            else:
                await answer(request, writer)
            await writer.drain()
            await reader.read()  # until the client goes
        closed.set()
        writer.close()
        with suppress(ConnectionError, asyncio.CancelledError, ssl.SSLError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    async with server:
        try:
            yield Server(server.sockets[0].getsockname()[1], asked, closed)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks)


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, path, _ = head[0].split(" ")
    headers = dict(line.split(": ", 1) for line in head[1:] if line)
    lower = {name.lower(): value for name, value in headers.items()}
    return Asked(method, path, lower, await reader.readexactly(int(lower.get("content-length", "0"))))


def resolver(**known: str | Sequence[str]) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    """Return a resolver that knows these names only; `_` stands for a point. Several addresses are separated by blanks."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        try:
            found = known[host.replace(".", "_")]
        except KeyError:
            raise OSError("Name or service not known") from None
        return found.split() if isinstance(found, str) else found

    return resolve


def context(key: str = "r1/s1/1", services: ActionServices | None = None) -> ActionContext:
    return ActionContext(RunId("r1"), key, 1, {}, services=services)


def builtin(name: str, policy: HttpPolicy = LOOPBACK, **options: object) -> Action:
    """The built-in action of that name; `options` as for `builtin_actions`."""
    actions = builtin_actions(policy, **options)  # type: ignore[arg-type]  # because tests hand on what they were given
    return next(action for action in actions if action.name == name)


async def call(
    name: str, argument: Json, policy: HttpPolicy = LOOPBACK, key: str = "r1/s1/1", **options: object
) -> Json:
    """Call a built-in action as the engine does: JSON in, JSON out."""
    result = await builtin(name, policy, **options)(json.dumps(argument).encode(), context(key))
    found: Json = json.loads(result)
    return found


def field(value: Json, *names: str) -> Json:
    """Return a field of a JSON object."""
    for name in names:
        assert isinstance(value, dict)
        value = value[name]
    return value
