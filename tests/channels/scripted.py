"""A small runtime with one built-in dialogue, durable in a file: what the channels are tested against."""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from pathlib import Path

import msgspec
from msgspec import Struct

from turnflow.core.ids import ConversationId, EffectKey, InputId, UserId
from turnflow.core.inputs import Input
from turnflow.core.messages import Button, Message
from turnflow.errors import StoreUnavailable
from turnflow.ports import Channel, Delivery, Duplicate, Handled, Inbound, Outbound, Refused, Said, Unclaimed

STALE = "This button is no longer active."


class Turn(Struct):
    conversation: ConversationId
    seq: int
    at: int
    input: Input
    replies: list[Message]
    step: str
    name: str
    open: list[str]
    parts: list[str]
    refused: bool = False


class Scripted:
    """Asks for a name and an age, confirms by buttons, collects three parts in any order. Durable if given a file."""

    def __init__(self, file: Path | None = None, start: int = 1_700_000_000_000) -> None:
        self.turns: dict[ConversationId, list[Turn]] = defaultdict(list)
        self.ids: set[InputId] = set()
        self.delivered: list[Inbound] = []
        self.channels: list[Channel] = []
        self.is_away = False
        self.now = start
        self._lock = asyncio.Lock()
        self._file = file
        if file is not None and file.exists():
            for row in file.read_bytes().split(b"\n")[:-1]:
                self._remember(msgspec.json.decode(row, type=Turn))

    def connect(self, channel: Channel) -> None:
        self.channels.append(channel)

    def disconnect(self, channel: Channel) -> None:
        self.channels.remove(channel)

    async def accept(self, inbound: Inbound) -> Delivery:
        return await self.deliver(inbound)

    async def deliver(self, inbound: Inbound) -> Delivery:
        self.delivered.append(inbound)
        text = inbound.input.text
        if self.is_away:
            raise StoreUnavailable("the store is away; send again with the same id")
        if text == "boom":
            raise RuntimeError("secret detail of a defect")
        if text == "flood":
            return Refused("100 messages are waiting already; try again in a moment")
        if text == "slow":
            await asyncio.sleep(1.5)
        async with self._lock:
            if inbound.input.id in self.ids:
                return Duplicate()
            turn = self._turn(inbound)
            if turn is None:
                return Unclaimed("no flow answers to this")
            self._write(turn)
        await self._send(turn)
        return Handled((), STALE if turn.refused else "")

    async def tell(self, conversation: ConversationId, text: str) -> None:
        """Say something unasked, as a timer would."""
        last = self.turns[conversation][-1]
        turn = msgspec.structs.replace(last, seq=last.seq + 1, input=_NOTHING, replies=[Message(text)], refused=False)
        self._write(turn)
        await self._send(turn)

    async def history(
        self, conversation: ConversationId, after: tuple[int, int] = (0, -1), limit: int = 200
    ) -> list[Said]:
        if self.is_away:
            raise StoreUnavailable("the store is away")
        lines = [said for turn in self.turns[conversation] for said in self._said(turn)]
        found = [said for said in lines if (said.seq, said.index) > after]
        found = found[limit:] if limit < 0 else found[:limit]
        # Entries that people do not see count towards the limit, as they do in a store.
        return [said for said in found if said.message is not None or (said.input is not None and said.input.id)]

    def _said(self, turn: Turn) -> list[Said]:
        lines = [Said(turn.seq, -1, turn.at, input=turn.input, live=not turn.refused)]
        is_open = set(self.turns[turn.conversation][-1].open)
        for index, message in enumerate(turn.replies):
            refs = {button.ref for row in message.buttons for button in row if isinstance(button, Button)}
            lines.append(Said(turn.seq, index, turn.at, message=message, live=bool(refs & is_open)))
        return lines

    def _turn(self, inbound: Inbound) -> Turn | None:
        given, conversation = inbound.input, inbound.conversation
        turns = self.turns[conversation]
        self.now += 1000
        turn = Turn(conversation, len(turns) + 1, self.now, given, [], "", "", [], [])
        if turns:
            last = turns[-1]
            turn = msgspec.structs.replace(turn, step=last.step, name=last.name, open=last.open, parts=last.parts)
        if given.kind == "press":
            if given.ref not in turn.open:
                turn.refused = True
                return turn
            given = msgspec.structs.replace(given, value=given.ref.rpartition(":")[2])
        return turn if _answer(turn, given) else None

    def _write(self, turn: Turn) -> None:
        self._remember(turn)
        if self._file is not None:
            with self._file.open("ab") as file:
                file.write(msgspec.json.encode(turn) + b"\n")
                file.flush()
                os.fsync(file.fileno())

    def _remember(self, turn: Turn) -> None:
        self.turns[turn.conversation].append(turn)
        self.now = max(self.now, turn.at)
        if turn.input.id:
            self.ids.add(turn.input.id)

    async def _send(self, turn: Turn) -> None:
        for channel in self.channels:
            if not turn.conversation.startswith(channel.prefix):
                continue
            if turn.refused:
                key = EffectKey(f"{turn.seq}.0")
                await channel.send(Outbound(turn.conversation, turn.seq, 0, key, Message(STALE), turn.input.id))
            for index, message in enumerate(turn.replies):
                key = EffectKey(f"{turn.seq}.{index}")
                await channel.send(Outbound(turn.conversation, turn.seq, index, key, message))


_NOTHING = Input(InputId(""), "text", UserId(""))


def _answer(turn: Turn, given: Input) -> bool:
    """Fill the turn's replies and next step; False if nobody wants the input."""
    text = given.value or given.text.strip()
    match given.command or turn.step:
        case "start":
            _ask(turn, "name", "Hello! What is your name?")
        case "cancel":
            _ask(turn, "", "Cancelled. Nothing was kept.")
        case "parts":
            turn.parts = []
            _menu(turn, "Three things are needed, in any order.")
        case "name":
            turn.name = text
            _ask(turn, "age", f"Nice to meet you, {text}.", "How old are you?")
        case "age" if not text.isdigit():
            turn.replies = [Message("A number from 1 to 130, please.")]
        case "age":
            _ask(turn, "confirm", f"{turn.name}, {text} years old. Is that right?", buttons=["yes", "no", "back"])
        case "confirm" if given.kind != "press":
            return False
        case "confirm":
            done = {"yes": ("", "Welcome aboard!"), "no": ("", "Cancelled."), "back": ("age", "How old are you?")}
            _ask(turn, *done[text])
        case "parts_menu" if given.kind == "press":
            turn.parts = [*turn.parts, text]
            left = 3 - len(turn.parts)
            _menu(turn, f"Thank you for the {text}, {len(turn.parts)}/3 done.") if left else _ask(
                turn, "", "Complete: 3/3."
            )
        case _:
            return False
    return True


def _ask(turn: Turn, step: str, *texts: str, buttons: list[str] | None = None) -> None:
    turn.step = step
    refs = [Button(name, value=name, ref=f"{turn.seq}:{name}") for name in buttons or []]
    turn.open = [button.ref for button in refs]
    turn.replies = [Message(text) for text in texts]
    if refs:
        turn.replies[-1] = Message(texts[-1], buttons=[refs])


def _menu(turn: Turn, text: str) -> None:
    left = [part for part in ("email", "phone", "document") if part not in turn.parts]
    _ask(turn, "parts_menu", text, buttons=left)
