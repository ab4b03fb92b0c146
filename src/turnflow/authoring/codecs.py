"""JSON forms of the authors' own types: msgspec structs, dataclasses, pydantic v2 models and everything JSON itself knows.

Pydantic is never imported: its models are known by what they can do, so it stays optional.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Generic, Protocol, TypeGuard, TypeVar, cast

import msgspec
from msgspec import Raw

from turnflow.core.ids import Json

T = TypeVar("T")


class PydanticModel(Protocol):
    """What is used of a pydantic v2 model."""

    @classmethod
    def model_validate(cls, obj: object) -> object:
        """Make an instance of JSON values."""

    @classmethod
    def model_validate_json(cls, json_data: bytes) -> object:
        """Make an instance of JSON text."""

    def model_dump(self, *, mode: str, by_alias: bool, round_trip: bool, warnings: bool) -> dict[str, Json]:
        """Return JSON values."""

    def model_dump_json(self, *, by_alias: bool, round_trip: bool, warnings: bool) -> str:
        """Return JSON text."""

    @classmethod
    def model_json_schema(cls, *, by_alias: bool) -> dict[str, Json]:
        """Return the JSON Schema."""


class InvalidJson(ValueError):
    """JSON does not fit a type; `field` is the top-level field at fault ("" for the whole)."""

    def __init__(self, reason: str, field: str = "") -> None:
        self.reason = reason
        self.field = field
        super().__init__(reason)


def is_pydantic(kind: object) -> TypeGuard[type[PydanticModel]]:
    """Tell whether a type is a pydantic v2 model."""
    return isinstance(kind, type) and hasattr(kind, "__pydantic_validator__") and hasattr(kind, "model_validate_json")


def foreign_to_json(value: object) -> object:
    """Turn a value msgspec does not know into one it does."""
    if is_pydantic(type(value)):
        model = cast(PydanticModel, value)
        return model.model_dump(mode="json", by_alias=True, round_trip=True, warnings=False)
    raise NotImplementedError(
        f"{type(value).__name__} has no JSON form; use JSON types, structs, dataclasses or models"
    )


def foreign_from_json(kind: type, value: object) -> object:
    """Make a value of a type msgspec does not know."""
    if is_pydantic(kind):
        return kind.model_validate(value)
    raise NotImplementedError(f"{kind.__name__} has no JSON form; use JSON types, structs, dataclasses or models")


_ENCODER = msgspec.json.Encoder(enc_hook=foreign_to_json)
_PARTS = msgspec.json.Decoder(dict[str, Raw])
_ANYTHING = msgspec.json.Decoder()


def encode(value: object) -> bytes:
    """Return `value` as JSON. Raises `InvalidJson` for values without a JSON form."""
    try:
        return _ENCODER.encode(value)
    except (TypeError, ValueError, NotImplementedError, RecursionError) as error:
        raise InvalidJson(str(error) or type(error).__name__) from error


def decode(text: bytes | Raw) -> Json:
    """Return the JSON value of `text`. Raises `InvalidJson`."""
    try:
        return cast(Json, _ANYTHING.decode(text))
    except ValueError as error:
        raise InvalidJson(str(error)) from error


def join(parts: Mapping[str, Raw]) -> bytes:
    """Return the JSON object that consists of these fields."""
    return _ENCODER.encode(parts)


def split(text: bytes) -> dict[str, Raw]:
    """Return the fields of a JSON object. Raises `InvalidJson` if it is no object. The parts keep `text` alive."""
    try:
        return _PARTS.decode(text)
    except ValueError as error:
        raise InvalidJson("expected an object with named fields") from error


def fields_of(value: object) -> dict[str, Raw]:
    """Return the fields of anything that encodes to an object; none for None. Raises `InvalidJson`."""
    return {} if value is None else {name: part.copy() for name, part in split(encode(value)).items()}


class Codec(Generic[T]):
    """Reads and writes JSON of one type, which is validated both ways."""

    __slots__ = ("_decode",)

    def __init__(self, kind: object) -> None:
        self._decode: Callable[[bytes | Raw], T]
        if is_pydantic(kind):
            model = kind
            self._decode = lambda text: cast(T, model.model_validate_json(bytes(text)))
        else:
            self._decode = msgspec.json.Decoder(cast("type[T]", kind), dec_hook=foreign_from_json).decode

    def decode(self, text: bytes | Raw) -> T:
        """Return the value. Raises `InvalidJson` naming the field."""
        try:
            return self._decode(text)
        except (ValueError, TypeError, NotImplementedError) as error:
            raise _explained(error) from error

    def encode(self, value: T) -> bytes:
        """Return the value's JSON. Raises `InvalidJson` if the value is not of the type."""
        text = encode(value)
        self.decode(text)
        return text


@lru_cache(maxsize=1024)
def _cached(kind: object) -> Codec[object]:
    return Codec(kind)


def codec_for(kind: object) -> Codec[object]:
    """Return the codec of a type or annotation. Raises `TypeError` for types without a JSON form."""
    try:
        return _cached(kind)
    except TypeError:
        return Codec(kind)  # an annotation that cannot be hashed, or truly no JSON type


def _explained(error: Exception) -> InvalidJson:
    """Say in one sentence what is wrong, whichever library found it."""
    listed = getattr(error, "errors", None)
    if callable(listed):
        first = cast("list[dict[str, object]]", listed())[0]
        place = [str(part) for part in cast("tuple[object, ...]", first["loc"])]
        return InvalidJson(f"{first['msg']} - at `{'.'.join(['$', *place])}`", place[0] if place else "")
    reason = str(error) or type(error).__name__
    _, _, path = reason.partition("`$.")
    for end in (".", "[", "`"):
        path = path.partition(end)[0]
    if not path and "field `" in reason:
        path = reason.partition("field `")[2].partition("`")[0]
    return InvalidJson(reason, path)
