"""The commands and their options; each does its work in a module of its own."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from turnflow.cli.chat import chat as run_chat
from turnflow.cli.graph import graph as draw
from turnflow.cli.operator import operate
from turnflow.cli.rehearse import rehearse as run_rehearsal
from turnflow.cli.serve import serve as run_server
from turnflow.errors import TurnflowError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

APP = typer.Argument(
    help="Where the flows are: MODULE:NAME of a registry, for instance examples.demo:registry", metavar="APP"
)
STORE = typer.Option(help="Where conversations are kept: sqlite:///FILE.db or memory://")
WHO = typer.Option("--as", help="Who you are")


@app.command()
def serve(
    registry: Annotated[str, APP],
    store: Annotated[str, STORE] = "sqlite:///turnflow.db",
    host: Annotated[str, typer.Option(help="Address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on")] = 8420,
    title: Annotated[str, typer.Option(help="Title of the page")] = "Turnflow",
) -> None:
    """Serve flows on a chat page and print its address."""
    _run(run_server(registry, store, host, port, title))


@app.command()
def chat(
    registry: Annotated[str, APP],
    store: Annotated[str, STORE] = "sqlite:///turnflow.db",
    who: Annotated[str, WHO] = "me",
) -> None:
    """Talk to flows in this terminal; lines may also be piped in."""
    _run(run_chat(registry, store, who))


@app.command()
def operator(
    store: Annotated[str, STORE] = "sqlite:///turnflow.db",
    who: Annotated[str, WHO] = "operator",
) -> None:
    """Answer runs that ask for a person, beside the process that serves them."""
    _run(operate(store, who))


@app.command()
def graph(registry: Annotated[str, APP], flow: Annotated[str, typer.Argument(help="Name of the flow")]) -> None:
    """Print a flow as Mermaid text."""
    _guarded(lambda: print(draw(registry, flow)))


@app.command()
def rehearse(
    registry: Annotated[str, APP],
    transcripts: Annotated[list[Path], typer.Argument(help="Transcript files", exists=True, dir_okay=False)],
) -> None:
    """Play transcripts against flows in memory and say where they differ."""
    _run(run_rehearsal(registry, transcripts))


def main() -> None:
    """Run the command line."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    app()


def _run(work: Coroutine[object, object, int | None]) -> None:
    def run() -> None:
        code = asyncio.run(work)
        if code:
            raise typer.Exit(code)

    _guarded(run)


def _guarded(work: Callable[[], None]) -> None:
    """Run a command; errors that somebody can act on are shown without a traceback."""
    try:
        work()
    except TurnflowError as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"[bold red]error:[/] {escape(str(error))}")
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        print(file=sys.stderr)
        raise typer.Exit(130) from None
