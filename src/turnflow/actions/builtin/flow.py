"""`flow.start`: start a run of another flow and go on without it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Raw, Struct

from turnflow.actions.action import action
from turnflow.actions.builtin.services import services_of
from turnflow.authoring.codecs import encode
from turnflow.core.ids import FlowName, Json, RunId
from turnflow.ports import ActionContext


class FlowStart(Struct, frozen=True, forbid_unknown_fields=True):
    """Input of `flow.start`."""

    flow: Annotated[str, Meta(min_length=1)]
    input: dict[str, Json] = {}
    params: dict[str, Json] = {}


class Started(Struct, frozen=True):
    """Output of `flow.start`."""

    run: RunId


@action(name="flow.start")
async def start_flow(asked: FlowStart, context: ActionContext) -> Started:
    """Start the run; the same call, made again after a crash, starts the same run."""
    data, params = ({name: Raw(encode(value)) for name, value in part.items()} for part in (asked.input, asked.params))
    return Started(await services_of(context, "flow.start").start(FlowName(asked.flow), data, params))
