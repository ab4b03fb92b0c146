"""Which inputs can become an answer of a type."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence, Set
from datetime import date, datetime, time
from decimal import Decimal
from functools import reduce
from typing import get_args, get_origin, get_type_hints, is_typeddict
from uuid import UUID

import msgspec

from turnflow.answers import kinds, models
from turnflow.answers.annotations import read, says_nothing
from turnflow.answers.attachments import FILES
from turnflow.answers.choices import listed, options_of
from turnflow.core.definition import Accepts
from turnflow.core.inputs import MEDIA_KINDS, Input

_TEXT = Accepts(("text",))
_SCALARS: Mapping[object, Accepts] = {
    str: kinds.text(),
    int: kinds.number(whole=True),
    float: kinds.number(),
    Decimal: kinds.number(),
    date: kinds.date(),
    time: kinds.time(),
    datetime: Accepts(("text",), "datetime"),
    UUID: _TEXT,
    **dict.fromkeys(FILES, Accepts(tuple(sorted(MEDIA_KINDS)))),
    Input: kinds.any_input(),
}
_CONTAINERS = (list, tuple, dict, set, frozenset, Sequence, Mapping, Set)


def accepts_for(annotation: object) -> Accepts | None:
    """Return what a wait must take so that its answer can be of a type, or None if no answer can be.

    An `Accepts` in `Annotated` wins. A union takes what any member takes. Structs, dataclasses, typed dicts, models and
    containers are taken as JSON text if everything in them can come from JSON.
    """
    if says_nothing(annotation):
        return None
    found = [member.accepts or accepts_of_type(member.core) for member in read(annotation)]
    possible = [accepts for accepts in found if accepts is not None]
    if not possible or len(possible) < len(found):
        return None
    return reduce(_either, possible)


def accepts_of_type(core: object) -> Accepts | None:
    """Return what `accepts_for` says of a bare type, whatever stands in `Annotated` around it."""
    if core is bool:
        return kinds.yes_no()
    if options := options_of(core):
        return kinds.choice(*((option.label, option.value) for option in options))
    try:
        if core in _SCALARS:
            return _SCALARS[core]
    except TypeError:
        return None
    return _TEXT if comes_as_json(core) or (isinstance(core, type) and models.validates(core)) else None


def comes_as_json(core: object) -> bool:
    """Tell whether a type is an object or list that arrives as JSON text."""
    if models.is_model(core):
        return True
    record = isinstance(core, type) and (
        issubclass(core, msgspec.Struct)
        or dataclasses.is_dataclass(core)
        or is_typeddict(core)
        or (issubclass(core, tuple) and hasattr(core, "_fields"))
    )
    if not record and get_origin(core) not in _CONTAINERS and core not in (list, dict):
        return False
    try:
        msgspec.json.schema(core)
    except (TypeError, NameError):
        return _is_mixed(core)
    return True


def options_for(annotation: object, accepts: Accepts) -> list[tuple[str, str]]:
    """Return label and value of every answer of a closed set, in order, for buttons; empty if the set is open."""
    options = listed(accepts)
    if options is None and not says_nothing(annotation):
        members = [options_of(member.core) for member in read(annotation)]
        options = tuple(option for member in members for option in member or ())
    return [(option.label, option.value) for option in options or ()]


def _is_mixed(core: object) -> bool:
    """Tell whether a type that msgspec cannot read has pydantic's types inside, so that pydantic can."""
    try:
        inner = tuple(get_type_hints(core).values()) if isinstance(core, type) else get_args(core)
    except (TypeError, NameError):
        return False
    return any(models.is_model(item) or models.validates(item) for item in inner)


def _either(one: Accepts, other: Accepts) -> Accepts:
    return one if one == other else Accepts(tuple(dict.fromkeys((*one.kinds, *other.kinds))))
