"""Transcripts as text: what they can say, and where a mistake in one is."""

from __future__ import annotations

import pytest

from turnflow.testing import TranscriptError
from turnflow.testing.transcript import (
    Acting,
    Doing,
    Ended,
    Expecting,
    Ordering,
    Passing,
    Pressed,
    Racing,
    Shared,
    Steering,
    Typed,
    parse,
)

FORMS: dict[str, Doing | None] = {
    "> Ada": Acting("you", Typed("Ada")),
    "> /start": Acting("you", Typed("/start")),
    ">": Acting("you", Typed("")),
    "> two words": Acting("you", Typed("two words")),
    "> [yes]": Acting("you", Pressed("yes")),
    "> [✓ e-mail]@2": Acting("you", Pressed("✓ e-mail", 2)),
    "> \\[yes]": Acting("you", Typed("[yes]")),
    "> (photo)": Acting("you", Shared("photo")),
    "> (photo my passport.jpg)": Acting("you", Shared("photo", "my passport.jpg")),
    "> (contact +4930123456)": Acting("you", Shared("contact", "+4930123456")),
    "> (whatever)": Acting("you", Typed("(whatever)")),
    "> \\(photo)": Acting("you", Typed("(photo)")),
    "bob> hi": Acting("bob", Typed("hi")),
    "bob< hello": Expecting("bob", "hello"),
    "< Name? [yes] [no]": Expecting("you", "Name? [yes] [no]"),
    "< one\n| two\n|\n| four": Expecting("you", "one\ntwo\n\nfour"),
    "> one\n| two": Acting("you", Typed("one\ntwo")),
    "~ 25h": Passing(90_000_000),
    "~ 1d 2h 3m 4s 5ms": Passing(93_784_005),
    "= completed": Ended("completed"),
    '= completed {"a": 1}': Ended("completed", {"a": 1}, has_result=True),
    "= completed null": Ended("completed", None, has_result=True),
    "= cancelled": Ended("cancelled"),
    "= failed": Ended("failed"),
    "= failed no_name": Ended("failed", code="no_name"),
    "operator> answer Coming!": Steering("answer", "Coming!"),
    "operator> cancel": Steering("cancel", ""),
    "operator< RUN wants a person": Expecting("operator", "RUN wants a person"),
    "! restart": Ordering("restart"),
    "! restart 25h": Ordering("restart", down=90_000_000),
    "! redeliver": Ordering("redeliver"),
    "! crash turn.before_commit": Ordering("crash", "turn.before_commit"),
    "! join bob": Ordering("join", "bob"),
    "! race [Pay] | /cancel | ~ 1s | bob> hi": Racing(
        (Acting("you", Pressed("Pay")), Acting("you", Typed("/cancel")), Passing(1000), Acting("bob", Typed("hi")))
    ),
    "# anything": None,
    "": None,
}


@pytest.mark.parametrize("written", FORMS)
def test_every_form_is_read_as_documented(written: str) -> None:
    lines = parse(written + "\n")
    assert [line.doing for line in lines] == [FORMS[written]]


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("Hello", "begins with none of"),
        ("~ soon", "is no time"),
        ("~", "is no time"),
        ("~ 5 minutes", "is no time"),
        ("= done", "is no end"),
        ("= cancelled why", "is no end"),
        ("= completed {", "is no JSON"),
        ("! explode", "is no order"),
        ("! redeliver twice", "is no order"),
        ("! crash", "is no order"),
        ("! race a |  | b", "something is missing"),
        ("operator> shout", "the operator cannot 'shout'"),
        ("| more", "goes on with a reply"),
    ],
)
def test_a_mistake_is_reported_with_its_line(written: str, complaint: str) -> None:
    with pytest.raises(TranscriptError, match=complaint) as caught:
        parse(f"# a comment\n\n{written}\n> Ada\n")
    assert caught.value.line == 3
    assert str(caught.value).startswith("line 3: ")


def test_lines_keep_their_numbers_and_their_text() -> None:
    lines = parse("# one\n> two\n| three\n\n< five\n")
    assert [(line.number, line.written) for line in lines] == [
        (1, "# one"),
        (2, "> two\nthree"),
        (4, ""),
        (5, "< five"),
    ]
