"""Commits: everything of a turn or nothing, many turns together, each for itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

from msgspec.structs import replace

from turnflow.core.ids import ConversationId, FlowName, MailboxId, RunId, TimerId
from turnflow.ports import Committed, DefinitionRecord, Receipt, ResultRecord, RunQuery
from turnflow.testing.store_promises.subject import (
    EVERY,
    StoreUnderTest,
    commit,
    entry,
    reasons,
    reply,
    run,
    sent,
    timer,
    turn,
)

M = MailboxId("m")
C = ConversationId("m")
R = RunId("r")


class CommitPromises(StoreUnderTest):
    """What a commit writes."""

    async def test_everything_of_a_commit_is_there_afterwards(self, tmp_path: Path) -> None:
        """Each part of it, unchanged."""
        async with self.opened(tmp_path) as store:
            given = replace(
                turn("m", 1), timers_set=(timer("m", "t", 5),), results=(ResultRecord(RunId("m"), "k", b"v"),)
            )
            assert await store.commit([given]) == [Committed()]
            mailbox = await store.load(M)
            assert (mailbox.seq, mailbox.runs, mailbox.waiting) == (1, given.runs, ())
            assert tuple(await store.journal(RunId("m"))) == given.journal
            assert tuple(await store.results(RunId("m"), "")) == given.results
            due = await store.due(EVERY, 10, 10)
            assert (due.timers, due.outbox, due.mailboxes) == (given.timers_set, given.outbox, ())
            assert [line.payload for line in await store.history(C)] == [b"input", b"reply"]

    async def test_many_commits_are_written_by_one_call(self, tmp_path: Path) -> None:
        """Outcomes stand in the order of the commits."""
        async with self.opened(tmp_path) as store:
            for number in (1, 2, 3):
                commits = [turn(f"m{mailbox}", number) for mailbox in range(64)]
                assert await store.commit(commits) == [Committed()] * 64
            assert len(await store.find(RunQuery(limit=100))) == 64
            assert [kept.revision for kept in (await store.load(MailboxId("m7"))).runs] == [3]

    async def test_nothing_to_commit_is_no_error(self, tmp_path: Path) -> None:
        """Neither an empty list nor an empty commit."""
        async with self.opened(tmp_path) as store:
            assert await store.commit([]) == []
            assert await store.commit([commit()]) == [Committed()]

    async def test_later_commits_see_earlier_ones(self, tmp_path: Path) -> None:
        """As if each had been committed by itself, in the order of the list."""
        async with self.opened(tmp_path) as store:
            assert reasons(await store.commit([turn("m", 1), turn("m", 2), turn("m", 2), turn("m", 3)])) == [
                "", "", "duplicate", "",
            ]  # fmt: skip
            forwarding = replace(commit("m"), forwards=(entry("n", "f"),))
            taken = commit("n", received=[entry("n", "g", seq=1)])
            assert reasons(await store.commit([forwarding, taken])) == ["", "sequence"]

    async def test_consumed_entries_wait_no_longer(self, tmp_path: Path) -> None:
        """Others do; consuming one again changes nothing and is no error."""
        async with self.opened(tmp_path) as store:
            await store.accept([entry("m", "a"), entry("m", "b")])
            for _ in range(2):
                assert await store.commit([replace(commit(), consumed=(1,))]) == [Committed()]
            mailbox = await store.load(M)
            assert (mailbox.seq, [waiting.id for waiting in mailbox.waiting]) == (2, ["b"])

    async def test_an_update_that_changes_nothing_counts_as_one(self, tmp_path: Path) -> None:
        """Whether a guard held is not a matter of whether bytes differ."""
        async with self.opened(tmp_path) as store:
            await store.commit([commit(runs=[run("r", 1)], outbox=[reply("m", 1)], receipts=[])])
            same = commit(runs=[run("r", 2)], receipts=[sent("m", 1)])
            assert await store.commit([same, commit(runs=[run("r", 3)], receipts=[sent("m", 1)])]) == [Committed()] * 2

    async def test_receipts_tell_the_fate_of_earlier_replies(self, tmp_path: Path) -> None:
        """Of any conversation; those that concern nothing known do no harm."""
        async with self.opened(tmp_path) as store:
            await store.commit([commit("m", outbox=[reply("m", 1), reply("m", 1, 1), reply("m", 1, 2)])])
            again = Receipt(C, 1, 1, "pending", "", 1, doubtful=True)
            given = commit("n", receipts=[sent("m", 1), again, Receipt(C, 1, 2, "dead"), sent("nowhere", 1)])
            assert await store.commit([given]) == [Committed()]
            (open_reply,) = (await store.due(EVERY, 0, 10)).outbox
            assert open_reply == replace(reply("m", 1, 1), status="pending", attempts=1, doubtful=True)
            assert [line.status for line in await store.history(C)] == ["sent", "pending", "dead"]

    async def test_timers_are_replaced_and_cleared(self, tmp_path: Path) -> None:
        """By run and id; clearing comes before setting, and clearing what is not there is no error."""
        async with self.opened(tmp_path) as store:
            await store.commit([commit(timers_set=[timer("r", "a", 5), timer("r", "b", 6), timer("s", "a", 7)])])
            both = replace(
                commit(timers_set=[timer("r", "b", 8)]),
                timers_cleared=((R, TimerId("a")), (R, TimerId("b")), (R, TimerId("unknown"))),
            )
            assert await store.commit([both]) == [Committed()]
            assert (await store.due(EVERY, 100, 10)).timers == (timer("s", "a", 7), timer("r", "b", 8))

    async def test_forwards_go_to_the_end_of_other_mailboxes(self, tmp_path: Path) -> None:
        """With the next sequence there; one whose id is known is skipped."""
        async with self.opened(tmp_path) as store:
            await store.accept([entry("n", "a")])
            given = replace(commit("m"), forwards=(entry("n", "b"), entry("n", "a"), entry("o", "c"), entry("n", "d")))
            assert await store.commit([given, given]) == [Committed()] * 2
            waiting = (await store.load(MailboxId("n"))).waiting
            assert [(one.id, one.seq) for one in waiting] == [("a", 1), ("b", 2), ("d", 3)]
            assert (await store.load(MailboxId("o"))).seq == 1

    async def test_definitions_are_kept_once_and_the_newest_counts(self, tmp_path: Path) -> None:
        """A known digest is skipped."""
        async with self.opened(tmp_path) as store:
            flow = FlowName("signup")
            for digest, document in (("d1", b"one"), ("d2", b"two"), ("d2", b"ignored")):
                record = DefinitionRecord(flow, 1, digest, document)
                assert await store.commit([replace(commit(), definitions=(record,))]) == [Committed()]
            assert await store.definition(flow, 1) == b"two"
            assert await store.definition(flow, 2) is None

    async def test_a_definition_is_found_by_its_digest_as_long_as_runs_may_go_by_it(self, tmp_path: Path) -> None:
        """An older one as well; only under its own flow and version."""
        async with self.opened(tmp_path) as store:
            flow = FlowName("signup")
            for digest, document in (("d1", b"one"), ("d2", b"two")):
                record = DefinitionRecord(flow, 1, digest, document)
                assert await store.commit([replace(commit(), definitions=(record,))]) == [Committed()]
            assert await store.definition(flow, 1, "d1") == b"one"
            assert await store.definition(flow, 1, "d2") == b"two"
            assert await store.definition(flow, 1, "d3") is None
            assert await store.definition(flow, 2, "d1") is None
            assert await store.definition(FlowName("other"), 1, "d1") is None

    async def test_a_quarantined_run_is_stuck_and_keeps_its_bytes(self, tmp_path: Path) -> None:
        """And its revision and live key; unknown runs do no harm."""
        async with self.opened(tmp_path) as store:
            before = run("r", live_key="k", state=b"\xff\x00 nonsense")
            await store.commit([commit(runs=[before])])
            assert await store.commit([replace(commit(), quarantined=(R, RunId("unknown")))]) == [Committed()]
            assert (await store.load(M)).runs == (replace(before, status="stuck"),)
            assert reasons(await store.commit([commit("n", runs=[run("s", mailbox="n", live_key="k")])])) == [
                "live_key"
            ]

    async def test_reopening_keeps_everything(self, tmp_path: Path) -> None:
        """What was acknowledged is there after a restart."""
        async with self.opened(tmp_path) as store:
            for number in range(1, 6):
                await store.commit([turn("m", number), turn("n", number)])
            await store.accept([entry("m", "later")])
            before = (await store.load(M), await store.history(C), await store.journal(RunId("m")))
            again = await self.reopened(store, tmp_path)
            assert (await again.load(M), await again.history(C), await again.journal(RunId("m"))) == before
            assert reasons(await again.commit([turn("n", 5), turn("n", 6)])) == ["duplicate", ""]
            await again.close()

    async def test_a_cancelled_commit_is_whole_or_nothing(self, tmp_path: Path) -> None:
        """Its outcome is unknown; repeating it tells, and the store goes on working."""
        async with self.opened(tmp_path) as store:
            for number in range(1, 21):
                async with asyncio.TaskGroup() as group:
                    task = group.create_task(store.commit([turn("m", number)]))
                    for _ in range(number % 4):
                        await asyncio.sleep(0)
                    task.cancel()
                assert reasons(await store.commit([turn("m", number)])) in (["duplicate"], [""])
                mailbox = await store.load(M)
                entries = await store.journal(RunId("m"))
                assert (mailbox.seq, mailbox.runs[0].revision, len(entries)) == (number, number, number)
