"""Tasks as text for people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from turnflow.cli.board import duration, words_of
from turnflow.core.ids import At, Json
from turnflow.engine import StepRecord, Task, TaskNode

COLOURS = {"completed": "green", "failed": "red", "stuck": "red", "cancelled": "yellow", "blocked": "yellow"}
LONGEST = 200
"""Characters of a value that are shown; `--json` prints all of it."""


def print_list(console: Console, tasks: list[Task]) -> None:
    """Print one line a task."""
    table = Table("task", "flow", "status", "created", "took", "below", box=None, header_style="dim", pad_edge=False)
    for task in tasks:
        took = duration((task.ended - task.created) / 1000) if task.ended is not None else ""
        table.add_row(
            task.id, escape(task.flow), _status(task.status), moment(task.created), took, task.parent,
        )  # fmt: skip
    if tasks:
        console.print(table)
    else:
        console.print("There are no such tasks.")


def print_task(console: Console, task: Task) -> None:
    """Print all of a task."""
    console.print(f"[bold]{escape(task.title)}[/]  {_status(task.status)}")
    for name, value in _facts(task):
        console.print(f"  [dim]{name:<13}[/]{escape(value)}")
    if task.steps:
        console.print("  [dim]steps[/]")
    for record in task.steps:
        console.print(f"    {escape(record.path)}: {escape(words_of(record))}{escape(_output(record))}")
    if task.steps_left_out:
        console.print(f"    [dim]{task.steps_left_out} older steps are left out[/]")


def print_tree(console: Console, node: TaskNode, marked: str) -> None:
    """Print a tree of tasks; the one that was asked for stands out."""
    console.print(_tree(node, marked))


def as_json(value: Task | TaskNode | list[Task]) -> str:
    """Return tasks as JSON for programs."""
    return msgspec.json.format(msgspec.json.encode(value)).decode()


def moment(at: At) -> str:
    """Return a moment as `2026-01-31 12:00:00 UTC`."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _facts(task: Task) -> Iterator[tuple[str, str]]:
    yield "id", task.id
    yield "flow", f"{task.flow}, version {task.version}"
    yield "created", moment(task.created)
    if task.ended is not None:
        yield "ended", moment(task.ended)
    if task.parent:
        yield "parent", task.parent
    if task.children:
        yield "children", ", ".join(task.children[:5]) + (" ..." if len(task.children) > 5 else "")
    if task.conversation:
        yield "conversation", task.conversation
    if task.progress is not None:
        yield "progress", f"{task.progress:.0%}"
    for name, value in (("input", task.input), ("params", task.params), ("output", task.output)):
        if value is not None:
            yield name, _short(value)
    if task.error is not None:
        place = f"step {task.error.step}, attempt {task.error.attempt}, " if task.error.step else ""
        yield "error", f"{place}{task.error.code}: {task.error.message}"
    if task.reason:
        yield "reason", task.reason + (f" (by {task.by})" if task.by else "")


def _output(record: StepRecord) -> str:
    if record.count is not None:
        return f" -> {record.count} results"
    return f" -> {_short(record.output)}" if record.output is not None else ""


def _short(value: Json) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text)} characters)"


def _status(status: str) -> str:
    colour = COLOURS.get(status, "cyan")
    return f"[{colour}]{status}[/]"


def _tree(node: TaskNode, marked: str) -> Tree:
    style = "bold" if node.id == marked else "default"
    tree = Tree(f"[{style}]{escape(node.title)}[/]  {_status(node.status)}  [dim]{node.id}[/]")
    for child in node.children:
        tree.children.append(_tree(child, marked))
    return tree
