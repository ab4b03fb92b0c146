"""Running a command to its end: signals, exit codes, and errors that somebody can act on without a traceback.

Exit codes: 0 done (also when told to stop by SIGTERM), 1 an error or a difference, 2 wrong options, 130 Ctrl-C.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import typer
from rich.console import Console
from rich.markup import escape

from turnflow.errors import TurnflowError

INTERRUPTED: Final = 130
"""Exit code after Ctrl-C, by the convention of shells."""
ORDERLY: Final = (signal.SIGINT, signal.SIGTERM)


def run(work: Callable[[], Awaitable[int | None]], *, signals: Sequence[signal.Signals] = ORDERLY) -> None:
    """Run a command; the first of the signals cancels it, so that everything is given back, the second ends it at once."""
    with explained():
        code = asyncio.run(_until_told(work, signals))
        if code:
            raise typer.Exit(code)


@contextmanager
def explained() -> Iterator[None]:
    """Show errors that somebody can act on as one line on stderr."""
    try:
        yield
    except TurnflowError as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"[bold red]error:[/] {escape(str(error))}")
        raise typer.Exit(1) from error
    except BrokenPipeError:
        # Whoever read the output has left; Python must not complain about it once more when it closes the streams.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


async def _until_told(work: Callable[[], Awaitable[int | None]], signals: Sequence[signal.Signals]) -> int:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    told: list[signal.Signals] = []

    def stop(number: signal.Signals) -> None:
        if told:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        told.append(number)
        task.cancel()

    for number in signals:
        loop.add_signal_handler(number, stop, number)
    try:
        return await work() or 0
    except asyncio.CancelledError:
        if not told:
            raise
        return INTERRUPTED if told[0] == signal.SIGINT else 0
