"""A terminal with a shell in it, driven by the lines of a console block as a reader would: type, look, type on.

A line `$ COMMAND` is typed at the shell's prompt; `> LINE` at the prompt of a program that was started without a pipe (`^C`, `^D`
and `^Z` are those keys); a command of the operator's desk where that has been started, which has no prompt. Everything else is
what has to appear. `...` stands for any text, on a line of its own for any lines. Blank lines and messages of job control are not
compared: shells differ in them.
"""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from difflib import unified_diff
from fcntl import ioctl
from pathlib import Path

import pytest

PATIENCE = 90.0
"""Seconds that a slow machine may take for one line."""
_KEYS = {"^C": b"\x03", "^D": b"\x04", "^Z": b"\x1a"}
_DESK = ("list", "say", "answer", "move", "cancel", "help", "quit")
_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x07")
_PASSED_OVER = re.compile(r"(\^[CZ])?(\[\d+\][+-]? .*|exit|Terminated|Killed|\$|>? ?(\^[CDZ])?) *")
"""Job control, and keys: terminals do not show all of them."""
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/#\S+")


class Terminal:
    """One shell in one window; use it as a context. `on_address` is told what a started server printed."""

    def __init__(
        self, folder: Path, environment: Mapping[str, str], port: int, on_address: Callable[[str], None]
    ) -> None:
        self._folder = folder
        own = {
            "PS1": "$ ",
            "PS2": "",
            "TERM": "dumb",
            "NO_COLOR": "1",
            "VIRTUAL_ENV_DISABLE_PROMPT": "1",
            "LC_ALL": "C.UTF-8",
        }
        self._environment = {**environment, **own}
        self._port = port
        self._on_address = on_address
        self._raw = ""
        self._is_desk = False

    def __enter__(self) -> Terminal:
        self._pid, self._fd = pty.fork()
        if self._pid == 0:
            os.chdir(self._folder)
            os.execvpe("bash", ["bash", "--norc", "--noprofile", "--noediting", "-i"], self._environment)
        ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 118, 0, 0))
        self._wait([], "$ ", "a new terminal")
        return self

    def __exit__(self, *_: object) -> None:
        """Close the window; whatever still runs in it is ended."""
        foreground = os.tcgetpgrp(self._fd)
        for group in {foreground, self._pid}:
            os.killpg(group, signal.SIGKILL)
        os.close(self._fd)
        os.waitpid(self._pid, 0)

    def play(self, text: str, where: str) -> None:
        """Act out one block and compare what is on the screen with it."""
        lines = text.rstrip("\n").split("\n")
        is_program = True
        for number, line in enumerate(lines):
            if line.startswith("$ "):
                self._wait(lines[:number], "$ ", where)
                is_program = "|" not in line
                self._is_desk = is_program and line.startswith("$ turnflow operator")
                self._type(f"{self._ported(line[2:])}\n")
            elif self._is_desk and line.partition(" ")[0] in _DESK:
                self._wait(lines[:number], "", where)
                self._type(f"{line}\n")
            elif line in _KEYS:
                self._wait(lines[:number], "", where)
                self._type(_KEYS[line])
            elif line.startswith("> ") and is_program and not _is_recalled(lines[number:]):
                self._wait(lines[:number], "> ", where)
                typed = line[2:]
                self._type(_KEYS.get(typed, f"{typed}\n"))
        has_prompt = not self._is_desk and not _ADDRESS.search(lines[-1].replace("...", "x"))
        self._wait(lines, ("$ ", "> ") if has_prompt else "", where)
        self._raw = self._raw[self._raw.rfind("\n") + 1 :]

    # --- private -------------------------------------------------------------------------------------------------

    def _ported(self, command: str) -> str:
        return f"{command} --port {self._port}" if command.startswith("turnflow serve") else command

    def _type(self, keys: str | bytes) -> None:
        os.write(self._fd, keys.encode() if isinstance(keys, str) else keys)

    def _wait(self, expected: Sequence[str], prompt: str | tuple[str, ...], where: str) -> None:
        """Read until all that is expected is on the screen, and a prompt behind it."""
        until = time.monotonic() + PATIENCE
        pattern = _pattern(expected)
        while True:
            screen = _screen(self._raw)
            shown = _compared(self._shown(screen))
            if pattern.fullmatch("".join(f"{line}\n" for line in shown)) and screen.endswith(prompt):
                for address in _ADDRESS.findall(screen):
                    self._on_address(address)
                return
            if time.monotonic() > until:
                diff = "\n".join(
                    unified_diff(_compared(expected), shown, "the page", "the terminal", lineterm="", n=100)
                )
                pytest.fail(f"{where}: the terminal shows something else\n{diff or screen}", pytrace=False)
            if select.select([self._fd], [], [], 0.1)[0]:
                self._raw += os.read(self._fd, 65536).decode("utf-8", "replace")

    def _shown(self, screen: str) -> list[str]:
        lines = screen.replace(f" --port {self._port}", "").replace(f":{self._port}", ":8420").split("\n")
        return lines[:-1] if lines[-1].strip() in ("$", ">", "") else lines


def _is_recalled(rest: Sequence[str]) -> bool:
    """Whether a `> ` line belongs to what the terminal recalls of an earlier conversation."""
    for line in rest:
        if line.startswith("$ "):
            return False
        if line.startswith("# You are back"):
            return True
    return False


def _screen(raw: str) -> str:
    """What one sees: a carriage return goes back to the start of its line, codes for clearing are gone."""
    return "\n".join(_CODES.sub("", line.rsplit("\r", 1)[-1]) for line in raw.replace("\r\n", "\n").split("\n"))


def _compared(lines: Sequence[str]) -> list[str]:
    return [line.rstrip() for line in lines if line.strip() and not _PASSED_OVER.fullmatch(line)]


def _pattern(expected: Sequence[str]) -> re.Pattern[str]:
    parts = []
    for line in _compared(expected):
        anything = line.strip() == "..."
        parts.append(r"(?:.*\n)*?" if anything else ".*?".join(map(re.escape, line.split("..."))) + r"\n")
    return re.compile("".join(parts))
