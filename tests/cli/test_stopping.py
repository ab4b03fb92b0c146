"""How commands end: told to, interrupted, killed; and what the next start finds."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.cli.processes import Server, Terminal, serving, turnflow

STORE = ("--store", "sqlite:///bot.db")
SERVE = ("serve", "examples.demo:registry", *STORE, "--port", "0")
SLOW = """
import asyncio
from enum import StrEnum
from turnflow import Directive, Flow, Registry, Turn, command

Step = StrEnum("Step", ["WORK"])
slow = Flow("slow", steps=Step)


@slow.step(Step.WORK)
async def work(turn: Turn[Step, None]) -> Directive:
    print("working", flush=True)
    await asyncio.sleep(60)
    return turn.complete()


registry = Registry()
registry.register(slow, on=[command("start")])
"""


class Visitor:
    """A browser without a screen: one session with a server that may go and come back."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._client = httpx.Client(timeout=30)
        self._count = 0

    def __enter__(self) -> Visitor:
        assert self._client.post(f"{self._server.page}/session", json={"token": self._server.key}).status_code == 204
        return self

    def __exit__(self, *failure: object) -> None:
        self._client.close()

    def say(self, text: str) -> None:
        self._count += 1
        posted = {"id": f"message-{self._count}", "text": text}
        assert self._client.post(f"{self._server.page}/messages", json=posted).json()["outcome"] == "handled"

    def said(self) -> list[str]:
        """What stands on the page."""
        return [line["text"] for line in self._client.get(f"{self._server.page}/history").json()["lines"]]

    def listen(self, began: threading.Event) -> None:
        """Hold the event stream open until the server ends it."""
        with httpx.Client(cookies=self._client.cookies, timeout=30) as client:
            with client.stream("GET", f"{self._server.page}/events") as response:
                for _ in response.iter_lines():
                    began.set()


@pytest.mark.crash
@pytest.mark.parametrize(("by", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_a_server_that_ends_under_an_open_page_loses_nothing(tmp_path: Path, by: signal.Signals, code: int) -> None:
    with serving(tmp_path, *SERVE) as server, Visitor(server) as visitor:
        visitor.say("/signup")
        visitor.say("Ada")
        began = threading.Event()
        listener = threading.Thread(target=_until_cut, args=(visitor, began))
        listener.start()
        assert began.wait(30)
        assert server.stop(by) == code
        listener.join(30)
        left = {path.suffix for path in tmp_path.iterdir()}
        assert left == {".db", ".token"} or by == signal.SIGKILL, (
            "an orderly stop folds the log and leaves no sign of life"
        )
        server.start()
        visitor.say("36")
        assert visitor.said() == _registered("Ada", "36")


@pytest.mark.crash
def test_a_second_process_is_told_at_once_who_has_the_store_and_a_dead_one_holds_nobody_up(tmp_path: Path) -> None:
    with serving(tmp_path, *SERVE) as server:
        for words in (SERVE, ("chat", "examples.demo:registry", *STORE)):
            began = time.monotonic()
            refused = turnflow(tmp_path, *words)
            assert refused.returncode == 1
            assert f"bot.db is in use: process {server.pid} runs flows on it. Stop that first" in refused.stderr
            assert time.monotonic() - began < 20, "it waited for the lease instead"
        server.kill()
        began = time.monotonic()
        server.start()
        assert time.monotonic() - began < 20, "it waited for the lease of the dead"


@pytest.mark.crash
def test_a_second_ctrl_c_ends_it_at_once_and_the_step_under_way_begins_again_later(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    with Terminal(tmp_path, "chat", "slow:registry", *STORE, PYTHONPATH="") as terminal:
        terminal.expect("> ")
        terminal.type("/start")
        terminal.expect("working", "> ")
        terminal.press("C")
        terminal.expect("\n")
        terminal.press("C")
        assert terminal.ended() == 130
    with Terminal(tmp_path, "chat", "slow:registry", *STORE, PYTHONPATH="") as terminal:
        terminal.expect("working")


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_a_conversation_in_a_terminal_that_is_ended_goes_on_where_it_was(tmp_path: Path, by: signal.Signals) -> None:
    words = ("chat", "examples.signup:registry", *STORE)
    with Terminal(tmp_path, *words) as terminal:
        terminal.expect("> ")
        terminal.type("/start")
        terminal.expect("What is your name?", "> ")
        terminal.process.send_signal(by)
        assert terminal.ended() == 0
        assert "Traceback" not in terminal.shown
    assert [path.name for path in tmp_path.iterdir()] == ["bot.db"]
    with Terminal(tmp_path, *words) as terminal:
        terminal.expect("What is your name?", "You are back", "> ")
        terminal.type("Ada")
        terminal.expect("How old are you?")


@pytest.mark.parametrize(("by", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_an_operators_desk_ends_without_another_key(tmp_path: Path, by: signal.Signals, code: int) -> None:
    turnflow(tmp_path, "chat", "examples.support:registry", *STORE)
    with Terminal(tmp_path, "operator", *STORE) as desk:
        desk.expect("No process runs flows on this store now", "Nobody is waiting.")
        desk.process.send_signal(by)
        assert desk.ended() == code
        assert "Traceback" not in desk.shown


def _until_cut(visitor: Visitor, began: threading.Event) -> None:
    try:
        visitor.listen(began)
    except httpx.TransportError:
        began.set()


def _registered(name: str, age: str) -> list[str]:
    return ["/signup", "What is your name?", name, "How old are you?", age, f"{name}, {age} years old. Is that right?"]
