"""What people send, cleaned at the door."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnflow.core.inputs import clean, typed

SURROGATE = "\ud83d"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("plain", "plain"),
        ("grüße 😀", "grüße 😀"),
        ("a\x00b", "a\ufffdb"),
        ("ü\x00", "ü\ufffd"),
        (f"half {SURROGATE}", "half \ufffd"),
    ],
)
def test_nul_and_lone_surrogates_become_one_visible_sign(text: str, kept: str) -> None:
    assert clean(text) == kept


@given(st.text(st.characters()))
def test_what_is_clean_can_be_stored_anywhere_and_is_cleaned_once(text: str) -> None:
    kept = clean(text)
    kept.encode()
    assert "\x00" not in kept
    assert clean(kept) == kept


@pytest.mark.parametrize(
    ("line", "command", "args"),
    [
        ("/start", "start", ""),
        ("/start now  ", "start", "now"),
        ("/start@my_bot now", "start", "now"),
        ("/log_in", "log_in", ""),
    ],
)
def test_a_line_that_starts_with_a_slash_is_a_command(line: str, command: str, args: str) -> None:
    input = typed(line, id="1", sender="u", at=5)
    assert (input.kind, input.command, input.args, input.text) == ("command", command, args, line)


@pytest.mark.parametrize("line", ["hello", "", "/", "/ start", "//x", "/a.b", "and /start", "/\u2014"])
def test_any_other_line_is_text(line: str) -> None:
    input = typed(line, id="1", sender="u", at=5, name="Ada")
    assert (input.kind, input.text, input.command, input.name) == ("text", line, "", "Ada")
