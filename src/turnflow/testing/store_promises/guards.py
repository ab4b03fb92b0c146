"""Guards: when a commit is refused, why, and that it then leaves no trace."""

from __future__ import annotations

import asyncio
from pathlib import Path

from msgspec.structs import replace

from turnflow.core.ids import ConversationId, EffectKey, InputId, MailboxId, RunId, TimerId
from turnflow.ports import Commit, DefinitionRecord, ResultRecord, RunQuery, Store
from turnflow.testing.store_promises.events import event, subscription
from turnflow.testing.store_promises.subject import (
    EVERY,
    StoreUnderTest,
    commit,
    entry,
    reasons,
    reply,
    run,
    sent,
    step,
    timer,
    turn,
)

M = MailboxId("m")
R = RunId("r")


class GuardPromises(StoreUnderTest):
    """What a commit is refused for."""

    async def test_a_revision_is_written_only_over_the_one_below(self, tmp_path: Path) -> None:
        """Compare and set; revision 1 only where there is no run."""
        async with self.opened(tmp_path) as store:
            tries = [
                (2, "revision"),
                (1, ""),
                (1, "revision"),
                (3, "revision"),
                (2, ""),
                (2, "revision"),
                (1, "revision"),
            ]
            for revision, outcome in tries:
                assert reasons(await store.commit([commit(runs=[run("r", revision)])])) == [outcome]
            assert [kept.revision for kept in await store.find(RunQuery())] == [2]

    async def test_of_concurrent_commits_of_one_revision_one_wins(self, tmp_path: Path) -> None:
        """Under any interleaving, also in one list."""
        async with self.opened(tmp_path) as store:
            calls = [store.commit([commit(runs=[run("r", 1, state=b"%d" % number)])]) for number in range(10)]
            assert sorted(reasons([outcome for (outcome,) in await asyncio.gather(*calls)])) == [""] + ["revision"] * 9
            assert reasons(await store.commit([commit(runs=[run("r", 2)]), commit(runs=[run("r", 2)])])) == [
                "",
                "revision",
            ]

    async def test_a_known_input_id_is_a_duplicate(self, tmp_path: Path) -> None:
        """However it became known, and also at another place; told before anything else but the epoch."""
        async with self.opened(tmp_path) as store:
            await store.accept([entry("n", "a")])
            await store.commit([turn("m", 1)])
            assert reasons(await store.commit([turn("m", 1)])) == ["duplicate"]
            assert reasons(await store.commit([commit(received=[entry("m", "a", seq=2)])])) == ["duplicate"]
            twice = commit(received=[entry("m", "b", seq=2), entry("m", "b", seq=3)])
            assert reasons(await store.commit([twice])) == ["duplicate"]

    async def test_a_taken_place_in_a_mailbox_is_refused(self, tmp_path: Path) -> None:
        """Another process appended meanwhile; or a reply stands at that place already."""
        async with self.opened(tmp_path) as store:
            await store.accept([entry("m", "a")])
            assert reasons(await store.commit([commit(received=[entry("m", "b", seq=1)])])) == ["sequence"]
            await store.commit([commit(outbox=[reply("m", 1)])])
            assert reasons(await store.commit([commit(outbox=[reply("m", 1)])])) == ["sequence"]
            assert not await store.seen(InputId("b"))

    async def test_a_live_key_has_one_run(self, tmp_path: Path) -> None:
        """Runs without a key are free of this; a run keeps its own."""
        async with self.opened(tmp_path) as store:
            assert reasons(await store.commit([commit(runs=[run("a", live_key="k"), run("b"), run("c")])])) == [""]
            other = commit("n", runs=[run("d", mailbox="n", live_key="k")])
            assert reasons(await store.commit([other])) == ["live_key"]
            assert reasons(await store.commit([commit(runs=[run("b", 2, live_key="k")])])) == ["live_key"]
            assert reasons(await store.commit([commit(runs=[run("a", 2, live_key="k")])])) == [""]
            two = commit(runs=[run("e", live_key="l"), run("f", live_key="l")])
            assert reasons(await store.commit([two])) == ["live_key"]

    async def test_a_live_key_is_free_when_its_run_ends(self, tmp_path: Path) -> None:
        """In the same commit too, in whatever order the runs stand."""
        async with self.opened(tmp_path) as store:
            await store.commit([commit(runs=[run("a", live_key="k")])])
            ending = run("a", 2, status="completed")
            assert reasons(await store.commit([commit(runs=[run("b", live_key="k"), ending])])) == [""]
            leaving = run("b", 2, live_key=None)
            assert reasons(await store.commit([commit(runs=[leaving]), commit(runs=[run("c", live_key="k")])])) == [
                "",
                "",
            ]

    async def test_a_result_is_never_overwritten(self, tmp_path: Path) -> None:
        """The first one counts."""
        async with self.opened(tmp_path) as store:
            first, second = ResultRecord(R, "k", b"first"), ResultRecord(R, "k", b"second")
            outcomes = await store.commit([replace(commit(), results=(first,)), replace(commit(), results=(second,))])
            assert reasons(outcomes) == ["", "result"]
            assert await store.results(R, "k") == [first]

    async def test_a_refused_commit_leaves_no_trace(self, tmp_path: Path) -> None:
        """Whatever it is refused for."""
        async with self.opened(tmp_path) as store:
            await store.commit([full("old")])
            before = await everything(store)
            bad: list[tuple[str, Commit]] = [
                ("epoch", replace(full("new"), epoch=2)),
                ("duplicate", replace(full("new"), received=(entry("new", "old:1", seq=1),))),
                ("sequence", replace(full("new"), outbox=(reply("new", 1), reply("old", 1)))),
                ("revision", replace(full("new"), runs=(run("new", mailbox="new"), run("new2", 2, mailbox="new")))),
                ("revision", replace(full("new"), runs=(run("old", 1, mailbox="new"),))),
                ("live_key", replace(full("new"), runs=(run("new", mailbox="new", live_key="old"),))),
                ("result", replace(full("new"), results=(ResultRecord(RunId("old"), "k", b""),))),
            ]
            for reason, given in bad:
                assert reasons(await store.commit([given])) == [reason]
                assert await everything(store) == before
            assert reasons(await store.commit([given for _, given in bad])) == [reason for reason, _ in bad]
            assert await everything(store) == before

    async def test_a_refused_commit_does_not_disturb_the_others(self, tmp_path: Path) -> None:
        """Before it, behind it, of other mailboxes or of its own."""
        async with self.opened(tmp_path) as store:
            await store.commit([turn("m", 1)])
            given = [turn("a", 1), turn("m", 1), turn("b", 1), commit(runs=[run("m", 9)]), turn("m", 2), turn("c", 1)]
            assert reasons(await store.commit(given)) == ["", "duplicate", "", "revision", "", ""]
            assert [kept.revision for kept in await store.find(RunQuery())] == [1, 1, 1, 2]
            assert (await store.load(M)).seq == 2


def full(name: str) -> Commit:
    """Return a commit that writes something of every sort."""
    return replace(
        turn(name, 1),
        journal=(step(name, 1),),
        timers_set=(timer(name, "t", 5, mailbox=name),),
        timers_cleared=((RunId("old"), TimerId("gone")),),
        results=(ResultRecord(RunId(name), "k", b"v"),),
        forwards=(entry("elsewhere", f"{name}:forward"),),
        receipts=() if name == "old" else (sent("old", 1),),
        definitions=(DefinitionRecord(turn(name, 1).runs[0].flow, 1, name, name.encode()),),
        unsubscribed=((RunId("old"), EffectKey("old:1")),) if name != "old" else (),
        subscribed=(subscription(name, "t"),),
        events=(event(name, "t"),),
    )


async def everything(store: Store) -> list[object]:
    """Return what can be seen of a store."""
    names = ("old", "new", "elsewhere")
    return [
        await store.find(RunQuery()),
        await store.due(EVERY, 100, 100),
        [await store.load(MailboxId(name)) for name in names],
        [await store.history(ConversationId(name)) for name in names],
        [await store.journal(RunId(name)) for name in names],
        [await store.results(RunId(name), "") for name in names],
        await store.definition(turn("old", 1).runs[0].flow, 1),
        await store.subscribers("t", ""),
        await store.events("**", "", 0, 100),
    ]
