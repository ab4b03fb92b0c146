"""Who talks to a rehearsed engine: people in conversations, and the operator at the desk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from turnflow.core.ids import ConversationId, InputId, UserId
from turnflow.core.inputs import Input, typed
from turnflow.core.messages import Media
from turnflow.core.state import RunState
from turnflow.engine import Desk
from turnflow.errors import CallerError
from turnflow.ports import Inbound
from turnflow.testing.rendering import without_run_ids
from turnflow.testing.transcript import Act, Pressed, Shared, Typed

if TYPE_CHECKING:
    from turnflow.testing.rehearsal import Rehearsal


class Person:
    """Somebody in a conversation. What they do returns the replies they read until everything is at rest again."""

    def __init__(self, play: Rehearsal, name: str, conversation: ConversationId) -> None:
        self._play = play
        self._read = 0
        self.name = name
        self.conversation = conversation

    async def say(self, text: str) -> list[str]:
        """Type a text, or a command if it begins with a slash."""
        return await self.act(Typed(text))

    async def press(self, label: str, nth: int = 1) -> list[str]:
        """Press the button with that label of the newest message that has one, or of the `nth` newest.

        Raises `LookupError` naming the buttons there are.
        """
        return await self.act(Pressed(label, nth))

    async def share(self, kind: str, detail: str = "") -> list[str]:
        """Send a photo, video, voice, audio or document by its name, a contact by its number, or a location: `52.52 13.40`."""
        return await self.act(Shared(kind, detail))

    async def act(self, act: Act) -> list[str]:
        """Do one of these."""
        await self._play.deliver(self.inbound(act))
        return self.replies

    @property
    def replies(self) -> list[str]:
        """What they read since somebody last did something, as it stands in transcripts."""
        return self.texts[self._read :]

    @property
    def texts(self) -> list[str]:
        """Everything they ever read."""
        return self._play.bot.texts(self.conversation)

    def attend(self) -> None:
        """Take what was said so far as read. Called by the rehearsal."""
        self._read = len(self.texts)

    def inbound(self, act: Act) -> Inbound:
        """Return what a channel would hand to the engine, with an id of its own. Raises `LookupError` for an unknown button."""
        play = self._play
        play.fake_clock.advance(milliseconds=1)
        id, sender, at = InputId(play.new_id()), UserId(self.name), play.fake_clock.now()
        match act:
            case Typed(text):
                return Inbound(self.conversation, typed(text, id=id, sender=sender, at=at))
            case Pressed(label, nth):
                button = play.bot.button(self.conversation, label, nth)
                return Inbound(self.conversation, Input(id, "press", sender, at, ref=button.ref))
            case Shared():
                return Inbound(self.conversation, _shared(act, id, sender, at))


class Operator:
    """The operator's desk: reads what runs tell it and speaks to the one that has waited longest."""

    def __init__(self, play: Rehearsal, desk: Desk) -> None:
        self._play = play
        self._desk = desk
        self.replies: list[str] = []
        """What came to the desk since somebody last did something; `RUN` stands for ids of runs."""

    async def say(self, text: str) -> None:
        """Say something to the person; the run stays with the operator."""
        await self._tell(lambda desk, run: desk.say(run, text, "operator"))

    async def answer(self, text: str) -> None:
        """Say something to the person and let the run go on."""
        await self._tell(lambda desk, run: desk.answer(run, text, "operator"))

    async def move(self, step: str) -> None:
        """Put the run onto another step."""
        await self._tell(lambda desk, run: desk.move(run, step, "operator"))

    async def cancel(self) -> None:
        """End the run."""
        await self._tell(lambda desk, run: desk.cancel(run, "operator"))

    async def read(self) -> None:
        """Take what came to the desk into `replies`. Called by the rehearsal."""
        self.replies += [without_run_ids(line) for line in await self._desk.news()]

    async def _tell(self, command: Callable[[Desk, str], Awaitable[None]]) -> None:
        waiting = await self._desk.escalated()
        if not waiting:
            raise CallerError("no run waits for the operator; let it escalate first")
        run = min(waiting, key=_since)
        await self._play.tell(run.mailbox, lambda: command(self._desk, run.run))


def _since(state: RunState) -> int:
    return min(cursor.escalation.since for cursor in state.cursors if cursor.escalation is not None)


def _shared(act: Shared, id: InputId, sender: UserId, at: int) -> Input:
    match act.kind:
        case "contact":
            return Input(id, "contact", sender, at, phone=act.detail)
        case "location":
            latitude, _, longitude = act.detail.partition(" ")
            return Input(id, "location", sender, at, latitude=float(latitude or 0), longitude=float(longitude or 0))
        case "photo" | "video" | "voice" | "audio" | "document" as kind:
            media = Media(kind, ref=f"file:{act.detail or kind}", name=act.detail)
            return Input(id, kind, sender, at, media=(media,))
        case _:
            raise CallerError(f"nothing is known about sending a {act.kind!r}; send media, a contact or a location")
