"""`turnflow operator`: answers to runs that ask for a person, from a second terminal."""

from __future__ import annotations

import asyncio
import sys

from rich.console import Console
from rich.markup import escape

from turnflow.channels.terminal.keyboard import typed_lines
from turnflow.cli.keeping import shared_store
from turnflow.core.state import RunState
from turnflow.engine import Desk, SystemClock
from turnflow.errors import CallerError, StoreUnavailable, TurnflowError

POLL_SECONDS = 0.5
SHORT = 8
"""Characters of a run's id that are shown; 4 are enough to name it."""
HELP = """Commands (RUN may be left out if only one run is waiting; the beginning of its id is enough):
  list                  runs that wait for an operator
  say [RUN] TEXT        talk to the person; the run stays with you
  answer [RUN] TEXT     talk to the person and let the run go on
  move [RUN] STEP       put the run onto another step
  cancel [RUN]          end the run
  help, quit"""


class Operator:
    """One operator at one terminal."""

    def __init__(self, desk: Desk, who: str, console: Console) -> None:
        self._desk = desk
        self._who = who
        self._console = console

    async def begin(self) -> None:
        """Print what those who wait have said so far."""
        waiting = {state.run for state in await self._desk.escalated()}
        found = False
        while lines := await self._desk.news():
            for line in lines:
                if line.partition(" ")[0] in waiting:
                    found = True
                    self._show(line)
        if not found:
            self._console.print("Nobody is waiting.")

    async def show_news(self) -> None:
        """Print what comes into the inbox, for ever."""
        while True:
            try:
                for line in await self._desk.news():
                    self._show(line)
            except StoreUnavailable:
                pass  # locked for a moment; the next look shows it
            await asyncio.sleep(POLL_SECONDS)

    async def obey(self, line: str) -> bool:
        """Carry one command out; False ends the session. Raises `CallerError` for what it does not understand."""
        word, _, rest = line.strip().partition(" ")
        match word:
            case "":
                pass
            case "quit" | "exit":
                return False
            case "help" | "?":
                self._console.print(HELP, markup=False)
            case "list":
                await self._list()
            case "say" | "answer" | "move":
                run, text = await self._addressed(rest)
                if not text:
                    raise CallerError(f"{word} needs {'a step' if word == 'move' else 'a text'}")
                await {"say": self._desk.say, "answer": self._desk.answer, "move": self._desk.move}[word](
                    run, text, self._who
                )
            case "cancel":
                run, rest = await self._addressed(rest)
                if rest:
                    raise CallerError(f"no run that waits begins with {rest!r}; `list` shows them")
                await self._desk.cancel(run, self._who)
            case _:
                raise CallerError(f"there is no command {word!r}; `help` lists them, `say TEXT` talks to the person")
        return True

    def _show(self, line: str) -> None:
        run, _, rest = line.partition(" ")
        self._console.print(f"[bold yellow]{escape(run[:SHORT])}[/] {escape(rest)}")

    async def _list(self) -> None:
        waiting = await self._desk.escalated()
        for state in waiting:
            reason = next(cursor.escalation.reason for cursor in state.cursors if cursor.escalation is not None)
            self._console.print(f"[bold yellow]{state.run[:SHORT]}[/] {escape(state.flow)}: {escape(reason)}")
        if not waiting:
            self._console.print("Nobody is waiting.")

    async def _addressed(self, rest: str) -> tuple[str, str]:
        """Split a command into the run it is about and the rest."""
        waiting = await self._desk.escalated()
        if not waiting:
            raise CallerError("nobody is waiting for an operator")
        first, _, text = rest.strip().partition(" ")
        found = [state for state in waiting if len(first) >= 4 and state.run.startswith(first)]
        if len(found) == 1:
            return found[0].run, text.strip()
        if len(waiting) == 1:
            return waiting[0].run, rest.strip()
        raise CallerError(f"{len(waiting)} runs are waiting; say which one: {', '.join(_short(waiting))}")


async def operate(store: str, who: str) -> None:
    """Show the inbox of the operators and carry out commands until the input ends."""
    opened = shared_store(store)
    await opened.open()
    console = Console(highlight=False, soft_wrap=True)
    operator = Operator(Desk(opened, SystemClock()), who, console)
    try:
        console.print("[bold]Operator's desk.[/] `help` lists the commands, Ctrl-D leaves.")
        if not opened.holders():
            console.print("[yellow]No process runs flows on this store now; answers are kept until one does.[/]")
        await operator.begin()
        async with asyncio.TaskGroup() as tasks:
            news = tasks.create_task(operator.show_news())
            async for line in typed_lines(sys.stdin):
                try:
                    if not await operator.obey(line):
                        break
                except TurnflowError as error:
                    console.print(f"[red]{escape(str(error))}[/]")
            news.cancel()
    finally:
        await opened.close()


def _short(states: list[RunState]) -> list[str]:
    return [state.run[:SHORT] for state in states]
