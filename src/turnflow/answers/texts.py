"""Free text: trimmed, counted, matched."""

from __future__ import annotations

import re
from collections.abc import Callable

from turnflow.answers.unparsed import Unparsed

NO_TEXT = "Please answer with text."
WRONG_FORM = "That does not have the expected form."


def rule(min: int, max: int | None, pattern: str | None) -> Callable[[str], str]:
    """Return the check of `text(min, max, pattern)`: the text without blanks at its ends, or `Unparsed`."""
    matches = re.compile(pattern).fullmatch if pattern is not None else None

    def check(text: str) -> str:
        text = text.strip()
        if len(text) < min:
            raise Unparsed(too_short(min))
        if max is not None and len(text) > max:
            raise Unparsed(too_long(max))
        if matches is not None and not matches(text):
            raise Unparsed(WRONG_FORM)
        return text

    return check


def too_short(least: int) -> str:
    """Return the reason for a text under `least` characters."""
    return "Please send some text." if least == 1 else f"Please send at least {least} characters."


def too_long(most: int) -> str:
    """Return the reason for a text over `most` characters."""
    return f"Please send at most {most} character{'' if most == 1 else 's'}."
