"""The type of a flow's data: how the stored fields become an instance, and an instance becomes a patch.

Data is stored as one JSON value per top-level field, under the names the type has in JSON. This is on the path of every turn: a
field that still holds the very same scalar as when it was loaded is not looked at again; every other field is encoded, compared
and validated by itself. Models that validate as a whole (pydantic, `__post_init__`) are validated as a whole.
"""

from __future__ import annotations

import dataclasses
import difflib
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from operator import attrgetter
from typing import Annotated, Generic, Literal, NamedTuple, TypeVar, Union, cast, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec
from msgspec import Raw

from turnflow.authoring.codecs import Codec, InvalidJson, PydanticModel, encode, is_pydantic, join, split
from turnflow.core.ids import Json
from turnflow.errors import InvalidValue

D = TypeVar("D")

_SCALARS = frozenset(
    {str, int, float, bool, bytes, types.NoneType, date, datetime, time, timedelta, Decimal, UUID}
)  # fmt: skip
"""Types whose values cannot change without becoming another object."""


class _Field(NamedTuple):
    attribute: str
    name: str
    """Its name in JSON."""
    check: Callable[[bytes], object] | None
    """Decodes it by itself; None: only the whole can be validated."""
    steady: bool = False
    """Its values cannot change without becoming another object."""


class DataType(Generic[D]):
    """The data type of one flow; `kind` None is a flow without data."""

    __slots__ = (
        "_attributes",
        "_codec",
        "_fields",
        "_model",
        "_mutable",
        "_open",
        "_tag",
        "_values",
        "_whole",
        "fields",
        "kind",
    )

    def __init__(self, kind: type[D] | None) -> None:
        """Raise `TypeError` with the remedy if the type cannot hold a flow's data."""
        self.kind = kind
        self._fields: tuple[_Field, ...] = () if kind is None else tuple(_fields(kind))
        self._attributes = {field.attribute for field in self._fields}
        self._tag = {} if kind is None else _tag(kind)
        self.fields = frozenset(field.name for field in self._fields) | self._tag.keys()
        """Names of the fields in JSON."""
        self._codec: Codec[D] = Codec(kind)
        self._mutable = tuple(index for index, field in enumerate(self._fields) if not field.steady)
        self._model = is_pydantic(kind)
        self._whole = self._model or hasattr(kind, "__post_init__")
        self._open = dataclasses.is_dataclass(kind)
        self._values = _getter([field.attribute for field in self._fields])

    def load(self, parts: Mapping[str, Raw]) -> D:
        """Return the data. Raises `InvalidJson` naming the field."""
        return self._codec.decode(join(parts)) if self._fields else self._nothing(parts)

    def values(self, value: D) -> tuple[object, ...]:
        """Return what the fields hold, for a later `patch`."""
        return self._values(value)

    def patch(self, value: D, before: tuple[object, ...] | None, parts: Mapping[str, Raw]) -> dict[str, Raw]:
        """Return the fields of `value` that differ from `parts`, validated. Raises `InvalidJson` naming the field.

        `before` is what `values` said when the data was loaded from `parts`; None: it was not.
        """
        if self.kind is None:
            return {}
        self._check_shape(value)
        if self._model:
            return self._changed_model(value, parts)
        changed = self._changed(self._values(value), before, parts)
        if changed and self._whole:
            self.load({**parts, **changed})
        return changed

    def initial(self, given: Mapping[str, Raw]) -> dict[str, Raw]:
        """Return every field: `given` over the defaults. Raises `InvalidValue` naming the field."""
        if unknown := [name for name in given if name not in self.fields]:
            if self.kind is None:
                raise InvalidValue(f"the flow keeps no data, yet {unknown[0]!r} was given; give the flow a data type")
            raise InvalidValue(f"{self.kind.__name__} has no field {unknown[0]!r}{self._near(unknown[0])}")
        return self.completed(given)

    def completed(self, given: Mapping[str, Raw]) -> dict[str, Raw]:
        """Return every field like `initial`; fields the type does not have are left out."""
        if self.kind is None:
            return {}
        try:
            known = {name: part for name, part in given.items() if name in self.fields}
            return self._tag | self.patch(self.load(self._tag | known), None, {})
        except InvalidJson as error:
            raise InvalidValue(f"data of {self.kind.__name__}: {error.reason}") from error

    def schema(self) -> dict[str, Json]:
        """Return the JSON Schema; an empty one for a flow without data."""
        if self.kind is None:
            return {}
        if is_pydantic(self.kind):
            return self.kind.model_json_schema(by_alias=True)
        return cast("dict[str, Json]", msgspec.json.schema(self.kind, schema_hook=_schema_of_foreign))

    def _changed(
        self, after: tuple[object, ...], before: tuple[object, ...] | None, parts: Mapping[str, Raw]
    ) -> dict[str, Raw]:
        places: Iterable[int] = range(len(after))
        if before is not None:
            places = [place for place in places if after[place] is not before[place]]
            if self._mutable:
                places = {*places, *self._mutable}
        changed = {}
        for place in places:
            _, name, check, _ = self._fields[place]
            try:
                text = encode(after[place])
                part = Raw(text)
                if part != parts.get(name):
                    if check is not None:
                        check(text)
                    changed[name] = part
            except InvalidJson as error:
                raise InvalidJson(f"{error.reason} - at `$.{name}`", name) from error
        return changed

    def _changed_model(self, value: D, parts: Mapping[str, Raw]) -> dict[str, Raw]:
        text = join(_dumped(value))
        if text == join(parts):
            return {}
        valid = _dumped(self._codec.decode(text))  # as the validators have it, "3" being 3 by now
        return {name: part for name, part in valid.items() if part != parts.get(name)}

    def _check_shape(self, value: D) -> None:
        if type(value) is not self.kind and not isinstance(value, cast("type[D]", self.kind)):
            raise InvalidJson(f"it is a {type(value).__name__}, not a {cast('type[D]', self.kind).__name__}")
        if self._open and (extra := set(getattr(value, "__dict__", ())) - self._attributes):
            name = min(extra)
            raise InvalidJson(f"{type(value).__name__} has no field {name!r}{self._near(name)}", name)

    def _nothing(self, parts: Mapping[str, Raw]) -> D:
        return cast(D, None) if self.kind is None else self._codec.decode(join(parts))

    def _near(self, name: str) -> str:
        near = difflib.get_close_matches(name, self.fields, 1)
        return f"; did you mean {near[0]!r}?" if near else f"; its fields are {', '.join(sorted(self.fields))}"


def _fields(kind: type) -> Iterator[_Field]:
    whole = hasattr(kind, "__post_init__")
    if issubclass(kind, msgspec.Struct):
        if kind.__struct_config__.array_like:
            raise TypeError(f"{kind.__name__} is array_like; a flow's data needs named fields: remove array_like=True")
        for field in msgspec.structs.fields(kind):
            check = None if whole else Codec[object](field.type).decode
            yield _Field(field.name, field.encode_name, check, _is_steady(field.type))
    elif is_pydantic(kind):
        yield from _pydantic_fields(kind)
    elif dataclasses.is_dataclass(kind):
        hints = get_type_hints(kind, include_extras=True)
        for name in (field.name for field in dataclasses.fields(kind)):
            yield _Field(name, name, None if whole else Codec[object](hints[name]).decode, _is_steady(hints[name]))
    else:
        raise TypeError(f"{kind!r} cannot hold a flow's data; use a msgspec.Struct, a dataclass or a pydantic v2 model")


def _pydantic_fields(kind: type) -> Iterator[_Field]:
    fields: Mapping[str, object] = getattr(kind, "model_fields", {})
    for name, field in fields.items():
        written = getattr(field, "serialization_alias", None) or name
        read = getattr(field, "validation_alias", None) or name
        if written != read:
            raise TypeError(
                f"{kind.__name__}.{name} is written as {written!r} but read as {read!r}; give it one `alias` for both"
            )
        yield _Field(name, written, None)


def _is_steady(hint: object) -> bool:
    origin = get_origin(hint)
    if origin is Annotated:
        return _is_steady(get_args(hint)[0])
    if origin in (Union, types.UnionType):
        return all(_is_steady(member) for member in get_args(hint))
    return origin is Literal or (isinstance(hint, type) and (hint in _SCALARS or issubclass(hint, Enum)))


def _tag(kind: type) -> dict[str, Raw]:
    config = getattr(kind, "__struct_config__", None)
    return {} if config is None or config.tag_field is None else {config.tag_field: Raw(encode(config.tag))}


def _getter(attributes: list[str]) -> Callable[[object], tuple[object, ...]]:
    if len(attributes) > 1:
        return cast("Callable[[object], tuple[object, ...]]", attrgetter(*attributes))
    return lambda value: tuple(getattr(value, name) for name in attributes)


def _dumped(value: object) -> dict[str, Raw]:
    try:
        text = cast(PydanticModel, value).model_dump_json(by_alias=True, round_trip=True, warnings=False)
        return {name: part.copy() for name, part in split(text.encode()).items()}
    except InvalidJson:
        raise
    except (TypeError, ValueError, AttributeError) as error:
        raise _at_fault(value) or InvalidJson(str(error)) from error


def _at_fault(value: object) -> InvalidJson | None:
    for name, held in vars(value).items():
        try:
            encode(held)
        except InvalidJson as error:
            return InvalidJson(error.reason, name)
    return None


def _schema_of_foreign(kind: type) -> dict[str, Json]:
    return kind.model_json_schema(by_alias=True) if is_pydantic(kind) else {}
