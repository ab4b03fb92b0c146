"""A document that begins with `{` is JSON, read to the letter, with the same limits and places."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings

from tests.declarative.random_graphs import VALUES
from turnflow.core.ids import Json
from turnflow.declarative import read_document
from turnflow.declarative.located import Mark
from turnflow.errors import InvalidFlow


def problems_of(text: str) -> list[str]:
    with pytest.raises(InvalidFlow) as raised:
        read_document(text)
    return [f"{problem.line}:{problem.column} {problem.code}" for problem in raised.value.problems]


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_any_json_object_is_read_as_the_value_it_is(value: Json) -> None:
    assert read_document(json.dumps({"a": value})).value == {"a": value}
    assert read_document(json.dumps({"a": value}, ensure_ascii=False, indent="\t")).value == {"a": value}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": "\\ud83d\\ude00\\/\\b\\t"}', "😀/\b\t"),
        ('{"a"\n:\n\t"b"}', "b"),
        ('\r\n\t {"a":-0.5e+1}', -5.0),
        ('{"a": "one\u2028two\u0085\x7f"}', "one\u2028two\u0085\x7f"),
        ('{"a": "yes"}', "yes"),
        ('{"a": "' + "k" * 2000 + '"}', "k" * 2000),
    ],
)
def test_what_yaml_would_read_otherwise_is_read_as_json(text: str, value: Json) -> None:
    assert read_document(text).value == {"a": value}


def test_keys_longer_than_yaml_takes_are_read() -> None:
    assert read_document(json.dumps({"k" * 2000: 1})).value == {"k" * 2000: 1}


def test_keys_and_values_know_their_places() -> None:
    document = read_document('{\r\n  "a": [1,\r\n    {"b": null}]}')
    assert (document.key_mark(("a", 1, "b")), document.mark(("a", 1, "b"))) == (Mark(3, 6), Mark(3, 11))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": NaN}', ["1:7 bad_syntax"]),
        ('{"a": -Infinity}', ["1:7 bad_syntax"]),
        ('{"a": 01}', ["1:7 bad_syntax"]),
        ('{"a": .5}', ["1:7 bad_syntax"]),
        ('{"a": 1,}', ["1:9 bad_syntax"]),
        ('{"a": [1 2]}', ["1:10 bad_syntax"]),
        ('{"a" 1}', ["1:6 bad_syntax"]),
        ("{a: 1}", ["1:2 bad_syntax"]),
        ("{'a': 1}", ["1:2 bad_syntax"]),
        ('{"a": 1} {}', ["1:10 bad_syntax"]),
        ('{"a": 1', ["1:8 bad_syntax"]),
        ('{"a":', ["1:6 bad_syntax"]),
        ('{"a": "x', ["1:7 bad_syntax"]),
        ('{"a": "x\ny"}', ["1:9 bad_syntax"]),
        ('{"a": 1, // no\n"b": 2}', ["1:10 bad_syntax"]),
        ('{"a": 1, "b": 2, "a": 3}', ["1:18 duplicate_key"]),
        ('{"a": 1e999, "b": 9223372036854775808}', ["1:7 bad_number", "1:19 bad_number"]),
        ('{"a": "\\u0000", "b": "\\ud800"}', ["1:7 bad_character", "1:22 bad_character"]),
        ('{"a":' * 65, ["1:321 too_deep"]),
        ('{"a": ' + "[" * 100_000, ["1:70 too_deep"]),
        ('{"a": [' + "1," * 200_000 + "1]}", ["1:200004 too_large"]),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_no_json_is_refused_at_its_place(text: str, found: list[str]) -> None:
    assert problems_of(text) == found
