"""A workshop whose actions can be held, broken and counted, and the flows that order work there."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from turnflow import Registry, action
from turnflow.core.ids import Json
from turnflow.declarative import load_flow
from turnflow.engine import Change, StepRecord, Task, TaskNode, Tasks, cursor_of
from turnflow.errors import UserCodeError
from turnflow.ports import ActionContext

ORDER = """
flow: order
title: An order
version: 3
inputSchema: {type: object, required: [sku], properties: {sku: {type: string}, card: {type: string, default: none}}}
paramsSchema: {type: object, properties: {discount: {type: number, default: 0}}}
start: price
steps:
  price: {action: price, input: {sku: "${input.sku}"}, to: pay}
  pay:
    action: pay
    input: {cents: "${steps.price.output}", card: "${input.card}"}
    settings: {redact: [card], retry: {count: 1, delay: 1s, on: busy}}
    to: ship
  ship: {action: ship, input: {paid: "${steps.pay.output}"}, to: done}
  done: {kind: end, output: {shipped: "${steps.ship.output}", discount: "${params.discount}"}}
"""
SHOP = """
flow: shop
start: order
steps:
  order: {flow: order, input: {sku: tea}, to: print}
  print: {action: print, to: done}
  done: {kind: end, output: "${steps.order.output.shipped}"}
"""
BATCH = """
flow: batch
start: all
steps:
  one: {action: price, input: {sku: "${item}"}}
  ready: {kind: end, output: "${size(steps.all.output)}"}
groups:
  all: {kind: loop, over: "${input.skus}", limit: 4, steps: [one], to: ready}
"""
NAP = """
flow: nap
start: sleep
steps:
  sleep: {kind: timer, duration: 1h, to: wake}
  wake: {action: price, input: {sku: tea}}
"""
FORM = """
flow: form
triggers: [{command: form}]
start: name
steps:
  name: {kind: ask, say: "Your name?", accepts: text, to: thanks}
  thanks: {kind: say, text: "Thanks.", to: done}
  done: {kind: end, output: "${steps.name.output}"}
"""


TEA = {"sku": "tea", "card": "4111"}
VISIT = """
flow: visit
triggers: [{command: visit}]
start: price
steps:
  price: {action: price, input: {sku: ticket}, to: when}
  when: {kind: ask, say: "When?", accepts: text, to: done}
  done: {kind: end, output: "${steps.when.output}"}
"""


class Workshop:
    """Actions and what was asked of them."""

    def __init__(self) -> None:
        self.done: Counter[str] = Counter()
        """How often each action ran to its end."""
        self._broken: dict[str, str] = {}
        self._held: dict[str, asyncio.Event] = {}
        self._reached: dict[str, asyncio.Event] = {}

    def breaks(self, name: str, code: str = "broken") -> None:
        """Let an action fail from now on."""
        self._broken[name] = code

    def mend(self, name: str) -> None:
        """Let an action succeed again."""
        del self._broken[name]

    def hold(self, name: str) -> None:
        """Let an action not end until it is let go."""
        self._held[name], self._reached[name] = asyncio.Event(), asyncio.Event()

    def let_go(self, name: str) -> None:
        self._held.pop(name).set()

    async def reached(self, name: str) -> None:
        """Return once an action that is held is under way."""
        await self._reached[name].wait()

    def registry(self, *without: str) -> Registry:
        """Return the flows and actions, but some flows."""
        registry = Registry()
        for text in (ORDER, SHOP, BATCH, NAP, FORM, VISIT):
            graph = load_flow(text)
            if graph.flow.name not in without:
                registry.register(graph, on=graph.triggers, callable=True)

        @action(name="price")
        async def price(argument: dict[str, Json]) -> int:
            await self._work("price")
            return len(str(argument["sku"])) * 100

        @action(name="pay")
        async def pay(argument: dict[str, Json]) -> dict[str, Json]:
            await self._work("pay")
            return {"receipt": f"R{argument['cents']}", "card": argument["card"]}

        @action(name="ship")
        async def ship(argument: dict[str, Json]) -> str:
            await self._work("ship")
            return "parcel"

        @action(name="print", kind="long_run")
        async def print_out(argument: Json, context: ActionContext) -> str:
            assert context.services is not None
            context.services.progress(0.5, "half of it")
            await self._work("print")
            return "paper"

        for one in (price, pay, ship, print_out):
            registry.register_action(one)
        return registry

    async def _work(self, name: str) -> None:
        if name in self._reached:
            self._reached[name].set()
        if name in self._held:
            await self._held[name].wait()
        if name in self._broken:
            raise UserCodeError(self._broken[name], f"{name} does not work")
        self.done[name] += 1


async def until(tasks: Tasks, id: str, is_so: Callable[[Task], bool]) -> Task:
    """Return a task once something is true of it."""
    async with asyncio.timeout(30):
        while not is_so(task := await tasks.get(id)):
            await asyncio.sleep(0.005)
    return task


def steps_of(task: Task) -> dict[str, str]:
    return {record.path: record.status for record in task.steps}


def step(task: Task, path: str) -> StepRecord:
    return next(record for record in task.steps if record.path == path)


async def changes(tasks: Tasks, id: str, after: str = "") -> list[Change]:
    return [change async for change in tasks.watch(id, cursor_of(after))]


def kept(found: list[Change]) -> list[Change]:
    """Those that are told again to whoever comes later."""
    return [change for change in found if change.kind not in ("progress", "part")]


def shape(node: TaskNode) -> tuple[str, str, list[object]]:
    return node.title, node.status, [shape(child) for child in node.children]
