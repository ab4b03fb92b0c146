"""What is said to people: messages, buttons and media references, without any channel's peculiarities."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import force_setattr


class Button(Struct, frozen=True, gc=False, omit_defaults=True):
    """A button under a message. One of `value`, `callback`, `url` gives it its meaning; with none, its text is its value."""

    text: str
    """What the person reads."""
    value: str = ""
    """The answer it gives to the wait of the message that carries it."""
    callback: str = ""
    """Raw callback data for callback triggers; bound to no wait."""
    url: str = ""
    """A link to open; it changes no run."""
    ref: str = ""
    """What the channel hands back when the button is pressed; filled by the core, at most 64 bytes."""


class Media(Struct, frozen=True, gc=False, omit_defaults=True):
    """A reference to a file; the bytes stay with the channel."""

    kind: str
    """photo, video, voice, audio or document."""
    ref: str
    """The channel's file id, or a URL."""
    name: str = ""
    mime: str = ""
    size: int = 0
    """Bytes; 0 when unknown."""


class Message(Struct, frozen=True, gc=False, omit_defaults=True):
    """One message. `buttons` are rows of buttons; a plain string is a button whose value is its text, or a row of one."""

    text: str = ""
    buttons: Sequence[Sequence[Button | str]] = ()
    media: tuple[Media, ...] = ()

    def __post_init__(self) -> None:
        if self.buttons:  # rows that were lists or came from a store compare equal to rows that were tuples
            rows = tuple((row,) if isinstance(row, str) else tuple(row) for row in self.buttons)
            force_setattr(self, "buttons", rows)
