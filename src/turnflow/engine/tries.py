"""Actions that may have ended the process: after an unclean stop tries are counted durably before such an action is run again.

What `suspicion` does for input: those that were under way at several such stops are tried one at a time, and one that ends the
process again and again makes its run stuck, where an operator sees it, instead of ending every process that comes after.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from turnflow.core.events import InputSetAside
from turnflow.core.ids import InputId
from turnflow.engine.loading import POISON
from turnflow.engine.mailbox import Item
from turnflow.engine.payloads import ForRun
from turnflow.engine.suspicion import SUSPECT
from turnflow.engine.work_records import keep
from turnflow.errors import TurnflowError
from turnflow.ports import ResultRecord

if TYPE_CHECKING:
    from turnflow.engine.process import Process
    from turnflow.engine.works import Work

TRIED: Final = "tried/"
"""Begins the keys of rows that count tries."""


class Tries:
    """Counts tries of actions, and lets suspects be tried one after the other."""

    __slots__ = ("_engine",)

    def __init__(self, engine: Process) -> None:
        self._engine = engine

    async def permits(self, work: Work) -> bool:
        """Tell whether an action may be run; if not, its run becomes stuck or it is left to a later start."""
        engine = self._engine
        if not (work.recovered and engine.counts_attempts) or work.settings.at_most_once or work.stopped is not None:
            return True
        prefix = f"{TRIED}{work.call.job.visit:x}.{work.call.job.attempt:x}/"
        try:
            tried = len(await engine.store.results(work.run, prefix)) + 1  # the first one is not on record
            if tried >= POISON:
                return self._set_aside(work, tried)
            work.alone = tried >= SUSPECT and await engine.suspicion.turned()
            await keep(engine, work.mailbox, ResultRecord(work.run, f"{prefix}{tried:x}", b"{}"))
        except TurnflowError as error:
            engine.report(f"action {work.call.job.action!r} is not run again for now: {error}", error)
            return False
        return True

    def over(self, work: Work) -> None:
        """Take note that an attempt came to nothing that would be written; the next suspect may be tried."""
        if work.alone:
            work.alone = False
            self._engine.suspicion.done()

    def _set_aside(self, work: Work, tried: int) -> bool:
        reason = f"action {work.call.job.action!r} of step {work.call.step!r} ended the process {tried} times"
        self._engine.report(f"run {work.run} is set aside: {reason}")
        now = self._engine.clock.now()
        id = InputId(f"aside:{work.call.key}:{now}")
        self._engine.post(work.mailbox, Item(ForRun(work.run, InputSetAside(now, reason)), id, now))
        return False
