"""The one place that knows pydantic, an optional extra: it is imported only for types that are made with it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, cast

from turnflow.answers.unparsed import Unparsed
from turnflow.errors import MissingExtra

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError

_LONGEST_REASON = 300


def is_model(core: object) -> bool:
    """Tell whether a type is an object that arrives as JSON text: a pydantic model or dataclass."""
    return isinstance(core, type) and hasattr(core, "__pydantic_decorators__")


def validates(item: object) -> bool:
    """Tell whether a type, or an item of `Annotated` metadata, asks for pydantic."""
    kind = item if isinstance(item, type) else type(item)
    return hasattr(kind, "__get_pydantic_core_schema__") or kind.__module__.split(".")[0] in (
        "pydantic",
        "annotated_types",
    )


def reads_raw_text(item: object) -> bool:
    """Tell whether an item of metadata wants the text itself, before any conversion."""
    return type(item).__name__ in ("BeforeValidator", "PlainValidator", "WrapValidator") and validates(item)


def from_json(annotation: object) -> Callable[[str], object]:
    """Return what reads JSON text into the type, or raises `Unparsed`."""
    adapter = _adapter(annotation)
    invalid = _invalid()

    def read(text: str) -> object:
        try:
            return adapter.validate_json(text)
        except invalid as error:
            _refuse(error)

    return read


def from_value(annotation: object) -> Callable[[object], object]:
    """Return what makes the type of a value, or raises `Unparsed`."""
    adapter = _adapter(annotation)
    invalid = _invalid()

    def convert(value: object) -> object:
        try:
            return adapter.validate_python(value)
        except invalid as error:
            _refuse(error)

    return convert


def _adapter(annotation: object) -> TypeAdapter[object]:
    try:
        from pydantic import TypeAdapter
    except ImportError:
        raise MissingExtra(
            f"{annotation!r} needs pydantic, which is not installed; pip install 'turnflow[pydantic]'"
        ) from None
    return cast("TypeAdapter[object]", TypeAdapter(cast("Any", annotation)))


def _invalid() -> type[ValidationError]:
    return cast("type[ValidationError]", sys.modules["pydantic"].ValidationError)


def _refuse(error: ValidationError) -> NoReturn:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    text = f"{place}: {first['msg']}" if place else first["msg"]
    raise Unparsed(f"That does not fit: {text.rstrip('.')[:_LONGEST_REASON]}.") from None
