"""What a handler can read: the data, the scene, the input, results, and metadata of its run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Final, Generic, TypeVar, cast

from turnflow.authoring.codecs import InvalidJson, codec_for, decode
from turnflow.authoring.run_info import Results, RunInfo, moment, run_info
from turnflow.core.ids import Json
from turnflow.core.inputs import Input
from turnflow.core.messages import Message
from turnflow.core.progress import Progress, progress_of
from turnflow.core.state import Cursor, Failure, Owed, RunState
from turnflow.errors import UserCodeError
from turnflow.ports import Services

if TYPE_CHECKING:
    from turnflow.authoring.program import Program

S = TypeVar("S", bound=Enum)
D = TypeVar("D")
T = TypeVar("T")

_BEFORE_INPUT: Final = ("enter", "ask", "hook")
"""Phases that begin before anybody has answered; what they know of people is what started the run."""


class Reading(Generic[S, D]):
    """The readable side of a turn. Data and scene are decoded when they are first looked at."""

    __slots__ = (
        "_before",
        "_cursor",
        "_data",
        "_loaded",
        "_owed",
        "_program",
        "_said",
        "_scene",
        "_services",
        "_state",
    )

    def __init__(self, program: Program[S, D], owed: Owed, cursor: Cursor, state: RunState, services: Services) -> None:
        self._program = program
        self._owed = owed
        self._cursor = cursor
        self._state = state
        self._services = services
        self._loaded = False
        self._before: tuple[object, ...] | None = None
        self._scene: dict[str, Json] | None = None
        self._said: list[Message] | None = None

    @property
    def data(self) -> D:
        """The flow's data; changes are saved with the handler's answer. Raises `UserCodeError` (`invalid_data`)."""
        if not self._loaded:
            data_type = self._program.data_type
            try:
                self._data = data_type.load(self._state.data)
            except InvalidJson as error:
                raise UserCodeError("invalid_data", f"stored data: {error.reason}") from error
            self._before = data_type.values(self._data)
            self._loaded = True
        return self._data

    @data.setter
    def data(self, value: D) -> None:
        self._data = value
        self._before = None
        self._loaded = True

    @property
    def scene(self) -> dict[str, Json]:
        """Temporary values of this step: kept while it waits or repeats, gone with every transition."""
        if self._scene is None:
            self._scene = cast("dict[str, Json]", decode(self._cursor.scene))
        return self._scene

    @property
    def input(self) -> Input | None:
        """What the person sent; None while the step is being entered. In error handlers: what the failed call had."""
        call = self._call
        return None if call.phase in _BEFORE_INPUT else call.input

    @property
    def trigger(self) -> Input | None:
        """What the person sent to start the run: in `on_enter` hooks and while the first step is entered, else None."""
        call = self._call
        return call.input if call.phase in _BEFORE_INPUT else None

    @property
    def step(self) -> S:
        """The step whose code runs."""
        return self._program.steps[self._owed.step]

    @property
    def result(self) -> Json:
        """The result of the child flow that was called, or the operator's answer; None if there is none."""
        return None if self._cursor.result is None else decode(self._cursor.result)

    def result_as(self, kind: type[T]) -> T:
        """Return `result` as a `kind`. Raises `UserCodeError` (`invalid_result`) if it does not fit."""
        try:
            return cast(T, codec_for(kind).decode(self._cursor.result or b"null"))
        except InvalidJson as error:
            raise UserCodeError("invalid_result", f"the result is no {kind.__name__}: {error.reason}") from error

    @property
    def results(self) -> Results[S]:
        """Results of the parallel group's branches, by the step each began with."""
        return Results(self._state.results, self._program.steps)

    @property
    def progress(self) -> Progress:
        """How far the parallel group has come."""
        return progress_of(self._program.definition, self._state, self._cursor)

    @property
    def run(self) -> RunInfo:
        """Metadata of the run."""
        return run_info(self._state, self._owed.step)

    @property
    def error(self) -> Failure | None:
        """What failed, in error handlers."""
        return self._owed.error

    @property
    def outcome(self) -> str:
        """How the run ends, in exit hooks: completed, failed or cancelled."""
        return self._owed.outcome

    @property
    def attempt(self) -> int:
        """Which attempt at this call it is, from 1."""
        return self._owed.attempt

    @property
    def now(self) -> datetime:
        """The time of the turn, in UTC."""
        return moment(self._services.now())

    @property
    def _call(self) -> Owed:
        """The call that an error handler is about, else the present one."""
        return self._owed.failed[0] if self._owed.failed else self._owed

    @property
    def resources(self) -> Mapping[type, object]:
        """What the engine was given for handlers, by type."""
        return self._services.resources
