"""Carrying runs of an older version over: single migrations composed into chains to the current version."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from msgspec import Raw

from turnflow.authoring.codecs import decode, fields_of
from turnflow.core.ids import Json, StepName

Change: TypeAlias = Callable[[dict[str, Json]], dict[str, Json]]


class Chain(NamedTuple):
    """All changes from one version to the current one, and where its steps went."""

    changes: tuple[Change, ...]
    steps: dict[StepName, StepName]

    def apply(self, data: Mapping[str, Raw]) -> dict[str, Raw]:
        """Return the data after every change. Raises whatever the changes raise."""
        value: dict[str, Json] = {name: decode(part) for name, part in data.items()}
        for change in self.changes:
            value = change(value)
            if not isinstance(value, dict):
                raise TypeError(f"migration {getattr(change, '__qualname__', change)!r} must return the data as a dict")
        return fields_of(value)


class Link(NamedTuple):
    """One migration."""

    new: int
    change: Change
    steps: dict[StepName, StepName]


def chains(links: Mapping[int, Link], current: int) -> dict[int, Chain]:
    """Return a chain for every version that has one to `current`."""
    found = {}
    for version in links:
        path = _path(links, version, current)
        if path is not None:
            found[version] = Chain(tuple(link.change for link in path), _composed(path))
    return found


def _path(links: Mapping[int, Link], version: int, current: int) -> list[Link] | None:
    path = []
    while version != current:
        link = links.get(version)
        if link is None or link.new <= version:
            return None
        path.append(link)
        version = link.new
    return path


def _composed(path: Sequence[Link]) -> dict[StepName, StepName]:
    steps: dict[StepName, StepName] = {}
    for link in path:
        steps = {old: link.steps.get(new, new) for old, new in steps.items()} | {
            old: new for old, new in link.steps.items() if old not in steps
        }
    return steps
