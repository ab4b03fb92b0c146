"""Expressions as the core sees them: a question asked of whoever calls `advance`, and its answer, which the journal keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

from msgspec import Raw, Struct

from turnflow.core.frames import Failure, StepResult
from turnflow.core.ids import At, Json, MaybeRaw, StepName
from turnflow.core.inputs import Input
from turnflow.core.nodes import Template
from turnflow.core.state import Cursor, RunState


class Value(Struct, frozen=True, gc=False, tag="value"):
    """What an expression came to."""

    json: Raw


class Flaw(Struct, frozen=True, gc=False, tag="flaw"):
    """Why an expression came to nothing; the code is always `expression`."""

    message: str


Evaluation: TypeAlias = Value | Flaw


class Scope(NamedTuple):
    """What an expression may refer to, at one place of a run."""

    state: RunState
    """As of the last event: for ids and times."""
    data: Mapping[str, Raw]
    input: Mapping[str, Raw]
    params: Mapping[str, Raw]
    trigger: Input | None
    at: At
    step: StepName
    prefix: str
    """The iterations around the place: `orders[3]/`."""
    last: str
    """Path of the step whose outcome `output` is; empty: there is none."""
    error: Failure | None
    event: MaybeRaw
    fresh: Mapping[str, StepResult]
    """Results that this very event brought, by path; all others are rows."""
    schema: Mapping[str, Json] | None
    """The value must satisfy this JSON Schema."""


Evaluate: TypeAlias = Callable[[Template | str, Scope], Evaluation]
"""Evaluates a template, or an expression given as text. Equal questions need not be asked: the answers are recorded."""


def scope_of(state: RunState, cursor: Cursor, at: At) -> Scope:
    """Return what a cursor of a committed state sees."""
    return Scope(
        state, state.data, state.input, state.params, state.trigger, at, cursor.step, cursor.prefix, cursor.last,
        cursor.error, None, {}, None,
    )  # fmt: skip


def no_expressions(asked: Template | str, scope: Scope) -> Evaluation:
    """Stand in where flows without expressions are advanced."""
    return Flaw(f"step {scope.step!r} holds an expression, and nothing here evaluates any: {asked!r}")
