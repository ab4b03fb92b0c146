"""Transcripts: a conversation as plain text that reads like one, and is example and test at once.

# A comment.
> /start                          a person types; a line that begins with a slash is a command
< What is your name?              the bot replies; every reply stands here, in order
> [yes]                           a press on that button of the newest message that has one
> [yes]@2                         the same of the second newest
> (photo passport.jpg)            a photo; also video, voice, audio, document
> (contact +4930123456)           also (location 52.52 13.40)
> \\[yes]                          these words typed
< Name? [yes] [no]                buttons of the reply, rows one after the other
< First line
| second line                     replies and typed text may have several lines
< Your number is {*}.             {*} stands for any text
~ 25h                             the clock moves on, and every timer fires at its own time on the way
= completed {"name": "Ada"}       a run has ended: completed, cancelled or failed; result or error code may be left out
bob> Hello                        somebody else, in a conversation of their own
bob< Hello, Bob.
operator> answer Coming!          the operator's desk: say, answer, move and cancel, as in `turnflow operator`
operator< RUN wants a person      what the desk is told; RUN stands for the run's id
! restart                         the engine is stopped in an orderly way and started again on the same store
! crash turn.before_commit        at that point of the next line the engine dies and is started again
! redeliver                       the last input arrives once more, with the same id
! race [Pay] | [Pay] | /cancel    these arrive at the same time
! join bob                        from here on bob speaks in the first person's conversation
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec

from turnflow.core.ids import Json, Millis
from turnflow.core.inputs import MEDIA_KINDS
from turnflow.errors import AuthorError

YOU: Final = "you"
"""Who speaks where no name stands."""
OPERATOR: Final = "operator"


class TranscriptError(AuthorError):
    """A transcript cannot be read or played; the message begins with the number of the line."""

    def __init__(self, line: int, message: str) -> None:
        self.line = line
        super().__init__(f"line {line}: {message}")


class Typed(NamedTuple):
    """Somebody types a text or a command."""

    text: str


class Pressed(NamedTuple):
    """Somebody presses the button with that label, of the newest message that has one or of the `nth` newest."""

    label: str
    nth: int = 1


class Shared(NamedTuple):
    """Somebody sends media, a contact or a place."""

    kind: str
    detail: str = ""


Act: TypeAlias = Typed | Pressed | Shared


class Acting(NamedTuple):
    """`> ...`: a person does something."""

    who: str
    act: Act


class Passing(NamedTuple):
    """`~ ...`: time passes."""

    duration: Millis


class Racing(NamedTuple):
    """`! race ...`: several things happen at the same time."""

    acts: tuple[Acting | Passing, ...]


class Steering(NamedTuple):
    """`operator> ...`: the operator does something."""

    command: str
    rest: str


class Ordering(NamedTuple):
    """`! ...`: something is done to the engine."""

    order: Literal["restart", "crash", "redeliver", "join"]
    rest: str = ""
    down: Millis = 0
    """Of a restart: how long there is no engine."""


class Expecting(NamedTuple):
    """`< ...`: somebody reads a reply."""

    who: str
    text: str


class Ended(NamedTuple):
    """`= ...`: a run has ended."""

    outcome: Literal["completed", "cancelled", "failed"]
    result: Json = None
    has_result: bool = False
    code: str = ""


Doing: TypeAlias = Acting | Racing | Passing | Steering | Ordering | Expecting | Ended


class Line(NamedTuple):
    """One entry of a transcript."""

    number: int
    written: str
    doing: Doing | None
    """None: a comment or an empty line."""


_SPOKEN: Final = re.compile(r"(?P<who>\w[\w-]*)?(?P<mark>[<>])(?: (?P<text>.*))?$", re.DOTALL)
_BUTTON: Final = re.compile(r"\[(?P<label>[^\n]+)\](?:@(?P<nth>[1-9]\d*))?$")
_MEDIA: Final = re.compile(rf"\((?P<kind>{'|'.join(sorted(MEDIA_KINDS))}|contact|location)(?: (?P<detail>[^\n]+))?\)$")
_AMOUNT: Final = re.compile(r"(\d+)(ms|s|m|h|d)")
_UNITS: Final = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse(text: str) -> tuple[Line, ...]:
    """Return the entries of a transcript. Raises `TranscriptError` for the first line that cannot be read."""
    return tuple(Line(number, written, _doing(number, written)) for number, written in _entries(text))


def parse_act(text: str) -> Act:
    """Return what stands behind a `>`: a press, media, or typed text."""
    if found := _BUTTON.match(text):
        return Pressed(found["label"], int(found["nth"] or 1))
    if found := _MEDIA.match(text):
        return Shared(found["kind"], found["detail"] or "")
    return Typed(text.removeprefix("\\") if text.startswith(("\\[", "\\(", "\\\\")) else text)


def _entries(text: str) -> Iterator[tuple[int, str]]:
    """Yield each entry with the number of its first line; lines that begin with a bar belong to the one before."""
    entry: list[str] = []
    first = 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("|"):
            if not entry or not _SPOKEN.match(entry[0]):
                raise TranscriptError(
                    number, "a line that begins with | goes on with a reply or a typed text; there is none"
                )
            entry.append(line.removeprefix("|").removeprefix(" "))
            continue
        if entry:
            yield first, "\n".join(entry)
        entry, first = [line.rstrip()], number
    if entry:
        yield first, "\n".join(entry)


def _doing(number: int, written: str) -> Doing | None:
    if not written or written.startswith("#"):
        return None
    mark, rest = written[0], written[1:].strip()
    match mark:
        case "~":
            return Passing(_duration(number, rest))
        case "=":
            return _ended(number, rest)
        case "!":
            return _ordering(number, rest)
        case _:
            return _spoken(number, written)


def _spoken(number: int, written: str) -> Doing:
    found = _SPOKEN.match(written)
    if found is None:
        raise TranscriptError(number, f"{written!r} begins with none of > < ~ = ! # or a name and > or <")
    who, text = found["who"] or YOU, found["text"] or ""
    if found["mark"] == "<":
        return Expecting(who, text)
    if who == OPERATOR:
        command, _, rest = text.partition(" ")
        if command not in ("say", "answer", "move", "cancel"):
            raise TranscriptError(
                number, f"the operator cannot {command!r}; write say TEXT, answer TEXT, move STEP or cancel"
            )
        return Steering(command, rest.strip())
    return Acting(who, parse_act(text))


def _duration(number: int, text: str) -> Millis:
    parts = text.split()
    found = [_AMOUNT.fullmatch(part) for part in parts]
    if not parts or None in found:
        raise TranscriptError(number, f"{text!r} is no time; write for instance ~ 90s, ~ 10m, ~ 1h 30m or ~ 2d")
    return sum(
        timedelta(**{_UNITS[amount[2]]: int(amount[1])}) // timedelta(milliseconds=1) for amount in found if amount
    )


def _ended(number: int, text: str) -> Ended:
    outcome, _, rest = text.partition(" ")
    rest = rest.strip()
    match outcome:
        case "completed":
            if not rest:
                return Ended("completed")
            try:
                return Ended("completed", msgspec.json.decode(rest), has_result=True)
            except msgspec.DecodeError as error:
                raise TranscriptError(number, f"the result {rest!r} is no JSON: {error}") from error
        case "failed":
            return Ended("failed", code=rest)
        case "cancelled" if not rest:
            return Ended("cancelled")
    raise TranscriptError(number, f"{text!r} is no end; write = completed [JSON], = cancelled or = failed [CODE]")


def _ordering(number: int, text: str) -> Doing:
    order, _, rest = text.partition(" ")
    rest = rest.strip()
    match order:
        case "restart":
            return Ordering("restart", down=_duration(number, rest) if rest else 0)
        case "redeliver" if not rest:
            return Ordering("redeliver")
        case "crash" | "join" if rest:
            return Ordering(order, rest)
        case "race" if rest:
            return Racing(tuple(_racer(number, part.strip()) for part in rest.split(" | ")))
    raise TranscriptError(
        number, f"{text!r} is no order; write ! restart, ! redeliver, ! crash POINT, ! join NAME or ! race THIS | THAT"
    )


def _racer(number: int, text: str) -> Acting | Passing:
    if text.startswith("~"):
        return Passing(_duration(number, text.removeprefix("~").strip()))
    found = _SPOKEN.match(text)
    if found is not None and found["mark"] == ">":
        text, who = found["text"] or "", found["who"] or YOU
    else:
        who = YOU
    if not text:
        raise TranscriptError(number, "something is missing between the bars of a race")
    return Acting(who, parse_act(text))
