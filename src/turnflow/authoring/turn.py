"""The turn: everything a handler can read, say and answer while it runs.

A turn is made for one call of user code and thrown away after it. What it collected (replies, changed fields of the data, the
scene) becomes part of the handler's one answer; nothing of it happens if the handler raises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Literal, TypeVar, cast, overload

from msgspec import Raw

from turnflow.authoring.codecs import InvalidJson, decode, encode, fields_of
from turnflow.authoring.messages import Rows, Sayable, message_of
from turnflow.authoring.reading import Reading
from turnflow.authoring.typed_action import TypedAction
from turnflow.authoring.waits import Remind, Waiting, merged
from turnflow.core import directives
from turnflow.core.definition import Accepts, Trigger
from turnflow.core.ids import ConversationId, FlowName, Json, RunId, StepName, UserId
from turnflow.errors import UserCodeError
from turnflow.ports import Answer

if TYPE_CHECKING:
    from turnflow.authoring.flow import Flow

S = TypeVar("S", bound=Enum)
D = TypeVar("D")
S2 = TypeVar("S2", bound=Enum)
D2 = TypeVar("D2")
T = TypeVar("T")
O_co = TypeVar("O_co", covariant=True)


class Turn(Reading[S, D]):
    """One call of user code, typed by the flow's steps and its data."""

    __slots__ = ()

    def say(self, message: Sayable, *, buttons: Rows = ()) -> None:
        """Say something; it is recorded now and sent after the turn is saved."""
        if self._said is None:
            self._said = []
        self._said.append(message_of(message, buttons))

    @overload
    async def call_action(self, action: TypedAction[T, O_co], argument: T) -> O_co: ...
    @overload
    async def call_action(self, action: str, argument: object = None) -> Json: ...
    async def call_action(self, action: TypedAction[T, O_co] | str, argument: object = None) -> object:
        """Run an action and return its result, which is saved before this returns and handed back if the handler runs again.

        Raises `UserCodeError` with the action's code if it fails.
        """
        if isinstance(action, str):
            return decode(await self._services.call_action(action, _argument(action, lambda: encode(argument))))
        sent = _argument(action.name, lambda: action.encode_argument(cast(T, argument)))
        return action.decode_result(await self._services.call_action(action.name, sent))

    @overload
    async def start(
        self, flow: Flow[S2, D2], data: D2 | None = None, *, conversation: str | None = None, user: str | None = None
    ) -> RunId: ...
    @overload
    async def start(
        self, flow: str, data: object = None, *, conversation: str | None = None, user: str | None = None
    ) -> RunId: ...
    async def start(
        self,
        flow: Flow[S2, D2] | str,
        data: object = None,
        *,
        conversation: str | None = None,
        user: str | None = None,
    ) -> RunId:
        """Start a child run without waiting for it; without a conversation it runs in the background."""
        room = None if conversation is None else ConversationId(conversation)
        person = None if user is None else UserId(user)
        return await self._services.start(_name(flow), _fields(data), room, person)

    # --- what it can answer --------------------------------------------------------------------------------------

    def next(self, step: S) -> directives.Next:
        """Go on to `step`; Back returns here."""
        return directives.Next(self._step_name(step))

    def goto(self, step: S) -> directives.Goto:
        """Jump to `step`; the history starts anew there."""
        return directives.Goto(self._step_name(step))

    def back(self) -> directives.Back:
        """Return to the previous step, which asks again; on the first step, ask it again."""
        return directives.Back()

    def repeat(self) -> directives.Repeat:
        """Ask this step again and keep its scene; in an error handler: run what failed again."""
        return directives.Repeat()

    def done(self, result: object = None) -> directives.Done:
        """Complete this branch of a parallel group; outside one: take the only declared way on."""
        return directives.Done(self._raw(result))

    def complete(self, result: object = None) -> directives.Complete:
        """End the run with a result: anything with a JSON form."""
        return directives.Complete(self._raw(result))

    def cancel(self, reason: str = "") -> directives.Cancel:
        """End the run without a result."""
        return directives.Cancel(reason)

    def fail(self, code: str, message: str = "") -> directives.Fail:
        """Fail with a code of your own; error outputs and `on_error` decide what follows."""
        return directives.Fail(code, message)

    def escalate(self, reason: str, *, then: S | None = None) -> directives.Escalate:
        """Park the run for an operator; after the answer go on at `then`, or ask this step again."""
        return directives.Escalate(reason, None if then is None else self._step_name(then))

    @overload
    def call(self, flow: Flow[S2, D2], data: D2 | None = None, *, then: S) -> directives.CallFlow: ...
    @overload
    def call(self, flow: str, data: object = None, *, then: S) -> directives.CallFlow: ...
    def call(self, flow: Flow[S2, D2] | str, data: object = None, *, then: S) -> directives.CallFlow:
        """Run another flow, wait for it, and go on at `then`, where `turn.result` is its result."""
        return directives.CallFlow(_name(flow), self._step_name(then), _fields(data))

    def wait(
        self,
        label: str,
        *,
        accepts: Accepts | Trigger | None = None,
        timeout: timedelta | None = None,
        on_timeout: S | Literal["cancel", "fail"] | None = None,
        remind: Sequence[Remind] = (),
        retry: Sayable | None = None,
        attempts: int = 0,
        on_exhausted: S | None = None,
        otherwise: Sayable | None = None,
        who: Sequence[str] = (),
        gather: timedelta | None = None,
    ) -> directives.Park:
        """Wait for an input; what is not said here is taken from the step's own options. `label` names the wait in records."""
        wanted = Waiting(accepts, timeout, on_timeout, remind, retry, attempts, on_exhausted, otherwise, who, gather)
        return directives.Park(label, merged(self._program.waits[self._owed.step], wanted, self._step_name))

    def wait_callback(
        self,
        label: str,
        *,
        timeout: timedelta | None = None,
        on_timeout: S | Literal["cancel", "fail"] | None = None,
        remind: Sequence[Remind] = (),
        otherwise: Sayable | None = None,
        who: Sequence[str] = (),
    ) -> directives.Park:
        """Wait for a press of one of the buttons just said; `turn.input.value` is the button's answer."""
        wanted = Waiting(Accepts(("press",)), timeout, on_timeout, remind, otherwise=otherwise, who=who)
        return directives.Park(label, merged(self._program.waits[self._owed.step], wanted, self._step_name))

    def collected(self, directive: directives.Directive) -> Answer:
        """Return the handler's one answer: the directive with all the turn collected. Raises `UserCodeError` (`invalid_data`).

        Called by the machinery, not by handlers.
        """
        patch: Mapping[str, Raw] = {}
        if self._loaded:
            try:
                patch = self._program.data_type.patch(self._data, self._before, self._state.data)
            except InvalidJson as error:
                place = f"data.{error.field}" if error.field else "data"
                raise UserCodeError("invalid_data", f"{place}: {error.reason}") from error
        said = tuple(self._said) if self._said else ()
        return Answer(directive, said, patch, None if self._scene is None else self._changed_scene(self._scene))

    # --- private -------------------------------------------------------------------------------------------------

    def _step_name(self, step: object) -> StepName:
        if isinstance(step, self._program.step_type):
            return cast(StepName, step._value_)
        raise UserCodeError(
            "unknown_step",
            f"step {self._owed.step!r} answered with {step!r}, which is no step of flow "
            f"{self._program.definition.name!r}; use a member of {self._program.step_type.__name__}",
        )

    def _changed_scene(self, scene: dict[str, Json]) -> Raw | None:
        try:
            text = encode(scene)
        except InvalidJson as error:
            raise UserCodeError("invalid_data", f"scene: {error.reason}") from error
        return None if text == bytes(self._cursor.scene) else Raw(text)

    def _raw(self, result: object) -> Raw | None:
        if result is None:
            return None
        try:
            return Raw(encode(result))
        except InvalidJson as error:
            raise UserCodeError("invalid_result", f"the result has no JSON form: {error.reason}") from error


def _argument(action: str, encoded: Callable[[], bytes]) -> bytes:
    try:
        return encoded()
    except InvalidJson as error:
        raise UserCodeError("invalid_argument", f"argument of action {action!r}: {error.reason}") from error


def _name(flow: Flow[S2, D2] | str) -> FlowName:
    return FlowName(flow if isinstance(flow, str) else flow.name)


def _fields(data: object) -> dict[str, Raw]:
    try:
        return fields_of(data)
    except InvalidJson as error:
        raise UserCodeError("invalid_data", f"data for the other flow: {error.reason}") from error
