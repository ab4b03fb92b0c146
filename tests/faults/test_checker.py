"""The checker itself: every way in which a store, or a channel, can betray a promise is found and named."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.faults.driving import FLOWS
from tests.faults.house import House, house
from turnflow.core.codec import decode_entry, decode_state, encode_entry, encode_state
from turnflow.core.events import TimerFired
from turnflow.core.ids import ConversationId, EffectKey, InputId, MailboxId, RunId, TimerId
from turnflow.ports import InboxRecord, TimerRecord
from turnflow.stores import MemoryStore
from turnflow.testing.evidence import gather
from turnflow.testing.findings import InvariantsBroken, Witness
from turnflow.testing.invariants import check, definitions_of

HOME = ConversationId("t:1")


async def lived(home: House) -> RunId:
    """A day with a bit of everything; the run of a signup is still open."""
    for line in ("/checkout", "tea", "4711"):
        await home.say(line, by="bob", chat="2")
    await home.send(home.press("Pay", by="bob", chat="2"))
    for line in ("/signup", "Ada", "lots"):
        await home.say(line)
    (run,) = [state.run for state in await home.runs("signup")]
    return run


def memory(home: House) -> MemoryStore:
    assert isinstance(home.store, MemoryStore)
    return home.store


async def change_state(home: House, run: RunId) -> None:
    row = memory(home)._runs[run]
    memory(home)._runs[run] = replace(row, state=encode_state(replace(decode_state(row.state), serial=99)))


async def forget_entry(home: House, run: RunId) -> None:
    del memory(home)._journal[run][2]


async def end_without_saying_so(home: House, run: RunId) -> None:
    memory(home)._runs[run] = replace(memory(home)._runs[run], status="completed")


async def hang(home: House, run: RunId) -> None:
    memory(home)._runs[run] = replace(memory(home)._runs[run], status="running")


async def share_key(home: House, run: RunId) -> None:
    key = memory(home)._runs[run].live_key
    (other,) = [state.run for state in await home.runs("payment")]
    memory(home)._runs[other] = replace(memory(home)._runs[other], live_key=key)


async def lose_timer(home: House, run: RunId) -> None:
    memory(home)._timers.clear()


async def invent_timer(home: House, run: RunId) -> None:
    memory(home)._timers[run, TimerId("x")] = TimerRecord(run, TimerId("x"), MailboxId(HOME), 1)


async def fire_early(home: House, run: RunId) -> None:
    rows = memory(home)._journal[run]
    entry = decode_entry(rows[3].entry)
    fired = TimerFired(entry.events[0].at, TimerId("w9"))
    rows[3] = replace(rows[3], entry=encode_entry(replace(entry, events=(*entry.events, fired))))


async def lose_reply(home: House, run: RunId) -> None:
    del memory(home)._outbox[HOME][2, 0]


async def invent_reply(home: House, run: RunId) -> None:
    row = memory(home)._outbox[HOME][2, 0]
    memory(home)._outbox[HOME][2, 7] = replace(row, index=7, key=EffectKey(f"{run}:77"))


async def double_reply(home: House, run: RunId) -> None:
    row = memory(home)._outbox[HOME][2, 0]
    memory(home)._outbox[HOME][2, 8] = replace(row, index=8)


async def send_twice(home: House, run: RunId) -> None:
    home.bot.sent.append(home.bot.sent[-1])


async def send_before_commit(home: House, run: RunId) -> None:
    home.bot.sent.append(replace(home.bot.sent[-1], key=EffectKey("nowhere:1"), seq=9))


async def send_something_else(home: House, run: RunId) -> None:
    home.bot.sent[-1] = replace(home.bot.sent[-1], message=replace(home.bot.sent[-1].message, text="else"))


async def send_in_disorder(home: House, run: RunId) -> None:
    home.bot.sent[-2:] = reversed(home.bot.sent[-2:])


async def never_send(home: House, run: RunId) -> None:
    del home.bot.sent[-1]


async def lose_input(home: House, run: RunId) -> None:
    entry = memory(home)._inbox[HOME].pop(2)
    del memory(home)._ids[entry.id]


async def accept_and_forget(home: House, run: RunId) -> None:
    entry = InboxRecord(MailboxId(HOME), 0, InputId("late"), memory(home)._inbox[HOME][2].payload, 1)
    await home.store.accept([replace(entry, payload=entry.payload.replace(b'"id":"', b'"id":"x'))])


async def swap_inputs(home: House, run: RunId) -> None:
    inbox = memory(home)._inbox[HOME]
    inbox[2], inbox[3] = replace(inbox[3], seq=2), replace(inbox[2], seq=3)


async def consume_twice(home: House, run: RunId) -> None:
    rows = memory(home)._journal[run]
    entry = decode_entry(rows[3].entry)
    rows[3] = replace(rows[3], entry=encode_entry(replace(entry, events=(decode_entry(rows[2].entry).events[0],))))


async def claim_more(home: House, run: RunId) -> None:
    home.consumed.append("never said")


BREAKS: dict[Callable[[House, RunId], Awaitable[None]], str] = {
    change_state: "state = replay",
    forget_entry: "revisions gapless",
    end_without_saying_so: "state = replay",
    hang: "at rest nothing is running",
    share_key: "one live run per key",
    lose_timer: "timers fired or cleared once",
    invent_timer: "stored timers = timers of live runs",
    fire_early: "timers fired or cleared once",
    lose_reply: "one outbox row per reply",
    invent_reply: "no row without a transition",
    double_reply: "one outbox row per reply",
    send_twice: "copies are flagged",
    send_before_commit: "nothing leaves before its commit",
    send_something_else: "nothing leaves before its commit",
    send_in_disorder: "replies leave in order",
    never_send: "sent means sent",
    lose_input: "acknowledged implies present",
    accept_and_forget: "at rest nothing waits",
    swap_inputs: "order of consumption = order of acceptance",
    consume_twice: "consumed at most once",
    claim_more: "each accepted id consumed once",
}


@pytest.mark.parametrize("betray", BREAKS, ids=lambda betray: betray.__name__)
async def test_every_broken_promise_is_found(tmp_path: Path, betray: Callable[[House, RunId], Awaitable[None]]) -> None:
    async with house(FLOWS, ledger=tmp_path / "deeds") as home:
        run = await lived(home)
        await home.verify()
        await betray(home, run)
        with pytest.raises(InvariantsBroken) as found:
            await home.verify()
        assert BREAKS[betray] in str(found.value), found.value


async def test_what_was_written_once_is_recognised_when_it_changes(tmp_path: Path) -> None:
    async with house(FLOWS, ledger=tmp_path / "deeds") as home:
        await lived(home)
        before = (await gather(home.store)).remembered()
        run, key = next(iter(before.results))
        results = memory(home)._results[run]
        results[key] = replace(results[key], value=b'{"action":"pay","argument":"","result":"another"}')
        with pytest.raises(InvariantsBroken, match="recorded results never change"):
            await check(home.store, definitions_of(FLOWS), Witness(before=before, sent_is_all=False))


async def test_an_overdue_timer_at_rest_is_a_lost_one(tmp_path: Path) -> None:
    async with house(FLOWS, ledger=tmp_path / "deeds") as home:
        await lived(home)
        with pytest.raises(InvariantsBroken, match="timers are never lost"):
            await check(
                home.store, definitions_of(FLOWS), Witness(now=home.clock.now() + 100 * 3_600_000, sent_is_all=False)
            )


async def test_an_empty_store_satisfies_nobody_who_demands_something() -> None:
    report = await check(MemoryStore())
    with pytest.raises(InvariantsBroken, match="not vacuous"):
        report.demand(runs=1)
