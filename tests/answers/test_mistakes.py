"""Mistakes of an author are found when the flow is built, and the message names thing and remedy."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Annotated

import pytest
from msgspec import Meta

from turnflow.answers import accepts_for, choice, number, parser_for, phone, text
from turnflow.core.definition import Accepts
from turnflow.errors import AuthorError


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: text(min=3, max=2), "fits no text"),
        (lambda: text(min=-1), "fits no text"),
        (lambda: text(pattern="("), "no regular expression"),
        (lambda: number(2, 1), "fits no number"),
        (lambda: phone("XX"), "two-letter code"),
        (choice, "no options"),
        (lambda: choice("a", "a"), "twice"),
    ],
)
def test_a_kind_that_nothing_fits_cannot_be_made(build: Callable[[], Accepts], message: str) -> None:
    with pytest.raises(AuthorError, match=message):
        build()


def test_an_unknown_answer_kind_is_named_with_the_known_ones() -> None:
    with pytest.raises(AuthorError, match=r"'emial'; the kinds are choice, date, .*email"):
        parser_for(str, Accepts(("text",), "emial"))


def test_a_type_no_answer_can_become_is_named() -> None:
    with pytest.raises(AuthorError, match="no answer can become bytes"):
        parser_for(bytes, text())


@pytest.mark.parametrize("annotation", [Annotated[Decimal, Meta(ge=1)], Annotated[date, Meta(ge=1)]])
def test_a_limit_its_library_cannot_check_is_refused(annotation: object) -> None:
    accepts = accepts_for(annotation)
    assert accepts is not None
    with pytest.raises(AuthorError, match=r"msgspec cannot check Annotated.(Decimal|date), "):
        parser_for(annotation, accepts)


def test_neither_pydantic_nor_the_address_libraries_are_loaded_for_nothing() -> None:
    code = (
        "import sys, turnflow.answers as a; a.parser_for(int, a.accepts_for(int)); "
        "sys.exit(bool({'pydantic', 'phonenumbers', 'email_validator'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_type_that_needs_pydantic_says_how_to_install_it() -> None:
    code = (
        "import sys; sys.modules['pydantic'] = None\n"
        "from typing import Annotated\nfrom annotated_types import Ge\nimport turnflow.answers as a\n"
        "from turnflow.errors import MissingExtra\n"
        "try: a.parser_for(Annotated[int, Ge(1)], a.number())\n"
        "except MissingExtra as error: sys.exit(\"pip install 'turnflow[pydantic]'\" not in str(error))\n"
        "sys.exit(1)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
