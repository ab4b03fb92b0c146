"""Rows that actions under way write beside the turns of their run."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from turnflow.core.ids import MailboxId
from turnflow.errors import LostOwnership
from turnflow.ports import Commit, CommitOutcome, Rejected, ResultRecord, partition_of

if TYPE_CHECKING:
    from turnflow.engine.process import Process


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
