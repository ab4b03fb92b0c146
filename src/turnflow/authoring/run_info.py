"""What a handler may read about its run: metadata and results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Generic, NamedTuple, TypeVar, cast

from msgspec import Raw

from turnflow.authoring.codecs import codec_for, decode
from turnflow.core.ids import At, ConversationId, FlowName, Json, RunId, StepName, UserId
from turnflow.core.state import RunState

S = TypeVar("S", bound=Enum)
T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(at: At) -> datetime:
    """Return a moment of the core as an aware datetime in UTC."""
    return _EPOCH + timedelta(milliseconds=at)


class OpenWait(NamedTuple):
    """A wait of the run that nobody has answered yet."""

    label: str
    step: StepName
    opened: datetime


class RunInfo(NamedTuple):
    """Metadata of a run. Ids that it does not have are empty; moments are in UTC."""

    id: RunId
    user: UserId
    chat: str
    conversation: ConversationId
    thread: str
    flow: FlowName
    version: int
    step: StepName
    created: datetime
    updated: datetime
    waits: tuple[OpenWait, ...]
    parent: RunId | None


def run_info(state: RunState, step: StepName) -> RunInfo:
    """Return the metadata of a run whose code runs for `step`."""
    waits = [
        OpenWait(cursor.wait.label, cursor.step, moment(cursor.wait.opened))
        for cursor in state.cursors
        if cursor.wait is not None
    ]
    return RunInfo(
        id=state.run,
        user=state.user,
        chat=state.chat,
        conversation=state.conversation,
        thread=state.thread,
        flow=state.flow,
        version=state.version,
        step=step,
        created=moment(state.created),
        updated=moment(state.updated),
        waits=tuple(waits),
        parent=None if state.parent is None else state.parent.run,
    )


class Results(Mapping[S, Json], Generic[S]):
    """Results of a parallel group's branches, by the step each began with; absent for a branch that is not complete."""

    __slots__ = ("_results", "_steps")

    def __init__(self, results: Mapping[StepName, Raw], steps: Mapping[StepName, S]) -> None:
        self._results = results
        self._steps = steps

    def __getitem__(self, step: S) -> Json:
        return decode(self._raw(step))

    def __iter__(self) -> Iterator[S]:
        return (self._steps[name] for name in self._results if name in self._steps)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def read(self, step: S, kind: type[T]) -> T:
        """Return a branch's result as a `kind`. Raises `InvalidJson` if it does not fit, `KeyError` if there is none."""
        return cast(T, codec_for(kind).decode(self._raw(step)))

    def _raw(self, step: S) -> Raw:
        try:
            return self._results[cast(StepName, step.value)]
        except KeyError:
            raise KeyError(f"the branch of {step} has no result yet") from None
