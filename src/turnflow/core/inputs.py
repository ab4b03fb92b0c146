"""What people send: one input, of one kind, already freed from the channel's peculiarities."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from turnflow.core.ids import At, InputId, UserId
from turnflow.core.messages import Media

InputKind: TypeAlias = Literal[
    "text", "press", "command", "photo", "video", "voice", "audio", "document", "location", "contact"
]
MEDIA_KINDS: frozenset[str] = frozenset({"photo", "video", "voice", "audio", "document"})
TEXT_LIMIT = 32 * 1024
"""Longest text taken in, in bytes of UTF-8 (guarantees: Limits)."""


class Input(Struct, frozen=True, gc=False, omit_defaults=True):
    """One thing a person sent."""

    id: InputId
    """Unique per store; repeats of an id have no further effect."""
    kind: InputKind
    sender: UserId
    """Stable id of the person, unique across channels (`web:...`, `telegram:...`)."""
    at: At = 0
    text: str = ""
    """The text, a caption, or the whole command line."""
    command: str = ""
    """Of a command: its name without the slash and without a bot name."""
    args: str = ""
    """Of a command: what stands behind it."""
    ref: str = ""
    """Of a press: the button's reference, as the channel got it."""
    value: str = ""
    """Of a press: the button's answer; filled by the core from the reference."""
    media: tuple[Media, ...] = ()
    latitude: float = 0.0
    longitude: float = 0.0
    phone: str = ""
    """Of a contact."""
    name: str = ""
    """Display name of the sender; never an authority."""
    items: tuple[Input, ...] = ()
    """Of a gathered burst: everything that came, in order; the outer input is the first of them."""


def clean(text: str) -> str:
    """Return `text` as every store keeps it: NUL and lone surrogates become U+FFFD. One rule, applied at the door."""
    if text.isascii():
        return text.replace("\x00", "\ufffd") if "\x00" in text else text
    return text.replace("\x00", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def typed(text: str, *, id: str, sender: str, at: At, name: str = "") -> Input:
    """Return the input for a line somebody typed: a command if it starts with a slash, else text."""
    text = clean(text)
    head, _, rest = text.partition(" ")
    bare = head[1:].split("@", 1)[0]
    if head.startswith("/") and bare.replace("_", "").isalnum():
        return Input(InputId(id), "command", UserId(sender), at, text, bare, rest.strip(), name=name)
    return Input(InputId(id), "text", UserId(sender), at, text, name=name)
