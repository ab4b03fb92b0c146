"""Outputs that come in parts: what an async generator yields goes to the watchers, and becomes the result."""

from __future__ import annotations

import collections.abc
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, cast, get_args, get_origin

from turnflow.authoring.codecs import Codec, InvalidJson
from turnflow.errors import AuthorError, UserCodeError
from turnflow.ports import ActionKind, ActionServices

_ITERATORS = (collections.abc.AsyncIterator, collections.abc.AsyncIterable, collections.abc.AsyncGenerator)


class Parts:
    """The parts of one action's output."""

    def __init__(self, name: str, part: object) -> None:
        """`part` is the type of one; `Any` if nothing is said."""
        self._name = name
        self._part = part
        self._codec: Codec[object] = Codec(part)

    @property
    def result(self) -> object:
        """Type of the whole."""
        if self._part is str or self._part is Any:
            return self._part
        return list[self._part]  # type: ignore[name-defined]  # because it is a type at run time only

    async def collect(self, made: AsyncIterator[object], services: ActionServices | None) -> object:
        """Hand each part to the watchers, and return the whole: a list, or the joined text if the parts are text.

        Raises `UserCodeError` (`invalid_result`) for a part that is not of the type. The generator is closed in any case.
        """
        found: list[object] = []
        async with aclosing(cast("AsyncGenerator[object, None]", made)) as parts:
            async for part in parts:
                try:
                    text = self._codec.encode(part)
                except InvalidJson as error:
                    raise UserCodeError("invalid_result", f"part of action {self._name!r}: {error.reason}") from error
                if services is not None:
                    services.partial(text)
                found.append(part)
        is_text = self._part is str or (self._part is Any and found and all(isinstance(part, str) for part in found))
        return "".join(cast("list[str]", found)) if is_text else found


def parts_of(code: Callable[..., object], name: str, kind: ActionKind, result: object) -> Parts | None:
    """Return what the parts of an action are, or None if its output comes at once.

    Raises `AuthorError` if it is a generator that nothing would run.
    """
    called = getattr(code, "__call__", None)  # noqa: B004  # because the method itself is looked at, not whether there is one
    if inspect.isgeneratorfunction(code) or inspect.isgeneratorfunction(called):
        raise AuthorError(f"action {name!r} is a generator; make it an async one, with kind='stream'")
    if not (inspect.isasyncgenfunction(code) or inspect.isasyncgenfunction(called)):
        return None
    if kind != "stream":
        raise AuthorError(f"action {name!r} is an async generator; say kind='stream'")
    said = get_args(result) if get_origin(result) in _ITERATORS else ()
    return Parts(name, said[0] if said else Any)
