"""The one checker: what must hold in a store, and between a store and what the outside saw, whatever faults there were.

    report = await check(store, definitions_of(registry), Witness(sent=channel.sent, acknowledged=ids))

A store is read through its port only. Every run is lived through again from its journal (`retelling`), and what that comes to
is held against every row and against every copy of a reply that a channel got. `check` raises `InvariantsBroken` with all
violations at once; its report counts what was looked at, so that a test can refuse to be satisfied by an empty store.
"""

from __future__ import annotations

from turnflow.core.ids import InputId
from turnflow.engine.registry import Registry
from turnflow.engine.texts import Texts
from turnflow.ports import Store
from turnflow.testing.correspondence import judge_copies, judge_replies
from turnflow.testing.evidence import gather
from turnflow.testing.findings import InvariantsBroken, Report, Violation, Witness
from turnflow.testing.judge import Judge
from turnflow.testing.retelling import Definitions

__all__ = ["InvariantsBroken", "Report", "Violation", "Witness", "check", "definitions_of", "examine"]


def definitions_of(*registries: Registry) -> Definitions:
    """Return the definitions of registries, later ones over earlier ones."""
    flows = [handlers.definition for registry in registries for handlers in registry.flows]
    return {(flow.name, flow.version): flow for flow in flows}


async def check(
    store: Store, definitions: Definitions | None = None, witness: Witness | None = None, texts: Texts | None = None
) -> Report:
    """Look at everything. Raises `InvariantsBroken` with all violations.

    definitions: what the runs went by; those in the store are used where one is missing.
    """
    report = await examine(store, definitions, witness, texts)
    if report.violations:
        raise InvariantsBroken(report.violations)
    return report


async def examine(
    store: Store, definitions: Definitions | None = None, witness: Witness | None = None, texts: Texts | None = None
) -> Report:
    """Look at everything and return what was found; violations are in the report."""
    witness = witness or Witness()
    evidence = await gather(store, {*witness.conversations, *(outbound.conversation for outbound in witness.sent)})
    judge = Judge(evidence, {**evidence.definitions, **(definitions or {})}, witness, texts or Texts())
    judge.runs()
    judge.inputs()
    judge_replies(judge)
    judge_copies(judge)
    judge.families()
    judge.rest()
    judge.memory()
    for id in witness.acknowledged:
        if not await store.seen(InputId(id)):
            judge.complain(
                "acknowledged implies present", f"input {id}", "it was acknowledged and the store does not know it"
            )
    return judge.report
