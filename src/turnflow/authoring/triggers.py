"""What starts a flow, as authors write it: `registry.register(signup, on=[command("start"), pattern(r"sign me up")])`.

The same words serve a step's `accepts=` where they make sense there: `accepts=command("help")` claims a command for the step.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from turnflow import answers
from turnflow.core.definition import Accepts, CatchUp, Overlap, Trigger
from turnflow.core.ids import Json
from turnflow.core.inputs import MEDIA_KINDS
from turnflow.core.validation import trigger_problems
from turnflow.cron import schedule_problems
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


def event(topic: str, *, when: str = "") -> Trigger:
    """Start on an event of a topic, with what it carries as the run's data.

    In `topic`, `*` stands for one word, a last `**` for all that follow. `when`: a CEL condition over `event`, as
    `event.data.total > 100.0`. Raises `AuthorError`.
    """
    trigger = Trigger("event", topic, when)
    for problem in trigger_problems([trigger]):
        raise AuthorError(f"event({topic!r}): {problem.message}")
    return trigger


def schedule(
    cron: str,
    *,
    zone: str = "UTC",
    catch_up: CatchUp = "last",
    overlap: Overlap = "skip",
    input: Mapping[str, Json] | None = None,
) -> Trigger:
    """Start at the times of a cron expression: minute, hour, day of the month, month, day of the week.

    `zone`: the IANA time zone whose clocks it goes by. `catch_up`: which of the moments that no engine was there for are made up
    for: `none`, the `last`, or `all` (the newest hundred). `overlap`: what to do when a run that it started is still live: `skip`
    the moment, `queue` it, or `allow` both. `input`: what each run is started with. Raises `AuthorError`.
    """
    trigger = Trigger(
        "schedule", " ".join(cron.split()), zone=zone, catch_up=catch_up, overlap=overlap, input=dict(input or {})
    )
    for problem in (*trigger_problems([trigger]), *schedule_problems([trigger])):
        raise AuthorError(f"schedule({cron!r}): {problem.message}")
    return trigger


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
        case "callback" | "event" | "schedule":
            return None
