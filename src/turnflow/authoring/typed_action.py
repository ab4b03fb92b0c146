"""What a turn needs of an action to call it with types."""

from __future__ import annotations

from typing import Protocol, TypeVar

I_contra = TypeVar("I_contra", contravariant=True)
O_co = TypeVar("O_co", covariant=True)


class TypedAction(Protocol[I_contra, O_co]):
    """An action that knows its types; `turnflow.actions.Action` is one."""

    @property
    def name(self) -> str:
        """Its name in the registry."""

    def encode_argument(self, argument: I_contra) -> bytes:
        """Return the argument's JSON."""

    def decode_result(self, result: bytes) -> O_co:
        """Return the result of its JSON."""
