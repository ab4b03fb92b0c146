"""The commands and their options; each does its work in a module of its own, which is imported when it is called."""

from __future__ import annotations

import logging
import signal
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

import typer

from turnflow.cli.running import explained, run
from turnflow.cli.task_commands import tasks

DEFAULT_STORE = "sqlite:///turnflow.db"

app = typer.Typer(
    help="Conversation flows that go on where they were after kill -9, a restart or a deploy.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(tasks, name="tasks")

App = Annotated[
    str,
    typer.Argument(metavar="APP", help="Where the flows are: MODULE:NAME of a registry, as in examples.demo:registry"),
]
Store = Annotated[
    str, typer.Option(metavar="URL", help="Where conversations are kept: sqlite:///FILE.db, or memory:// for nowhere")
]
Who = Annotated[str, typer.Option("--as", metavar="NAME", help="Who you are")]


@app.callback(invoke_without_command=True)
def front(
    show_version: Annotated[bool, typer.Option("--version", help="Print the version and exit", is_eager=True)] = False,
) -> None:
    """Conversation flows that go on where they were after kill -9, a restart or a deploy."""
    if show_version:
        print(f"turnflow {version('turnflow')}")
        raise typer.Exit


@app.command()
def serve(
    registry: App,
    store: Store = DEFAULT_STORE,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one")] = 8420,
    title: Annotated[str, typer.Option(help="Title of the page")] = "Turnflow",
    name: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST", help="Name under which browsers reach the page, behind a proxy; may be repeated"),
    ] = None,
) -> None:
    """Serve flows on a chat page and print its address.

    Whoever has the address can chat: it ends in an access key, which is made at
    the first start and kept beside the store (FILE.db.token). TURNFLOW_TOKEN sets
    another one; to listen on anything but 127.0.0.1, it has to be set.

    Stop it with Ctrl-C, or kill it: started again, every conversation goes on
    where it was.

    Example: turnflow serve examples.demo:registry --store sqlite:///demo.db
    """
    from turnflow.cli.serve import serve as work

    run(lambda: work(registry, store, host=host, port=port, title=title, names=name or ()))


@app.command()
def chat(registry: App, store: Store = DEFAULT_STORE, who: Who = "me") -> None:
    """Talk to flows in this terminal.

    Buttons are pressed by their number or their text. Ctrl-D leaves, and the
    conversation stays. Lines may be piped in; each waits for the last answer.

    Example: printf '/start\\nAda\\n' | turnflow chat examples.signup:registry
    """
    from turnflow.cli.chat import chat as work

    # Ctrl-C is one way to leave a conversation, which the terminal sees to.
    run(lambda: work(registry, store, who), signals=(signal.SIGTERM,))


@app.command()
def operator(store: Store = DEFAULT_STORE, who: Who = "operator") -> None:
    """Answer runs that ask for a person, beside the process that serves them.

    It shows who waits and what they write; `help` in it lists the commands.

    Example: turnflow operator --store sqlite:///demo.db
    """
    from turnflow.cli.operator import operate as work

    run(lambda: work(store, who))


@app.command()
def graph(
    place: Annotated[str, typer.Argument(metavar="APP|FILE", help="MODULE:NAME of a registry, or a flow file")],
    flow: Annotated[
        str | None, typer.Argument(metavar="[FLOW]", help="Name of the flow in the registry", show_default=False)
    ] = None,
    format: Annotated[
        Literal["mermaid", "dot", "svg", "png"] | None,
        typer.Option(
            help="What is drawn; without it the ending of the file tells, or it is mermaid", show_default=False
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where it is written, instead of printed", dir_okay=False)
    ] = None,
) -> None:
    """Draw a flow: as Mermaid or DOT text, as SVG or PNG.

    Example: turnflow graph examples.checkout:registry checkout --output checkout.svg
    """
    from turnflow.cli.graph import graph as work

    with explained():
        work(place, flow, format, output)


@app.command("run")
def run_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Flow file: YAML or JSON", exists=True, dir_okay=False)],
    input: Annotated[str | None, typer.Option(metavar="JSON", help="What the flow starts with: JSON, or @FILE")] = None,
    params: Annotated[str | None, typer.Option(metavar="JSON", help="What else may be set: JSON, or @FILE")] = None,
    key: Annotated[
        str | None, typer.Option(metavar="WORD", help="The same key goes on with the same run instead of a new one")
    ] = None,
    store: Store = DEFAULT_STORE,
    watch: Annotated[bool, typer.Option(help="Show each step while it is at work")] = True,
    actions: Annotated[
        list[str] | None,
        typer.Option(metavar="MODULE:NAME", help="Actions: a list or a registry; by default actions.py beside FILE"),
    ] = None,
    secret: Annotated[
        list[str] | None,
        typer.Option(metavar="REFERENCE", help="Secret the flow may use, as env:TOKEN; may be repeated"),
    ] = None,
) -> None:
    """Run a flow file and print its output as JSON.

    The id of the task and its steps go to stderr. Killed, it goes on where it was:
    start it again with the same --key, or `turnflow tasks resume ID FILE`. The
    exit code is 1 if it fails or is cancelled.

    Example: turnflow run order.yaml --input '{"order": 7}' --key order-7
    """
    from turnflow.cli.run import run as work

    run(
        lambda: work(
            file,
            store=store,
            input=input,
            params=params,
            key=key,
            watch=watch,
            actions=actions or (),
            secrets=secret or (),
        )
    )


@app.command()
def check(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Flow files: YAML or JSON", exists=True, dir_okay=False)
    ],
    actions: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODULE:NAME", help="Actions: a list or a registry; by default actions.py beside each FILE"
        ),
    ] = None,
) -> None:
    """Name everything that is wrong with flow files, with line and column.

    What flows give to actions and to each other is held against their schemas.
    The exit code is 1 if anything is wrong.

    Example: turnflow check order.yaml refund.yaml
    """
    from turnflow.cli.check import check as work

    with explained():
        lines, code = work(files, actions or ())
        print("\n".join(lines), flush=True)
        if code:
            raise typer.Exit(code)


@app.command()
def schema() -> None:
    """Print the JSON Schema of flow files, for editors.

    Example: turnflow schema > flow.schema.json
    """
    from turnflow.cli.schema import schema as work

    with explained():
        print(work(), flush=True)


@app.command()
def rehearse(
    registry: App,
    transcripts: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Transcripts", exists=True, dir_okay=False, readable=True)
    ],
) -> None:
    """Play transcripts against flows in memory and say where they differ.

    The exit code is 1 if one of them does.

    Example: turnflow rehearse examples.signup:registry examples/signup.txt
    """
    from turnflow.cli.rehearse import rehearse as work

    run(lambda: work(registry, transcripts))


def main() -> None:
    """Run the command line."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    app()
