"""A folder with a flow whose actions write down what they do, and one of which can be held: `turnflow run` and what follows."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cli.processes import PATIENCE, TURNFLOW, environment, turnflow
from turnflow.core.ids import Json

FLOW = """
flow: factory
title: A factory
inputSchema: {type: object, required: [part], properties: {part: {type: string}}}
paramsSchema: {type: object, properties: {colour: {type: string, default: grey}}}
start: cut
steps:
  cut: {action: cut, input: {part: "${input.part}"}, to: paint}
  paint: {action: paint, input: {colour: "${params.colour}"}, to: pack}
  pack: {action: pack, input: {}, to: done}
  done: {kind: end, output: {made: "${input.part}", colour: "${steps.paint.output}"}}
"""
OUTER = """
flow: outer
start: inner
steps:
  inner: {flow: factory, input: {part: leg}, to: done}
  done: {kind: end, output: "${steps.inner.output.made}"}
"""
ACTIONS = """
import asyncio
from pathlib import Path

from turnflow import action


def note(what):
    with Path("ledger.txt").open("a") as ledger:
        ledger.write(what + "\\n")


@action(name="cut")
async def cut(what: dict[str, str]) -> str:
    note("cut")
    return what["part"]


@action(name="paint")
async def paint(what: dict[str, str]) -> str:
    note("paint begins")
    while Path("hold").exists():
        await asyncio.sleep(0.01)
    if Path("broken").exists():
        raise RuntimeError("the brush is broken")
    note("paint ends")
    return what["colour"]


@action(name="pack")
async def pack(what: dict[str, str]) -> None:
    note("pack")
"""


class Factory:
    """The folder, and commands run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "factory.yaml").write_text(FLOW)
        (folder / "outer.yaml").write_text(OUTER)
        (folder / "actions.py").write_text(ACTIONS)

    def run(self, *words: str, file: str = "factory.yaml") -> subprocess.CompletedProcess[str]:
        """Run a flow to its end."""
        given = ("--input", '{"part": "leg"}') if file == "factory.yaml" and "--input" not in words else ()
        return turnflow(self.folder, "run", file, *given, *words)

    def tasks(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of `turnflow tasks` to its end."""
        return turnflow(self.folder, "tasks", *words)

    def task(self, id: str) -> dict[str, Json]:
        """Return a task as programs see it."""
        found: dict[str, Json] = json.loads(self.tasks("show", id, "--json").stdout)
        return found

    def hold(self) -> None:
        """Let painting not end."""
        (self.folder / "hold").touch()

    def let_go(self) -> None:
        (self.folder / "hold").unlink()

    def breaks(self) -> None:
        """Let painting fail."""
        (self.folder / "broken").touch()

    def mend(self) -> None:
        (self.folder / "broken").unlink()

    @property
    def ledger(self) -> list[str]:
        """What the actions wrote."""
        path = self.folder / "ledger.txt"
        return path.read_text().splitlines() if path.exists() else []

    @contextmanager
    def running(self, *words: str, file: str = "factory.yaml") -> Iterator[subprocess.Popen[str]]:
        """Run a flow beside the test until it paints; what is left of the process at the end is killed."""
        given = ("--input", '{"part": "leg"}') if file == "factory.yaml" else ()
        before = self.ledger.count("paint begins")
        with subprocess.Popen(
            [TURNFLOW, "run", file, *given, *words], cwd=self.folder, env=environment(), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as process:  # fmt: skip
            try:
                until(lambda: self.ledger.count("paint begins") > before or process.poll() is not None)
                assert process.poll() is None, process.communicate()
                yield process
            finally:
                if process.poll() is None:
                    os.kill(process.pid, signal.SIGKILL)

    def killed(self, *words: str) -> str:
        """Start a run and kill it with -9 while it paints; return its id."""
        self.hold()
        with self.running(*words) as process:
            process.kill()
            _, said = process.communicate(timeout=PATIENCE)
        self.let_go()
        return id_in(said)


def id_in(said: str) -> str:
    """Return the id that was printed first."""
    found = re.match(r"task ([0-9a-f]{20})\n", said)
    assert found, said
    return found[1]


def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)
