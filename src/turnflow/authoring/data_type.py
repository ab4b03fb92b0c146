"""The type of a flow's data: how the stored fields become an instance, and an instance becomes a patch.

Data is stored as one JSON value per top-level field, under the names the type has in JSON. Loading joins the fields and decodes
once; a patch holds only the fields whose JSON changed. This is on the path of every turn.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar, cast

import msgspec
from msgspec import Raw

from turnflow.authoring.codecs import Codec, InvalidJson, PydanticModel, encode, is_pydantic, join, split
from turnflow.core.ids import Json
from turnflow.errors import InvalidValue

D = TypeVar("D")


class DataType(Generic[D]):
    """The data type of one flow; `kind` None is a flow without data."""

    __slots__ = ("_attributes", "_codec", "_dump", "_open", "fields", "kind")

    def __init__(self, kind: type[D] | None) -> None:
        """Raise `TypeError` with the remedy if the type cannot hold a flow's data."""
        self.kind = kind
        names = () if kind is None else tuple(_fields(kind))
        self._attributes = dict(names)
        self.fields = frozenset(name for _, name in names)
        """Names of the fields in JSON."""
        self._codec: Codec[D] = Codec(kind)
        self._dump: Callable[[D], bytes] = _dumper(kind, dict(names))
        self._open = dataclasses.is_dataclass(kind)

    def load(self, parts: Mapping[str, Raw]) -> D:
        """Return the data. Raises `InvalidJson` naming the field."""
        if self.kind is None:
            return cast(D, None)
        return self._codec.decode(join(parts))

    def patch(self, value: D, parts: Mapping[str, Raw]) -> dict[str, Raw]:
        """Return the fields of `value` that differ from `parts`, validated. Raises `InvalidJson` naming the field."""
        if self._open and (extra := getattr(value, "__dict__", self._attributes).keys() - self._attributes):
            name = min(extra)
            raise InvalidJson(f"{type(value).__name__} has no field {name!r}{self._near(name)}", name)
        try:
            text = self._dump(value)
        except (TypeError, ValueError, AttributeError, NotImplementedError, RecursionError) as error:
            raise self._at_fault(value, error) from error
        if text == join(parts):
            return {}
        changed = {name: part.copy() for name, part in split(text).items() if part != parts.get(name)}
        if changed:
            self._codec.decode(text)
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
            text = self._dump(self.load({name: part for name, part in given.items() if name in self.fields}))
            return {name: part.copy() for name, part in split(text).items()}
        except InvalidJson as error:
            raise InvalidValue(f"data of {self.kind.__name__}: {error.reason}") from error

    def schema(self) -> dict[str, Json]:
        """Return the JSON Schema; an empty one for a flow without data."""
        if self.kind is None:
            return {}
        if is_pydantic(self.kind):
            return self.kind.model_json_schema(by_alias=True)
        return cast("dict[str, Json]", msgspec.json.schema(self.kind, schema_hook=_schema_of_foreign))

    def _near(self, name: str) -> str:
        near = difflib.get_close_matches(name, self.fields, 1)
        return f"; did you mean {near[0]!r}?" if near else f"; its fields are {', '.join(sorted(self.fields))}"

    def _at_fault(self, value: D, error: Exception) -> InvalidJson:
        for attribute in sorted(self._attributes):
            try:
                encode(getattr(value, attribute, None))
            except InvalidJson as found:
                return InvalidJson(found.reason, attribute)
        return InvalidJson(str(error) or type(error).__name__)


def _fields(kind: type) -> Iterator[tuple[str, str]]:
    """Yield attribute and JSON name of each field."""
    if issubclass(kind, msgspec.Struct):
        config = kind.__struct_config__
        if config.array_like:
            raise TypeError(f"{kind.__name__} is array_like; a flow's data needs named fields: remove array_like=True")
        if config.tag_field is not None:
            yield config.tag_field, config.tag_field
        yield from ((field.name, field.encode_name) for field in msgspec.structs.fields(kind))
    elif is_pydantic(kind):
        yield from _pydantic_fields(kind)
    elif dataclasses.is_dataclass(kind):
        yield from ((field.name, field.name) for field in dataclasses.fields(kind))
    else:
        raise TypeError(f"{kind!r} cannot hold a flow's data; use a msgspec.Struct, a dataclass or a pydantic v2 model")


def _pydantic_fields(kind: type) -> Iterator[tuple[str, str]]:
    fields: Mapping[str, object] = getattr(kind, "model_fields", {})
    for name, field in fields.items():
        written = getattr(field, "serialization_alias", None) or name
        read = getattr(field, "validation_alias", None) or name
        if written != read:
            raise TypeError(
                f"{kind.__name__}.{name} is written as {written!r} but read as {read!r}; give it one `alias` for both"
            )
        yield name, written


def _dumper(kind: type[D] | None, names: Mapping[str, str]) -> Callable[[D], bytes]:
    if is_pydantic(kind):
        return _dump_model
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind.__struct_config__.omit_defaults:
        config = kind.__struct_config__
        tag: dict[str, object] = {} if config.tag_field is None else {config.tag_field: config.tag}
        found = {name: key for name, key in names.items() if name not in tag}
        return lambda value: encode(tag | {key: getattr(value, name) for name, key in found.items()})
    return encode


def _dump_model(value: object) -> bytes:
    return cast(PydanticModel, value).model_dump_json(by_alias=True, round_trip=True, warnings=False).encode()


def _schema_of_foreign(kind: type) -> dict[str, Json]:
    return kind.model_json_schema(by_alias=True) if is_pydantic(kind) else {}
