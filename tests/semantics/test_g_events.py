"""Section G.7: steps that wait for events on the bus."""

from __future__ import annotations

import pytest
from msgspec import Struct

from tests.semantics.events import posting, registry_of
from tests.semantics.flows import Only
from turnflow import Directive, Flow, Registry, Turn, action, event
from turnflow.actions.builtin.emit import emit
from turnflow.core.definition import Trigger
from turnflow.core.ids import Json
from turnflow.declarative import load_flow
from turnflow.errors import AuthorError, InvalidFlow, InvalidValue

PAYMENT = """
flow: payment
start: ready
steps:
  ready: {topic: ready, outputs: [{to: paid}]}
  paid:
    topic: order.paid
    correlate: "${input.order}"
    match: "event.data.total > 10"
    outputs: [{to: done}, {error: [timeout], to: late}]
  late: {kind: end, output: "too late: ${error.code}"}
  done: {kind: end, output: "${steps.paid.output}"}
"""
ANY = """
flow: any
start: wait
steps:
  wait: {topic: "%s"}
"""
TWICE = """
flow: twice
start: each
steps:
  wait: {topic: tick}
  done: {kind: end, output: "${steps.each.output.map(tick, tick.data)}"}
groups:
  each: {kind: loop, over: "${[1, 2]}", steps: [wait], outputs: [{to: done}]}
"""


async def test_an_event_lets_the_run_that_waits_for_it_go_on_and_is_what_the_step_came_to(store_url: str) -> None:
    async with posting(registry_of(PAYMENT), store_url) as post:
        run = await post.start("payment", order="a")
        await post.publish("ready")
        assert await post.status(run) == "waiting"
        await post.publish("order.paid", {"total": 12}, key="a", id="e1")
        assert await post.result(run) == {
            "id": "e1", "topic": "order.paid", "key": "a", "at": "2026-01-01T09:00:00.000Z", "data": {"total": 12},
        }  # fmt: skip


async def test_an_event_that_came_before_its_wait_began_is_found_first_to_last(store_url: str) -> None:
    async with posting(registry_of(PAYMENT), store_url) as post:
        await post.publish("order.paid", {"total": 99}, key="a", id="before the run")
        await post.passes(minutes=1)
        run = await post.start("payment", order="a")
        for id, total in (("too small", 5), ("first", 11), ("second", 12)):
            await post.publish("order.paid", {"total": total}, key="a", id=id)
        assert await post.status(run) == "waiting"
        await post.publish("ready")
        found = await post.result(run)
        assert isinstance(found, dict)
        assert found["id"] == "first"


async def test_a_look_back_reads_on_until_an_event_fits(store_url: str) -> None:
    async with posting(registry_of(PAYMENT), store_url) as post:
        run = await post.start("payment", order="a")
        for total in [1] * 230 + [50]:
            await post.engine.publish("order.paid", {"total": total}, key="a", id=f"{total}")
        for number in range(230):
            await post.engine.publish("order.paid", {"total": 1}, key="a", id=f"small{number}")
        await post.publish("order.paid", {"total": 60}, key="a", id="large")
        await post.publish("ready")
        found = await post.result(run)
        assert isinstance(found, dict)
        assert found["id"] == "50"


async def test_a_longer_look_back_finds_events_from_before_the_run(store_url: str) -> None:
    flow = ANY.replace('"%s"', "tick, lookback: 1h")
    async with posting(registry_of(flow), store_url) as post:
        await post.publish("tick", id="too old")
        await post.passes(minutes=50)
        await post.publish("tick", id="found")
        await post.passes(minutes=11)
        run = await post.start("any")
        found = await post.result(run)
        assert isinstance(found, dict)
        assert found["id"] == "found"


async def test_of_two_events_for_one_wait_the_first_wins_and_the_other_changes_nothing(store_url: str) -> None:
    async with posting(registry_of(PAYMENT), store_url) as post:
        run = await post.start("payment", order="a")
        await post.publish("ready")
        await post.engine.publish("order.paid", {"total": 20}, key="a", id="one")
        await post.engine.publish("order.paid", {"total": 30}, key="a", id="two")
        await post.rest()
        found = await post.result(run)
        assert isinstance(found, dict)
        assert found["id"] == "one"


async def test_only_events_with_the_right_key_count(store_url: str) -> None:
    async with posting(registry_of(PAYMENT), store_url) as post:
        runs = {order: await post.start("payment", order=order) for order in ("a", "b", "A", 7)}
        await post.publish("ready")
        for key in ("b", "7", "", "c"):
            await post.publish("order.paid", {"total": 20}, key=key)
        assert {order: await post.status(run) for order, run in runs.items()} == {
            "a": "waiting", "b": "completed", "A": "waiting", 7: "completed",
        }  # fmt: skip


@pytest.mark.parametrize("order", ["", None])
async def test_a_correlation_that_comes_to_nothing_takes_nobodys_events(store_url: str, order: Json) -> None:
    async with posting(registry_of(PAYMENT), store_url) as post:
        run = await post.start("payment", order=order)
        await post.publish("ready")
        ending = (await post.engine.inspect(run)).ending
        assert ending is not None
        assert ending.error is not None
        assert (ending.outcome, ending.error.code) == ("failed", "expression")
        assert "leave it out" in ending.error.message


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("order.*", {"order.paid", "order.lost"}),
        ("order.**", {"order.paid", "order.paid.eu", "order.lost"}),
        ("*.paid", {"order.paid", "cart.paid"}),
        ("order.paid", {"order.paid"}),
        ("**", {"order", "order.paid", "order.paid.eu", "order.lost", "cart.paid"}),
    ],
)
async def test_a_pattern_takes_all_its_topics(store_url: str, pattern: str, fits: set[str]) -> None:
    async with posting(registry_of(ANY % pattern), store_url) as post:
        for topic in ("order", "order.paid", "order.paid.eu", "order.lost", "cart.paid"):
            await post.passes(minutes=1)
            run = await post.start("any")
            await post.publish(topic)
            assert (await post.status(run) == "completed") is (topic in fits), topic
            if topic not in fits:
                await post.engine.cancel(run)


async def test_the_condition_keeps_the_run_waiting_until_it_holds(store_url: str) -> None:
    """Also for events that it cannot be asked of."""
    async with posting(registry_of(PAYMENT), store_url) as post:
        run = await post.start("payment", order="a")
        await post.publish("ready")
        wrong: list[Json] = [{"total": 10}, {"total": "much"}, {}, None, "text"]
        for data in wrong:
            await post.publish("order.paid", data, key="a")
            assert await post.status(run) == "waiting"
        await post.publish("order.paid", {"total": 10.5}, key="a")
        assert await post.status(run) == "completed"


async def test_a_wait_without_a_timeout_of_its_own_ends_after_a_day(store_url: str) -> None:
    async with posting(registry_of(PAYMENT), store_url) as post:
        run = await post.start("payment", order="a")
        await post.publish("ready")
        await post.passes(hours=23.9)
        assert await post.status(run) == "waiting"
        await post.passes(hours=0.2)
        assert await post.result(run) == "too late: timeout"
        assert await post.waiting("order.paid", "a") == []


async def test_an_event_is_published_once_under_an_id(store_url: str) -> None:
    async with posting(registry_of(ANY % "tick"), store_url) as post:
        await post.publish("tick", 1, id="same")
        await post.publish("tick", 2, id="same")
        assert [(event.id, event.payload) for event in await post.events("tick")] == [("same", b"1")]
        await post.passes(minutes=1)
        run = await post.start("any")
        await post.publish("tick", 3, id="same")
        assert await post.status(run) == "waiting"


async def test_an_event_ends_one_wait_of_a_step_however_often_that_is_entered(store_url: str) -> None:
    async with posting(registry_of(TWICE), store_url) as post:
        run = await post.start("twice")
        await post.publish("tick", "first")
        assert await post.status(run) == "waiting"
        await post.publish("tick", "second")
        assert await post.result(run) == ["first", "second"]


async def test_waits_of_one_step_side_by_side_each_need_an_event_and_take_note_after_a_pause(store_url: str) -> None:
    flow = TWICE.replace("steps: [wait],", "steps: [wait], limit: 2,")
    async with posting(registry_of(flow), store_url) as post:
        run = await post.start("twice")
        assert len(await post.waiting("tick")) == 2
        await post.publish("tick", "first")
        assert (await post.status(run), len(await post.waiting("tick"))) == ("waiting", 1)
        await post.publish("tick", "second")
        assert await post.result(run) == ["first", "second"]
        await post.passes(minutes=1)
        paused = await post.start("twice")
        await post.engine.tasks.pause(paused, by="test")
        await post.rest()
        await post.publish("tick", "third")
        await post.engine.tasks.resume(paused, by="test")
        await post.rest()
        assert await post.waiting("tick") == []
        assert await post.result(paused) == ["third", "third"]


async def test_events_that_all_came_before_end_one_wait_each(store_url: str) -> None:
    flow = TWICE.replace("start: each", "start: ready").replace(
        "  wait:", "  ready: {topic: ready, outputs: [{to: each}]}\n  wait:"
    )
    async with posting(registry_of(flow), store_url) as post:
        run = await post.start("twice")
        for number in (1, 2, 3):
            await post.publish("tick", number)
        await post.publish("ready")
        assert await post.result(run) == [1, 2]


async def test_one_event_serves_every_run_that_waits_for_it(store_url: str) -> None:
    async with posting(registry_of(ANY % "tick"), store_url) as post:
        runs = [await post.start("any") for _ in range(30)]
        await post.publish("tick")
        assert {await post.status(run) for run in runs} == {"completed"}


async def test_runs_that_have_ended_leave_no_subscriptions_behind(store_url: str) -> None:
    forked = """
flow: forked
start: both
steps:
  a: {topic: a}
  b: {topic: b}
  done: {kind: end}
groups:
  both: {kind: parallel, steps: [a, b], join: any, outputs: [{to: done}]}
"""
    async with posting(registry_of(PAYMENT, forked), store_url) as post:
        cancelled = await post.start("payment", order="a")
        joined = await post.start("forked")
        assert len(await post.waiting("ready")) == 1
        assert len(await post.waiting("b")) == 1
        await post.engine.cancel(cancelled)
        await post.publish("a")
        assert await post.status(joined) == "completed"
        for topic in ("ready", "a", "b", "order.paid"):
            assert await post.waiting(topic) == []


async def test_an_action_publishes_with_emit(store_url: str) -> None:
    flow = """
flow: teller
start: tell
steps:
  tell: {action: emit, input: {topic: order.paid, payload: {total: 15}, key: "${input.order}"}}
"""
    registry = registry_of(PAYMENT, flow)
    registry.register_action(emit)
    async with posting(registry, store_url) as post:
        run = await post.start("payment", order="a")
        await post.publish("ready")
        await post.start("teller", order="a")
        await post.rest()
        found = await post.result(run)
        assert isinstance(found, dict)
        assert found["data"] == {"total": 15}


@action(name="break")
async def fail(_: dict[str, str]) -> None:
    raise ValueError("broken")


async def test_the_end_of_a_run_is_an_event(store_url: str) -> None:
    flow = """
flow: Ending.Flow
start: way
steps:
  way: {kind: decision, outputs: [{when: "input.way == 'fail'", to: broken}, {when: "input.way == 'stop'", to: stop}, {to: done}]}
  broken: {action: break}
  stop: {kind: end, outcome: cancelled, message: "enough"}
  done: {kind: end, output: "well"}
"""
    watch = ANY % "flow.ending.flow.*"
    registry = registry_of(flow, watch)
    registry.register_action(fail)
    async with posting(registry, store_url) as post:
        watcher = await post.start("any")
        runs = {way: await post.start("Ending.Flow", way=way) for way in ("on", "fail", "stop")}
        await post.rest()
        seen = {event.correlation: (event.topic, event.payload) for event in await post.events("flow.ending.flow.*")}
        assert {topic for topic, _ in seen.values()} == {
            f"flow.ending.flow.{how}" for how in ("completed", "failed", "cancelled")
        }
        first = await post.result(watcher)
        assert isinstance(first, dict)
        assert first["data"] == {"run": runs["on"], "flow": "Ending.Flow", "outcome": "completed", "result": "well"}
        assert first["key"] == runs["on"]
        assert b'"code":"exception"' in seen[runs["fail"]][1]
        assert b'"reason":"enough"' in seen[runs["stop"]][1]


STARTED = """
flow: started
inputSchema: {type: object, required: [total], properties: {total: {type: number}, note: {type: string}}}
start: done
steps:
  done: {kind: end, output: "${input}"}
"""


async def test_an_event_starts_the_flows_that_it_triggers_with_what_it_carries_once(store_url: str) -> None:
    registry = registry_of(STARTED, triggers={"started": Trigger("event", "order.*", "event.data.total > 10")})
    async with posting(registry, store_url) as post:
        for id, total in (("e1", 11), ("e1", 11), ("e2", 12), ("small", 9)):
            await post.publish("order.paid", {"total": total}, id=id)
        await post.publish("cart.paid", {"total": 20})
        results = [await post.result(run.run) for run in await post.runs("started")]
        assert sorted(results, key=str) == [{"total": 11}, {"total": 12}]


async def test_the_end_of_a_flow_does_not_start_that_flow_again(store_url: str) -> None:
    anything = "flow: anything\ntriggers: [{event: '**'}]\nstart: done\nsteps: {done: {kind: end}}"
    async with posting(registry_of(anything, STARTED), store_url) as post:
        await post.publish("tick", {})
        await post.start("started", total=1)
        assert len(await post.runs("anything")) == 2


async def test_a_document_says_which_events_start_its_flow(store_url: str) -> None:
    document = STARTED + "triggers: [{event: order.**, when: 'event.data.total > 10'}]\n"
    async with posting(registry_of(document), store_url) as post:
        await post.publish("order.paid.eu", {"total": 9})
        await post.publish("order.paid.eu", {"total": 12})
        assert [await post.result(run.run) for run in await post.runs("started")] == [{"total": 12}]


class Told(Struct):
    total: float
    note: str = ""


async def test_an_event_starts_a_flow_in_python_with_its_data(store_url: str) -> None:
    told = Flow("told", steps=Only, data=Told)

    @told.step(Only.ASK)
    async def tell(turn: Turn[Only, Told]) -> Directive:
        return turn.complete(turn.data.total)

    registry = Registry()
    registry.register(told, on=[event("order.*", when="event.data.total > 10.0")])
    async with posting(registry, store_url) as post:
        for total in (10, 11.5):
            await post.publish("order.paid", {"total": total})
        assert [await post.result(run.run) for run in await post.runs("told")] == [11.5]
    with pytest.raises(AuthorError, match="no topic"):
        event("Order")


@pytest.mark.parametrize("when", ["input.total > 1", "event.data +", "1 + 1"])
def test_the_condition_of_a_trigger_sees_the_event_alone(when: str) -> None:
    with pytest.raises(InvalidFlow) as refused:
        load_flow(STARTED + f"triggers: [{{event: order.paid, when: {when}}}]\n", name="flow.yaml")
    assert refused.value.problems[0].line == 7
    with pytest.raises(InvalidFlow):
        registry_of(STARTED, triggers={"started": Trigger("event", "order.paid", when)})


async def test_an_event_that_does_not_fit_a_flow_starts_nothing(store_url: str) -> None:
    registry = registry_of(STARTED, triggers={"started": Trigger("event", "order.paid")})
    async with posting(registry, store_url) as post:
        wrong: list[Json] = [None, {}, {"total": "much"}, [1]]
        for data in wrong:
            await post.publish("order.paid", data)
        assert await post.runs("started") == []
        await post.publish("order.paid", {"total": 1})
        assert len(await post.runs("started")) == 1


async def test_a_paused_run_takes_note_of_an_event_when_it_goes_on(store_url: str) -> None:
    async with posting(registry_of(ANY % "tick"), store_url) as post:
        run = await post.start("any")
        await post.engine.tasks.pause(run, by="test")
        await post.rest()
        await post.publish("tick", 1)
        assert await post.status(run) == "paused"
        await post.engine.tasks.resume(run, by="test")
        await post.rest()
        assert await post.status(run) == "completed"


@pytest.mark.parametrize(
    "topic", ["", "Order", "order..paid", "order.", "order.*", "ord er", "a" * 256, "flow.x", "webhook.x.1"]
)
async def test_an_event_needs_a_topic_of_its_own(store_url: str, topic: str) -> None:
    async with posting(Registry(), store_url) as post:
        with pytest.raises(InvalidValue):
            await post.publish(topic)
        assert await post.events() == []


async def test_an_event_carries_at_most_256_kib_of_json(store_url: str) -> None:
    async with posting(Registry(), store_url) as post:
        await post.publish("large", "x" * (256 * 1024 - 2), id="fits")
        for data in ("x" * (256 * 1024 - 1), object()):
            with pytest.raises(InvalidValue):
                await post.engine.publish("large", data)
        with pytest.raises(InvalidValue, match="the key"):
            await post.publish("large", key="k" * 1025)
        assert [event.id for event in await post.events()] == ["fits"]


@pytest.mark.parametrize("topic", ["Order", "**.paid", "a..b", "order.p*"])
def test_a_bad_topic_is_a_mistake_in_the_flow(topic: str) -> None:
    with pytest.raises(InvalidFlow, match="no topic"):
        load_flow(ANY % topic, name="flow.yaml").build()
    with pytest.raises(InvalidFlow, match="no topic"):
        registry_of(STARTED, triggers={"started": Trigger("event", topic)})
