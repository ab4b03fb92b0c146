"""A task at work, as a tree of its steps in a terminal, or line by line where there is none."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterator
from types import TracebackType
from typing import Final, Protocol, Self

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.spinner import Spinner
from rich.text import Text
from rich.tree import Tree

from turnflow.core.definition import Flow
from turnflow.core.graph import structure_of
from turnflow.core.ids import StepName
from turnflow.core.nodes import Loop
from turnflow.engine import Change, StepRecord

MARKS: Final = {"completed": "[green]✓[/]", "failed": "[red]✗[/]", "cancelled": "[yellow]–[/]", "waiting": "[cyan]…[/]"}
SHOWN: Final = 8
"""Most iterations of a loop that are over and still shown in the tree; the newest."""
PER_SECOND: Final = 8


class Board(Protocol):
    """Shows the changes of a task as they come."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, change: Change) -> None:
        """Show a change."""


class Lines:
    """One line for each change that people want to know of."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last: dict[tuple[str, int], str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def show(self, change: Change) -> None:
        """Print a change, unless it says the same as the last line about its step."""
        if change.step is not None:
            said = words_of(change.step)
            if self._last.get((change.step.path, change.step.visit)) != said:
                self._last[change.step.path, change.step.visit] = said
                self._print(f"{change.step.path}: {said}")
        elif change.kind == "request":
            self._print(f"{change.request}{f' to {change.to}' if change.to else ''} by {change.by or 'somebody'}")
        elif change.kind == "progress":
            self._print(f"{change.name}: {_share(change)}")
        elif change.kind == "status" and change.status is not None:
            self._print(f"task {change.status}")

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False)


class Branches:
    """A tree that is drawn again and again in its place."""

    def __init__(self, console: Console, title: str, flow: Flow | None) -> None:
        self._title = title
        self._flow = flow
        self._records: dict[str, StepRecord] = {}
        """By path; the newest visit."""
        self._over: dict[str, deque[str]] = {}
        """Of each loop: iterations that are over and still shown."""
        self._hidden: Counter[str] = Counter()
        """Of each loop: how many are over and shown no more."""
        self._notes: dict[str, str] = {}
        self._spinner = Spinner("dots")
        self._live = Live(console=console, refresh_per_second=PER_SECOND, get_renderable=self._tree)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def show(self, change: Change) -> None:
        """Take note of a change; it is drawn with the next picture."""
        if change.step is not None:
            known = self._records.get(change.step.path)
            if known is None or change.step.visit == 0 or change.step.visit >= known.visit:
                self._records[change.step.path] = change.step
            if change.step.path.endswith("]") and change.step.ended is not None:
                self._hide(change.step.path)
        elif change.kind == "progress":
            self._notes[change.name] = _share(change)

    def _hide(self, iteration: str) -> None:
        """Show no more of what is long over: a loop may have very many iterations."""
        loop = iteration.rpartition("[")[0]
        over = self._over.setdefault(loop, deque())
        over.append(iteration)
        if len(over) > SHOWN:
            oldest = over.popleft()
            self._hidden[loop] += 1
            for path in [path for path in self._records if path == oldest or path.startswith(f"{oldest}/")]:
                del self._records[path]

    def _tree(self) -> Tree:
        root = Tree(Text(self._title, style="bold"), guide_style="dim")
        nodes: dict[str, Tree] = {"": root}
        below: dict[str, list[StepRecord]] = {}
        for record in list(self._records.values()):
            below.setdefault(self._above(record), []).append(record)
        for path in self._in_order(below):
            if path not in nodes:
                continue
            if self._hidden[path]:
                nodes[path].add(Text(f"{self._hidden[path]} more", style="dim"))
            for record in below[path]:
                nodes[record.path] = nodes[path].add(self._label(record))
        return root

    def _in_order(self, below: dict[str, list[StepRecord]]) -> Iterator[str]:
        """Yield the paths that have something below them, each behind the one that it stands below."""
        waiting = [""]
        while waiting:
            path = waiting.pop()
            if path in below:
                yield path
                waiting += [record.path for record in below[path]]

    def _above(self, record: StepRecord) -> str:
        """Return the path that a record stands below; empty: none that is known."""
        around, slash, last = record.path.rpartition("/")
        if last.endswith("]"):
            return f"{around}{slash}{record.step}"
        group = structure_of(self._flow).group.get(StepName(record.step)) if self._flow is not None else None
        is_loop = self._flow is not None and group is not None and isinstance(self._flow.nodes.get(group), Loop)
        if group is None or is_loop:
            above = around
            if above and above not in self._records:
                above = above.rpartition("[")[0]  # the iteration is not over, so nothing is known of itself
        else:
            above = f"{around}{slash}{group}"
        return above if above in self._records else ""

    def _label(self, record: StepRecord) -> Text:
        own = record.path.rpartition("/")[2] if record.path.endswith("]") else record.step
        mark = MARKS.get(record.status)
        text = Text.from_markup(f"{mark} ") if mark else Text.assemble(self._turning(), " ")
        text.append(own)
        note = self._notes.get(record.step, "") if record.ended is None else ""
        text.append(f"  {words_of(record)}{f', {note}' if note else ''}", style="dim")
        return text

    def _turning(self) -> Text:
        drawn = self._spinner.render(time.monotonic())
        return drawn if isinstance(drawn, Text) else Text(str(drawn))


def board_for(console: Console, title: str, flow: Flow | None, *, live: bool) -> Board:
    """Return what shows a task on a console."""
    return Branches(console, title, flow) if live else Lines(console)


def words_of(record: StepRecord) -> str:
    """Return what a step is at, in a few words."""
    parts: list[str] = [record.status]
    if record.total is not None or record.done is not None:
        parts.append(f"{record.done or 0}/{record.total if record.total is not None else '?'}")
    if record.attempts > 1:
        parts.append(f"attempt {record.attempts}")
    if record.started is not None and record.ended is not None and record.ended > record.started:
        parts.append(duration((record.ended - record.started) / 1000))
    if record.error is not None:
        parts.append(f"{record.error.code}: {record.error.message}")
    if record.child:
        parts.append(f"task {record.child}")
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """Return a time in words: `0.12 s`, `5 min 3 s`."""
    if seconds < 60:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _share(change: Change) -> str:
    done = f"{change.progress:.0%}" if change.progress is not None else ""
    return " ".join(part for part in (done, escape(change.note)) if part)
