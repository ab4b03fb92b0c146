"""A store that fails before or after a write: what happened is found out, and nothing is lost or done twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.faults.driving import FLOWS
from tests.faults.faulty import Faults, When, faulty
from tests.faults.house import House, house
from tests.faults.ledger import Ledger
from turnflow.core.ids import MailboxId
from turnflow.engine.payloads import Arrived, encode
from turnflow.errors import StoreUnavailable
from turnflow.ports import Duplicate, Handled, Inbound, InboxRecord

STORES = pytest.mark.parametrize("name", ["memory", "sqlite"])
WHEN = pytest.mark.parametrize("when", ["before", "after"])


@STORES
@WHEN
async def test_a_commit_of_unknown_outcome_is_found_out_and_counts_once(tmp_path: Path, name: str, when: When) -> None:
    faults = Faults()
    async with house(FLOWS, faulty(name, tmp_path, faults), ledger=tmp_path / "deeds") as home:
        await home.say("/checkout")
        for line in ("tea", "4711"):
            faults.next = [("commit", when), ("commit", when)]
            assert isinstance(await home.say(line), Handled)
        faults.next = [("commit", when)] * 6
        assert isinstance(await home.send(home.press("Pay")), Handled)
        assert not faults.next
        assert (await home.run("checkout")).status == "completed"
        assert [deed.what for deed in Ledger(tmp_path / "deeds").deeds()].count("paid 42") == 1
        assert home.bot.copies() == 0
        await home.verify()


@STORES
@WHEN
async def test_an_acceptance_of_unknown_outcome_can_be_repeated_with_the_same_id(
    tmp_path: Path, name: str, when: When
) -> None:
    faults = Faults()
    async with house(FLOWS, faulty(name, tmp_path, faults), ledger=tmp_path / "deeds") as home:
        await home.say("/signup")
        inbound = home.text("Ada")
        faults.next = [("accept", when)]
        with pytest.raises(StoreUnavailable):
            await home.send(inbound, door="accept")
        answer = await home.send(inbound, door="accept")
        assert isinstance(answer, Handled if when == "before" else Duplicate)
        await home.wait(seconds=1)
        assert home.texts() == ["Name?", "Age?"]
        home.consumed.append(inbound.input.id)
        await home.verify()


@STORES
async def test_a_store_that_fails_at_random_loses_nothing_and_doubles_nothing(tmp_path: Path, name: str) -> None:
    fired: Counter[tuple[str, str]] = Counter()
    for seed in range(5):
        (tmp_path / str(seed)).mkdir()
        faults = Faults(seed, 0.15)
        rate, faults.rate = faults.rate, 0.0
        async with house(FLOWS, faulty(name, tmp_path / str(seed), faults), ledger=tmp_path / f"deeds{seed}") as home:
            faults.rate = rate
            chats = [str(chat) for chat in range(6)]
            await asyncio.gather(*(checkout(home, chat) for chat in chats))
            faults.rate = 0.0
            await home.wait(seconds=2)
            deeds = Ledger(tmp_path / f"deeds{seed}").deeds()
            paid = [deed.key for deed in deeds if deed.what == "paid 42"]
            assert sorted(paid) == sorted(set(paid)), f"seed {seed}"
            assert len(paid) == len(chats), f"seed {seed}"
            assert {state.status for state in await home.runs()} == {"completed"}, f"seed {seed}"
            assert home.bot.copies() == 0
            report = await home.verify()
            report.demand(runs=12, inputs=24, results=24)
            fired.update(faults.fired)
    assert {("commit", "before"), ("commit", "after"), ("seen", "before"), ("results", "before")} <= fired.keys()


async def checkout(home: House, chat: str) -> None:
    """Buy something, sending again whatever was not acknowledged."""
    for line in ("/checkout", "tea", "4711"):
        await insist(home, home.text(line, chat=chat))
    await home.rest()
    await insist(home, home.press("Pay", chat=chat))


async def insist(home: House, inbound: Inbound) -> None:
    while True:
        try:
            answer = await home.send(inbound, rest=False)
        except StoreUnavailable:
            await asyncio.sleep(0)
            continue
        assert isinstance(answer, Handled | Duplicate), answer
        return


async def test_while_the_store_does_not_answer_input_waits_and_goes_on_when_it_does(tmp_path: Path) -> None:
    faults = Faults()
    async with house(FLOWS, faulty("memory", tmp_path, faults)) as home:
        await home.say("/signup")
        faults.rate = 1.0
        name = asyncio.ensure_future(home.send(home.text("Ada"), rest=False))  # noqa: TID251 - awaited below
        with pytest.raises(StoreUnavailable):  # refused at the door: nothing was accepted
            await name
        faults.rate = 0.0
        assert isinstance(await home.say("Ada"), Handled)
        faults.next = [("commit", "before")] * 4
        assert isinstance(await home.say("36"), Handled)
        await home.verify()


async def test_recovery_is_patient_with_a_store_that_fails_at_start(tmp_path: Path) -> None:
    faults = Faults()
    store = faulty("memory", tmp_path, faults)
    async with house(FLOWS, store) as home:
        await home.say("/signup")
    inbound = home.text("Ada")
    await store.accept([InboxRecord(MailboxId("t:1"), 0, inbound.input.id, encode(Arrived(inbound)), home.clock.now())])
    faults.next = [("load", "before")]
    async with house(FLOWS, store, clock=home.clock, bot=home.bot) as again:
        again.consumed.append(inbound.input.id)
        await asyncio.sleep(0.6)
        assert not faults.next
        await again.rest()
        assert again.texts() == ["Name?", "Age?"]
        await again.verify()


def test_chance_is_the_same_for_the_same_seed() -> None:
    def draws(seed: int) -> Sequence[str | None]:
        faults = Faults(seed, 0.5)
        return [faults._when("commit", True) for _ in range(20)]

    assert draws(3) == draws(3) != draws(4)
