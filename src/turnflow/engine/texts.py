"""The engine's own words to people; every one of them can be replaced."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from turnflow.core.effects import Notice
from turnflow.core.messages import Message


class Texts(Struct, frozen=True, kw_only=True):
    """What people read when a flow's author has not said anything. An empty text is not sent."""

    cancelled: str = "Cancelled."
    expired: str = "This took too long, so I have stopped here. Start again whenever you like."
    failed: str = "Sorry, something went wrong here. Please try again later."
    blocked: str = "This conversation is paused for a moment; your messages are kept and it goes on by itself."
    stuck: str = "Something is wrong here and we are looking into it. Your messages are kept."
    inactive: str = "This button is no longer active."
    menu: str = "Which one would you like to do?"
    escalated: str = "I am asking a colleague. Please wait a moment."
    again: str = "Please answer the question above."
    already: str = "This is already running."
    too_long: str = "That message is too long for me. Please send a shorter one."

    def worded(self, notice: Notice, message: Message) -> Message:
        """Return a notice as a message; what the core supplied (buttons, details) stays."""
        words: str = getattr(self, notice)
        return replace(message, text=f"{words}\n{message.text}" if message.text and words else words or message.text)
