"""What happens when a schedule is due: a run begins, waits for another one to end, or does not begin.

The run's id follows from schedule and moment, and one commit begins it and sets the next alarm: whatever fires twice starts once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from turnflow.core.definition import Trigger
from turnflow.core.ids import At, Millis, RunId, TimerId
from turnflow.core.routing import Place
from turnflow.cron import due_between
from turnflow.engine import effects, schedules
from turnflow.engine.payloads import Begin
from turnflow.engine.schedules import LAST, NEVER, NEXT, QUEUED, Planned, Rows
from turnflow.engine.values import fields_of
from turnflow.errors import AuthorError, InvalidValue
from turnflow.ports import RunQuery, TimerRecord

if TYPE_CHECKING:
    from turnflow.engine.turn import Turn

CATCH_UP_LIMIT: Final = 100
"""Most moments of a schedule that are made up for, and most that wait for a run to end."""
ON_TIME: Final[Millis] = 60_000
"""How late a schedule may be without being late: a quick restart misses nothing."""


async def ring(turn: Turn, id: RunId) -> None:
    """Do what a schedule is there for, if it is due, and set its next alarm."""
    engine = turn.engine
    if not engine.keeps_schedules:
        return
    rows = await _rows(turn, id)
    one = schedules.planned(engine.registry, id)
    if one is None:
        turn.timers_cleared.update((id, row.timer) for row in rows.all)
        return
    if rows.next is None or rows.next > turn.at:
        engine.timers.clear([(id, NEXT)])  # old news
        return
    wanted = _wanted(turn, one, rows.next)
    following = wanted[1] if len(wanted) > 1 else one.after(turn.at)
    _clear(turn, id, NEXT)
    if following is not None:
        _set(turn, id, NEXT, following)
    if wanted:
        await _come(turn, one, rows, wanted[0])


async def follow(turn: Turn) -> bool:
    """Start the run that waited for the one that has ended in this turn; tell whether there was any."""
    id = RunId(turn.hot.id)
    if not turn.finished or not schedules.is_schedule(id) or not turn.engine.keeps_schedules:
        return False
    one = schedules.planned(turn.engine.registry, id)
    if one is None or one.trigger.overlap != "queue" or turn.live():
        return False
    rows = await _rows(turn, id)
    if not rows.queued:
        return False
    _clear(turn, id, f"{QUEUED}{rows.queued[0]}")
    await _start(turn, one, rows, rows.queued[0])
    return True


def _wanted(turn: Turn, one: Planned, first: At) -> list[At]:
    """Return the moments from `first` until now that are to have their runs, the earliest first."""
    trigger: Trigger = one.trigger
    due = due_between(trigger.value, trigger.zone, first, turn.at, CATCH_UP_LIMIT + 1) or [first]
    if trigger.catch_up == "none":
        return [moment for moment in due if turn.at - moment <= ON_TIME]
    if trigger.catch_up == "last":
        return due[-1:]
    if len(due) > CATCH_UP_LIMIT:
        turn.engine.report(f"{one.id} was due more than {CATCH_UP_LIMIT} times; only the last of them are made up for")
    return due[-CATCH_UP_LIMIT:]


async def _come(turn: Turn, one: Planned, rows: Rows, due: At) -> None:
    """A moment has come: start its run, unless that has to wait or is left out because of another one."""
    live = turn.live()
    match one.trigger.overlap:
        case "skip" if live:
            turn.engine.report(f"{one.id} is due, and nothing is started: run {live[0].run} is {live[0].status} still")
        case "queue" if len(rows.queued) >= CATCH_UP_LIMIT:
            turn.engine.report(f"{one.id} is due, and nothing is started: {len(rows.queued)} moments wait already")
        case "queue" if live:
            _set(turn, one.id, f"{QUEUED}{due}", NEVER)
        case _:
            await _start(turn, one, rows, due)


async def _start(turn: Turn, one: Planned, rows: Rows, due: At) -> None:
    """Begin the run of a moment, unless it has been begun."""
    run = schedules.run_of(one.id, due)
    if await turn.engine.store.find(RunQuery(run=run)):
        return
    registration = one.registration
    data = fields_of({**registration.initial, **one.trigger.input})
    try:
        effects.start(turn, Begin(run, registration.flow.name, data), Place("", ""), exclusive=False)
    except (AuthorError, InvalidValue) as error:
        turn.engine.report(f"{one.id} is due and cannot start flow {registration.flow.name!r}: {error}", error)
        return
    if rows.last is not None:
        _clear(turn, one.id, f"{LAST}{rows.last}")
    _set(turn, one.id, f"{LAST}{due}", NEVER)


async def _rows(turn: Turn, id: RunId) -> Rows:
    """Return what the store has of a schedule, as this turn leaves it."""
    found = {(row.run, row.timer): row for row in await turn.engine.store.timers(id) if row.run == id}
    for place in turn.timers_cleared:
        found.pop(place, None)
    found.update((place, row) for place, row in turn.timers_set.items() if place[0] == id)
    return Rows(found.values())


def _set(turn: Turn, id: RunId, timer: str, due: At) -> None:
    name = TimerId(timer)
    turn.timers_set[id, name] = TimerRecord(id, name, turn.hot.id, due)


def _clear(turn: Turn, id: RunId, timer: str) -> None:
    name = TimerId(timer)
    turn.timers_set.pop((id, name), None)
    turn.timers_cleared.add((id, name))
