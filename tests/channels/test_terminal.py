"""The terminal: what typed lines mean, what is printed, and how one comes and goes."""

from __future__ import annotations

import asyncio
import io
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.channels.scripted import Scripted
from turnflow.channels.terminal import codec, run_terminal
from turnflow.channels.terminal.codec import Choice
from turnflow.channels.terminal.keyboard import typed_lines
from turnflow.core.messages import Button, Media, Message
from turnflow.ports import Said

ROOT = Path(__file__).parent.parent.parent


def reply(seq: int, *labels: str, live: bool = True, index: int = 0) -> Said:
    buttons = [[Button(label, value=label, ref=f"{seq}.{index}:{label}") for label in labels]] if labels else []
    return Said(seq, index, 0, message=Message("?", buttons=buttons), live=live)


def pressed(line: str, *said: Said) -> str:
    """The reference that a line presses, or "" if it is sent as text."""
    meant = codec.meant(line, codec.choices(said))
    return meant.ref if isinstance(meant, Choice) else ""


async def talk(runtime: Scripted, *lines: str, conversation: str = "main") -> list[str]:
    """What is printed when these lines come through a pipe."""
    output = io.StringIO()
    typed = "".join(f"{line}\n" for line in lines)
    await run_terminal(runtime, stdin=io.StringIO(typed), stdout=output, conversation=conversation)
    return output.getvalue().splitlines()


# --- what a line means ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["1", " 1 ", "yes", "Yes", "YES "])
def test_a_button_is_pressed_by_its_number_or_its_text(line: str) -> None:
    assert pressed(line, reply(3, "yes", "no")) == "3.0:yes"


@pytest.mark.parametrize("line", ["0", "3", "-1", "1.0", "99999999999999", "²", "yess", "\\1", "\\yes"])
def test_anything_else_is_text(line: str) -> None:
    assert pressed(line, reply(3, "yes", "no")) == ""


def test_a_label_that_is_a_number_wins_over_the_position() -> None:
    assert pressed("2", reply(3, "2", "1")) == "3.0:2"


def test_an_exact_label_wins_over_one_of_other_case() -> None:
    assert pressed("OK", reply(3, "ok", "OK")) == "3.0:OK"


def test_numbers_go_on_through_the_messages_of_one_turn() -> None:
    assert pressed("3", reply(3, "a", "b"), reply(3, "c", index=1)) == "3.1:c"


def test_a_number_is_text_once_something_else_was_asked() -> None:
    said = reply(3, "passport", "card"), reply(4)
    assert pressed("1", *said) == ""
    assert pressed("passport", *said) == "3.0:passport"


def test_the_text_of_a_dead_button_is_text() -> None:
    assert pressed("yes", reply(3, "yes", live=False), reply(4)) == ""


def test_the_newest_of_two_buttons_with_one_text_is_pressed() -> None:
    assert pressed("yes", reply(3, "yes"), reply(4, "yes")) == "4.0:yes"


@given(st.text(max_size=40), st.lists(st.text(max_size=5), max_size=4))
def test_every_line_means_something(line: str, labels: list[str]) -> None:
    assert isinstance(codec.meant(line, codec.choices([reply(1, *labels)])), str | Choice)


def test_links_are_printed_and_have_no_number() -> None:
    buttons: list[list[Button | str]] = [[Button("Terms", url="https://a.example"), "Yes"], [Button("No", ref="r")]]
    text, rows = codec.written(Message("Agree?", buttons=buttons, media=(Media("photo", "file-1"),)))
    assert text == "Agree?\n[photo: file-1]"
    assert rows == ["Terms: https://a.example  [1] Yes", "[2] No"]


@given(st.text(alphabet=st.characters(categories=["Cc", "L"])))
def test_nothing_said_can_steer_the_terminal(text: str) -> None:
    shown = codec.shown(f"\x1b]0;title\x07{text}")
    assert all(char in "\n\t" or not (ord(char) < 32 or 127 <= ord(char) < 160) for char in shown)


# --- through a pipe -------------------------------------------------------------------------------------------------


async def test_a_piped_conversation_reads_like_a_transcript() -> None:
    assert await talk(Scripted(), "/start", "Ada", "36", "1") == [
        "> /start",
        "< Hello! What is your name?",
        "> Ada",
        "< Nice to meet you, Ada.",
        "< How old are you?",
        "> 36",
        "< Ada, 36 years old. Is that right?",
        "  [1] yes  [2] no  [3] back",
        "> 1",
        "< Welcome aboard!",
    ]


async def test_coming_back_shows_where_one_was_and_goes_on() -> None:
    runtime = Scripted()
    await talk(runtime, "/start", "Ada", "36")
    await talk(runtime, "back", "37")
    printed = await talk(runtime, "yes")
    assert "> back" in printed
    assert printed[-4:] == [
        "  [1] yes  [2] no  [3] back",
        "# You are back in this conversation.",
        "> yes",
        "< Welcome aboard!",
    ]


async def test_a_conversation_of_another_name_is_another_conversation() -> None:
    runtime = Scripted()
    await talk(runtime, "/start", "Ada")
    assert await talk(runtime, "/start", conversation="other") == ["> /start", "< Hello! What is your name?"]
    assert {one.conversation for one in runtime.delivered} == {"terminal:main", "terminal:other"}


async def test_a_number_without_a_button_is_explained() -> None:
    printed = await talk(Scripted(), "/start", "Ada", "36", "7", "7.5")
    assert "# There is no button 7 here. Type 1 to 3, or the text of a button." in printed
    assert "# Nobody has an answer to that. You can press: yes, no, back (type the text)." in printed


async def test_input_that_nobody_wants_is_explained() -> None:
    printed = await talk(Scripted(), "hello?")
    assert printed == [
        "> hello?",
        "# Nobody has an answer to that. A line that starts with a slash is a command, for example /start.",
    ]


async def test_a_refusal_and_a_line_that_is_too_long_are_told_with_the_reason() -> None:
    runtime = Scripted()
    printed = await talk(runtime, "flood", "x" * 33_000)
    assert "# Not sent: 100 messages are waiting already; try again in a moment" in printed
    assert printed[-1] == "# Not sent: the line is longer than 32 KiB."
    assert len(runtime.delivered) == 1


async def test_a_button_that_died_meanwhile_is_refused_politely() -> None:
    runtime = Scripted()
    await talk(runtime, "/parts")
    async with asyncio.TaskGroup() as group:
        read, write = os.pipe()
        output = io.StringIO()
        with os.fdopen(read) as stdin:
            running = group.create_task(run_terminal(runtime, stdin=stdin, stdout=output))
            while "back in this" not in output.getvalue():
                await asyncio.sleep(0.01)
            runtime.turns[runtime.delivered[-1].conversation][-1].open = []
            os.write(write, b"email\n")
            os.close(write)
            await running
    assert "# This button is no longer active." in output.getvalue().splitlines()


async def test_a_line_sent_while_the_store_was_away_is_sent_again_with_the_same_id() -> None:
    runtime = Scripted()
    await talk(runtime, "/start")
    read, write = os.pipe()
    output = io.StringIO()
    with os.fdopen(read) as stdin:
        async with asyncio.TaskGroup() as group:
            group.create_task(run_terminal(runtime, stdin=stdin, stdout=output))
            while "back in this" not in output.getvalue():
                await asyncio.sleep(0.01)
            runtime.is_away = True
            os.write(write, b"Ada\n")
            os.close(write)
            while len(runtime.delivered) < 3:
                await asyncio.sleep(0.01)
            runtime.is_away = False
    assert len({one.input.id for one in runtime.delivered}) == 2
    assert output.getvalue().splitlines()[-3:] == ["> Ada", "< Nice to meet you, Ada.", "< How old are you?"]


async def test_what_is_said_unasked_is_printed_at_once() -> None:
    runtime = Scripted()
    read, write = os.pipe()
    output = io.StringIO()
    with os.fdopen(read) as stdin:
        async with asyncio.TaskGroup() as group:
            group.create_task(run_terminal(runtime, stdin=stdin, stdout=output))
            os.write(write, b"/start\n")
            while "your name" not in output.getvalue():
                await asyncio.sleep(0.01)
            await runtime.tell(runtime.delivered[-1].conversation, "Are you still there?")
            while "still there" not in output.getvalue():
                await asyncio.sleep(0.01)
            os.close(write)


async def test_nul_surrogates_and_bytes_that_are_no_text_are_cleaned(tmp_path: Path) -> None:
    file = tmp_path / "input"
    file.write_bytes(b"/start\r\nA\x00d\xffa\n\n  \nlast \xc3\xa9 without an end")
    with file.open() as stdin:
        assert [line async for line in typed_lines(stdin)] == [
            "/start",
            "A\x00d\ufffda",
            "",
            "  ",
            "last é without an end",
        ]
    runtime = Scripted()
    await talk(runtime, "/start", "A\x00d\ud800a")
    assert set(runtime.delivered[-1].input.text) == set("Ada\ufffd")


async def test_characters_cut_apart_by_the_pipe_arrive_whole() -> None:
    read, write = os.pipe()
    with os.fdopen(read) as stdin:
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(_all(stdin))
            for byte in "é€😀\n".encode():
                os.write(write, bytes([byte]))
                await asyncio.sleep(0.01)
            os.close(write)
            assert await reading == ["é€😀"]


# --- as a process ---------------------------------------------------------------------------------------------------


@pytest.mark.crash
def test_a_script_ends_with_exit_code_0(tmp_path: Path) -> None:
    for typed, said in (("/start\nAda\n", "How old are you?"), ("36\nyes\n", "Welcome aboard!")):
        command = [sys.executable, "-m", "tests.channels.talker", str(tmp_path / "said.jsonl")]
        done = subprocess.run(command, input=typed, capture_output=True, text=True, timeout=60, cwd=ROOT)
        assert (done.returncode, done.stderr) == (0, "")
        assert said in done.stdout


@pytest.mark.crash
@pytest.mark.parametrize("ending", ["ctrl-c", "ctrl-d"])
def test_a_person_leaves_in_order(tmp_path: Path, ending: str) -> None:
    person = _Person(tmp_path / "said.jsonl")
    person.reads("> ")
    person.types("/start\n")
    person.reads("What is your name?")
    person.types("half a li" if ending == "ctrl-c" else "")
    person.types("\x03" if ending == "ctrl-c" else "\x04")
    person.reads("left in order")
    assert person.process.wait(timeout=20) == 0


@pytest.mark.crash
def test_after_a_kill_the_conversation_goes_on_in_the_middle_of_the_question(tmp_path: Path) -> None:
    person = _Person(tmp_path / "said.jsonl")
    person.reads("> ")
    person.types("/start\nAda\n")
    person.reads("How old are you?")
    person.process.send_signal(signal.SIGKILL)
    person.process.wait()
    again = _Person(tmp_path / "said.jsonl")
    again.reads("You are back in this conversation.")
    again.types("36\n3\n")
    again.reads("Is that right?")
    again.reads("How old are you?")
    again.types("\x04")
    assert again.process.wait(timeout=20) == 0


class _Person:
    """Somebody at a real terminal."""

    def __init__(self, file: Path) -> None:
        self._terminal, inner = pty.openpty()
        command = [sys.executable, "-m", "tests.channels.talker", str(file)]
        self.process = subprocess.Popen(
            command, stdin=inner, stdout=inner, stderr=inner, cwd=ROOT, start_new_session=True, preexec_fn=_own_terminal
        )
        os.close(inner)
        self._screen = ""

    def types(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def reads(self, text: str) -> None:
        """Wait for a text behind what was read before."""
        until = time.monotonic() + 20
        while text not in self._screen:
            assert time.monotonic() < until, f"{text!r} did not come, only {self._screen!r}"
            if select.select([self._terminal], [], [], 0.1)[0]:
                self._screen += os.read(self._terminal, 4096).decode(errors="replace")
        self._screen = self._screen.partition(text)[2]


def _own_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


async def _all(stdin: io.TextIOWrapper) -> list[str]:
    return [line async for line in typed_lines(stdin)]
