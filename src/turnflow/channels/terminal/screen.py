"""How a conversation looks in a terminal; through a pipe it looks like a transcript."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.text import Text

_CLEAR = "\r\x1b[K"


class Screen:
    """Prints lines. `is_live`: a person sits there, so there is a prompt, and what was typed needs no echo."""

    def __init__(self, stream: TextIO, *, is_live: bool) -> None:
        self.is_live = is_live
        self._stream = stream
        self._console = Console(file=stream, highlight=False, soft_wrap=True)
        self._is_prompting = False

    def reply(self, text: str, rows: Sequence[str]) -> None:
        """Print what a flow said, with its buttons."""
        self._lines("< ", text, "bold cyan")
        for row in rows:
            self._line("  ", row, "cyan")

    def other(self, text: str) -> None:
        """Print what a person said before, or elsewhere."""
        self._lines("> ", text, "dim")

    def echo(self, text: str) -> None:
        """Print a line that came through a pipe. A terminal shows it anyway."""
        self._is_prompting = False
        if not self.is_live:
            self._lines("> ", text, "")

    def notice(self, text: str) -> None:
        """Print something that nobody in the conversation said."""
        self._line("# ", text, "yellow")

    def prompt(self) -> None:
        """Show that one may type."""
        if self.is_live:
            self._stream.write(f"{_CLEAR}> ")
            self._stream.flush()
            self._is_prompting = True

    def leave(self) -> None:
        """Leave the terminal with the cursor at the start of a line."""
        if self._is_prompting:
            self._stream.write("\n")
            self._stream.flush()

    def _lines(self, mark: str, text: str, style: str) -> None:
        for number, line in enumerate(text.split("\n")):
            self._line(mark if number == 0 else "  ", line, style)

    def _line(self, mark: str, text: str, style: str) -> None:
        was_prompting = self._is_prompting
        if was_prompting:
            self._stream.write(_CLEAR)
            self._is_prompting = False
        self._console.print(Text(mark, style) + Text(text, "" if mark == "< " else style))
        if was_prompting:
            self.prompt()
