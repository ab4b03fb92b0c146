"""Topics of events: dotted words, patterns over them, and the heads that stores index patterns by.

In a pattern `*` stands for one word and a last `**` for one or more: `order.*` fits `order.paid`, `order.**` also
`order.paid.twice`, and neither fits `order`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

TOPIC_LIMIT: Final = 255
"""Most characters of a topic or a pattern."""
TOPIC: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\Z")
PATTERN: Final = re.compile(r"(([a-z0-9_-]+|\*)\.)*([a-z0-9_-]+|\*\*?)\Z")
STRANGE: Final = re.compile(r"[^a-z0-9_-]")
WORDS: Final = "words of the characters a-z, 0-9, '_' and '-', with dots between them"


def topic_problem(topic: str) -> str:
    """Return why a text is no topic, with the remedy; "" if it is one."""
    if len(topic) > TOPIC_LIMIT:
        return f"a topic has at most {TOPIC_LIMIT} characters, this one has {len(topic)}"
    return "" if TOPIC.match(topic) else f"{topic!r} is no topic: write {WORDS}"


def pattern_problem(pattern: str) -> str:
    """Return why a text is no pattern of topics, with the remedy; "" if it is one. Every topic is a pattern."""
    if len(pattern) > TOPIC_LIMIT:
        return f"a topic has at most {TOPIC_LIMIT} characters, this one has {len(pattern)}"
    wild = "; `*` stands for one word, a last `**` for all that follow"
    return "" if PATTERN.match(pattern) else f"{pattern!r} is no topic: write {WORDS}{wild}"


def is_exact(pattern: str) -> bool:
    """Tell whether a pattern fits one topic only."""
    return "*" not in pattern


@lru_cache(maxsize=4096)
def matches(pattern: str, topic: str) -> bool:
    """Tell whether a topic fits a pattern."""
    wanted, words = pattern.split("."), topic.split(".")
    if wanted[-1] == "**":
        wanted.pop()
        if len(words) <= len(wanted):
            return False
        words = words[: len(wanted)]
    return len(wanted) == len(words) and all(want in ("*", word) for want, word in zip(wanted, words, strict=True))


def stem_of(pattern: str) -> str:
    """Return what every topic of a pattern begins with: `order.` of `order.*.eu`; "" if it may begin with anything."""
    return pattern.partition("*")[0]


def head_of(pattern: str) -> str:
    """Return what a pattern is found by: its stem and a `*`; of one without wildcards, itself."""
    return pattern if is_exact(pattern) else f"{stem_of(pattern)}*"


def heads_of(topic: str) -> tuple[str, ...]:
    """Return the heads of all patterns that may fit a topic: one more than it has words."""
    words = topic.split(".")
    return (topic, *("".join(f"{word}." for word in words[:count]) + "*" for count in range(len(words))))


def worded(name: str) -> str:
    """Return a name as words of a topic: in small letters, other characters become hyphens, dots stay."""
    return ".".join(STRANGE.sub("-", word) or "-" for word in name.lower().split("."))
