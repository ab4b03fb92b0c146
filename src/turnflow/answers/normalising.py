"""Answer kinds at work: each checks a text and brings it into one canonical form, from which a type can be made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import TypeAlias

from turnflow.answers import moments, numbers, texts
from turnflow.answers.choices import chooser, listed
from turnflow.core.definition import Accepts
from turnflow.core.ids import Json
from turnflow.errors import AuthorError

Normaliser: TypeAlias = Callable[[str], str]
Params: TypeAlias = Mapping[str, Json]


def normaliser(accepts: Accepts) -> Normaliser:
    """Return what turns text into the canonical form of the answer kind, or raises `Unparsed`."""
    options = listed(accepts)
    if options is not None:
        choose = chooser(options)
        return lambda text: str(choose(text))
    build = _KINDS.get(accepts.answer)
    if build is None:
        known = ", ".join(sorted((*filter(None, _KINDS), "choice", "yes_no")))
        raise AuthorError(f"there is no answer kind {accepts.answer!r}; the kinds are {known}")
    return build(accepts.params)


def natural(accepts: Accepts) -> Callable[[str], object] | None:
    """Return what makes the kind's own type of its canonical form; None if the kind has no name."""
    return _NATURAL.get(accepts.answer, str) if accepts.answer else None


def _text(params: Params) -> Normaliser:
    min, max, pattern = params.get("min", 1), params.get("max"), params.get("pattern")
    return texts.rule(
        min if isinstance(min, int) else 1,
        max if isinstance(max, int) else None,
        pattern if isinstance(pattern, str) else None,
    )


def _number(params: Params) -> Normaliser:
    min, max = params.get("min"), params.get("max")
    return numbers.between(
        min if isinstance(min, (int, float)) else None,
        max if isinstance(max, (int, float)) else None,
        bool(params.get("whole")),
    )


def _email(params: Params) -> Normaliser:
    from turnflow.answers import addresses  # its libraries are slow to load, and few flows need them

    return addresses.email


def _phone(params: Params) -> Normaliser:
    from turnflow.answers import addresses

    region = params.get("region")
    return addresses.phone(region if isinstance(region, str) else None)


def _url(params: Params) -> Normaliser:
    from turnflow.answers import addresses

    return addresses.url


def _trimmed(params: Params) -> Normaliser:
    return str.strip


def _iso(read: Callable[[str], date | time]) -> Callable[[Params], Normaliser]:
    return lambda params: lambda text: read(text).isoformat()


_KINDS: Mapping[str, Callable[[Params], Normaliser]] = {
    "": _trimmed,
    "text": _text,
    "number": _number,
    "email": _email,
    "phone": _phone,
    "url": _url,
    "date": _iso(moments.day),
    "time": _iso(moments.clock),
    "datetime": _iso(moments.moment),
}
_NATURAL: Mapping[str, Callable[[str], object]] = {
    "number": numbers.either,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "datetime": datetime.fromisoformat,
    "yes_no": lambda text: text == "yes",
}
