"""A folder to run commands in, and a quick way to run those that only print something."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.cli.processes import Run
from turnflow.cli.commands import app

MODULES = {
    "tidy": "from examples.signup import registry\nflow = 'signup'\n",
    "empty": "x = 1\n",
    "broken": "def work():\n    return 1 / 0\nwork()\n",
    "needy": "import a_library_that_nobody_has\n",
    "wrong": """
from enum import StrEnum
from turnflow import Flow, Registry, command
Step = StrEnum("Step", ["FIRST", "SECOND"])
registry = Registry()
registry.register(Flow("bad flow", steps=Step), on=[command("start")])
""",
}


@pytest.fixture(autouse=True)
def no_module_stays(tmp_path: Path) -> Iterator[None]:
    """Forget modules of the folder: other tests have modules of the same names."""
    known = set(sys.modules)
    yield
    for name in set(sys.modules) - known:
        if str(getattr(sys.modules[name], "__file__", "") or "").startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run a command in this process, in a folder with a few modules."""
    for name, text in MODULES.items():
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("TURNFLOW_TOKEN", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def runs(*words: str) -> Result:
        return CliRunner().invoke(app, list(words), prog_name="turnflow")

    yield runs
    for name in MODULES:
        sys.modules.pop(name, None)
