"""What may be set beside the input of a flow graph, checked against its `paramsSchema`."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from turnflow.core.definition import Flow
from turnflow.core.ids import Json
from turnflow.declarative.checked_schema import value_mistake, with_defaults
from turnflow.errors import InvalidValue

_encoder = msgspec.json.Encoder(order="deterministic")


def params_for(flow: Flow, given: Mapping[str, Raw]) -> dict[str, Raw]:
    """Return the params of a new run with the defaults of `paramsSchema`. Raises `InvalidValue` naming the field.

    A flow that is no graph takes none.
    """
    if given and not flow.is_graph:
        raise InvalidValue(f"flow {flow.name!r} is no graph and takes no params; give it data")
    if not flow.params:
        return dict(given)
    plain: dict[str, Json] = {name: msgspec.json.decode(raw) for name, raw in given.items()}
    filled = with_defaults(flow.params, plain)
    mistake = value_mistake(flow.params, filled)
    if mistake is not None:
        raise InvalidValue(f"params of flow {flow.name!r}: {mistake}")
    assert isinstance(filled, dict)
    return {name: Raw(_encoder.encode(value)) for name, value in filled.items()}
