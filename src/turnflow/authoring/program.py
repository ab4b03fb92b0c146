"""What a turn has to know about its flow: made once when the flow is built, shared by all its turns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from turnflow.authoring.data_type import DataType
from turnflow.core.definition import Flow, WaitSpec
from turnflow.core.ids import StepName

S = TypeVar("S", bound=Enum)
D = TypeVar("D")


@dataclass(frozen=True, slots=True)
class Program(Generic[S, D]):
    """A built flow, as its turns see it."""

    definition: Flow
    step_type: type[S]
    steps: Mapping[StepName, S]
    data_type: DataType[D]
    waits: Mapping[StepName, WaitSpec]
    """Each step's own options for waits."""
