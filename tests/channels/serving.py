"""Servers for tests: in this process, or in one that can be killed; and a reader of event streams."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast

import httpx
import uvicorn
from litestar import Litestar

from tests.channels.server import TOKEN


class Event(NamedTuple):
    name: str
    data: dict[str, object]
    id: str = ""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def inside(app: Litestar, root_path: str = "") -> httpx.ASGITransport:
    """A way to an app without a socket; errors come back as responses, as from a server."""
    # Litestar's types of the ASGI messages are narrower than httpx's.
    return httpx.ASGITransport(cast(Any, app), raise_app_exceptions=False, root_path=root_path)


@asynccontextmanager
async def serving(app: Litestar) -> AsyncIterator[str]:
    """Serve over a real socket; yields the address."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", lifespan="off"))
    server.config.timeout_graceful_shutdown = 1
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
        server.should_exit = True


class Killable:
    """A server process on a file, which can be killed and started again on the same port."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        arguments = [sys.executable, "-m", "tests.channels.server", str(self.file), str(self.port)]
        self._process = subprocess.Popen(arguments, cwd=Path(__file__).parent.parent.parent)
        async with asyncio.timeout(30), httpx.AsyncClient() as client:
            while True:
                with contextlib.suppress(httpx.TransportError):
                    await client.get(self.address)
                    return
                assert self._process.poll() is None, "the server did not start"
                await asyncio.sleep(0.05)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


async def enter(client: httpx.AsyncClient) -> None:
    """Open a session."""
    response = await client.post("/session", json={"token": TOKEN})
    assert response.status_code == 204, response.text


async def events(client: httpx.AsyncClient, after: str = "") -> AsyncGenerator[Event, None]:
    """Yield the events of a stream, comments left out."""
    headers = {"last-event-id": after} if after else {}
    async with client.stream("GET", "/events", headers=headers, timeout=10) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        fields: dict[str, str] = {}
        async for line in response.aiter_lines():
            name, _, value = line.partition(": ")
            if line and name:
                fields[name] = value
            elif fields:
                yield Event(fields["event"], json.loads(fields["data"]), fields.get("id", ""))
                fields = {}


async def said_until(stream: AsyncIterator[Event], text: str) -> list[Event]:
    """Return the lines of a stream up to the one with this text."""
    lines = []
    async for event in stream:
        if event.name == "said":
            lines.append(event)
            if event.data.get("text") == text:
                return lines
    raise AssertionError(f"the stream ended before {text!r}")
