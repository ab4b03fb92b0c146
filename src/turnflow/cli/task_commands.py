"""The commands of `turnflow tasks` and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from turnflow.cli.running import run

STORE = "sqlite:///turnflow.db"

tasks = typer.Typer(
    help="Look at the tasks of a store, and tell them what to do.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

Store = Annotated[str, typer.Option(metavar="URL", help="Where the tasks are kept: sqlite:///FILE.db")]
Id = Annotated[str, typer.Argument(metavar="ID", help="Id of the task; its beginning is enough")]
Who = Annotated[str, typer.Option("--as", metavar="NAME", help="Who you are; it is kept with what you do")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs")]
Step = Annotated[str | None, typer.Option(metavar="STEP", help="The step to go on at, outside of all groups")]
File = Annotated[
    Path | None,
    typer.Argument(
        metavar="[FILE]",
        help="Flow file: run it here and follow the task",
        exists=True,
        dir_okay=False,
        show_default=False,
    ),
]
Actions = Annotated[
    list[str] | None,
    typer.Option(metavar="MODULE:NAME", help="Actions for FILE: a list or a registry; may be repeated"),
]
Secrets = Annotated[
    list[str] | None,
    typer.Option("--secret", metavar="REFERENCE", help="Secret FILE may use, as env:TOKEN; may be repeated"),
]


@tasks.command("list")
def list_tasks(
    store: Store = STORE,
    flow: Annotated[str | None, typer.Option(metavar="NAME", help="Only tasks of this flow")] = None,
    status: Annotated[
        list[str] | None, typer.Option(metavar="STATUS", help="Only tasks of this status; may be repeated")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most tasks to list")] = 50,
    json: Json = False,
) -> None:
    """List tasks, the youngest first.

    Example: turnflow tasks list --status failed --status stuck
    """
    from turnflow.cli.tasks import list_tasks as work

    run(lambda: work(store, flow, status or (), limit, json=json))


@tasks.command()
def show(id: Id, store: Store = STORE, json: Json = False) -> None:
    """Print a task: input, output, and what every step came to.

    Example: turnflow tasks show 3f2a --json
    """
    from turnflow.cli.tasks import show as work

    run(lambda: work(store, id, json=json))


@tasks.command()
def tree(id: Id, store: Store = STORE, json: Json = False) -> None:
    """Print the whole tree that a task belongs to.

    Example: turnflow tasks tree 3f2a
    """
    from turnflow.cli.tasks import tree as work

    run(lambda: work(store, id, json=json))


@tasks.command()
def watch(
    id: Id,
    store: Store = STORE,
    after: Annotated[str, typer.Option(metavar="CURSOR", help="Go on behind this place, as 12.3")] = "",
) -> None:
    """Print what happens to a task until it ends; the exit code is 1 unless it completes.

    Example: turnflow tasks watch 3f2a --after 12.3
    """
    from turnflow.cli.tasks import watch as work

    run(lambda: work(store, id, after))


@tasks.command()
def cancel(id: Id, store: Store = STORE, who: Who = "operator") -> None:
    """End a task and all below it.

    Example: turnflow tasks cancel 3f2a
    """
    from turnflow.cli.tasks import order

    run(lambda: order(store, id, "cancel", None, who))


@tasks.command()
def pause(id: Id, store: Store = STORE, who: Who = "operator") -> None:
    """Let a task and all below it stand still, timers too.

    Example: turnflow tasks pause 3f2a
    """
    from turnflow.cli.tasks import order

    run(lambda: order(store, id, "pause", None, who))


@tasks.command()
def resume(
    id: Id,
    file: File = None,
    store: Store = STORE,
    who: Who = "operator",
    actions: Actions = None,
    secrets: Secrets = None,
) -> None:
    """Let a paused, failed or stuck task go on where it stands.

    With FILE the flow is run here, if no other process does, and the task is
    followed to its end: so goes on what was killed.

    Example: turnflow tasks resume 3f2a order.yaml
    """
    _order("resume", id, None, file, store, who, actions, secrets)


@tasks.command()
def retry(
    id: Id,
    file: File = None,
    step: Step = None,
    store: Store = STORE,
    who: Who = "operator",
    actions: Actions = None,
    secrets: Secrets = None,
) -> None:
    """Let a failed or stuck task go on where that happened, or at another step.

    Results of steps that completed stay.

    Example: turnflow tasks retry 3f2a --step charge
    """
    _order("retry", id, step, file, store, who, actions, secrets)


@tasks.command()
def fork(
    id: Id,
    file: File = None,
    step: Step = None,
    store: Store = STORE,
    who: Who = "operator",
    actions: Actions = None,
    secrets: Secrets = None,
) -> None:
    """Start a copy of a task, at a step or where it stands, and print its id.

    Example: turnflow tasks fork 3f2a --step charge
    """
    _order("fork", id, step, file, store, who, actions, secrets)


def _order(
    word: str,
    id: str,
    step: str | None,
    file: Path | None,
    store: str,
    who: str,
    actions: list[str] | None,
    secrets: list[str] | None,
) -> None:
    """Give an order beside whoever runs the flows, or run them here."""
    from turnflow.cli.tasks import order, order_here

    if file is None:
        run(lambda: order(store, id, word, step, who))
    else:
        run(lambda: order_here(store, id, word, step, who, file, actions or (), secrets or ()))
