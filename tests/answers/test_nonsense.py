"""Whatever a person sends ends in a value or in one sentence to them; nothing else ever comes out of a parser."""

from __future__ import annotations

import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnflow.answers import (
    Unparsed,
    accepts_for,
    any_input,
    choice,
    date,
    email,
    number,
    parser_for,
    phone,
    text,
    time,
    url,
    yes_no,
)
from turnflow.core.ids import InputId, UserId
from turnflow.core.inputs import Input, InputKind
from turnflow.core.messages import Media


class Colour(StrEnum):
    RED = "red"


class Struct(msgspec.Struct):
    age: int
    more: dict[str, list[Struct]] = {}


class Model(pydantic.BaseModel):
    age: int
    more: dict[str, list[Model]] = {}


TYPES: list[object] = [
    str,
    int,
    float,
    bool,
    Decimal,
    Literal["yes", "no"],
    Literal[1, 2],
    Colour,
    UUID,
    Struct,
    Model,
    Media,
    Input,
    datetime.date,
    datetime.time,
    datetime.datetime,
    tuple[Media, ...],
    list[int],
    dict[str, Any],
    int | str,
    Annotated[int, msgspec.Meta(ge=1, le=130)],
    Annotated[int, pydantic.Field(gt=0, multiple_of=3)],
    Annotated[float, pydantic.Field(multiple_of=0.5)],
    Annotated[float, msgspec.Meta(multiple_of=0.1)],
    Annotated[Decimal, pydantic.Field(multiple_of=2)],
    Annotated[str, msgspec.Meta(max_length=3)],
    pydantic.EmailStr,
    pydantic.HttpUrl,
    pydantic.PastDate,
    pydantic.SecretStr,
    pydantic.Json[list[int]],
]
KINDS = [
    text(),
    text(2, 5, "a+"),
    number(),
    number(1, 9, whole=True),
    email(),
    phone(),
    phone("DE"),
    url(),
    date(),
    time(),
    choice("a", ("B", "b")),
    yes_no(),
    any_input(),
]
PARSERS = [parser_for(kind, accepts) for kind in TYPES if (accepts := accepts_for(kind))]
PARSERS += [parser_for(kind, accepts) for accepts in KINDS for kind in (None, str, int)]

CRAFTED = [
    "",
    " ",
    "\x00",
    "\ufffd",
    "\ud800",
    "٣",
    "5️⃣",
    "²",
    "1e999",
    "-1e999",
    "1e-999",
    "9" * 5000,
    "9" * 32768,
    "0." + "0" * 500 + "1",
    "nan",
    "sNaN",
    "inf",
    "-0",
    "1_0",
    "--5",
    "+",
    "." * 40,
    "9" * 62,
    "1e62",
    "[" * 32768,
    '{"age":' * 5000,
    "{" * 32768,
    "a" * 32768,
    "@" * 32768,
    "." * 32768,
    "/" * 32768,
    "https://" + "a." * 16000,
    "https://[::1",
    "http://[v1.a]/",
    "a@" + "b." * 160,
    "a@[127.0.0.1]",
    '"a b"@example.org',
    "+" * 64,
    "tel:+1;ext=5",
    "12/31/0000",
    "31.12.9999",
    "9999-12-31T23:59:59+23:59",
    "0001-01-01T00:00-23:59",
    "24:00",
    "23:59:60",
    "2024-W53-7",
    "2024-W99-9",
    "\u202e123",
    "xn--a@xn--a.xn--a",
    "https://xn--\u00df.de",
    "\u202ehttps://example.org",
    '{"age": 1, "more": ' + "9" * 5000 + "}",
    '{"age": ' + "9" * 5000 + "}",
    '{"age": NaN}',
    "null",
    "true",
    "{}",
    "[]",
    '"\\ud800"',
]


def tried(input: Input) -> None:
    reasons: list[str] = []
    for parse in PARSERS:
        try:
            parse(input)
        except Unparsed as error:
            reasons.append(error.reason)
    for reason in reasons:
        assert reason[0].isupper(), reason
        assert reason.endswith("."), reason
        assert "\n" not in reason, reason
        assert len(reason) < 500, reason


@pytest.mark.parametrize("sent", CRAFTED, ids=lambda sent: ascii(sent[:16]))
def test_crafted_nonsense_ends_in_a_value_or_a_sentence(sent: str) -> None:
    tried(Input(InputId("1"), "text", UserId("ada"), text=sent))
    tried(Input(InputId("1"), "press", UserId("ada"), value=sent))


DIGITS = st.text('0123456789+-.,eE_:/ \u0663\uff15TZapm@[]{}"', max_size=80)


@given(st.text(max_size=300) | DIGITS | st.floats().map(str) | st.integers().map(str) | st.datetimes().map(str))
def test_any_text_ends_in_a_value_or_a_sentence(sent: str) -> None:
    tried(Input(InputId("1"), "text", UserId("ada"), text=sent))


MEDIA = st.builds(
    Media, kind=st.sampled_from(["photo", "video", "voice", "audio", "document", "hologram"]), ref=st.text(max_size=5)
)
KIND = st.sampled_from(InputKind.__args__)  # type: ignore[attr-defined]  # a Literal's members are known at run time only
WORDS = st.text(max_size=20)
INPUTS = st.recursive(
    st.builds(
        Input,
        id=st.just(InputId("1")),
        kind=KIND,
        sender=st.just(UserId("ada")),
        text=WORDS,
        args=WORDS,
        value=WORDS,
        phone=WORDS,
        media=st.lists(MEDIA, max_size=3).map(tuple),
    ),
    lambda inner: st.builds(
        Input,
        id=st.just(InputId("1")),
        kind=KIND,
        sender=st.just(UserId("ada")),
        text=WORDS,
        items=st.lists(inner, max_size=3).map(tuple),
    ),
    max_leaves=4,
)


@given(INPUTS)
def test_any_input_ends_in_a_value_or_a_sentence(sent: Input) -> None:
    tried(sent)
