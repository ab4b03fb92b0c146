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
from turnflow.testing.retelling import Deployments
from turnflow.testing.step_rows import judge_results

__all__ = ["InvariantsBroken", "Report", "Violation", "Witness", "check", "definitions_of", "examine"]


def definitions_of(*registries: Registry) -> Deployments:
    """Return the definitions of registries that were deployed one after the other."""
    return [
        {(flow.name, flow.version): flow for flow in (handlers.definition for handlers in registry.flows)}
        for registry in registries
    ]


async def check(
    store: Store, deployments: Deployments = (), witness: Witness | None = None, texts: Texts | None = None
) -> Report:
    """Look at everything. Raises `InvariantsBroken` with all violations.

    deployments: what the runs went by (`definitions_of`); the store's own definitions help out unless there were several.
    """
    report = await examine(store, deployments, witness, texts)
    if report.violations:
        raise InvariantsBroken(report.violations)
    return report


async def examine(
    store: Store, deployments: Deployments = (), witness: Witness | None = None, texts: Texts | None = None
) -> Report:
    """Look at everything and return what was found; violations are in the report."""
    witness = witness or Witness()
    evidence = await gather(store, {*witness.conversations, *(outbound.conversation for outbound in witness.sent)})
    if len(deployments) < 2:
        deployments = [{**evidence.definitions, **(deployments[0] if deployments else {})}]
    judge = Judge(evidence, deployments, witness, texts or Texts())
    judge.runs()
    judge.inputs()
    judge_replies(judge)
    judge_copies(judge)
    judge.families()
    judge.rest()
    judge.memory()
    judge_results(judge)
    for id in witness.acknowledged:
        if not await store.seen(InputId(id)):
            judge.complain(
                "acknowledged implies present", f"input {id}", "it was acknowledged and the store does not know it"
            )
    return judge.report
