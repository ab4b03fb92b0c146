"""Finding what `MODULE:NAME` names."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from turnflow.engine import Registry
from turnflow.errors import CallerError


def find_registry(place: str) -> Registry:
    """Return the registry at `MODULE:NAME`, importing the module from the current folder or the installation.

    Raises `CallerError` that says what was looked for and what was found instead.
    """
    module_name, _, name = place.partition(":")
    if not module_name or not name:
        raise CallerError(f"{place!r} is not of the form MODULE:NAME, for instance examples.demo:registry")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not module_name.startswith(error.name):
            raise
        raise CallerError(f"there is no module {module_name!r} here ({Path.cwd()}) or installed") from error
    found = getattr(module, name, None)
    if isinstance(found, Registry):
        return found
    registries = [key for key, value in vars(module).items() if isinstance(value, Registry)]
    hint = f"it has: {', '.join(registries)}" if registries else "it has no registry at all; make one with Registry()"
    what = f"is a {type(found).__name__}, not a registry" if found is not None else "does not exist"
    raise CallerError(f"{name!r} in module {module_name!r} {what}; {hint}")
