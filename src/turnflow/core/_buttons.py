"""References of buttons: how a press finds the wait, and the answer, that its button was sent for."""

from __future__ import annotations

from typing import Final

from turnflow.core.ids import Nonce
from turnflow.core.messages import Button, Message
from turnflow.core.state import Wait

REF_LIMIT: Final = 64
"""Bytes a button reference may have (Telegram's limit for callback data)."""
REF_MARK: Final = "~"
"""First character of our button references; anything else is a host's own callback data."""


def bind(message: Message, nonce: str, options: list[str]) -> Message:
    """Return `message` with button references that lead to a wait; answers too long for one are added to `options`.

    A reference is `~RUN.SERIAL:ANSWER`, or `~RUN.SERIAL:#N` for the n-th of `options`.
    """
    if not message.buttons:
        return message
    rows = [tuple(_bound(button, nonce, options) for button in row) for row in message.buttons]
    return Message(message.text, rows, message.media)


def _bound(item: Button | str, nonce: str, options: list[str]) -> Button:
    button = Button(item) if isinstance(item, str) else item
    if button.url:
        return button
    if button.callback:
        return Button(button.text, callback=button.callback, ref=button.callback)
    value = button.value or button.text
    ref = f"{REF_MARK}{nonce}:{value}"
    if value.startswith("#") or len(ref.encode("utf-8", "surrogatepass")) > REF_LIMIT:
        if value not in options:
            options.append(value)
        ref = f"{REF_MARK}{nonce}:#{options.index(value)}"
    return Button(button.text, value, ref=ref)


def parse_ref(ref: str) -> tuple[Nonce, str] | None:
    """Split a button reference of ours into nonce and answer; None for anybody else's callback data."""
    if not ref.startswith(REF_MARK):
        return None
    nonce, found, value = ref[1:].partition(":")
    return (Nonce(nonce), value) if found and "." in nonce else None


def resolve(wait: Wait, value: str) -> str:
    """Return the answer of a reference's last part: itself, or the long answer it stands for."""
    if value.startswith("#") and value[1:].isdecimal() and int(value[1:]) < len(wait.options):
        return wait.options[int(value[1:])]
    return value
