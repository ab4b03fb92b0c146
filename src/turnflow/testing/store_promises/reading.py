"""Reading: what is due, what a mailbox holds, runs by filters, journals, histories."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from turnflow.core.ids import ConversationId, FlowName, MailboxId, RunId, TimerId
from turnflow.core.state import Status
from turnflow.ports import Mailbox, ResultRecord, RunQuery, Store, partition_of
from turnflow.testing.store_promises.subject import (
    EVERY,
    StoreUnderTest,
    commit,
    entry,
    reply,
    run,
    sent,
    step,
    timer,
    turn,
)

M = MailboxId("m")
C = ConversationId("m")
STATUSES: tuple[Status, ...] = (
    "created", "running", "waiting", "paused", "completed", "failed", "cancelled", "stuck", "blocked",
)  # fmt: skip


class ReadingPromises(StoreUnderTest):
    """What a store tells."""

    async def test_timers_are_due_before_the_horizon_soonest_first(self, tmp_path: Path) -> None:
        """Not those at it, and at most `limit`."""
        async with self.opened(tmp_path) as store:
            await store.commit([commit(timers_set=[timer("r", f"t{due}", due) for due in (30, 10, 20, 40)])])
            assert [one.due for one in (await store.due(EVERY, 40, 10)).timers] == [10, 20, 30]
            assert [one.due for one in (await store.due(EVERY, 40, 2)).timers] == [10, 20]
            assert (await store.due(EVERY, 10, 10)).timers == ()

    async def test_timers_are_found_by_the_start_of_their_run(self, tmp_path: Path) -> None:
        """By run and timer, as they were set last; a prefix is taken literally."""
        async with self.opened(tmp_path) as store:
            places = [("a/2", "x"), ("a/1", "y"), ("a/1", "x"), ("A/1", "x"), ("a%", "x"), ("b", "x")]
            await store.commit([commit(timers_set=[timer(run, name, 5) for run, name in places])])
            moved = commit(timers_set=[timer("a/2", "x", 7)])
            await store.commit([replace(moved, timers_cleared=((RunId("b"), TimerId("x")),))])
            assert await store.timers("a/") == [timer("a/1", "x", 5), timer("a/1", "y", 5), timer("a/2", "x", 7)]
            assert [one.run for one in await store.timers("a%")] == ["a%"]
            assert await store.timers("b") == await store.timers("_") == []
            assert [one.run for one in await store.timers("")] == ["A/1", "a%", "a/1", "a/1", "a/2"]

    async def test_mailboxes_are_due_that_have_work(self, tmp_path: Path) -> None:
        """Entries not consumed, or a run that is `running`; runs that wait are nobody's work."""
        async with self.opened(tmp_path) as store:
            await store.accept([entry("entries", "a"), entry("entries", "b"), entry("both", "c")])
            given = [commit(name, runs=[run(name, mailbox=name, status="running")]) for name in ("runs", "both")]
            await store.commit([*given, commit(runs=[run("waits")]), turn("idle", 1)])
            due = await store.due(EVERY, 0, 10)
            assert sorted(due.mailboxes) == ["both", "entries", "runs"]
            assert len((await store.due(EVERY, 0, 2)).mailboxes) == 2

    async def test_replies_are_due_until_they_are_sent_or_dead(self, tmp_path: Path) -> None:
        """In order in each conversation, whole."""
        async with self.opened(tmp_path) as store:
            said = [reply("m", 9), reply("m", 10, 1), reply("m", 10), replace(reply("m", 11), status="pending")]
            await store.commit(
                [commit(outbox=said), commit("n", outbox=[reply("n", 1), replace(reply("n", 2), status="dead")])]
            )
            await store.commit([commit(receipts=[sent("m", 9)])])
            open_replies = (await store.due(EVERY, 0, 10)).outbox
            assert [one for one in open_replies if one.conversation == "m"] == [said[2], said[1], said[3]]
            assert [one.seq for one in open_replies if one.conversation == "n"] == [1]
            assert len((await store.due(EVERY, 0, 2)).outbox) == 2

    async def test_due_work_is_that_of_the_partitions_asked_for(self, tmp_path: Path) -> None:
        """A process is told of nothing that belongs to others."""
        async with self.opened(tmp_path) as store:
            names = [f"m{number}" for number in range(20)]
            await store.accept([entry(name, name) for name in names])
            await store.commit(
                [
                    commit(name, timers_set=[timer(name, "t", 1, mailbox=name)], outbox=[reply(name, 5)])
                    for name in names
                ]
            )
            mine = [name for name in names if partition_of(MailboxId(name)) % 2]
            due = await store.due([partition for partition in EVERY if partition % 2], 10, 100)
            assert sorted(due.mailboxes) == sorted(mine)
            assert sorted(one.run for one in due.timers) == sorted(mine)
            assert sorted(one.conversation for one in due.outbox) == sorted(mine)
            nothing = await store.due([], 10, 100)
            assert (nothing.timers, nothing.mailboxes, nothing.outbox) == ((), (), ())

    async def test_a_mailbox_loads_with_its_live_runs(self, tmp_path: Path) -> None:
        """Those that are stuck or blocked too; finished ones not, nor those of others."""
        async with self.opened(tmp_path) as store:
            await store.commit([commit(runs=[run(status, status=status) for status in STATUSES])])
            await store.commit([commit("n", runs=[run("other", mailbox="n")])])
            live = {kept.run for kept in (await store.load(M)).runs}
            assert live == {"created", "running", "waiting", "paused", "stuck", "blocked"}
            assert await store.load(MailboxId("nowhere")) == Mailbox(0, (), ())

    async def test_results_are_found_by_the_start_of_their_key(self, tmp_path: Path) -> None:
        """By key; a prefix is taken literally."""
        async with self.opened(tmp_path) as store:
            keys = ["a/2", "a/10", "a%", "b", "a", "A/1"]
            results = tuple(ResultRecord(RunId("r"), key, key.encode()) for key in keys)
            await store.commit([replace(commit(), results=(*results, ResultRecord(RunId("s"), "a", b"")))])
            found = {
                prefix: [one.key for one in await store.results(RunId("r"), prefix)] for prefix in ("a/", "a%", "_", "")
            }
            assert found == {"a/": ["a/10", "a/2"], "a%": ["a%"], "_": [], "": sorted(keys)}

    async def test_runs_are_found_by_every_filter(self, tmp_path: Path) -> None:
        """All given filters must hold; finished runs are found too."""
        async with self.opened(tmp_path) as store:
            await store.commit([commit(runs=[
                run("a", flow="signup"), run("b", flow="kyc", status="completed"),
                run("c", flow="kyc", parent="a"), run("d", parent="b", status="stuck"),
            ])])  # fmt: skip
            await store.commit([commit("n", runs=[run("e", mailbox="n", status="blocked")])])

            assert await names(store) == ["a", "b", "c", "d", "e"]
            assert await names(store, RunQuery(run=RunId("b"))) == ["b"]
            assert await names(store, RunQuery(run=RunId("b"), flow=FlowName("signup"))) == []
            assert await names(store, RunQuery(mailbox=M)) == ["a", "b", "c", "d"]
            assert await names(store, RunQuery(mailbox=M, status=("completed", "stuck"))) == ["b", "d"]
            assert await names(store, RunQuery(flow=FlowName("kyc"))) == ["b", "c"]
            assert await names(store, RunQuery(parent=RunId("a"))) == ["c"]
            assert await names(store, RunQuery(parent=RunId("b"), flow=FlowName("kyc"))) == []
            assert await names(store, RunQuery(status=("stuck", "blocked"))) == ["d", "e"]
            assert await names(store, RunQuery(status=("stuck", "blocked"), mailbox=M)) == ["d"]
            assert await names(store, RunQuery(status=("waiting",))) == ["a", "c"]

    async def test_runs_are_paged_by_id(self, tmp_path: Path) -> None:
        """Whichever filter is used; a page ends at `limit`."""
        async with self.opened(tmp_path) as store:
            for status in ("waiting", "stuck"):
                ids = [f"{status}{number:02d}" for number in range(10)]
                await store.commit([commit(runs=[run(id, status=status, parent="p") for id in ids])])
                filters = [
                    RunQuery(status=(status,)), RunQuery(status=(status,), mailbox=M),
                    RunQuery(status=(status,), flow=FlowName("signup")), RunQuery(status=(status,), parent=RunId("p")),
                ]  # fmt: skip
                for query in filters:
                    first = await names(store, replace(query, limit=4))
                    second = await names(store, replace(query, limit=4, after=RunId(first[-1])))
                    third = await names(store, replace(query, limit=4, after=RunId(second[-1])))
                    assert first + second + third == ids
            assert await names(store, RunQuery(limit=0)) == []

    async def test_runs_are_found_youngest_first(self, tmp_path: Path) -> None:
        """In the order of their creation, whatever happened to them since, and paged by it."""
        async with self.opened(tmp_path) as store:
            for id in ("b", "d", "a", "c"):
                await store.commit([commit(runs=[run(id, parent="p" if id in "bc" else None)])])
            await store.commit([commit(runs=[run("d", 2, status="completed")])])
            assert await names(store, RunQuery(newest=True)) == ["c", "a", "d", "b"]
            assert await names(store, RunQuery(newest=True, after=RunId("a"))) == ["d", "b"]
            assert await names(store, RunQuery(newest=True, limit=1, after=RunId("c"))) == ["a"]
            assert await names(store, RunQuery(newest=True, parent=RunId("p"))) == ["c", "b"]
            assert await names(store, RunQuery(newest=True, status=("completed",))) == ["d"]
            assert await names(store, RunQuery(newest=True, after=RunId("unknown"))) == []

    async def test_a_journal_is_read_from_any_revision(self, tmp_path: Path) -> None:
        """Oldest first, at most `limit`."""
        async with self.opened(tmp_path) as store:
            for revision in range(1, 6):
                await store.commit([commit(runs=[run("r", revision)], journal=[step("r", revision, b"%d" % revision)])])
            r = RunId("r")
            assert [one.entry for one in await store.journal(r)] == [b"1", b"2", b"3", b"4", b"5"]
            assert [one.revision for one in await store.journal(r, 2)] == [3, 4, 5]
            assert [one.revision for one in await store.journal(r, 2, 2)] == [3, 4]
            assert await store.journal(r, 5) == await store.journal(RunId("unknown")) == []

    async def test_a_history_is_in_the_order_of_the_conversation(self, tmp_path: Path) -> None:
        """Entries before the replies to them; oldest first, the newest with a negative limit."""
        async with self.opened(tmp_path) as store:
            await store.commit([turn("m", 1)])
            await store.accept([entry("m", "waits", payload=b"waits")])
            await store.commit([commit(outbox=[reply("m", 2, 1), reply("m", 2, 0)])])
            await store.commit([turn("n", 1)])
            places = [(line.seq, line.index) for line in await store.history(C)]
            assert places == [(1, -1), (1, 0), (2, -1), (2, 0), (2, 1)]
            assert [line.status for line in await store.history(C)] == ["received", "sending"] * 2 + ["sending"]
            assert [line.id for line in await store.history(C, limit=3)] == ["m:1", "m/1.0", "waits"]
            for after, limit in (((1, -1), 2), ((1, 0), 200), ((2, 1), 200), ((0, -1), 0)):
                expected = [place for place in places if place > after][:limit]
                assert [(one.seq, one.index) for one in await store.history(C, after, limit)] == expected
            assert [(one.seq, one.index) for one in await store.history(C, limit=-2)] == places[-2:]
            assert [(one.seq, one.index) for one in await store.history(C, (1, -1), -9)] == places[1:]

    async def test_another_process_reads_what_was_committed(self, tmp_path: Path) -> None:
        """At once."""
        async with self.opened(tmp_path) as store, self.another(store, tmp_path) as other:
            for number in (1, 2):
                await store.commit([turn("m", number)])
                assert await other.load(M) == await store.load(M)
                assert len(await other.history(C)) == number * 2
                assert [kept.revision for kept in await other.find(RunQuery())] == [number]


async def names(store: Store, query: RunQuery = RunQuery()) -> list[str]:  # noqa: B008 -- frozen
    """Return the ids that a query finds."""
    return [kept.run for kept in await store.find(query)]
