"""Runs as the store keeps them, and what stands in for a definition that is gone."""

from __future__ import annotations

from turnflow.core.codec import encode_state
from turnflow.core.definition import Flow
from turnflow.core.ids import StepName
from turnflow.core.state import TERMINAL, RunState
from turnflow.ports import RunRecord


def record(state: RunState) -> RunRecord:
    """Return a run as the store keeps it."""
    exclusive = state.exclusive and state.status not in TERMINAL and state.key
    return RunRecord(
        state.run,
        state.mailbox,
        state.revision,
        state.status,
        state.flow,
        state.version,
        f"{state.flow}|{state.key_policy}|{state.key}" if exclusive else None,
        state.parent.run if state.parent is not None else None,
        encode_state(state),
        state.updated,
    )


def stub(state: RunState) -> Flow:
    """Return a definition for a run whose flow is gone: enough to keep its input, cancel it, or say why it is blocked."""
    return Flow(state.flow, state.version, StepName(""), {})
