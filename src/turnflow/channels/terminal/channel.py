"""The terminal: prints the history as it grows, and hands typed lines to the runtime."""

from __future__ import annotations

import asyncio
import secrets
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Protocol, TextIO

from turnflow.channels.terminal import codec
from turnflow.channels.terminal.codec import Choice
from turnflow.channels.terminal.keyboard import typed_lines
from turnflow.channels.terminal.screen import Screen
from turnflow.channels.unread import Unread
from turnflow.core.ids import ConversationId, InputId, UserId
from turnflow.core.inputs import TEXT_LIMIT, Input, clean, typed
from turnflow.errors import EngineStopped, LostOwnership, StoreUnavailable
from turnflow.ports import Channel, Delivery, Duplicate, Handled, Inbound, Outbound, Refused, Runtime, Said, Unclaimed

SHOWN_AT_START: Final = 10
"""Lines of a running conversation that are printed when one comes back to it."""
PATIENCE: Final = 2.0
"""How long the next line of a pipe waits for an answer to the last one, seconds."""
QUIET: Final = 0.3
"""So long nothing new was said before the end of a pipe ends the conversation, seconds."""
_PAUSES: Final[Sequence[float]] = (0.1, 0.3, 1.0, 3.0)
_INACTIVE: Final = "This button is no longer active."


class TerminalRuntime(Runtime, Protocol):
    """A runtime that channels can be connected to."""

    def connect(self, channel: Channel) -> None:
        """Deliver replies of conversations with the channel's prefix through it."""

    def disconnect(self, channel: Channel) -> None:
        """Stop using the channel."""


class TerminalChannel:
    """Tells the terminal of one conversation that something is new. What it prints comes from the history."""

    prefix = "terminal:"

    def __init__(self, conversation: ConversationId) -> None:
        self._conversation = conversation
        self.changed = asyncio.Event()
        self.answers: dict[InputId, str] = {}
        """Answers to presses that carry a text, until they are printed."""

    async def send(self, outbound: Outbound) -> str:
        """Wake the terminal. Replies of other terminals' conversations stay in their history."""
        if outbound.conversation == self._conversation:
            if outbound.press and outbound.message.text:
                self.answers[outbound.press] = outbound.message.text
            self.changed.set()
        return f"{outbound.seq}.{outbound.index}"


async def run_terminal(
    runtime: TerminalRuntime,
    *,
    user: str = "me",
    conversation: str = "main",
    stdin: TextIO | None = None,
    stdout: TextIO | None = None,
) -> None:
    """Hold a conversation until the input ends (Ctrl-D, the end of a pipe) or Ctrl-C.

    `user` and `conversation` get the prefix `terminal:`; the same names continue the same conversation, whose newest lines
    are printed first. Buttons are pressed by their number or their text. Piped input is scriptable: each line is echoed,
    and the next one waits for the answer.
    """
    stdin, stdout = stdin or sys.stdin, stdout or sys.stdout
    place = ConversationId(_prefixed(conversation))
    channel = TerminalChannel(place)
    talk = _Talk(runtime, channel, Screen(stdout, is_live=stdin.isatty() and stdout.isatty()), place, _prefixed(user))
    runtime.connect(channel)
    try:
        with _left_by_interrupt():
            await talk.join()
            async with asyncio.TaskGroup() as group:
                listener = group.create_task(talk.listen())
                async for line in typed_lines(stdin):
                    await talk.say(line)
                await talk.end()
                listener.cancel()
    finally:
        runtime.disconnect(channel)
        talk.screen.leave()


class _Talk:
    """One person's end of one conversation."""

    def __init__(
        self, runtime: Runtime, channel: TerminalChannel, screen: Screen, conversation: ConversationId, user: str
    ) -> None:
        self.screen = screen
        self._runtime = runtime
        self._channel = channel
        self._conversation = conversation
        self._user = UserId(user)
        self._unread = Unread(runtime, conversation)
        self._own: set[InputId] = set()
        self._printing = asyncio.Lock()

    async def join(self) -> None:
        """Print the end of what was said before."""
        await self._unread.start()
        before = await self._unread.news()
        for said in before:
            self._unread.passed(said)
        if before:
            self._print(before[-SHOWN_AT_START:])
            self.screen.notice("You are back in this conversation.")
        self.screen.prompt()

    async def listen(self) -> None:
        """Print what is said, also when nobody typed."""
        while True:
            await self._channel.changed.wait()
            self._channel.changed.clear()
            await self._news()

    async def say(self, line: str) -> None:
        """Send a typed line, or press the button it names, and print what comes of it."""
        if not line.strip():
            return self.screen.prompt()
        self.screen.echo(codec.shown(line))
        now = codec.choices(self._unread.tail)
        meant = codec.meant(clean(line), now)
        if len(clean(line).encode()) > TEXT_LIMIT:
            self.screen.notice(f"Not sent: the line is longer than {TEXT_LIMIT // 1024} KiB.")
            return self.screen.prompt()
        input = self._input(meant)
        self._own.add(input.id)
        delivery = await self._deliver(Inbound(self._conversation, input))
        if delivery is not None:
            await self._tell(delivery, input.id, line)
        return self.screen.prompt()

    async def end(self) -> None:
        """Wait for answers that are still on their way."""
        while await self._news(wait=QUIET):
            pass

    def _input(self, meant: Choice | str) -> Input:
        id = f"terminal:{self._conversation}:{secrets.token_hex(12)}"
        if isinstance(meant, Choice) and meant.ref:
            return Input(InputId(id), "press", self._user, ref=meant.ref)
        return typed(meant.say if isinstance(meant, Choice) else meant, id=id, sender=self._user, at=0)

    async def _deliver(self, inbound: Inbound) -> Delivery | None:
        problem: Exception | None = None
        for pause in (*_PAUSES, 0.0):
            try:
                return await self._runtime.deliver(inbound)
            except (LostOwnership, StoreUnavailable, EngineStopped) as error:
                problem = error
                await asyncio.sleep(pause)
        self.screen.notice(f"Not sent: {problem}. Type it again when the service is back.")
        return None

    async def _tell(self, delivery: Delivery, id: InputId, line: str) -> None:
        is_answered = await self._news()
        match delivery:
            case Handled(refused=""):
                # A slow step answers later; a script waits for it, a person does not.
                if not is_answered and not self.screen.is_live and id not in self._channel.answers:
                    await self._news(wait=PATIENCE)
                if answer := self._channel.answers.pop(id, ""):
                    self.screen.notice(answer)
            case Handled():
                self.screen.notice(await self._answer(id))
            case Unclaimed():
                self.screen.notice(codec.choices(self._unread.tail).hint(line))
            case Refused(reason=reason):
                self.screen.notice(f"Not sent: {reason}")
            case Duplicate():
                pass

    async def _answer(self, id: InputId) -> str:
        for _ in range(50):
            if (answer := self._channel.answers.pop(id, "")) != "":
                return answer
            await asyncio.sleep(0.02)
        return _INACTIVE

    async def _news(self, wait: float = 0.0) -> bool:
        """Print what is new; with `wait` (seconds), wait so long for something. Returns whether a reply was printed."""
        loop = asyncio.get_running_loop()
        until = loop.time() + wait
        while True:
            fresh = await self._print_news()
            if any(said.message is not None for said in fresh):
                return True
            if (left := until - loop.time()) <= 0:
                return False
            await asyncio.sleep(min(0.05, left))

    async def _print_news(self) -> list[Said]:
        async with self._printing:
            try:
                found = await self._unread.news()
            except (EngineStopped, LostOwnership, StoreUnavailable):
                return []  # the next reading brings it
            for said in found:
                self._unread.passed(said)
            fresh = [said for said in found if said.input is None or said.input.id not in self._own]
            self._print(fresh)
            return fresh

    def _print(self, lines: Sequence[Said]) -> None:
        for said in lines:
            if said.message is not None:
                text, rows = codec.written(said.message, self._first_number(said))
                self.screen.reply(text, rows)
            elif said.live:
                self.screen.other(codec.spoken(said, self._unread.tail))

    def _first_number(self, said: Said) -> int:
        earlier = (one for one in self._unread.tail if one.seq == said.seq and one.index < said.index)
        return 1 + sum(codec.numbered(one.message) for one in earlier if one.message is not None)


@contextmanager
def _left_by_interrupt() -> Iterator[None]:
    """Let Ctrl-C end the block instead of the program, so that everything is given back in order."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    is_left = False

    def leave() -> None:
        nonlocal is_left
        is_left = True
        task.cancel()

    before = signal.getsignal(signal.SIGINT)
    try:
        loop.add_signal_handler(signal.SIGINT, leave)
    except (RuntimeError, ValueError, NotImplementedError):  # not in the main thread: the host deals with Ctrl-C
        yield
        return
    try:
        yield
    except asyncio.CancelledError:
        if not is_left:
            raise
        task.uncancel()
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, before)


def _prefixed(name: str) -> str:
    return name if name.startswith(TerminalChannel.prefix) else TerminalChannel.prefix + name
