"""What a typed line means and how a said one looks, without any I/O.

Buttons are numbered through one turn's messages. A number presses a button only while that turn is the newest one, because
it may as well answer a later question; a button's text presses it as long as it means something. A line that begins with a
backslash is sent as it stands behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from turnflow.core.messages import Button, Message
from turnflow.ports import Said

_CONTROLS = {code: "\ufffd" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}


class Choice(NamedTuple):
    """A button that may be pressed."""

    text: str
    ref: str = ""
    say: str = ""
    """Of a button without a reference: what is typed for the person."""


class Choices(NamedTuple):
    """What can be pressed now."""

    numbered: tuple[Choice, ...] = ()
    """By number, from 1."""
    named: tuple[Choice, ...] = ()
    """By text, newest first."""

    def hint(self, line: str) -> str:
        """Return what to tell somebody whose line nobody wanted."""
        if line.strip().isdecimal() and self.numbered:
            last = f"1 to {len(self.numbered)}" if len(self.numbered) > 1 else "1"
            return f"There is no button {line.strip()} here. Type {last}, or the text of a button."
        if self.named:
            texts = ", ".join(choice.text for choice in self.named)
            return f"Nobody has an answer to that. You can press: {texts} (type the text)."
        return "Nobody has an answer to that. A line that starts with a slash is a command, for example /start."


def choices(lines: Sequence[Said]) -> Choices:
    """Return what can be pressed after these lines of a conversation."""
    replies = [said for said in lines if said.message is not None]
    newest = replies[-1].seq if replies else 0
    numbered = [choice for said in replies if said.seq == newest for choice in _choices(said)]
    named = [choice for said in reversed(replies) if said.live for choice in _choices(said)]
    return Choices(tuple(numbered), tuple(named))


def meant(line: str, now: Choices) -> Choice | str:
    """Return the button that a typed line presses, or the text to send."""
    if line.startswith("\\"):
        return line[1:]
    wanted = line.strip()
    for choice in now.named:
        if choice.text == wanted:
            return choice
    for choice in now.named:
        if choice.text.casefold() == wanted.casefold():
            return choice
    if wanted.isdecimal() and wanted.isascii() and len(wanted) < 6 and 0 < int(wanted) <= len(now.numbered):
        return now.numbered[int(wanted) - 1]
    return line


def spoken(said: Said, before: Sequence[Said]) -> str:
    """Return what a person said, as one reads it; of a press, the text of the button among the lines `before`."""
    given = said.input
    if given is None:
        return ""
    buttons = (choice for one in before for choice in _choices(one) if choice.ref and choice.ref == given.ref)
    label = next((choice.text for choice in buttons), "")
    return shown(given.text or label or given.value or f"({given.kind})")


def written(message: Message, start: int = 1) -> tuple[str, list[str]]:
    """Return a reply's text, and its buttons by rows; the first one gets the number `start`."""
    texts = [message.text] if message.text else []
    texts += [f"[{media.kind}: {media.name or media.ref}]" for media in message.media]
    rows: list[str] = []
    for row in message.buttons:
        parts: list[str] = []
        for button in row:
            if isinstance(button, Button) and button.url:
                parts.append(shown(f"{button.text}: {button.url}"))
                continue
            parts.append(f"[{start}] {shown(_text(button))}")
            start += 1
        rows.append("  ".join(parts))
    return shown("\n".join(texts)), rows


def numbered(message: Message) -> int:
    """Return how many numbers the buttons of a message use."""
    return sum(1 for _ in _pressable(message))


def shown(text: str) -> str:
    """Return text without what could steer a terminal."""
    return text.replace("\r\n", "\n").translate(_CONTROLS)


def _choices(said: Said) -> list[Choice]:
    if said.message is None:
        return []
    return [_choice(button) for button in _pressable(said.message)]


def _choice(button: Button | str) -> Choice:
    if isinstance(button, str):
        return Choice(shown(button), say=button)
    return Choice(shown(button.text), button.ref, button.value or button.text)


def _pressable(message: Message) -> Iterable[Button | str]:
    return (button for row in message.buttons for button in row if isinstance(button, str) or not button.url)


def _text(button: Button | str) -> str:
    return button if isinstance(button, str) else button.text
