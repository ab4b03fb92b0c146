"""YAML is read safely: plain JSON with places, by the rules of YAML 1.2, and hostile texts end in small errors."""

from __future__ import annotations

import pytest

from turnflow.core.ids import Json
from turnflow.declarative import Located, read_document
from turnflow.declarative.located import Mark
from turnflow.declarative.mistakes import MOST
from turnflow.errors import InvalidFlow

NINE_LEVELS = "\n".join(f"l{n}: &l{n} [" + ", ".join([f"*l{n - 1}"] * 9) + "]" for n in range(1, 10))
"""A billion values once its aliases are followed."""


def problems_of(text: str) -> list[str]:
    with pytest.raises(InvalidFlow) as raised:
        read_document(text, "f.yaml")
    return [f"{problem.line}:{problem.column} {problem.code}" for problem in raised.value.problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("off", "off"), ("y", "y"), ("Yes", "Yes"),
        ("true", True), ("True", True), ("FALSE", False),
        ("null", None), ("~", None), ("", None), ("Null", None), ("nUll", "nUll"),
        ("012", 12), ("-7", -7), ("+7", 7), ("0o14", 12), ("0x1F", 31), ("0b11", "0b11"), ("1_000", "1_000"),
        ("1e3", 1000.0), (".5", 0.5), ("1.", 1.0), ("-1.5E-2", -0.015), ("1:30", "1:30"), ("2020-01-01", "2020-01-01"),
        ("'12'", "12"), ('"true"', "true"), ("'it''s'", "it's"), ('"\\u00e9\\n"', "é\n"), ("=", "="), ("<<", "<<"), ("-", [None]),
        ("9223372036854775807", 2**63 - 1), ("-9223372036854775808", -(2**63)),
    ],
)  # fmt: skip
def test_scalars_mean_what_yaml_1_2_says(text: str, value: Json) -> None:
    read = read_document(f"a:\n  {text}").value
    assert read == {"a": value}
    assert isinstance(read, dict)
    assert type(read["a"]) is type(value)


@pytest.mark.parametrize("text", [".inf", "-.INF", ".nan", "1e999", "9223372036854775808", "1" * 5000])
def test_numbers_that_json_or_64_bits_cannot_hold_are_refused(text: str) -> None:
    assert problems_of(f"a: {text}") == ["1:4 bad_number"]


def test_blocks_and_flow_style_are_read() -> None:
    read = read_document("a: |\n  one\n  two\nb: >-\n  one\n  two\nc: {d: [1, {e: f}], 'g': }\n").value
    assert read == {"a": "one\ntwo\n", "b": "one two", "c": {"d": [1, {"e": "f"}], "g": None}}


def test_every_key_and_value_knows_its_line_and_column() -> None:
    document = read_document("a: 1\nbb:\n  - x\n  - {c: 'd'}\n")
    assert document.mark(("bb", 1, "c")) == Mark(4, 9)
    assert document.key_mark(("bb", 1, "c")) == Mark(4, 6)
    assert document.key_mark(("bb",)) == Mark(2, 1)
    assert document.mark_of_text("bb[1].c") == Mark(4, 9)
    assert document.mark(("bb", 1, "missing")) == Mark(4, 5)


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("a: hello", Mark(1, 6)),
        ("a: 'hello'", Mark(1, 7)),
        ('a: "hello"', Mark(1, 7)),
        ("a: |\n\n    hello", Mark(3, 7)),
        ('a: "\\x68ello"', Mark(1, 4)),
        ('{"a": "hello"}', Mark(1, 10)),
    ],
)
def test_a_column_inside_a_string_is_found_however_it_is_written(text: str, mark: Mark) -> None:
    document = read_document(text)
    line = 2 if document.root.content and "\n\n" in text else 1
    assert document.inside(("a",), line, 3) == mark


def test_a_byte_order_mark_and_windows_line_ends_are_no_problem() -> None:
    document: Located = read_document("\ufeffa: 1\r\nb: 2\r\n")
    assert (document.value, document.mark(("b",))) == ({"a": 1, "b": 2}, Mark(2, 4))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: !!python/object/apply:os.system [ls]", ["1:4 tag"]),
        ("a: !!str 12", ["1:4 tag"]),
        ("a: ! 12", ["1:4 tag"]),
        ("a: &x 1\nb: *x", ["1:4 anchor", "2:4 alias"]),
        ("a: &x {<<: *x}", ["1:4 anchor", "1:12 alias"]),
        ("a: 1\nb: 2\na: 3", ["3:1 duplicate_key"]),
        ("1: a\ntrue: b\n~: c", ["1:1 bad_key", "2:1 bad_key", "3:1 bad_key"]),
        ("? [a]\n: b", ["1:3 bad_key"]),
        ("a: 1\n---\nb: 2", ["2:1 many_documents"]),
        ("", ["1:1 empty"]),
        ("# nothing\n", ["1:1 empty"]),
        ("a: [1\nb: 2", ["2:2 bad_syntax"]),
        ("a:\n\t- 1", ["2:1 bad_syntax"]),
        ("a: 'b", ["1:6 bad_syntax"]),
        ("a: \x07", ["1:4 bad_character"]),
        ('a: "\\0"', ["1:4 bad_character"]),
        ("a: \ud800", ["1:4 bad_character"]),
    ],
)
def test_what_documents_may_not_use_is_refused_at_its_place(text: str, found: list[str]) -> None:
    assert problems_of(text) == found


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: " + "x" * 10 * 2**20, "too_large"),
        ("é" * (2**19 + 1), "too_large"),
        ("[" * 100_000, "too_deep"),
        ("- " * 100_000 + "x", "too_deep"),
        ("? " * 100_000, "too_deep"),
        ("\n".join(" " * n + "a:" for n in range(200)), "too_deep"),
        ("- x\n" * 200_000, "too_large"),
        ("- {a: b}\n" * 100_000, "too_large"),
    ],
    ids=["10 MB", "bytes", "lists", "sequences", "keys", "objects", "items", "objects in a list"],
)
def test_hostile_sizes_and_depths_end_in_one_small_error(text: str, code: str) -> None:
    with pytest.raises(InvalidFlow) as raised:
        read_document(text)
    assert [problem.code for problem in raised.value.problems] == [code]
    assert len(str(raised.value)) < 300


def test_an_alias_bomb_is_never_followed() -> None:
    with pytest.raises(InvalidFlow) as raised:
        read_document("l0: &l0 lol\n" + NINE_LEVELS)
    assert {problem.code for problem in raised.value.problems} == {"anchor", "alias"}
    assert len(raised.value.problems) <= MOST


def test_sixty_four_levels_are_read_and_one_more_is_not() -> None:
    assert read_document("[" * 64 + "]" * 64).value is not None
    assert problems_of("[" * 65 + "]" * 65) == ["1:65 too_deep"]
