"""`turnflow serve`: flows on a chat page, in one process."""

from __future__ import annotations

import errno
import socket

import uvicorn
from rich.console import Console

from turnflow.app import open_engine
from turnflow.channels.webchat import WebChannel, webchat_app
from turnflow.cli.finding import find_registry
from turnflow.cli.token import LOOPBACK, token_for
from turnflow.engine import Registry
from turnflow.errors import CallerError

DRAIN_SECONDS = 5
"""How long open connections may take to end at a stop."""


class _Server(uvicorn.Server):
    """A server that says when it is reachable, and lets go of open event streams at a stop."""

    def __init__(self, config: uvicorn.Config, channel: WebChannel, address: str) -> None:
        super().__init__(config)
        self._channel = channel
        self._address = address

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        console = Console(highlight=False, soft_wrap=True)
        console.print("\n  [bold]Turnflow is running.[/] Open this address in a browser:\n")
        console.print(f"    [cyan]{self._address}[/]\n", markup=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._channel.close()
        await super().shutdown(sockets)


async def serve(registry: str, store: str, host: str, port: int, title: str) -> None:
    """Serve the page until the process is told to stop."""
    token = token_for(store, host)
    flows = find_registry(registry)
    listener = _listen(host, port)
    names = (*LOOPBACK, host) if host not in ("0.0.0.0", "::") else (*LOOPBACK, socket.gethostname())  # noqa: S104 - compared
    async with open_engine(flows, store=store) as engine:
        channel = WebChannel()
        engine.connect(channel)
        app = webchat_app(engine, channel, token=token, hosts=names, title=title, commands=_commands(flows))
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=DRAIN_SECONDS
        )
        shown = f"[{host}]" if ":" in host else host
        await _Server(config, channel, f"http://{shown}:{port}/#{token}").serve([listener])


def _commands(registry: Registry) -> dict[str, str]:
    """Return the commands people can type, with what they start."""
    commands = {
        trigger.value: registration.flow.title or registration.flow.name
        for registration in registry.registrations
        for trigger in registration.triggers
        if trigger.kind == "command"
    }
    return {**commands, "cancel": "Stop what you are doing"}


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise CallerError(f"port {port} is taken by another program; choose one with --port") from error
        raise CallerError(f"cannot listen on {host} port {port}: {error.strerror}") from error
    return listener
