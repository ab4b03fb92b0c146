"""Schedules: flows that are started by time. What is known of one stands in the store, as timers of a mailbox of its own.

The runs that a schedule starts live in its mailbox, so one commit moves it on and begins the run, and a run that is still live is
seen. A schedule is its flow, its expression and its zone: whoever changes one of them has another schedule, which begins anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct

from turnflow.core.definition import CatchUp, Overlap, Registration, Trigger
from turnflow.core.ids import At, MailboxId, RunId, TimerId
from turnflow.core.state import Status
from turnflow.cron import next_due
from turnflow.engine.registry import Registry
from turnflow.errors import UnknownFlow
from turnflow.ports import Commit, RunQuery, Store, TimerRecord, partition_of

if TYPE_CHECKING:
    from turnflow.engine.process import Process

PREFIX: Final = "schedule:"
"""How the mailboxes of schedules begin."""
NEXT: Final = TimerId("next")
"""The timer of the next moment."""
QUEUED: Final = "queued:"
"""How the rows of moments begin that wait for the end of a run."""
LAST: Final = "last:"
"""How the row of the last moment begins that a run was started for."""
NEVER: Final[At] = 253_402_300_799_000
"""The end of the year 9999: rows that are no alarms are due then."""


class Schedule(Struct, frozen=True, omit_defaults=True):
    """A schedule as it stands. Moments are milliseconds since the epoch."""

    id: str
    """`schedule:<flow>:<digest of expression and zone>`."""
    flow: str
    cron: str
    zone: str
    catch_up: CatchUp
    overlap: Overlap
    due: At | None = None
    """When it is due next; None: never again, or no engine has run with it yet."""
    queued: tuple[At, ...] = ()
    """Moments that wait for the run that is live to end."""
    last_due: At | None = None
    """The moment that the last run was started for."""
    last_run: str = ""
    last_status: Status | None = None


class Planned(NamedTuple):
    """A schedule that is registered."""

    id: RunId
    registration: Registration
    trigger: Trigger

    def after(self, moment: At) -> At | None:
        """Return when it is due next behind a moment; None: never again."""
        return next_due(self.trigger.value, self.trigger.zone, moment)


class Rows:
    """What the store has of one schedule."""

    def __init__(self, rows: Iterable[TimerRecord]) -> None:
        self.all = tuple(rows)
        self.next = next((row.due for row in self.all if row.timer == NEXT), None)
        self.queued = sorted(_moment(row) for row in self.all if row.timer.startswith(QUEUED))
        self.last = max((_moment(row) for row in self.all if row.timer.startswith(LAST)), default=None)


class Schedules:
    """The schedules of a registry, as a store has them."""

    def __init__(self, store: Store, registry: Registry) -> None:
        self._store = store
        self._registry = registry

    async def list(self) -> list[Schedule]:
        """Return all schedules, in the order in which their flows were registered."""
        known = _by_schedule(await self._store.timers(PREFIX))
        return [await self._shown(one, Rows(known.get(one.id, ()))) for one in every(self._registry)]

    async def _shown(self, one: Planned, rows: Rows) -> Schedule:
        trigger, last = one.trigger, rows.last
        run = run_of(one.id, last) if last is not None else None
        found = await self._store.find(RunQuery(run=run)) if run is not None else []
        return Schedule(
            one.id,
            one.registration.flow.name,
            trigger.value,
            trigger.zone,
            trigger.catch_up,
            trigger.overlap,
            rows.next,
            tuple(rows.queued),
            last,
            run or "",
            found[0].status if found else None,
        )


def is_schedule(id: RunId | MailboxId) -> bool:
    """Tell whether an id is that of a schedule."""
    return id.startswith(PREFIX)


def run_of(schedule: RunId, due: At) -> RunId:
    """Return the id of the run that a schedule starts for a moment."""
    return RunId(blake2b(f"{schedule}@{due}".encode(), digest_size=10).hexdigest())


def every(registry: Registry) -> Iterator[Planned]:
    """Yield all schedules of the newest versions of flows."""
    for registration in registry.registrations:
        yield from _of(registration)


def planned(registry: Registry, id: RunId) -> Planned | None:
    """Return a schedule by its id; None if it is no longer registered."""
    flow = id.removeprefix(PREFIX).rpartition(":")[0]
    try:
        registration, _ = registry.newest(flow)
    except UnknownFlow:
        return None
    return next((one for one in _of(registration) if one.id == id), None)


async def prepare(engine: Process) -> None:
    """Make the rows of the store fit the registry: new schedules begin now, those that are gone lose theirs."""
    if not engine.keeps_schedules:
        return
    known = _by_schedule(await engine.store.timers(PREFIX))
    now = engine.clock.now()
    commits: list[Commit] = []
    for one in every(engine.registry):
        rows = Rows(known.pop(one.id, ()))
        due = rows.next if rows.next is not None and rows.next <= now else one.after(now)
        cleared = [row for row in rows.all if row.timer.startswith(QUEUED) and one.trigger.overlap != "queue"]
        if due != rows.next or cleared:
            alarms = () if due is None else (TimerRecord(one.id, NEXT, MailboxId(one.id), due),)
            commits.append(_commit(engine, one.id, alarms, cleared))
    commits += [_commit(engine, id, (), rows) for id, rows in known.items()]
    if commits:
        await engine.store.commit(commits)


def _commit(engine: Process, id: RunId, alarms: tuple[TimerRecord, ...], cleared: Iterable[TimerRecord]) -> Commit:
    mailbox = MailboxId(id)
    partition = partition_of(mailbox)
    epoch = engine.leases.epochs.get(partition, 0)
    gone = tuple((row.run, row.timer) for row in cleared)
    return Commit(mailbox, partition, epoch, timers_set=alarms, timers_cleared=gone)


def _of(registration: Registration) -> Iterator[Planned]:
    """Yield the schedules of a flow; equal ones are told apart by their order."""
    seen: Counter[str] = Counter()
    for trigger in registration.triggers:
        if trigger.kind == "schedule":
            what = f"{trigger.zone} {' '.join(trigger.value.split())}"
            digest = blake2b(f"{what} {seen[what]}".encode(), digest_size=6).hexdigest()
            seen[what] += 1
            yield Planned(RunId(f"{PREFIX}{registration.flow.name}:{digest}"), registration, trigger)


def _by_schedule(rows: Iterable[TimerRecord]) -> dict[RunId, list[TimerRecord]]:
    found: dict[RunId, list[TimerRecord]] = {}
    for row in rows:
        found.setdefault(row.run, []).append(row)
    return found


def _moment(row: TimerRecord) -> At:
    return int(row.timer.partition(":")[2])
