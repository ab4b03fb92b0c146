"""`turnflow chat`: by a pipe, and in a terminal."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.cli.processes import Terminal, turnflow

SIGNUP = ("chat", "examples.signup:registry")
STORE = ("--store", "sqlite:///bot.db")


def test_lines_that_are_piped_in_give_the_whole_conversation(tmp_path: Path) -> None:
    done = turnflow(tmp_path, *SIGNUP, "--store", "memory://", given="/start\nAda\nlots\n36\nback\n37\n1\n")
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "> /start",
        "< What is your name?",
        "> Ada",
        "< How old are you?",
        "> lots",
        "< A number from 1 to 130, please.",
        "> 36",
        "< Ada, 36 years old. Is that right?",
        "  [1] yes  [2] no  [3] back",
        "> back",
        "< How old are you?",
        "> 37",
        "< Ada, 37 years old. Is that right?",
        "  [1] yes  [2] no  [3] back",
        "> 1",
        "< Welcome, Ada!",
    ]


def test_a_pipe_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    said = [turnflow(tmp_path, *SIGNUP, *STORE, given=line).stdout for line in ("/start\n", "Ada\n", "36")]
    assert said[-1].splitlines()[-4:] == [
        "# You are back in this conversation.",
        "> 36",
        "< Ada, 36 years old. Is that right?",
        "  [1] yes  [2] no  [3] back",
    ]


def test_everybody_has_a_conversation_of_their_own(tmp_path: Path) -> None:
    turnflow(tmp_path, *SIGNUP, *STORE, "--as", "ada", given="/start\n")
    assert turnflow(tmp_path, *SIGNUP, *STORE, "--as", "bob").stdout == ""
    assert "What is your name?" in turnflow(tmp_path, *SIGNUP, *STORE, "--as", "ada").stdout


def test_what_people_type_is_not_markup_and_steers_no_terminal(tmp_path: Path) -> None:
    done = turnflow(tmp_path, *SIGNUP, "--store", "memory://", given="/start\n[bold]\x1b[31mred\n36\nyes\n")
    assert "\x1b" not in done.stdout
    assert "< Welcome, [bold]\ufffd[31mred!" in done.stdout


@pytest.mark.crash
def test_in_a_terminal_buttons_are_pressed_by_number_and_a_kill_changes_nothing(tmp_path: Path) -> None:
    with Terminal(tmp_path, *SIGNUP, *STORE) as terminal:
        terminal.expect("> ")
        terminal.type("/start")
        terminal.expect("< What is your name?", "> ")
        terminal.type("Ada")
        terminal.expect("< How old are you?", "> ")
        terminal.process.send_signal(signal.SIGKILL)
        assert terminal.ended() == -signal.SIGKILL
    with Terminal(tmp_path, *SIGNUP, *STORE) as terminal:
        terminal.expect("> Ada", "< How old are you?", "# You are back in this conversation.", "> ")
        terminal.type("36")
        terminal.expect("< Ada, 36 years old. Is that right?", "[1] yes  [2] no  [3] back", "> ")
        terminal.type("3")
        terminal.expect("< How old are you?", "> ")
        terminal.type("37")
        terminal.expect("< Ada, 37 years old. Is that right?", "[1] yes  [2] no  [3] back", "> ")
        terminal.type("1")
        terminal.expect("< Welcome, Ada!", "> ")
        terminal.press("D")
        assert terminal.ended() == 0
        assert "Traceback" not in terminal.shown
