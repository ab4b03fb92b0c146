"""What a wait can ask for: each function returns the `Accepts` that names the answer kind and its parameters.

Kinds with a closed set of answers take typed text and presses; `phone` also takes a shared contact; the other text kinds
take text only. A parser reads a press all the same, so a question with buttons of its own may add `press` to `kinds`.
"""

from __future__ import annotations

import re

from turnflow.core.definition import Accepts
from turnflow.core.ids import Json
from turnflow.errors import AuthorError


def text(min: int = 1, max: int | None = None, pattern: str | None = None) -> Accepts:
    """Take text of `min` to `max` characters, counted without blanks at its ends; all of it must match `pattern`."""
    if min < 0 or (max is not None and max < min):
        raise AuthorError(f"text(min={min}, max={max}) fits no text; give 0 <= min <= max")
    if pattern is not None:
        try:
            re.compile(pattern)
        except re.error as error:
            raise AuthorError(f"text(pattern={pattern!r}) is no regular expression: {error}; correct it") from error
    return Accepts(("text",), "text", _given(min=None if min == 1 else min, max=max, pattern=pattern))


def number(min: int | float | None = None, max: int | float | None = None, *, whole: bool = False) -> Accepts:
    """Take a number from `min` to `max`, both included; with `whole`, one without a fraction."""
    if min is not None and max is not None and max < min:
        raise AuthorError(f"number(min={min}, max={max}) fits no number; give min <= max")
    return Accepts(("text",), "number", _given(min=min, max=max, whole=whole or None))


def email() -> Accepts:
    """Take an e-mail address; the answer is normalised (no DNS look-up)."""
    return Accepts(("text",), "email")


def phone(region: str | None = None) -> Accepts:
    """Take a phone number, typed or as a shared contact; the answer is in E.164 form, for instance `+442079460958`.

    `region` is the two-letter code of the country whose numbers may come without a country code.
    """
    if region is not None:
        from phonenumbers import SUPPORTED_REGIONS

        if region.upper() not in SUPPORTED_REGIONS:
            raise AuthorError(f"phone(region={region!r}) is no country; give a two-letter code such as 'GB'")
    return Accepts(("text", "contact"), "phone", _given(region=region.upper() if region else None))


def url() -> Accepts:
    """Take the address of a web page (http or https; https is added if missing); scheme and host come in lower case."""
    return Accepts(("text",), "url")


def date() -> Accepts:
    """Take a day; the forms are listed in `turnflow.answers.moments`."""
    return Accepts(("text",), "date")


def time() -> Accepts:
    """Take a time of day; the forms are listed in `turnflow.answers.moments`."""
    return Accepts(("text",), "time")


def choice(*options: str | tuple[str, str]) -> Accepts:
    """Take one of `options`, typed or pressed; each is a value, or a pair of the label people see and the value."""
    pairs: list[Json] = [[option, option] if isinstance(option, str) else [*option] for option in options]
    values = [option if isinstance(option, str) else option[1] for option in options]
    if not values:
        raise AuthorError("choice() has no options; give at least one")
    if len(set(values)) < len(values):
        raise AuthorError(f"choice{tuple(values)!r} names an option twice; remove one")
    return Accepts(("text", "press"), "choice", {"options": pairs})


def yes_no(yes: str = "Yes", no: str = "No") -> Accepts:
    """Take yes or no, typed or pressed; `yes` and `no` are the labels, which may be in any language."""
    return Accepts(
        ("text", "press"), "yes_no", _given(yes=None if yes == "Yes" else yes, no=None if no == "No" else no)
    )


def photo() -> Accepts:
    """Take a photo."""
    return Accepts(("photo",))


def video() -> Accepts:
    """Take a video."""
    return Accepts(("video",))


def voice() -> Accepts:
    """Take a voice message."""
    return Accepts(("voice",))


def audio() -> Accepts:
    """Take an audio file."""
    return Accepts(("audio",))


def document() -> Accepts:
    """Take a file."""
    return Accepts(("document",))


def location() -> Accepts:
    """Take a place."""
    return Accepts(("location",))


def contact() -> Accepts:
    """Take a shared contact."""
    return Accepts(("contact",))


def command(name: str) -> Accepts:
    """Claim the command `/name` for this wait; parsed as text, the answer is what stands behind the command."""
    return Accepts(("command",), command=name.removeprefix("/"))


def any_input() -> Accepts:
    """Take whatever comes, except commands."""
    return Accepts(("any",))


def where(filter_name: str) -> Accepts:
    """Take whatever the author's predicate of that name lets through, except commands."""
    return Accepts(("any",), filter=filter_name)


def _given(**params: Json) -> dict[str, Json]:
    return {name: value for name, value in params.items() if value is not None}
