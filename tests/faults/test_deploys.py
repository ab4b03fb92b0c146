"""Deploys under live conversations: nothing is re-interpreted, lost or left waiting, whatever piece is missing for a while."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from tests.faults.driving import FLOWS
from tests.faults.flows import orders
from tests.faults.house import house, stores
from turnflow import Directive, Flow, Registry, Texts, Turn, action, command
from turnflow.core.codec import decode_entry, encode_state
from turnflow.core.ids import Json, MailboxId, RunId
from turnflow.core.machine import replay
from turnflow.core.state import RunState, blank
from turnflow.declarative import load_flow
from turnflow.ports import Handled
from turnflow.stores import MemoryStore
from turnflow.testing.evidence import gather

STORES = pytest.mark.parametrize("name", ["memory", "sqlite"])


class Old(StrEnum):
    NAME = "name"
    NICKNAME = "nickname"
    AGE = "age"


class Short(StrEnum):
    NAME = "name"
    AGE = "age"


class New(StrEnum):
    FULL_NAME = "full_name"
    AGE = "age"
    CITY = "city"


class OldData(msgspec.Struct):
    name: str = ""
    age: int = 0


class NewData(msgspec.Struct):
    full_name: str = ""
    age: int = 0
    city: str = ""


def of(flow: Flow[Old, OldData] | Flow[Short, OldData] | Flow[New, NewData]) -> Registry:
    flows = Registry()
    flows.register(flow, on=[command("join")])
    return flows


def complete() -> Registry:
    flow = Flow("person", steps=Old, data=OldData)

    @flow.step(Old.NAME, ask="Name?")
    async def name(turn: Turn[Old, OldData], answer: str) -> Directive:
        turn.data.name = answer
        return turn.next(Old.NICKNAME)

    @flow.step(Old.NICKNAME, ask="Nickname?")
    async def nickname(turn: Turn[Old, OldData], answer: str) -> Directive:
        return turn.next(Old.AGE)

    @flow.step(Old.AGE, ask="Age?")
    async def age(turn: Turn[Old, OldData], answer: int) -> Directive:
        turn.data.age = answer
        return turn.complete(turn.data)

    return of(flow)


def without_nickname() -> Registry:
    """The same version, but a step was forgotten."""
    flow = Flow("person", steps=Short, data=OldData)

    @flow.step(Short.NAME, ask="Name?")
    async def name(turn: Turn[Short, OldData], answer: str) -> Directive:
        turn.data.name = answer
        return turn.next(Short.AGE)

    @flow.step(Short.AGE, ask="Age?")
    async def age(turn: Turn[Short, OldData], answer: int) -> Directive:
        turn.data.age = answer
        return turn.complete(turn.data)

    return of(flow)


def second() -> Registry:
    """The next version, which knows what to do with runs of the one before."""
    flow = Flow("person", steps=New, data=NewData, version=2)

    @flow.step(New.FULL_NAME, ask="Full name?")
    async def name(turn: Turn[New, NewData], answer: str) -> Directive:
        turn.data.full_name = answer
        return turn.next(New.AGE)

    @flow.step(New.AGE, ask="Age?")
    async def age(turn: Turn[New, NewData], answer: int) -> Directive:
        turn.data.age = answer
        return turn.next(New.CITY)

    @flow.step(New.CITY, ask="City?")
    async def city(turn: Turn[New, NewData], answer: str) -> Directive:
        turn.data.city = answer
        return turn.complete(turn.data)

    @flow.migrate(1, 2, steps={"name": New.FULL_NAME, "nickname": New.AGE})
    def change(data: dict[str, Json]) -> dict[str, Json]:
        return {"full_name": data["name"], "age": data["age"], "city": ""}

    return of(flow)


@STORES
async def test_a_missing_step_blocks_the_run_keeps_its_input_and_goes_on_by_itself_when_it_is_back(
    tmp_path: Path, name: str
) -> None:
    store = stores(tmp_path)[name]
    async with house(complete(), store) as home:
        for line in ("/join", "Ada"):
            await home.say(line)
    clock, bot = home.clock, home.bot
    async with house(without_nickname(), store, clock=clock, bot=bot) as broken:
        assert isinstance(await broken.say("addy"), Handled)
        state = await broken.run()
        assert (state.status, state.reason) == ("blocked", "step 'nickname' is missing")
        assert [input.text for input in state.backlog] == ["addy"]
        assert broken.texts()[-1] == Texts().blocked
        assert isinstance(await broken.say("36"), Handled)
        assert broken.texts().count(Texts().blocked) == 1, "the person is told once"
        await broken.verify(complete())
    async with house(without_nickname(), store, clock=clock, bot=bot) as still:
        await still.wait(minutes=5)
        assert (await still.run()).status == "blocked"
    async with house(complete(), store, clock=clock, bot=bot) as back:
        state = await back.run()
        assert state.status == "completed"
        assert back.texts()[-2:] == [Texts().blocked, "Age?"]
        back.consumed += home.consumed + broken.consumed
        await back.verify(complete(), without_nickname())


@STORES
async def test_a_run_of_a_flow_that_is_gone_is_blocked_and_can_be_cancelled(tmp_path: Path, name: str) -> None:
    store = stores(tmp_path)[name]
    async with house(complete(), store) as home:
        await home.say("/join")
    async with house(Registry(), store, clock=home.clock, bot=home.bot) as empty:
        assert isinstance(await empty.say("Ada"), Handled)
        state = await empty.run()
        assert state.status == "blocked"
        assert "'person'" in state.reason
        await empty.say("/cancel")
        assert (await empty.run()).status == "cancelled"
        await empty.verify(complete())


@STORES
async def test_a_new_version_carries_live_runs_over_wherever_they_stand(tmp_path: Path, name: str) -> None:
    store = stores(tmp_path)[name]
    async with house(complete(), store) as home:
        for chat, lines in (("1", ["/join"]), ("2", ["/join", "Bea"]), ("3", ["/join", "Cid", "cee"])):
            for line in lines:
                await home.say(line, chat=chat)
    async with house(second(), store, clock=home.clock, bot=home.bot) as new:
        for chat, lines in (
            ("1", ["Ada L.", "36", "London"]),
            ("2", ["40", "Paris"]),
            ("3", ["50", "Rome"]),
        ):
            new.process.wake(MailboxId(f"t:{chat}"))  # it is carried over, and the new question is asked
            await new.wait(milliseconds=1)
            for line in lines:
                answer = await new.say(line, chat=chat)
                if line in ("36", "40", "50"):
                    assert isinstance(answer, Handled), (chat, line, new.texts(chat))
        results = [
            msgspec.json.decode(state.ending.result)
            for state in await new.runs()
            if state.ending and state.ending.result
        ]
        assert sorted(result["full_name"] for result in results) == ["Ada L.", "Bea", "Cid"]
        assert sorted(result["city"] for result in results) == ["London", "Paris", "Rome"]
        assert {state.version for state in await new.runs()} == {2}
        await new.verify(complete())


async def test_a_hundred_runs_migrate_while_everybody_talks_at_once(tmp_path: Path) -> None:
    store = stores(tmp_path)["sqlite"]
    chats = [str(chat) for chat in range(100)]
    async with house(complete(), store) as home:
        for line in ("/join", "X", "x"):
            await asyncio.gather(*(home.send(home.text(line, chat=chat), rest=False) for chat in chats))
    async with house(second(), store, clock=home.clock, bot=home.bot, hot_limit=10) as new:
        await asyncio.gather(*(new.send(new.text("30", chat=chat), rest=False) for chat in chats))
        await new.rest()
        await asyncio.gather(*(new.send(new.text("Ulm", chat=chat), rest=False) for chat in chats))
        await new.rest()
        assert {state.status for state in await new.runs()} == {"completed"}
        (await new.verify(complete())).demand(ended=100)


async def test_a_child_whose_flow_is_gone_when_it_would_begin_holds_up_nobody(tmp_path: Path) -> None:
    """Its start was accepted, then the process ended, and the next deploy does not know its flow any more."""
    store = MemoryStore()
    async with house(FLOWS, store, ledger=tmp_path / "deeds") as home:
        for line in ("/orders", "post"):
            await home.say(line)
        children = [state.run for state in await home.runs("errand")]
        assert len(children) == 2
        (parent,) = await home.runs("orders")
    unborn(store, children)
    less = Registry()
    less.register(orders, on=[command("orders")])
    async with house(less, store, clock=home.clock, bot=home.bot) as later:
        await later.wait(minutes=1)
        await later.say("/cancel")
        assert (await later.engine.inspect(parent.run)).status == "cancelled"
        assert not [mailbox for mailbox, left in (await gather(store)).waiting.items() if left]


def unborn(store: MemoryStore, children: list[RunId]) -> None:
    """Take children back to the moment before they began: their starts wait in their inboxes, and nothing else is there."""
    for child in children:
        mailbox = MailboxId(f"run:{child}")
        del store._runs[child], store._journal[child], store._results[child]
        store._live[mailbox].clear()
        store._inbox[mailbox] = {1: replace(store._inbox[mailbox][1], consumed=False)}
        store._waiting[mailbox].add(1)
        store._last[mailbox] = 1
    for id, (mailbox, seq) in list(store._ids.items()):
        if id.startswith("finished:"):
            del store._ids[id], store._inbox[mailbox][seq]
            store._last[mailbox] = max(store._inbox[mailbox])
    parents = [run for run, row in store._runs.items() if row.flow == "orders"]
    for run in parents:  # it has not heard of their ends
        rows = store._journal[run]
        kept = [rows[number] for number in sorted(rows) if b"child_finished" not in rows[number].entry]
        store._journal[run] = {row.revision: row for row in kept}
        flow = orders.build().definition
        state = replay(blank(run), {(flow.name, flow.version): flow}, [decode_entry(row.entry) for row in kept])
        store._runs[run] = replace(store._runs[run], state=encode_state(state), revision=state.revision)


# --- documents: runs go by the one they began with ------------------------------------------------------------------

ORDER = """
flow: order
title: An order
triggers: [{command: order}]
start: what
steps:
  what: {kind: ask, say: "What?", outputs: [{to: price}]}
  price: {action: price, input: "${steps.what.output}", title: Look it up, outputs: [{to: rest}]}
  rest: {kind: timer, duration: 5m, outputs: [{to: sure}]}
  sure: {kind: ask, say: "For ${steps.price.output}?", choices: ["yes", "no"], outputs: [{to: done}]}
  done: {kind: end, output: "${steps.price.output + ' ' + steps.sure.output}"}
"""
REWORDED = (
    ORDER.replace("An order", "Orders").replace("What?", "What would you like?").replace("Look it up", "The price")
)
CHANGED = """
flow: order
triggers: [{command: order}]
start: item
steps:
  item: {kind: ask, say: "Which item?", outputs: [{to: total}]}
  total: {action: price, input: "${steps.item.output}", outputs: [{to: done}]}
  done: {kind: end, output: "${'total ' + steps.total.output}"}
"""


def orders_of(document: str) -> Registry:
    """A deploy with this document, and with an action."""

    @action(name="price")
    async def price(what: str) -> str:
        return f"{what}: 5"

    deployed = Registry()
    graph = load_flow(document)
    deployed.register(graph, on=graph.triggers)
    deployed.register_action(price)
    return deployed


def results(states: list[RunState]) -> set[Json]:
    return {msgspec.json.decode(state.ending.result) for state in states if state.ending and state.ending.result}


@STORES
async def test_a_run_of_a_document_goes_on_with_the_document_it_began_with(tmp_path: Path, name: str) -> None:
    store = stores(tmp_path)[name]
    async with house(orders_of(ORDER), store) as home:
        await home.say("/order", chat="1")
        await home.say("/order", chat="2")
        await home.say("tea", chat="2")
        assert {state.status for state in await home.runs()} == {"waiting"}
    async with house(orders_of(CHANGED), store, clock=home.clock, bot=home.bot) as new:
        await new.say("milk", chat="1")
        await new.say("/order", chat="3")
        await new.say("jam", chat="3")
        await new.wait(minutes=6)
        assert new.texts("1")[-1] == "For milk: 5?"
        assert new.texts("2")[-1] == "For tea: 5?"
        await new.say("yes", chat="1")
        await new.send(new.press("no", chat="2"))
        states = await new.runs()
        assert {state.status for state in states} == {"completed"}
        assert results(states) == {"milk: 5 yes", "tea: 5 no", "total jam: 5"}
        assert len({state.digest for state in states}) == 2
        await new.verify(orders_of(ORDER))


async def test_rewording_a_document_changes_what_its_live_runs_say() -> None:
    store = MemoryStore()
    async with house(orders_of(ORDER), store) as home:
        await home.say("/order")
        digest = (await home.run()).digest
    async with house(orders_of(REWORDED.replace("For ", "That is ")), store, clock=home.clock, bot=home.bot) as new:
        await new.say("tea")
        await new.wait(minutes=6)
        assert new.texts()[-1] == "That is tea: 5?"
        await new.say("/order", chat="2")
        assert {state.digest for state in await new.runs()} == {digest}
        assert new.texts("2") == ["What would you like?"]
        await new.verify(orders_of(ORDER))


async def test_a_document_that_is_no_longer_deployed_at_all_blocks_nobody() -> None:
    store = MemoryStore()
    async with house(orders_of(ORDER), store) as home:
        await home.say("/order")
    less = Registry()
    price = orders_of(ORDER).action("price")
    assert price is not None
    less.register_action(price)
    async with house(less, store, clock=home.clock, bot=home.bot) as new:
        await new.say("tea")
        await new.wait(minutes=6)
        await new.say("yes")
        assert results(await new.runs()) == {"tea: 5 yes"}
        await new.verify(orders_of(ORDER))


async def test_a_run_whose_document_is_lost_is_blocked_and_says_which_is_missing() -> None:
    store = MemoryStore()
    async with house(orders_of(ORDER), store) as home:
        await home.say("/order")
        digest = (await home.run()).digest
    kept = dict(store._definitions)
    store._definitions.clear()
    async with house(orders_of(CHANGED), store, clock=home.clock, bot=home.bot) as new:
        await new.say("tea")
        state = await new.run()
        assert state.status == "blocked"
        assert digest in state.reason
    store._definitions.update(kept)
    async with house(orders_of(CHANGED), store, clock=home.clock, bot=home.bot) as back:
        await back.wait(minutes=6)
        await back.say("yes")
        assert results(await back.runs()) == {"tea: 5 yes"}
        await back.verify(orders_of(ORDER))


async def test_a_failed_run_is_resumed_with_the_document_it_began_with() -> None:
    store = MemoryStore()
    broken = orders_of(ORDER)
    broken._actions.clear()
    async with house(broken, store) as home:
        await home.say("/order")
        await home.say("tea")
        state = await home.run()
        assert state.status == "failed"
    async with house(orders_of(CHANGED), store, clock=home.clock, bot=home.bot) as new:
        await new.engine.retry(state.run)
        await new.rest()
        await new.wait(minutes=6)
        await new.say("yes")
        assert results(await new.runs()) == {"tea: 5 yes"}
        await new.verify(orders_of(ORDER))
