"""A channel that keeps what is sent, as the person at the other end would see it."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from turnflow.core.ids import ConversationId
from turnflow.core.messages import Button
from turnflow.ports import Outbound
from turnflow.testing.rendering import rendered


class Failing(NamedTuple):
    """What happens to the next reply instead of its being sent."""

    error: Exception
    delivered: bool


class RecordedBot:
    """`ports.Channel` for tests: records every reply per conversation, in order, and fails when it is told to."""

    def __init__(self, prefix: str = "chat:") -> None:
        self._prefix = prefix
        self._failing: deque[Failing] = deque()
        self.sent: list[Outbound] = []
        """Everything that arrived, in order, second copies and silent answers to presses included."""
        self.attempts = 0
        """How often `send` was called."""

    @property
    def prefix(self) -> str:
        """What the ids of its conversations begin with."""
        return self._prefix

    async def send(self, outbound: Outbound) -> str:
        """Record a reply, or fail as told; the id of a message is its place in the record."""
        self.attempts += 1
        failing = self._failing.popleft() if self._failing else None
        if failing is None or failing.delivered:
            self.sent.append(outbound)
        if failing is not None:
            raise failing.error
        return str(len(self.sent))

    def fail(self, error: Exception, *, times: int = 1, delivered: bool = False) -> None:
        """Let the next `times` replies fail.

        `RetryLater(seconds)` and `Undeliverable()` mean what they say; any other error leaves the outcome unknown.
        `delivered`: the reply arrives all the same and only its confirmation is lost.
        """
        self._failing.extend([Failing(error, delivered)] * times)

    def replies(self, conversation: ConversationId) -> list[Outbound]:
        """Return what a person saw in a conversation: each reply once, silent answers to presses left out."""
        seen: dict[str, Outbound] = {}
        for reply in self.sent:
            if reply.conversation == conversation and (
                reply.message.text or reply.message.buttons or reply.message.media
            ):
                seen.setdefault(reply.key, reply)
        return list(seen.values())

    def texts(self, conversation: ConversationId) -> list[str]:
        """Return the same as text, as it stands in transcripts."""
        return [rendered(reply.message) for reply in self.replies(conversation)]

    def copies(self) -> int:
        """Return how many replies arrived that had arrived before."""
        return len(self.sent) - len({reply.key for reply in self.sent})

    def button(self, conversation: ConversationId, label: str, nth: int = 1) -> Button:
        """Return the button with that label of the newest message that has one, or of the `nth` newest.

        Raises `LookupError` naming the labels there are.
        """
        labels: list[str] = []
        for reply in reversed(self.replies(conversation)):
            buttons = [button for row in reply.message.buttons for button in row if isinstance(button, Button)]
            labels.extend(button.text for button in buttons)
            found = next((button for button in buttons if button.text == label), None)
            if found is not None:
                nth -= 1
                if nth == 0:
                    return found
        known = ", ".join(f"[{text}]" for text in dict.fromkeys(labels)) or "none"
        raise LookupError(f"there is no such button [{label}]; the buttons so far, newest first: {known}")
