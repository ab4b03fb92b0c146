"""What was said, the way transcripts show it."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from turnflow.core.ids import Json
from turnflow.core.messages import Button, Message
from turnflow.core.state import Ending
from turnflow.testing.transcript import YOU

WILDCARD: Final = "{*}"
_RUN_ID: Final = re.compile(r"\b[0-9a-f]{20}\b")


def rendered(message: Message) -> str:
    """Return text, media as `(photo NAME)`, and buttons as `[label]`, rows one after the other."""
    media = [f"({' '.join(part for part in (file.kind, file.name or file.ref) if part)})" for file in message.media]
    buttons = [f"[{_label(item)}]" for row in message.buttons for item in row]
    return " ".join(part for part in (*media, message.text, *buttons) if part)


def without_run_ids(text: str) -> str:
    """Return the text with `RUN` in the place of ids, which differ from rehearsal to rehearsal."""
    return _RUN_ID.sub("RUN", text)


def matches(written: str, said: str) -> bool:
    """Tell whether what was said is what stands in a transcript, where `{*}` stands for any text."""
    if WILDCARD not in written:
        return written == said
    return re.fullmatch(".*".join(map(re.escape, written.split(WILDCARD))), said, re.DOTALL) is not None


def shown(who: str, text: str) -> str:
    """Return the line of a transcript on which somebody reads a text."""
    return f"{'' if who == YOU else who}< " + text.replace("\n", "\n| ")


def ending_line(ending: Ending) -> str:
    """Return the line of a transcript on which a run ends."""
    if ending.outcome == "failed" and ending.error is not None:
        return f"= failed {ending.error.code}"
    if ending.outcome == "completed" and ending.result is not None:
        return f"= completed {json_text(msgspec.json.decode(ending.result))}"
    return f"= {ending.outcome}"


def json_text(value: Json) -> str:
    """Return JSON with its keys in order, so that equal values look alike."""
    return msgspec.json.encode(value, order="sorted").decode()


def _label(item: Button | str) -> str:
    return item if isinstance(item, str) else item.text
