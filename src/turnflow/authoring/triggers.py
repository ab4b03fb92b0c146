"""What starts a flow, as authors write it: `registry.register(signup, on=[command("start"), pattern(r"sign me up")])`.

The same words serve a step's `accepts=` where they make sense there: `accepts=command("help")` claims a command for the step.
"""

from __future__ import annotations

import re

from turnflow import answers
from turnflow.core.definition import Accepts, Trigger
from turnflow.core.inputs import MEDIA_KINDS
from turnflow.errors import AuthorError


def command(name: str) -> Trigger:
    """Start on the command `/name`; a leading slash may be written or left out."""
    bare = name.removeprefix("/")
    if not bare.replace("_", "").isalnum():
        raise AuthorError(f"command({name!r}): a command's name consists of letters, digits and underscores")
    return Trigger("command", bare)


def callback(data: str) -> Trigger:
    """Start on a press with this callback data; `buy*` takes every press whose data begins with `buy`."""
    if not data:
        raise AuthorError("callback(''): name the callback data, or '*' for any")
    return Trigger("callback", data)


def pattern(expression: str) -> Trigger:
    """Start on text in which the regular expression is found."""
    try:
        re.compile(expression)
    except re.error as error:
        raise AuthorError(f"pattern({expression!r}) is no regular expression: {error}; correct it") from error
    return Trigger("pattern", expression)


def media(kind: str) -> Trigger:
    """Start on media of that kind: photo, video, voice, audio or document."""
    if kind not in MEDIA_KINDS:
        raise AuthorError(f"media({kind!r}): there is no such kind; use one of {', '.join(sorted(MEDIA_KINDS))}")
    return Trigger("media", kind)


def any_text() -> Trigger:
    """Start on any text that nothing else wants."""
    return Trigger("any_text")


def where(name: str) -> Trigger:
    """Start on input for which the filter of that name, registered with `@flow.filter(name)`, says yes."""
    if not name:
        raise AuthorError("where(''): name the filter that was registered with @flow.filter(...)")
    return Trigger("filter", name)


def accepts_of(wanted: Accepts | Trigger) -> Accepts | None:
    """Return what a wait takes when `wanted` was written for it; None if a trigger means nothing inside a flow."""
    if isinstance(wanted, Accepts):
        return wanted
    match wanted.kind:
        case "command":
            return answers.command(wanted.value)
        case "filter":
            return answers.where(wanted.value)
        case "pattern":
            return answers.text(pattern=wanted.value)
        case "media":
            return Accepts((wanted.value,))
        case "any_text":
            return answers.text()
        case "callback" | "event":
            return None
