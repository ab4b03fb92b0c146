"""`turnflow serve`: flows on a chat page, in one process."""

from __future__ import annotations

import asyncio
import errno
import gc
import socket
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

import uvicorn
from rich.console import Console

from turnflow.app import open_engine
from turnflow.channels.webchat import WebChannel, webchat_app
from turnflow.cli.finding import find_registry
from turnflow.cli.keeping import own_store
from turnflow.cli.token import LOOPBACK, check_token, token_for
from turnflow.engine import Registry
from turnflow.errors import CallerError

ANYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared
DRAIN_SECONDS = 5
"""How long open connections may take to end at a stop."""
BACKLOG = 128


class _Server(uvicorn.Server):
    """A server that says when it is reachable, and lets go of open event streams at a stop."""

    def __init__(self, config: uvicorn.Config, channel: WebChannel, greeting: str) -> None:
        super().__init__(config)
        self._channel = channel
        self._greeting = greeting

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the command: uvicorn would let them end the process before the engine has stopped in order."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        Console(highlight=False, soft_wrap=True).print(self._greeting)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._channel.close()
        await super().shutdown(sockets)


async def serve(registry: str, store: str, *, host: str, port: int, title: str, names: Sequence[str]) -> None:
    """Serve the page until the task is cancelled. `names`: further host names that browsers may use."""
    flows = find_registry(registry)
    kept = own_store(store)
    check_token(host)
    with closing(_listen(host, port)) as listener:
        token = token_for(store, host)  # kept in a file, which a start that comes to nothing should not leave behind
        async with open_engine(flows, store=kept) as engine:
            channel = WebChannel()
            engine.connect(channel)
            app = webchat_app(
                engine, channel, token=token, hosts=_hosts(host, names), title=title, commands=_commands(flows)
            )
            config = uvicorn.Config(
                app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=DRAIN_SECONDS
            )
            gc.freeze()  # what is loaded by now stays; looking through it again and again would cost each turn
            greeting = _greeting(host, listener.getsockname()[1], token, lasting=engine.grade.survives_kill)
            await _serve_until_cancelled(_Server(config, channel, greeting), listener)


async def _serve_until_cancelled(server: uvicorn.Server, listener: socket.socket) -> None:
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(server.serve([listener]))
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            server.should_exit = True
            await serving
            raise


def _greeting(host: str, port: int, token: str, *, lasting: bool) -> str:
    shown = socket.gethostname() if host in ANYWHERE else f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{port}/#{token}"
    lines = ["", "  [bold]Turnflow is running.[/] Open this address in a browser:", "", f"    [cyan]{address}[/]", ""]
    if not lasting:
        lines += ["  [yellow]Conversations are kept in memory and end with this process.[/]", ""]
    return "\n".join(lines)


def _hosts(host: str, names: Sequence[str]) -> tuple[str, ...]:
    return (*LOOPBACK, socket.gethostname() if host in ANYWHERE else host, *names)


def _commands(registry: Registry) -> dict[str, str]:
    """Return the commands that the page suggests, one a flow, with what they start."""
    commands: dict[str, str] = {}
    for registration in registry.registrations:
        words = (trigger.value for trigger in registration.triggers if trigger.kind == "command")
        if (word := next(words, None)) is not None:
            commands[word] = registration.flow.title or registration.flow.name
    return {**commands, "cancel": "Stop what you are doing"}


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        # At once: until somebody listens, another program may bind the same port, too.
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise CallerError(f"port {port} is taken by another program; choose one with --port") from error
        raise CallerError(f"cannot listen on {host} port {port}: {error.strerror}") from error
    return listener
