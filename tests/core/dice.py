"""Choices drawn from bytes: Hypothesis makes and shrinks the bytes, and a soak run may take them from anywhere."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final, TypeVar

T = TypeVar("T")

EFFORT: Final = int(os.environ.get("EFFORT", "1"))
"""How many times the usual number of random runs is tried."""


class Dice:
    """A finite source of choices. Once it is used up, every choice is the first one, which is always the plainest."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._next = 0

    @property
    def empty(self) -> bool:
        return self._next >= len(self._raw)

    def below(self, limit: int) -> int:
        """Return a number from 0 to `limit` - 1, for limits up to 256."""
        if self.empty:
            return 0
        self._next += 1
        return self._raw[self._next - 1] % limit

    def one_in(self, times: int) -> bool:
        """Tell whether something happens that happens once in so many times; never when the dice are empty."""
        return self.below(times) == times - 1

    def pick(self, options: Sequence[T]) -> T:
        return options[self.below(len(options))]

    def some(self, options: Sequence[T]) -> tuple[T, ...]:
        """Return some of the options, in their order; none when the dice are empty."""
        return tuple(option for option in options if self.below(2))
