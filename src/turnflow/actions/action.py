"""Actions: functions that do something in the world, called by name with JSON in and JSON out.

@action(name="payments.charge")
async def charge(order: Order, bank: Bank, context: ActionContext) -> Receipt: ...

receipt = await turn.call_action(charge, Order(...))      # durable, typed
receipt = await charge(Order(...), bank=bank)             # directly, for instance in a test

@action(name="stories.tell", kind="stream")
async def tell(topic: str) -> AsyncIterator[str]: ...     # watchers get each part; the result is the whole text
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, Concatenate, Generic, Literal, ParamSpec, TypeVar, cast, overload

from turnflow.actions.parameters import Parameters, parameters_of
from turnflow.actions.schemas import schema_of
from turnflow.actions.streaming import Parts, parts_of
from turnflow.actions.threads import in_thread
from turnflow.authoring.codecs import Codec, InvalidJson
from turnflow.authoring.signatures import Locals, caller_locals, is_async
from turnflow.core.ids import Json, RunId
from turnflow.errors import AuthorError, UserCodeError
from turnflow.ports import ActionContext, ActionKind

Argument = TypeVar("Argument")
Result = TypeVar("Result")
Given = TypeVar("Given")
Made = TypeVar("Made")
P = ParamSpec("P")


class Action(Generic[Argument, Result]):
    """A registered callable unit. It satisfies `ports.Action` and may also be called directly with a value."""

    def __init__(self, code: Callable[..., object], name: str, around: Locals, kind: ActionKind = "sync") -> None:
        """Wrap a function; sync ones run in a thread. `around` are local names its annotations may use.

        Raises `AuthorError` for a signature that cannot be served.
        """
        self._name = name
        self._kind: ActionKind = kind
        self._code = code
        self._async = is_async(code)
        self._parameters: Parameters = parameters_of(code, name, around)
        try:
            self._parts: Parts | None = parts_of(code, name, kind, self._parameters.result)
            self._result = self._parts.result if self._parts is not None else self._parameters.result
            self._input: Codec[Argument] = Codec(self._parameters.argument)
            self._output: Codec[Result] = Codec(self._result)
        except (TypeError, NameError) as error:
            raise AuthorError(f"action {name!r}: {error}") from error

    @property
    def name(self) -> str:
        """Its name in the registry."""
        return self._name

    @property
    def kind(self) -> ActionKind:
        """How it runs."""
        return self._kind

    @property
    def input_schema(self) -> dict[str, Json]:
        """JSON Schema of the argument."""
        return schema_of(self._parameters.argument)

    @property
    def output_schema(self) -> dict[str, Json]:
        """JSON Schema of the result."""
        return schema_of(self._result)

    @property
    def wants(self) -> frozenset[type]:
        """Argument types that must be among the resources."""
        return self._parameters.wants

    def encode_argument(self, argument: Argument) -> bytes:
        """Return the argument's JSON. Raises `InvalidJson` naming the field."""
        return self._input.encode(argument)

    def decode_result(self, result: bytes) -> Result:
        """Return the result of its JSON. Raises `UserCodeError` (`invalid_result`) if the recorded one no longer fits."""
        try:
            return self._output.decode(result)
        except InvalidJson as error:
            raise UserCodeError("invalid_result", f"result of action {self._name!r}: {error.reason}") from error

    @overload
    async def __call__(self, argument: bytes, context: ActionContext) -> bytes: ...
    @overload
    async def __call__(self, argument: Argument, **resources: object) -> Result: ...
    async def __call__(
        self, argument: Argument | bytes | None = None, context: object = None, **resources: object
    ) -> Result | bytes:
        """Run it: with a context on JSON as the engine does, else directly on a value, resources given by keyword.

        On JSON every failure is a `UserCodeError`; called directly, the function's own exception comes through.
        """
        if not isinstance(context, ActionContext):
            direct = ActionContext(RunId(""), "", 1, self._by_type(resources))
            return cast(Result, await self._run(cast(Argument, argument), direct))
        try:
            value = self._input.decode(cast(bytes, argument))
        except InvalidJson as error:
            raise UserCodeError("invalid_argument", f"argument of action {self._name!r}: {error.reason}") from error
        try:
            result = await self._run(value, context)
        except (UserCodeError, AuthorError):
            raise
        except Exception as error:
            message = f"action {self._name!r} failed: {type(error).__name__}: {error}"
            raise UserCodeError("exception", message) from error
        try:
            return self._output.encode(cast(Result, result))
        except InvalidJson as error:
            raise UserCodeError("invalid_result", f"result of action {self._name!r}: {error.reason}") from error

    async def _run(self, argument: Argument, context: ActionContext) -> object:
        positional, named = self._parameters.arguments(argument, context)
        if self._parts is not None:
            made = cast("AsyncIterator[object]", self._code(*positional, **named))
            return await self._parts.collect(made, context.services)
        if self._async:
            return await cast("Awaitable[object]", self._code(*positional, **named))
        return await in_thread(partial(self._code, *positional, **named))

    def _by_type(self, resources: dict[str, object]) -> dict[type, object]:
        known = self._parameters.resources
        for name in resources:
            if name not in known:
                raise TypeError(f"action {self._name!r} takes no resource {name!r}")
        return {known[name]: value for name, value in resources.items()}


class ActionDecorator:
    """Makes an action of a function, under a given name."""

    def __init__(self, name: str, kind: ActionKind) -> None:
        self._name = name
        self._kind: ActionKind = kind

    @overload
    def __call__(self, code: Callable[[], Coroutine[Any, Any, Made]]) -> Action[None, Made]: ...
    @overload
    def __call__(self, code: Callable[Concatenate[Given, P], Coroutine[Any, Any, Made]]) -> Action[Given, Made]: ...
    @overload
    def __call__(self, code: Callable[[], Made]) -> Action[None, Made]: ...
    @overload
    def __call__(self, code: Callable[Concatenate[Given, P], Made]) -> Action[Given, Made]: ...
    def __call__(self, code: Callable[..., object]) -> Action[Any, Any]:
        """Take the function."""
        return Action(code, self._name or _name_of(code), caller_locals(2), self._kind)


class StreamDecorator:
    """Makes a `stream` action of an async generator, or of an async function that hands out its parts itself."""

    def __init__(self, name: str) -> None:
        self._name = name

    @overload
    def __call__(self, code: Callable[[], AsyncIterator[str]]) -> Action[None, str]: ...  # type: ignore[overload-overlap]  # because parts of text are joined
    @overload
    def __call__(self, code: Callable[Concatenate[Given, P], AsyncIterator[str]]) -> Action[Given, str]: ...  # type: ignore[overload-overlap]  # for the same reason
    @overload
    def __call__(self, code: Callable[[], AsyncIterator[Made]]) -> Action[None, list[Made]]: ...
    @overload
    def __call__(self, code: Callable[Concatenate[Given, P], AsyncIterator[Made]]) -> Action[Given, list[Made]]: ...
    @overload
    def __call__(self, code: Callable[[], Coroutine[Any, Any, Made]]) -> Action[None, Made]: ...
    @overload
    def __call__(self, code: Callable[Concatenate[Given, P], Coroutine[Any, Any, Made]]) -> Action[Given, Made]: ...
    def __call__(self, code: Callable[..., object]) -> Action[Any, Any]:
        """Take the function."""
        return Action(code, self._name or _name_of(code), caller_locals(2), "stream")


@overload
def action(code: Callable[[], Coroutine[Any, Any, Result]], /) -> Action[None, Result]: ...
@overload
def action(code: Callable[Concatenate[Argument, P], Coroutine[Any, Any, Result]], /) -> Action[Argument, Result]: ...
@overload
def action(code: Callable[[], Result], /) -> Action[None, Result]: ...
@overload
def action(code: Callable[Concatenate[Argument, P], Result], /) -> Action[Argument, Result]: ...
@overload
def action(*, name: str = "", kind: Literal["sync", "long_run", "event"] = "sync") -> ActionDecorator: ...
@overload
def action(*, name: str = "", kind: Literal["stream"]) -> StreamDecorator: ...
def action(
    code: Callable[..., object] | None = None, /, *, name: str = "", kind: ActionKind = "sync"
) -> Action[Any, Any] | ActionDecorator | StreamDecorator:
    """Make an action of a function: its first parameter is the argument, others are resources or the `ActionContext`.

    Argument and result are msgspec structs, dataclasses, pydantic models or JSON types. `name` defaults to the function's. `kind`
    says how it runs (see `ActionKind`). A `stream` action may be an async generator: watchers get each part as it comes, and the
    result is the list of the parts, or the whole text if the parts are `str`.
    """
    if code is not None:
        return Action(code, name or _name_of(code), caller_locals(2), kind)
    return StreamDecorator(name) if kind == "stream" else ActionDecorator(name, kind)


def _name_of(code: Callable[..., object]) -> str:
    return str(getattr(code, "__name__", type(code).__name__))
