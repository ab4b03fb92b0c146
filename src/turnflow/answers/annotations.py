"""What an annotation says, freed from its wrappers: `Annotated`, `NewType`, type aliases and `| None`."""

from __future__ import annotations

import types
from typing import Annotated, Any, NamedTuple, NewType, Union, get_args, get_origin

import msgspec

from turnflow.core.definition import Accepts


class Annotation(NamedTuple):
    """A bare type and everything `Annotated` said about it, outermost last."""

    core: object
    metadata: tuple[object, ...] = ()

    @property
    def accepts(self) -> Accepts | None:
        """Return the answer kind named in the metadata, if there is one."""
        return next((item for item in reversed(self.metadata) if isinstance(item, Accepts)), None)

    @property
    def constraints(self) -> tuple[object, ...]:
        """Return the rest of the metadata: what a validating library may understand."""
        return tuple(item for item in self.metadata if not isinstance(item, Accepts))

    @property
    def whole(self) -> object:
        """Return the type with its constraints again, as validating libraries read it."""
        core: Any = self.core
        return Annotated[(core, *self.constraints)] if self.constraints else core


def read(annotation: object) -> tuple[Annotation, ...]:
    """Return the members of a union in the order written, one for a plain type; None among them is left out.

    `X | None` means `X`: None is what a handler gets while there is no input yet, never something a person can send.
    """
    core, metadata = _unwrap(annotation)
    if get_origin(core) not in (Union, types.UnionType):
        return (Annotation(core, metadata),)
    members = [member for item in get_args(core) if item is not types.NoneType for member in read(item)]
    return tuple(Annotation(member.core, (*member.metadata, *metadata)) for member in members)


def says_nothing(annotation: object) -> bool:
    """Tell whether an annotation leaves the type open."""
    return annotation is None or annotation is Any or annotation is object


def name_of(annotation: object) -> str:
    """Return how an author would write a type."""
    return annotation.__name__ if isinstance(annotation, type) else str(annotation).replace("typing.", "")


def _unwrap(annotation: object) -> tuple[object, tuple[object, ...]]:
    metadata: tuple[object, ...] = ()
    while True:
        if isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        elif get_origin(annotation) is Annotated:
            annotation, *found = get_args(annotation)
            metadata = (*found, *metadata)
        elif type(annotation).__name__ == "TypeAliasType":
            annotation = getattr(annotation, "__value__", msgspec.UNSET)
        else:
            return annotation, metadata
