"""Public names are promises: each one is pinned in exports.txt, and changing the list is a decision of its own.

`make exports` renews the list; the diff of it belongs into the change's CHANGELOG entry.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from pathlib import Path

import turnflow

PINNED = Path(__file__).with_name("exports.txt")


def public_packages() -> list[str]:
    """Every importable place with an `__all__`, `turnflow` first, private parts left out."""
    found = [turnflow.__name__]
    for module in pkgutil.walk_packages(turnflow.__path__, "turnflow."):
        private = any(part.startswith("_") for part in module.name.split("."))
        if not private and hasattr(importlib.import_module(module.name), "__all__"):
            found.append(module.name)
    return found


def public_names() -> list[str]:
    """One line per public name, as it stands in exports.txt."""
    lines = []
    for package in public_packages():
        names: list[str] = getattr(importlib.import_module(package), "__all__", [])
        lines += [f"{package}.{name}" for name in names]
    return sorted(lines)


def test_public_names_change_only_on_purpose() -> None:
    pinned, actual = set(PINNED.read_text().split()), set(public_names())
    assert not (gone := sorted(pinned - actual)), f"public names are gone: {gone}; if on purpose: make exports"
    assert not (new := sorted(actual - pinned)), f"public names are new: {new}; if on purpose: make exports"


def test_every_public_name_is_there() -> None:
    missing = []
    for line in public_names():
        package, _, name = line.rpartition(".")
        if not hasattr(importlib.import_module(package), name):
            missing.append(line)
    assert not missing, f"named in __all__ but not there: {missing}"


def test_the_front_door_stays_small() -> None:
    names = [line for line in public_names() if line.count(".") == 1]
    assert len(names) <= 40, f"{len(names)} names in `turnflow`: more than a newcomer can take in"


if __name__ == "__main__":
    PINNED.write_text("\n".join(public_names()) + "\n")
    sys.stdout.write(f"{PINNED.name}: {len(public_names())} names\n")
