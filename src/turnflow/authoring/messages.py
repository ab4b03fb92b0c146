"""What authors say, brought into the core's form: a string is a message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from msgspec.structs import replace

from turnflow.core.inputs import clean
from turnflow.core.messages import Button, Message
from turnflow.errors import UserCodeError

Sayable: TypeAlias = str | Message
Rows: TypeAlias = Sequence[Sequence[Button | str]]

ROW_WIDTH = 24
"""Characters of labels that still look good side by side on a phone."""


def message_of(said: Sayable, buttons: Rows = ()) -> Message:
    """Return the message for what an author wrote. Raises `UserCodeError` for anything else."""
    if isinstance(said, str):
        text = clean(str(said))
        return Message(text, rows_of(buttons)) if buttons else Message(text)
    if not isinstance(said, Message):
        raise UserCodeError("invalid_message", f"{said!r} cannot be said; give a string or a Message")
    text = clean(said.text)
    if buttons:
        return replace(said, text=text, buttons=rows_of(buttons))
    return said if text == said.text else replace(said, text=text)


def rows_of(buttons: Rows) -> Rows:
    """Return rows of buttons; a button that stands in no row is a row of its own, as in `Message`."""
    return tuple((row,) if isinstance(row, str) else tuple(row) for row in buttons)


def options_as_rows(options: Sequence[tuple[str, str]]) -> Rows:
    """Return buttons for a closed set of answers (label and value): side by side if short, else one below the other."""
    buttons = [Button(label, value=value) for label, value in options]
    if sum(len(label) for label, _ in options) <= ROW_WIDTH:
        return (tuple(buttons),) if buttons else ()
    return tuple((button,) for button in buttons)


def with_rows(message: Message, rows: Rows) -> Message:
    """Return the message with these buttons unless it has its own."""
    return message if message.buttons or not rows else replace(message, buttons=rows)
