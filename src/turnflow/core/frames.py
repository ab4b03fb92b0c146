"""Positions inside flow graphs: work outside that a cursor waits for, groups under way, and what steps came to."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Raw, Struct

from turnflow.core.ids import At, CursorId, GroupId, MaybeRaw, StepName


class Failure(Struct, frozen=True, gc=False, omit_defaults=True):
    """Why something failed."""

    code: str
    """Stable word that error outputs match: `exception`, `timeout`, `child_failed`, an author's own code, ..."""
    message: str = ""
    step: StepName = StepName("")
    attempt: int = 1


JobKind: TypeAlias = Literal["action", "event", "timer", "poll"]


class News(Struct, frozen=True, gc=False, omit_defaults=True):
    """What became of work outside while its run was halted: it counts once the run goes on."""

    output: MaybeRaw = None
    failure: Failure | None = None
    """It failed; None: `output` is what it came to, or the event that arrived."""
    final: bool = False
    """No further attempt is made."""


class Job(Struct, frozen=True, gc=False, omit_defaults=True):
    """What a cursor's step has going on outside: an action under way, or an event or a moment that is waited for."""

    visit: int
    """Serial number: with the run's id the identity of this execution, the same for every attempt and after a crash."""
    kind: JobKind
    since: At
    """When the first attempt began."""
    action: str = ""
    attempt: int = 1
    input: Raw = Raw(b"null")
    """Of an action: its evaluated input. Of an event: its correlation key."""
    key: str = ""
    """The idempotency key an author chose; empty: the engine's own."""
    delayed: bool = False
    """Between two attempts: nothing is under way before its retry timer fires."""
    again: bool = False
    """Taken up after the run had failed or was moved: earlier attempts belong to it, too."""
    failures: int = 0
    """Of a poll: how many times asking has failed since it last succeeded."""
    news: tuple[News, ...] = ()
    """What came of it while the run was halted, oldest first."""


class Frame(Struct, frozen=True, gc=False, omit_defaults=True):
    """A group of a flow graph that has been entered: its lanes are branches, rounds or items."""

    id: GroupId
    name: StepName
    parent: CursorId
    """The cursor that stands on the group."""
    visit: int
    prefix: str = ""
    """Place of the group: the enclosing iterations, as in `orders[3]/`."""
    total: int = 0
    """How many lanes there are to be; -1: as long as the condition says."""
    begun: int = 0
    active: int = 0
    """Lanes under way."""
    done: int = 0
    """Lanes that succeeded."""
    failed: int = 0
    """Lanes that failed, where the group goes on without them."""
    since: At = 0
    hops: int = 0
    """The loop guard's count when the group was entered."""
    attempt: int = 1
    joined: bool = False
    """The join is over; what is left runs to its end beside it."""
    last: str = ""
    """Path of the step that ended the last lane; empty: that came to nothing of its own."""
    within: GroupId | None = None
    """The group it stands in; None: it stands outside of all."""
    lane: int = 0
    """The lane of that group."""


class StepResult(Struct, frozen=True, gc=False, omit_defaults=True):
    """What one visit of one step came to; a row of its own, never changed, keyed by path and visit."""

    path: str
    """Enclosing iterations and the step's name: `orders[3]/charge`. Of an iteration: `orders[3]`."""
    visit: int
    status: Literal["completed", "failed", "cancelled"]
    output: MaybeRaw = None
    ref: str = ""
    """The output is that of another path."""
    gathered: int = -1
    """The output is the list of so many iterations' outputs; -1: it is not."""
    since_visit: int = 0
    """Of a gathered output: iterations of earlier visits do not count."""
    error: Failure | None = None
    attempts: int = 1
    started: At = 0
    ended: At = 0
    input: MaybeRaw = None
    late: bool = False
    """It came after its time was over and changed nothing."""
