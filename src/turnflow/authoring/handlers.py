"""The code of a built flow behind the port `Handlers`: each call of the core becomes one call of user code and one answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any, TypeAlias, assert_never, cast

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from turnflow.answers import Unparsed, parser_for
from turnflow.authoring.codecs import InvalidJson
from turnflow.authoring.messages import Rows, Sayable, message_of, with_rows
from turnflow.authoring.migrations import Chain
from turnflow.authoring.program import Program
from turnflow.authoring.signatures import AnyTurn, Invoke
from turnflow.authoring.turn import Turn
from turnflow.core import directives
from turnflow.core.definition import Accepts, Flow, WaitSpec
from turnflow.core.directives import Directive
from turnflow.core.effects import RunHandler
from turnflow.core.ids import CursorId, StepName
from turnflow.core.inputs import Input
from turnflow.core.state import Cursor, Failure, Owed, RunState
from turnflow.errors import AuthorError, InvalidValue, UserCodeError
from turnflow.ports import Answer, Migration, Services

Parser: TypeAlias = Callable[[Input], object]
Call: TypeAlias = Callable[[AnyTurn, object], Awaitable[Directive]]

_STAY = directives.Stay()
_DIRECTIVES = frozenset(Directive.__args__)
_WORDS = msgspec.json.Encoder(order="deterministic")


@dataclass(slots=True)
class StepCode:
    """Everything that can be called for one step."""

    call: Call | None = None
    """The handler inside all middleware."""
    name: str = ""
    annotation: object = None
    """Type of the answer; None if the handler takes none or leaves it open."""
    parse: Parser | None = None
    """Parses answers to the step's own question."""
    rows: Rows = ()
    """Buttons that a computed question gets from the answer's type."""
    ask: Invoke | None = None
    retry: Invoke | None = None
    otherwise: Invoke | None = None
    on_timeout: Invoke | None = None
    menu: Invoke | None = None
    parsers: dict[bytes, Parser] = field(default_factory=dict)
    """Parsers of waits the handler opened itself, by what they accept."""


@dataclass(frozen=True, slots=True)
class Code:
    """Everything that can be called for a flow."""

    steps: Mapping[StepName, StepCode]
    hooks: Mapping[str, Sequence[tuple[str, Invoke]]]
    """Name and code of hooks by their sort."""
    on_error: Invoke | None
    on_timeout: Invoke | None
    filters: Mapping[str, Callable[[Input], bool]]
    migrations: Mapping[int, Chain]
    wants: frozenset[type]


class FlowHandlers:
    """`ports.Handlers` for a flow written in Python."""

    __slots__ = ("_code", "_program", "_steps")

    def __init__(self, program: Program[Any, Any], code: Code) -> None:
        self._program = program
        self._code = code
        self._steps = code.steps

    @property
    def definition(self) -> Flow:
        """The frozen flow."""
        return self._program.definition

    @property
    def wants(self) -> frozenset[type]:
        """Argument types that must be among the resources."""
        return self._code.wants

    async def run(self, call: RunHandler, state: RunState, services: Services) -> Answer:
        """Run the user code that `call.owed` names and return its answer. Raises what the code raises."""
        owed = call.owed
        cursor = _cursor(state, call.cursor, owed.step)
        turn: AnyTurn = Turn(self._program, owed, cursor, state, services)
        code = self._steps[owed.step] if owed.step in self._steps else StepCode()
        match owed.phase:
            case "input":
                return await self._input(turn, code, owed, cursor)
            case "enter":
                return await _directive(turn, code.call, None, code.name, owed)
            case "ask":
                return await _reply(turn, code.ask, None, owed, code.rows)
            case "retry":
                return await _reply(turn, code.retry, owed.reason, owed)
            case "otherwise":
                return await _reply(turn, code.otherwise, None, owed)
            case "menu":
                return await _reply(turn, code.menu, None, owed)
            case "hook":
                return await self._hooks(owed, cursor, state, services)
            case "error":
                return await _directive(turn, self._code.on_error, owed.error, "on_error", owed)
            case "timeout":
                return await _directive(turn, code.on_timeout or self._code.on_timeout, owed.label, "on_timeout", owed)
            case never:
                assert_never(never)

    def fits(self, step: StepName, spec: WaitSpec, input: Input) -> bool:
        """Tell whether an answer would parse."""
        try:
            _parser(self._steps.get(step) or StepCode(), spec.accepts)(input)
        except Unparsed:
            return False
        return True

    def matches(self, filter: str, input: Input) -> bool:
        """Evaluate a predicate of the author. Raises `AuthorError` for one that was never registered."""
        if filter not in self._code.filters:
            flow = self.definition.name
            raise AuthorError(f"flow {flow!r} has no filter {filter!r}; register it with @flow.filter({filter!r})")
        return bool(self._code.filters[filter](input))

    def initial(self, given: Mapping[str, Raw]) -> dict[str, Raw]:
        """Return complete data for a new run. Raises `InvalidValue` naming the field."""
        return self._program.data_type.initial(given)

    def decodes(self, data: Mapping[str, Raw]) -> str | None:
        """Return None if stored data fits the data type, else why not."""
        try:
            self._program.data_type.load(data)
        except InvalidJson as error:
            return error.reason
        return None

    def migrate(self, version: int, data: Mapping[str, Raw]) -> Migration | None:
        """Carry data of an older version over; None without a chain. Raises `InvalidValue` if the result does not fit."""
        chain = self._code.migrations.get(version)
        if chain is None:
            return None
        try:
            carried = self._program.data_type.completed(chain.apply(data))
        except (InvalidValue, InvalidJson) as error:
            here = f"from version {version} to {self.definition.version}"
            raise InvalidValue(f"migration of flow {self.definition.name!r} {here}: {error}") from error
        return Migration(carried, dict(chain.steps))

    async def _input(self, turn: AnyTurn, code: StepCode, owed: Owed, cursor: Cursor) -> Answer:
        spec = None if cursor.wait is None else cursor.wait.spec
        parse = code.parse if spec is None else _parser(code, spec.accepts)
        value: object = None
        if parse is not None and owed.input is not None:
            try:
                value = parse(owed.input)
            except Unparsed as error:
                return Answer(directives.Refuse(error.reason))
        return await _directive(turn, code.call, value, code.name, owed)

    async def _hooks(self, owed: Owed, cursor: Cursor, state: RunState, services: Services) -> Answer:
        """Run all hooks of a sort, each on what those before it left; what a failing one did is dropped."""
        hooks = list(self._code.hooks.get(owed.hook, ()))
        if owed.hook == "flow_exit" and owed.outcome == "completed":
            hooks = [*self._code.hooks.get("complete", ()), *hooks]
        total = Answer(_STAY)
        for name, invoke in hooks:
            turn: AnyTurn = Turn(self._program, owed, cursor, state, services)
            try:
                await invoke(turn, owed.outcome)
                answer = turn.collected(_STAY)
            except Exception as error:
                code = error.code if isinstance(error, UserCodeError) else "exception"
                message = f"hook {name} failed: {type(error).__name__}: {error}"
                services.report(Failure(code, message, owed.step, owed.attempt))
                continue
            scene = total.scene if answer.scene is None else answer.scene
            total = Answer(_STAY, total.says + answer.says, {**total.patch, **answer.patch}, scene)
            state = replace(state, data={**state.data, **answer.patch})
            cursor = cursor if scene is None else replace(cursor, scene=scene)
        return total


def wrapped(handler: Invoke, middleware: Sequence[Invoke]) -> Call:
    """Return the handler inside its middleware, the first one outermost."""
    call: Call = handler
    for wrapper in reversed(middleware):
        call = _around(wrapper, call)
    return call


def _around(wrapper: Invoke, inner: Call) -> Call:
    def call(turn: AnyTurn, value: object) -> Awaitable[Directive]:
        return cast("Awaitable[Directive]", wrapper(turn, lambda: inner(turn, value)))

    return call


def _cursor(state: RunState, id: CursorId, step: StepName) -> Cursor:
    for cursor in state.cursors:
        if cursor.id == id:
            return cursor
    return Cursor(id, step)


def _parser(code: StepCode, accepts: Accepts) -> Parser:
    key = _WORDS.encode(accepts)
    parse = code.parsers.get(key)
    if parse is None:
        parse = code.parsers[key] = parser_for(code.annotation, accepts)
    return parse


async def _directive(turn: AnyTurn, call: Invoke | None, value: object, name: str, owed: Owed) -> Answer:
    if call is None:
        raise _no_code(owed)
    directive = await call(turn, value)
    if type(directive) not in _DIRECTIVES:
        raise UserCodeError(
            "no_directive",
            f"{name} of step {owed.step!r} returned {directive!r}; return a directive such as turn.next(...)",
        )
    return turn.collected(directive)


async def _reply(turn: AnyTurn, invoke: Invoke | None, value: object, owed: Owed, rows: Rows = ()) -> Answer:
    if invoke is None:
        raise _no_code(owed)
    said = invoke(turn, value)
    if isawaitable(said):
        said = await said
    turn.say(with_rows(message_of(cast(Sayable, said)), rows))
    return turn.collected(_STAY)


def _no_code(owed: Owed) -> UserCodeError:
    return UserCodeError("missing_handler", f"step {owed.step!r} has no code for {owed.phase!r}; deploy it again")
