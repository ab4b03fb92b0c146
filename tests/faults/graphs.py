"""Flow graphs for tests under faults: between them they use every construct of a graph."""

from __future__ import annotations

from typing import Final

from tests.faults.ledger import Ledger
from turnflow import Registry, action
from turnflow.declarative import load_flow
from turnflow.errors import UserCodeError
from turnflow.ports import ActionContext

SHIPPING: Final = """
flow: shipping
triggers: [{command: ship}]
start: what
steps:
  what: {kind: ask, say: "Ship what?", outputs: [{to: sides}]}
  pack: {action: do, input: "pack ${steps.what.output}", outputs: [{to: sure}]}
  sure:
    kind: ask
    say: "Is the ${steps.what.output} packed well?"
    choices: ["yes", "no"]
    outputs: [{when: "output == 'no'", to: again}, {to: sealed}]
  again: {action: do, input: "${'pack it better'}", outputs: [{to: sealed}]}
  sealed: {action: do, input: "${'seal'}"}
  weigh: {action: do, input: "weigh ${item}"}
  stamp: {action: do, input: "stamp ${steps.weigh.output}"}
  customs: {action: shaky, input: "${'customs'}", settings: {retry: {count: 3, delay: 0}}}
  insure:
    action: refuse
    input: "${'insurance'}"
    outputs: [{error: [declined], to: uninsured}, {to: bill}]
  uninsured: {kind: say, text: "No insurance for ${steps.what.output}: ${error.code}.", outputs: [{to: bill}]}
  bill: {flow: invoicing, input: {what: "${steps.what.output}"}, outputs: [{to: done}]}
  done: {kind: end, output: {parcels: "${steps.parcels.output}", bill: "${steps.bill.output}"}}
groups:
  sides: {kind: parallel, steps: [packing, parcels, customs], outputs: [{to: insure}]}
  packing: {kind: sequential, steps: [pack]}
  parcels: {kind: loop, over: "${[1, 2, 3, 4]}", steps: [weigh, stamp], limit: 2}
"""
INVOICING: Final = """
flow: invoicing
inputSchema: {type: object, required: [what], properties: {what: {type: string}}}
start: write
steps:
  write: {action: do, input: "write an invoice for ${input.what}", outputs: [{to: rest}]}
  rest: {kind: timer, duration: 5m, outputs: [{to: send}]}
  send: {action: nested, input: "${input.what}", outputs: [{to: paid}]}
  paid: {kind: end, output: "paid for ${input.what}"}
"""


@action(name="do")
async def do(what: str, ledger: Ledger, context: ActionContext) -> str:
    ledger.note(context.key, what)
    return what


@action(name="shaky")
async def shaky(what: str, context: ActionContext) -> str:
    if context.attempt < 3:
        raise UserCodeError("busy", f"{what} is busy")
    return what


@action(name="refuse")
async def refuse(what: str) -> str:
    raise UserCodeError("declined", f"no {what}")


@action(name="nested")
async def nested(what: str, context: ActionContext) -> str:
    """Call another action as a part of this one."""
    assert context.services is not None
    first = await context.services.call_action("do", f'"send the invoice for {what}"'.encode())
    await context.services.call_action("do", b'"ring twice"')
    return first.decode()


def register(registry: Registry) -> None:
    """Make the graphs and their actions known."""
    for text in (SHIPPING, INVOICING):
        graph = load_flow(text)
        registry.register(graph, on=graph.triggers, callable=True)
    for one in (do, shaky, refuse, nested):
        registry.register_action(one)
