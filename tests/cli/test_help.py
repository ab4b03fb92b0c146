"""What `--help` says, and how little it loads for that."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.cli.processes import Run

COMMANDS = ("serve", "chat", "operator", "run", "check", "schema", "graph", "rehearse")
TASKS = ("list", "show", "tree", "watch", "cancel", "pause", "resume", "retry", "fork")
HEAVY = ("litestar", "uvicorn", "turnflow.testing", "turnflow.channels.webchat", "turnflow.diagram")


def test_the_help_lists_every_command_with_what_it_does(run: Run) -> None:
    shown = run("--help")
    assert shown.exit_code == 0
    for command in COMMANDS:
        assert re.search(rf"{command} +[A-Z]\w+ .*\.", shown.stdout), command


def test_without_a_command_the_help_is_shown(run: Run) -> None:
    assert run("--help").stdout.strip() in (run().stdout + run().stderr)


@pytest.mark.parametrize("command", [*COMMANDS, *(f"tasks {name}" for name in TASKS)])
def test_the_help_of_a_command_explains_every_word_of_it_and_gives_an_example(run: Run, command: str) -> None:
    shown = run(*command.split(), "-h").stdout
    example = re.search(rf"Example: .*turnflow {command} (.*)", shown)
    assert example, shown
    options = re.findall(r"^│ (?:\*)? *(--[a-z]+) +(.*?) *│", shown, re.MULTILINE)
    assert all(len(text.split()) > 2 for _, text in options), options
    known = {option for option, _ in options}
    assert set(re.findall(r"--[a-z]+", example[1])) <= known


def test_the_version_is_printed(run: Run) -> None:
    assert re.fullmatch(r"turnflow \d+\.\d+\.\d+\n", run("--version").stdout)


def test_a_misspelt_command_or_option_is_named(run: Run) -> None:
    command = run("serv")
    assert command.exit_code == 2
    assert "serv" in command.stderr
    option = run("chat", "tidy:registry", "--stoer", "x")
    assert option.exit_code == 2
    assert "--store" in option.stderr


@pytest.mark.parametrize("module", ["turnflow.cli", "turnflow.cli.chat", "turnflow.cli.operator", "turnflow.cli.tasks"])
def test_a_command_loads_nothing_that_only_others_need(module: str) -> None:
    look = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout == "[]\n"
