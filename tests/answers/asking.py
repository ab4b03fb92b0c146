"""What a person may send, and what becomes of it: the vocabulary of these tests."""

from __future__ import annotations

from turnflow.answers import Unparsed, accepts_for, parser_for
from turnflow.core.definition import Accepts
from turnflow.core.ids import InputId, UserId
from turnflow.core.inputs import Input
from turnflow.core.messages import Media


def typed(text: str) -> Input:
    return Input(InputId("1"), "text", UserId("ada"), text=text)


def pressed(value: str) -> Input:
    return Input(InputId("1"), "press", UserId("ada"), value=value)


def photographed(*refs: str) -> Input:
    media = tuple(Media("photo", ref) for ref in refs)
    return Input(InputId("1"), "photo", UserId("ada"), text="a caption", media=media)


def shared(phone: str) -> Input:
    return Input(InputId("1"), "contact", UserId("ada"), phone=phone)


def answer(annotation: object, sent: str | Input, accepts: Accepts | None = None) -> object:
    """Return the value a handler with this annotation would get."""
    accepts = accepts or accepts_for(annotation)
    assert accepts is not None, f"no answer can be {annotation}"
    return parser_for(annotation, accepts)(typed(sent) if isinstance(sent, str) else sent)


def refusal(annotation: object, sent: str | Input, accepts: Accepts | None = None) -> str:
    """Return the sentence the person would get."""
    try:
        value = answer(annotation, sent, accepts)
    except Unparsed as error:
        return error.reason
    raise AssertionError(f"{sent!r} became {value!r}")
