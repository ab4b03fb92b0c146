"""The command line as people use it: commands in processes of their own, with a pipe or a terminal at each end."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType

from typer.testing import Result

Run = Callable[..., Result]
"""Runs a command in this process: `run("chat", "bot:registry")`."""
ROOT = Path(__file__).parent.parent.parent
TURNFLOW = Path(sys.executable).with_name("turnflow")
PATIENCE = 60.0
"""Seconds that a busy machine may take for anything."""
_ADDRESS = re.compile(r"http://\S+/#\S+")
_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def environment(**own: str) -> dict[str, str]:
    """What commands see: the examples are importable from any folder, no colours."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TURNFLOW_")}
    return {**inherited, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "200", **own}


def turnflow(folder: Path, *words: str, given: str = "", **own: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [TURNFLOW, *words], cwd=folder, env=environment(**own), input=given, capture_output=True, text=True,
        timeout=PATIENCE, check=False,
    )  # fmt: skip


class Terminal:
    """A command in a terminal of its own: type, and expect what appears."""

    def __init__(self, folder: Path, *words: str, **own: str) -> None:
        controller, terminal = pty.openpty()
        self.process = subprocess.Popen(
            [TURNFLOW, *words], cwd=folder, env=environment(**own), stdin=terminal, stdout=terminal, stderr=terminal,
            start_new_session=True,
        )  # fmt: skip
        os.close(terminal)
        self._controller = controller
        self.shown = ""
        """Everything that appeared, without control codes."""
        self._passed = 0

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._controller)

    def expect(self, *texts: str) -> str:
        """Wait until these texts appear one behind another, behind what was expected before; return what stood between."""
        before = self._passed
        for text in texts:
            self._until(partial(self._is_shown, text), repr(text))
            self._passed = self.shown.index(text, self._passed) + len(text)
        return self.shown[before : self._passed]

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self._controller, line.encode() + b"\n")

    def press(self, key: str) -> None:
        """Press Ctrl and a letter. (The terminal has no job control here, so Ctrl-C is sent as the signal it stands for.)"""
        if key == "C":
            self.process.send_signal(signal.SIGINT)
        else:
            os.write(self._controller, bytes([ord(key) - 64]))

    def ended(self) -> int:
        """Wait for the end of the command and return its exit code."""
        self._until(lambda: self.process.poll() is not None, "the end")
        return self.process.wait()

    def _is_shown(self, text: str) -> bool:
        return self.shown.find(text, self._passed) >= 0

    def _until(self, is_reached: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not is_reached():
            assert time.monotonic() < deadline, f"no {what} within {PATIENCE:.0f} s in:\n{self.shown}"
            is_over = self.process.poll() is not None
            if not self._read(0.05):
                assert not is_over or is_reached(), f"ended without {what}:\n{self.shown}"
        self._read(0)

    def _read(self, wait: float) -> bool:
        if not select.select([self._controller], [], [], wait)[0]:
            return False
        try:
            chunk = os.read(self._controller, 65536)
        except OSError:  # the command has closed its side
            return False
        self.shown += _CODES.sub("", chunk.decode(errors="replace")).replace("\r", "")
        return bool(chunk)


class Server:
    """`turnflow serve` in a process of its own, which can be told to stop, killed, and started again by the same words."""

    def __init__(self, folder: Path, *words: str, **own: str) -> None:
        self._folder = folder
        self._words = [str(TURNFLOW), *words]
        self._own = own
        self._process: subprocess.Popen[str] | None = None
        self.address = ""
        """As printed, with the access key."""

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def page(self) -> str:
        """The address without the key."""
        return self.address.partition("/#")[0]

    @property
    def key(self) -> str:
        return self.address.partition("#")[2]

    def start(self) -> None:
        """Start it and wait until it has printed its address."""
        assert self._process is None
        self._process = subprocess.Popen(
            self._words, cwd=self._folder, env=environment(**self._own), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert self._process.stdout is not None
        printed = ""
        for line in self._process.stdout:
            printed += line
            if found := _ADDRESS.search(line):
                self.address = found[0]
                return
        raise AssertionError(f"the server ended with {self._process.wait()} before it printed an address:\n{printed}")

    def stop(self, by: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, wait for the end, return the exit code."""
        process, self._process = self._process, None
        assert process is not None
        process.send_signal(by)
        with process:
            return process.wait(PATIENCE)

    def kill(self) -> None:
        """End it as `kill -9` does."""
        if self._process is not None:
            self.stop(signal.SIGKILL)


@contextmanager
def serving(folder: Path, *words: str, **own: str) -> Iterator[Server]:
    """A started server, gone at the end of the block."""
    server = Server(folder, *words, **own)
    try:
        server.start()
        yield server
    finally:
        server.kill()
