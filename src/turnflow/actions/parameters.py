"""What an action's function wants to be called with, found out once when it is made."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from turnflow.authoring.signatures import (
    MISSING,
    PLAIN,
    Locals,
    Resource,
    Unresolved,
    bare,
    is_optional,
    resolve,
)
from turnflow.errors import AuthorError, MissingResource
from turnflow.ports import ActionContext


class _Argument:
    """The action's own argument."""


class _Context:
    """The `ActionContext`."""


class Parameters(NamedTuple):
    """How to call an action's function."""

    name: str
    argument: object
    """Type of the argument; None if it takes none."""
    result: object
    """Type of the result; `Any` if nothing is said."""
    sources: tuple[tuple[inspect.Parameter, _Argument | _Context | Resource], ...]

    @property
    def wants(self) -> frozenset[type]:
        """Resources it cannot do without."""
        return frozenset(s.kind for _, s in self.sources if isinstance(s, Resource) and s.default is MISSING)

    @property
    def resources(self) -> dict[str, type]:
        """Types of the resources by the name of their parameter."""
        return {parameter.name: source.kind for parameter, source in self.sources if isinstance(source, Resource)}

    def arguments(self, argument: object, context: ActionContext) -> tuple[list[object], dict[str, object]]:
        """Return positional and named arguments of one call. Raises `MissingResource`."""
        positional: list[object] = []
        named: dict[str, object] = {}
        for parameter, source in self.sources:
            value: object = context
            if isinstance(source, _Argument):
                value = argument
            elif isinstance(source, Resource):
                value = self._resource(source, context)
            if parameter.kind is parameter.KEYWORD_ONLY:
                named[parameter.name] = value
            else:
                positional.append(value)
        return positional, named

    def _resource(self, source: Resource, context: ActionContext) -> object:
        value = context.resources.get(source.kind, source.default)
        if value is MISSING:
            raise MissingResource(
                f"action {self.name!r} wants a {source.kind.__name__}, which the engine was not given; "
                "pass it with resources=[...]"
            )
        return value


def parameters_of(code: Callable[..., object], name: str, around: Locals) -> Parameters:
    """Return how to call `code`. Raises `AuthorError` naming the parameter that nothing is known for."""
    signature = inspect.signature(code)
    argument: object = None
    sources: list[tuple[inspect.Parameter, _Argument | _Context | Resource]] = []
    for index, parameter in enumerate(signature.parameters.values()):
        hint = _hint(code, parameter.annotation, around, f"action {name!r}, parameter {parameter.name!r}")
        if bare(hint) is ActionContext:
            sources.append((parameter, _Context()))
        elif index == 0:
            argument = _json(hint)
            sources.append((parameter, _Argument()))
        else:
            sources.append((parameter, _resource(name, parameter, hint)))
    result = _hint(code, signature.return_annotation, around, f"action {name!r}, its result")
    return Parameters(name, argument, _json(result), tuple(sources))


def _hint(code: Callable[..., object], written: object, around: Locals, place: str) -> object:
    hint = resolve(code, written, around)
    if isinstance(hint, Unresolved):
        raise AuthorError(f"{place}: the annotation {hint.text!r} cannot be resolved; import it at run time")
    return hint


def _json(hint: object) -> object:
    """Return the type to read JSON as; where nothing is said it may be anything."""
    return Any if hint is MISSING or hint is object else hint


def _resource(name: str, parameter: inspect.Parameter, hint: object) -> Resource:
    kind = bare(hint)
    default = MISSING if parameter.default is parameter.empty else parameter.default
    if not isinstance(kind, type) or kind in PLAIN:
        if default is MISSING:
            raise AuthorError(
                f"action {name!r}: nothing is known to give to parameter {parameter.name!r}; after the argument come "
                "resources by their class and the ActionContext"
            )
        return Resource(type(None), default)
    return Resource(kind, None if default is MISSING and is_optional(hint) else default)
