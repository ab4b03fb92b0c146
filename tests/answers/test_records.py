"""Texts, ids, objects and lists as JSON text, and types made with pydantic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, NewType, TypedDict
from uuid import UUID

import msgspec
import pydantic
import pytest
from msgspec import Meta
from pydantic import AfterValidator, BeforeValidator, EmailStr, Field, HttpUrl
from pydantic.dataclasses import dataclass as pydantic_dataclass

from tests.answers.asking import answer, pressed, refusal
from turnflow.answers import accepts_for, any_input, command, text
from turnflow.core.ids import InputId, UserId
from turnflow.core.inputs import Input

Name = NewType("Name", str)


class Struct(msgspec.Struct):
    age: int


@dataclass
class Plain:
    age: int


class Typed(TypedDict):
    age: int


class Named(NamedTuple):
    age: int


class Model(pydantic.BaseModel):
    age: int


@pydantic_dataclass
class Checked:
    age: int


@dataclass
class Mixed:
    model: Model


class Pool:
    """A thing of the host program, never an answer."""


@dataclass
class Database:
    pool: Pool


@pytest.mark.parametrize("kind", [Struct, Plain, Typed, Model, Checked])
def test_an_object_is_read_from_json(kind: type) -> None:
    assert accepts_for(kind) == text().__class__(("text",))
    assert answer(kind, '{"age": 5}') == kind(age=5)
    assert "age" in refusal(kind, '{"age": "x"}')
    assert "age" in refusal(kind, "{}")


def test_json_inside_json_is_read_by_whoever_knows_it() -> None:
    assert answer(Named, "[5]") == Named(5)
    assert answer(list[int], "[1, 2]") == [1, 2]
    assert answer(Sequence[Struct], '[{"age": 1}]') == [Struct(1)]
    assert answer(Mixed, '{"model": {"age": 1}}') == Mixed(Model(age=1))
    assert answer(list[Model], '[{"age": 1}]') == [Model(age=1)]


@pytest.mark.parametrize("kind", [Struct, Plain, list, dict[str, Any], list[int]])
@pytest.mark.parametrize("sent", ["", "{", "hello", "[" * 32768, '{"a":' * 6000, "\ud800"])
def test_what_is_no_json_is_asked_for_again(kind: type, sent: str) -> None:
    assert refusal(kind, sent).startswith(("Please send JSON text.", "That does not fit"))


def test_a_text_is_trimmed_and_never_empty() -> None:
    assert answer(str, "  Ada ") == "Ada"
    assert answer(Name, "Ada") == "Ada"
    assert refusal(str, "  ") == "Please send some text."
    assert answer(str, "  ", text(min=0)) == ""
    assert answer(None, " Ada ", text()) == "Ada"


def test_a_text_keeps_to_its_length_and_form() -> None:
    accepts = text(2, 5, "[a-z]+")
    assert answer(str, "abc", accepts) == "abc"
    assert refusal(str, "a", accepts) == "Please send at least 2 characters."
    assert refusal(str, "abcdef", accepts) == "Please send at most 5 characters."
    assert refusal(str, "abc1", accepts) == "That does not have the expected form."
    assert refusal(str, "ab", text(max=1)) == "Please send at most 1 character."


@pytest.mark.parametrize(
    "limits",
    [
        Meta(min_length=2, max_length=3, pattern="^a"),
        Field(min_length=2, max_length=3, pattern="^a"),
    ],
)
def test_a_text_keeps_to_the_limits_of_its_annotation(limits: object) -> None:
    annotation = Annotated[str, limits]
    assert answer(annotation, "abc") == "abc"
    assert refusal(annotation, "a") == "Please send at least 2 characters."
    assert refusal(annotation, "abcd") == "Please send at most 3 characters."
    assert refusal(annotation, "bcd") == "That does not have the expected form."


def test_an_id_is_read() -> None:
    assert answer(UUID, " 123e4567-e89b-12d3-a456-426614174000") == UUID("123e4567-e89b-12d3-a456-426614174000")
    assert refusal(UUID, "x") == "Please send an id, such as 123e4567-e89b-12d3-a456-426614174000."
    assert refusal(UUID, "\ud800").startswith("Please send an id")


def test_types_of_pydantic_parse_text_their_own_way() -> None:
    assert answer(EmailStr, "ada@example.org") == "ada@example.org"
    assert str(answer(HttpUrl, "https://example.org")) == "https://example.org/"
    assert refusal(EmailStr, "x").startswith("That does not fit: value is not a valid email address")


def _spelled(value: object) -> object:
    return {"three": 3}.get(str(value), value)


def _even(value: int) -> int:
    if value % 2:
        raise ValueError("odd numbers are not in stock")
    return value


def test_an_authors_own_validators_have_their_say() -> None:
    assert answer(Annotated[int, BeforeValidator(_spelled)], "three") == 3
    assert answer(Annotated[int, AfterValidator(_even)], "4") == 4
    assert refusal(Annotated[int, AfterValidator(_even)], "3") == (
        "That does not fit: Value error, odd numbers are not in stock."
    )


def test_optional_means_that_there_may_be_no_input_yet() -> None:
    assert accepts_for(int | None) == accepts_for(int)
    assert answer(int | None, "5") == 5
    assert refusal(int | None, "none") == "Please send a whole number."


def test_a_union_is_tried_in_the_order_written() -> None:
    assert answer(int | str, "5") == 5
    assert answer(int | str, "five") == "five"
    assert answer(str | int, "5") == "5"
    assert refusal(int | UUID, "x") == (
        "Please send a whole number; or please send an id, such as 123e4567-e89b-12d3-a456-426614174000."
    )


def test_things_no_person_can_send_are_no_answers() -> None:
    for annotation in (Pool, Database, int | Pool, object, None, type, "int", bytes):
        assert accepts_for(annotation) is None


def test_an_input_is_taken_as_it_is() -> None:
    sent = pressed("x")
    assert accepts_for(Input) == any_input()
    assert answer(Input, sent) is sent
    assert answer(None, sent, any_input()) is sent


def test_what_stands_behind_a_command_is_its_answer() -> None:
    sent = Input(InputId("1"), "command", UserId("ada"), text="/age 42", command="age", args="42")
    assert answer(int, sent, command("/age")) == 42
    assert command("/age") == command("age")


def test_a_burst_of_texts_is_one_text() -> None:
    part = Input(InputId("1"), "text", UserId("ada"), text="one")
    burst = msgspec.structs.replace(part, items=(part, msgspec.structs.replace(part, text="two")))
    assert answer(str, burst) == "one\ntwo"
