"""Finding what `MODULE:NAME` names."""

from __future__ import annotations

import importlib
import sys
import traceback
from pathlib import Path
from types import ModuleType

from turnflow.engine import Registry
from turnflow.errors import CallerError, TurnflowError

HERE = Path(__file__).parent


def find_registry(place: str) -> Registry:
    """Return the registry at `MODULE:NAME`, importing the module from the current folder or the installation.

    Raises `CallerError` that says what was looked for and what was found instead; errors of the flows pass as they are.
    """
    module_name, _, name = place.partition(":")
    if module_name.endswith(".py") or "/" in module_name:
        dotted = ".".join(Path(module_name).with_suffix("").parts).strip("./")
        raise CallerError(f"{place!r} names a file; name the module: {dotted}:{name or 'registry'}")
    if not module_name or not name:
        raise CallerError(f"{place!r} is not of the form MODULE:NAME, for instance {module_name or 'bot'}:registry")
    module = imported(module_name)
    found = getattr(module, name, None)
    if isinstance(found, Registry):
        return found
    registries = [key for key, value in vars(module).items() if isinstance(value, Registry)]
    hint = f"it has: {', '.join(registries)}" if registries else "it has no registry at all; make one with Registry()"
    what = f"is a {type(found).__name__}, not a registry" if found is not None else "does not exist"
    raise CallerError(f"{name!r} in module {module_name!r} {what}; {hint}")


def imported(name: str) -> ModuleType:
    """Return a module from the current folder or the installation. Raises `CallerError`; errors of the flows pass as they are."""
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except TurnflowError:
        raise
    except Exception as error:  # a module may raise anything while it is imported
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing is not None and (name == missing or name.startswith(f"{missing}.")):
            raise CallerError(f"there is no module {name!r} here ({Path.cwd()}) or installed") from error
        raise CallerError(f"module {name!r} cannot be imported:\n{excerpt(error)}") from error


def excerpt(error: Exception) -> str:
    """Return the traceback without the machinery that imports."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).parent != HERE and "importlib" not in frame.filename]
    return "".join([*traceback.format_list(own), *traceback.format_exception_only(error)]).rstrip()
