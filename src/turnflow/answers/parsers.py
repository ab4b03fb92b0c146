"""From what a person sent to the value a handler gets. Everything that can be decided is decided once, at build.

Text goes through the answer kind (which checks and normalises it), then becomes the annotation's type, then is held
against the annotation's constraints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import TypeAlias, TypeVar
from uuid import UUID

import msgspec

from turnflow.answers import models, moments, numbers, records, texts
from turnflow.answers.acceptance import accepts_of_type, comes_as_json
from turnflow.answers.annotations import Annotation, name_of, read, says_nothing
from turnflow.answers.attachments import FILES, media_parser
from turnflow.answers.choices import chooser, options_of
from turnflow.answers.constraints import check_of
from turnflow.answers.normalising import natural, normaliser
from turnflow.answers.unparsed import Unparsed
from turnflow.core.definition import Accepts
from turnflow.core.inputs import Input
from turnflow.errors import AuthorError

Parser: TypeAlias = Callable[[Input], object]
Reader: TypeAlias = Callable[[str], object]

_T = TypeVar("_T")
_TEXTUAL = frozenset({"any", "text", "press", "command", "contact"})


def parser_for(annotation: object | None, accepts: Accepts) -> Parser:
    """Return what parses inputs of a wait into values of a type.

    The parser raises `Unparsed` and nothing else, unless code of the author's own inside a type raises something that
    is no `ValueError`. Without an annotation (None, `object`, `Any`) an answer kind gives its own natural type, and
    inputs without one are taken as they are. The members of a union are tried in the order written, each by its own
    answer kind if it names one. Raises `AuthorError` if nothing that `accepts` takes can become the type.
    """
    if says_nothing(annotation):
        own = natural(accepts)
        return _taken_as_it_is if own is None else _from_text(_chain(normaliser(accepts), own))
    members = read(annotation)
    if len(members) == 1:
        return _member_parser(members[0], accepts)
    return _first_of([_member_parser(member, member.accepts or accepts) for member in members])


def _member_parser(member: Annotation, accepts: Accepts) -> Parser:
    core = member.core
    if core is Input:
        return _taken_as_it_is
    if _is_file(core):
        return media_parser(core, accepts)
    reader = _reader(member)
    if _TEXTUAL.isdisjoint(accepts.kinds):
        raise AuthorError(
            f"{' and '.join(accepts.kinds)} cannot become {name_of(core)}; "
            "annotate the answer with Media or Input, or accept text"
        )
    if core is str or accepts != accepts_of_type(core):
        return _from_text(_chain(normaliser(accepts), reader))
    return _from_text(reader)


def _reader(member: Annotation) -> Reader:
    """Return what makes a value of text that has its canonical form already, if its answer kind has one."""
    core = member.core
    if any(models.reads_raw_text(item) for item in member.constraints):
        return models.from_value(member.whole)
    if comes_as_json(core):
        return records.reader(member.whole)
    if options := options_of(core):
        reader: Reader | None = chooser(options)
    else:
        reader = _SCALARS.get(core) if isinstance(core, type) else None
    if reader is None:
        if isinstance(core, type) and models.validates(core):
            return models.from_value(member.whole)
        raise AuthorError(f"no answer can become {name_of(core)}; use a type that turnflow.answers.accepts_for knows")
    return _chain(reader, check_of(member))


def _is_file(core: object) -> bool:
    try:
        return core in FILES
    except TypeError:  # a Literal of something unhashable
        return False


def _uuid(text: str) -> UUID:
    try:
        return msgspec.convert(text.strip(), UUID)
    except (msgspec.ValidationError, UnicodeError):
        raise Unparsed("Please send an id, such as 123e4567-e89b-12d3-a456-426614174000.") from None


_SCALARS: Mapping[type, Reader] = {
    str: str,
    int: numbers.whole,
    float: numbers.real,
    Decimal: numbers.decimal,
    date: moments.day,
    time: moments.clock,
    datetime: moments.moment,
    UUID: _uuid,
}


def _chain(first: Callable[[str], _T], second: Callable[[_T], object] | None) -> Reader:
    if second is None or second is str:
        return first
    after = second
    return lambda text: after(first(text))


def _from_text(reader: Reader) -> Parser:
    def parse(input: Input) -> object:
        if input.kind == "text" and not input.items:
            return reader(input.text)
        return reader(_text_of(input))

    return parse


def _text_of(input: Input) -> str:
    if input.items:
        return "\n".join(_text_of(item) for item in input.items if item.kind in _TEXTUAL)
    match input.kind:
        case "text":
            return input.text
        case "press":
            return input.value
        case "command":
            return input.args
        case "contact":
            return input.phone
        case _:
            raise Unparsed(texts.NO_TEXT)


def _first_of(parsers: list[Parser]) -> Parser:
    def parse(input: Input) -> object:
        reasons: list[str] = []
        for parser in parsers:
            try:
                return parser(input)
            except Unparsed as error:
                reasons.append(error.reason)
        raise Unparsed(_one_sentence(list(dict.fromkeys(reasons))))

    return parse


def _one_sentence(reasons: list[str]) -> str:
    first, *others = reasons
    return "; or ".join([first.rstrip("."), *(f"{other[0].lower()}{other[1:].rstrip('.')}" for other in others)]) + "."


def _taken_as_it_is(input: Input) -> object:
    return input
