"""What the checker is told, and what it finds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from turnflow.core.ids import At
from turnflow.ports import Outbound
from turnflow.testing.evidence import Remembered


class Violation(NamedTuple):
    """One broken invariant: which, where, and what to look at."""

    invariant: str
    place: str
    detail: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.place}: {self.detail}"


class InvariantsBroken(AssertionError):
    """Invariants do not hold; `violations` lists all of them."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        self.violations = tuple(violations)
        lines = "\n".join(f"  {number}. {violation}" for number, violation in enumerate(violations, 1))
        super().__init__(f"{len(violations)} invariant(s) broken:\n{lines}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """What the outside saw, and what is known to be special about this store."""

    sent: Sequence[Outbound] = ()
    """Every copy of every reply that a channel got, in the order of arrival."""
    sent_is_all: bool = True
    """`sent` leaves nothing out: a reply that counts as sent must be among it."""
    acknowledged: Collection[str] = ()
    """Ids of inputs that were acknowledged: they must be in the store."""
    consumed: Collection[str] = ()
    """Ids of inputs that the engine said a run got: exactly one run must have consumed each."""
    conversations: Collection[str] = ()
    """Conversations to read besides those the runs tell of."""
    before: Remembered | None = None
    """What the store held at an earlier moment."""
    damaged: Collection[str] = ()
    """Runs whose rows were damaged on purpose."""
    kept: Collection[str] = ()
    """Ids of inbox entries that stay where they are on purpose, because they cannot be read."""
    at_rest: bool = True
    """Nothing is being done any more."""
    now: At | None = None
    """The time; with it, no timer that is due may be left at rest."""


@dataclass(slots=True)
class Report:
    """What was looked at, and what was wrong."""

    violations: list[Violation] = field(default_factory=list)
    runs: int = 0
    live: int = 0
    ended: int = 0
    commits: int = 0
    transitions: int = 0
    inputs: int = 0
    replies: int = 0
    copies: int = 0
    """Copies of replies beyond the first."""
    doubtful: int = 0
    timers: int = 0
    fired: int = 0
    joins: int = 0
    results: int = 0
    steps: int = 0
    """Results of steps that the journals asked for."""

    def __str__(self) -> str:
        names = [name for name in self.__slots__ if name != "violations"]
        return ", ".join(f"{name} {getattr(self, name)}" for name in names)

    def demand(self, **least: int) -> None:
        """Refuse to be satisfied with less: `report.demand(runs=10, fired=1)`."""
        short = [
            f"{name}: {getattr(self, name)} of {wanted}"
            for name, wanted in least.items()
            if getattr(self, name) < wanted
        ]
        if short:
            raise InvariantsBroken([Violation("not vacuous", "the whole", "; ".join(short))])
