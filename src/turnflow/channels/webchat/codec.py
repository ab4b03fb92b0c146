"""The wire forms of the web chat, without any I/O: what the page posts, what the event stream carries.

The event stream follows the server-sent events section of the HTML standard. The id of an event is the place of a line
in the conversation, `seq.index`; an event without an id is transient and moves no cursor.
"""

from __future__ import annotations

import json
import re
from typing import Literal, NoReturn, TypeVar

import msgspec
from msgspec import Struct

from turnflow.channels.unread import Place
from turnflow.core.ids import At, ConversationId, InputId, Json, UserId
from turnflow.core.inputs import TEXT_LIMIT, Input, clean, typed
from turnflow.core.messages import Button, Media
from turnflow.ports import Delivery, Duplicate, Handled, Inbound, Refused, Said, Unclaimed

BODY_LIMIT = 64 * 1024
"""Largest request body, in bytes."""

_T = TypeVar("_T")
_PAGE_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_PLACE = re.compile(r"(\d{1,15})\.(-1|\d{1,9})")
_LINK = re.compile(r"(?:https?://|mailto:|tel:)", re.IGNORECASE)
_REF_LIMIT = 256


class BadRequest(Exception):
    """A request the page never sends; `code` names the mistake for programs, the message for people."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        self.code = code
        self.status = status
        super().__init__(message)


class Posted(Struct, frozen=True, forbid_unknown_fields=True):
    """What the page sends: a typed line, or a press of a button."""

    id: str
    """Made by the page, the same for every attempt."""
    text: str | None = None
    press: str | None = None
    """The reference of the button."""


class Key(Struct, frozen=True, forbid_unknown_fields=True):
    """What opens a session."""

    token: str


class ShownButton(Struct, frozen=True, omit_defaults=True):
    """A button as the page gets it: `ref` to press, `url` to open, else `say` is typed for the person."""

    text: str
    ref: str = ""
    url: str = ""
    say: str = ""


class ShownMedia(Struct, frozen=True, omit_defaults=True):
    """A file as the page gets it; `url` is empty if a browser cannot open it."""

    kind: str
    name: str = ""
    url: str = ""


class Line(Struct, frozen=True, omit_defaults=True):
    """One line of the conversation as the page gets it."""

    seq: int
    index: int
    at: At
    side: Literal["person", "flow"]
    text: str = ""
    id: str = ""
    """Of a person's line from a web page: the id the page gave it."""
    press: str = ""
    """Of a press: the reference of the button."""
    buttons: tuple[tuple[ShownButton, ...], ...] = ()
    media: tuple[ShownMedia, ...] = ()


class Lines(Struct, frozen=True):
    """The newest lines, oldest first."""

    lines: tuple[Line, ...]
    more: bool
    """Whether older ones exist that may be asked for."""


class Result(Struct, frozen=True, omit_defaults=True):
    """What became of a post."""

    outcome: Literal["handled", "duplicate", "unclaimed", "refused"]
    reason: str = ""


def read_post(body: bytes) -> Posted:
    """Decode and check the body of a post. Raises `BadRequest`."""
    posted = _convert(body, Posted, "unknown_kind", "send {id, text} or {id, press}")
    if not _PAGE_ID.fullmatch(posted.id):
        raise BadRequest("bad_id", "`id` must be 8 to 64 letters, digits, - or _ (a UUID, for instance)")
    if (posted.text is None) == (posted.press is None):
        raise BadRequest("unknown_kind", "send either `text` or `press`, not both and not neither")
    if posted.text is not None:
        if not posted.text.strip():
            raise BadRequest("empty_text", "the message is empty")
        if len(clean(posted.text).encode()) > TEXT_LIMIT:
            raise BadRequest("text_too_long", f"the message is longer than {TEXT_LIMIT // 1024} KiB; shorten it", 413)
    if posted.press is not None and not 0 < len(posted.press) <= _REF_LIMIT:
        raise BadRequest("bad_ref", "`press` must be the reference of a button")
    return posted


def read_key(body: bytes) -> Key:
    """Decode the body that opens a session. Raises `BadRequest`."""
    return _convert(body, Key, "bad_key", "send {token}")


def inbound(posted: Posted, *, conversation: ConversationId, user: UserId) -> Inbound:
    """Return the input for a post. Its time is left at 0: the runtime, which has the clock, fills it in."""
    id = f"web:{conversation}:{posted.id}"
    if posted.press is not None:
        return Inbound(conversation, Input(InputId(id), "press", user, ref=clean(posted.press)))
    return Inbound(conversation, typed(posted.text or "", id=id, sender=user, at=0))


def result(delivery: Delivery) -> Result:
    """Return what the page is told about a delivery."""
    match delivery:
        case Handled():
            return Result("handled", delivery.refused)
        case Duplicate():
            return Result("duplicate")
        case Unclaimed():
            return Result("unclaimed", delivery.reason)
        case Refused():
            return Result("refused", delivery.reason)


def line(said: Said) -> Line | None:
    """Return a line as the page shows it, or None for one that people do not see."""
    if said.message is not None:
        rows = tuple(tuple(_button(button) for button in row) for row in said.message.buttons)
        media = tuple(_media(media) for media in said.message.media)
        return Line(said.seq, said.index, said.at, "flow", clean(said.message.text), buttons=rows, media=media)
    if said.input is None or (said.input.kind == "press" and not said.live):
        return None
    given = said.input
    page_id = given.id.rpartition(":")[2] if given.id.startswith("web:") else ""
    media = tuple(_media(media) for media in given.media)
    text = given.text or given.value
    return Line(said.seq, said.index, said.at, "person", clean(text), page_id, given.ref, media=media)


def read_place(text: str) -> Place | None:
    """Read `seq.index`; None if it is something else."""
    found = _PLACE.fullmatch(text)
    return (int(found[1]), int(found[2])) if found else None


def frame(event: str, data: Struct | dict[str, Json], at: Place | None = None) -> bytes:
    """Return one server-sent event; with `at` it moves the reader's cursor."""
    id = f"id: {at[0]}.{at[1]}\n" if at else ""
    return f"{id}event: {event}\ndata: ".encode() + msgspec.json.encode(data) + b"\n\n"


def page_id(id: InputId) -> str:
    """Return the id that the page gave to an input."""
    return id.rpartition(":")[2]


def _button(button: Button | str) -> ShownButton:
    if isinstance(button, str):
        return ShownButton(clean(button), say=clean(button))
    if button.url:
        return ShownButton(clean(button.text), url=button.url if _LINK.match(button.url) else "")
    return ShownButton(clean(button.text), ref=button.ref, say="" if button.ref else clean(button.value or button.text))


def _media(media: Media) -> ShownMedia:
    url = media.ref if media.ref.startswith(("https://", "http://")) else ""
    return ShownMedia(media.kind, clean(media.name), url)


def _convert(body: bytes, to: type[_T], code: str, remedy: str) -> _T:
    # The standard library's parser, because it lets lone surrogates through to `clean` instead of refusing the message.
    try:
        value: object = json.loads(body.decode(), parse_constant=_not_json, object_pairs_hook=_distinct)
    except (ValueError, RecursionError):
        raise BadRequest("bad_json", "the body is not valid JSON in UTF-8, or it is nested too deeply") from None
    try:
        return msgspec.convert(value, to)
    except msgspec.ValidationError as problem:
        raise BadRequest(code, f"{problem}; {remedy}") from None


def _not_json(name: str) -> NoReturn:
    raise ValueError(name)


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(found := dict(pairs)) != len(pairs):
        raise ValueError("duplicate key")
    return found
