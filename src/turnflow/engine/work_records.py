"""Rows that actions under way write beside the turns of their run."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Raw

from turnflow.core.frames import StepResult
from turnflow.core.ids import MailboxId
from turnflow.engine.outcomes import row
from turnflow.errors import LostOwnership, TurnflowError
from turnflow.ports import Commit, CommitOutcome, Rejected, ResultRecord, partition_of

if TYPE_CHECKING:
    from turnflow.engine.process import Process
    from turnflow.engine.works import Work

LATE_LIMIT: Final = 1 << 20
"""Most bytes of a late result."""


async def keep(engine: Process, mailbox: MailboxId, result: ResultRecord) -> bool:
    """Make a result durable; tell whether it is the one on record: False if there is another already.

    Raises `LostOwnership`, `StoreUnavailable`.
    """
    partition = partition_of(mailbox)
    outcome: asyncio.Future[CommitOutcome | Exception] = asyncio.get_running_loop().create_future()
    commit = Commit(mailbox, partition, engine.leases.epochs.get(partition, 0), results=(result,))
    engine.committer.submit(commit, lambda done: None if outcome.done() else outcome.set_result(done))
    done = await asyncio.shield(outcome)
    if isinstance(done, Exception):
        raise done
    if isinstance(done, Rejected) and done.reason != "result":
        raise LostOwnership(f"the result of an action could not be recorded: {done}")
    return not isinstance(done, Rejected)


async def keep_late(engine: Process, work: Work, result: object) -> None:
    """Record what an action came to after its time, or after nobody waited for it any more; it changes nothing."""
    job = work.call.job
    if not isinstance(result, bytes) or len(result) > LATE_LIMIT:
        return
    with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError, TurnflowError):
        msgspec.json.decode(result)
        now = engine.clock.now()
        late = StepResult(
            work.path, job.visit, "completed", Raw(result), attempts=job.attempt, started=job.since, ended=now,
            input=job.input, late=True,
        )  # fmt: skip
        await keep(engine, work.mailbox, row(work.run, late))
