"""What a piece of user code wants to be called with, found out once when the flow is built.

Rules: the first parameter is the turn, unless its annotation says otherwise; a parameter with the special name of its role
(`answer`, `reason`, `error`, `call_next`) gets that value; every other one is looked up by its type among the engine's resources.
"""

from __future__ import annotations

import inspect
import sys
import types
from collections.abc import Callable, Mapping
from typing import Annotated, Any, NamedTuple, TypeAlias, Union, get_args, get_origin, get_type_hints

from turnflow.authoring.turn import Turn
from turnflow.errors import MissingResource

UserCode: TypeAlias = Callable[..., object]
Locals: TypeAlias = Mapping[str, object]
AnyTurn: TypeAlias = Turn[Any, Any]
Invoke: TypeAlias = Callable[[AnyTurn, object], Any]
"""Calls user code with a turn and the special value of its role."""

PLAIN = frozenset({str, int, float, bool, bytes, list, dict, tuple, set, frozenset, object, type(None)})
"""Types that say nothing about which resource is meant."""
MISSING = object()
"""Stands for an annotation that is not there or cannot be resolved."""


class Resource(NamedTuple):
    """An argument by type."""

    kind: type
    default: object = MISSING


class Signature(NamedTuple):
    """How to call one piece of user code."""

    invoke: Invoke
    special: object = None
    """Annotation of the special parameter; `MISSING` if it has none, None if the code does not take it."""
    optional: bool = False
    """The special parameter may be None."""
    wants: frozenset[type] = frozenset()
    complaints: tuple[str, ...] = ()


class Unresolved(NamedTuple):
    """An annotation whose names are not known at run time."""

    text: str


class _Turn:
    """The turn itself."""


class _Special:
    """The value of the code's role."""


_Source: TypeAlias = _Turn | _Special | Resource


def caller_locals(depth: int) -> dict[str, object]:
    """Return the local names around a decorator: flows made inside functions refer to steps that no module knows.

    Only frames of the decorating module that are still running can be seen, the innermost first.
    """
    frame: types.FrameType | None = sys._getframe(depth)
    module = sys._getframe(depth).f_globals
    found: dict[str, object] = {}
    while frame is not None and frame.f_globals is module and frame.f_code.co_name != "<module>":
        found = {**frame.f_locals, **found}
        frame = frame.f_back
    return found


def is_async(code: UserCode) -> bool:
    """Tell whether calling it gives an awaitable."""
    return inspect.iscoroutinefunction(code) or inspect.iscoroutinefunction(getattr(code, "__call__", None))  # noqa: B004  # because the method itself is looked at, not whether there is one


def name_of(code: UserCode) -> str:
    """Return what the author called it."""
    return getattr(code, "__qualname__", None) or type(code).__name__


def signature_of(code: UserCode, special: str, around: Locals) -> Signature:
    """Return how to call `code`, or what is wrong with its parameters. `special` is the name of its role's own value."""
    sources: list[tuple[inspect.Parameter, _Source]] = []
    complaints: list[str] = []
    annotation: object = None
    optional = False
    for index, parameter in enumerate(_parameters(code)):
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            complaints.append(f"parameter *{parameter.name} takes anything; name what is wanted")
            continue
        hint = resolve(code, parameter.annotation, around)
        source = _source(index, parameter, hint, special)
        if isinstance(source, str):
            complaints.append(source)
            continue
        if isinstance(source, _Special):
            annotation = hint
            optional = is_optional(hint) or parameter.default is None
        sources.append((parameter, source))
    wants = frozenset(s.kind for _, s in sources if isinstance(s, Resource) and s.default is MISSING)
    return Signature(_invoker(code, sources), annotation, optional, wants, tuple(complaints))


def _parameters(code: UserCode) -> tuple[inspect.Parameter, ...]:
    try:
        return tuple(inspect.signature(code).parameters.values())
    except (TypeError, ValueError):
        return ()


def resolve(code: UserCode, hint: object, around: Locals) -> object:
    """Return what an annotation means; `MISSING` for none, `Unresolved` if its names are not known at run time."""
    if hint is inspect.Parameter.empty:
        return MISSING
    if not isinstance(hint, str):
        return hint
    function = inspect.unwrap(getattr(code, "func", code))
    scope = getattr(function, "__globals__", None) or getattr(type(function).__call__, "__globals__", {})
    holder = types.SimpleNamespace(__annotations__={"hint": hint})
    try:
        return get_type_hints(holder, dict(scope), dict(around), include_extras=True)["hint"]
    except (NameError, AttributeError, TypeError, SyntaxError):
        return Unresolved(hint)


def _source(index: int, parameter: inspect.Parameter, hint: object, special: str) -> _Source | str:
    kind = bare(hint)
    if isinstance(kind, type) and issubclass(kind, Turn):
        return _Turn()
    if parameter.name == special:
        if isinstance(hint, Unresolved):
            return f"the annotation {hint.text!r} of {special!r} cannot be resolved; import it at run time"
        return _Special()
    if hint is MISSING or isinstance(hint, Unresolved):
        if index == 0:
            return _Turn()
        if index == 1 and special and hint is MISSING:
            return _Special()
        if isinstance(hint, Unresolved):
            return f"the annotation {hint.text!r} of parameter {parameter.name!r} cannot be resolved; import it at run time"
    default = MISSING if parameter.default is parameter.empty else parameter.default
    if not isinstance(kind, type) or kind in PLAIN:
        if default is not MISSING:
            return Resource(type(None), default)
        known = f"turn, {special} or a resource by its class" if special else "turn or a resource by its class"
        return f"nothing is known to give to parameter {parameter.name!r}; a parameter is {known}"
    if default is MISSING and is_optional(hint):
        default = None
    return Resource(kind, default)


def bare(hint: object) -> object:
    """Strip `Annotated`, type arguments and `| None` from a hint."""
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if get_origin(hint) in (Union, types.UnionType):
        members = [member for member in get_args(hint) if member is not type(None)]
        return bare(members[0]) if len(members) == 1 else hint
    return get_origin(hint) or hint


def is_optional(hint: object) -> bool:
    """Tell whether a hint lets None through."""
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    return get_origin(hint) in (Union, types.UnionType) and type(None) in get_args(hint)


def _invoker(code: UserCode, sources: list[tuple[inspect.Parameter, _Source]]) -> Invoke:
    shape = [type(source) for parameter, source in sources if parameter.kind is not parameter.KEYWORD_ONLY]
    if len(shape) == len(sources):
        if shape == [_Turn]:
            return lambda turn, _: code(turn)
        if shape == [_Turn, _Special]:
            return code
    positional = [source for parameter, source in sources if parameter.kind is not parameter.KEYWORD_ONLY]
    named = [(parameter.name, source) for parameter, source in sources if parameter.kind is parameter.KEYWORD_ONLY]

    def invoke(turn: AnyTurn, value: object) -> object:
        return code(
            *[_argument(source, turn, value) for source in positional],
            **{name: _argument(source, turn, value) for name, source in named},
        )

    return invoke


def _argument(source: _Source, turn: AnyTurn, value: object) -> object:
    match source:
        case _Turn():
            return turn
        case _Special():
            return value
        case Resource(kind, default):
            found = turn.resources.get(kind)
            if found is not None:
                return found
            if default is MISSING:
                raise MissingResource(
                    f"a handler wants a {kind.__name__}, which the engine was not given; pass it with resources=[...]"
                )
            return default
