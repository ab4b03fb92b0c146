"""Actions for flow files: a module beside the file, or those that MODULE:NAME names."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from turnflow.actions import Action
from turnflow.cli.finding import excerpt, imported
from turnflow.engine import Registry
from turnflow.errors import CallerError, TurnflowError

BESIDE = "actions.py"


def add_actions(registry: Registry, places: Iterable[str], beside: Path) -> None:
    """Register the actions (and flows) of each MODULE:NAME; with none of them those of `actions.py` beside the flow file.

    Raises `CallerError` for a place that holds none; errors of the flows pass as they are.
    """
    places = list(places)
    for place in places:
        _add(registry, place, _named(place))
    file = beside / BESIDE
    if not places and file.exists():
        _add(registry, str(file), _offered(_module(file)))


def _named(place: str) -> object:
    module_name, _, name = place.partition(":")
    if not module_name or not name:
        raise CallerError(f"{place!r} is not of the form MODULE:NAME, for instance {module_name or 'shop'}:actions")
    module = imported(module_name)
    found: object = getattr(module, name, None)
    if found is None:
        raise CallerError(f"{name!r} does not exist in module {module_name!r}; name a list of actions, or a registry")
    return found


def _offered(module: ModuleType) -> object:
    """Return what a module offers: its list `actions`, its `registry`, else every action in it."""
    for name in ("actions", "registry"):
        if (found := getattr(module, name, None)) is not None:
            return found
    return [value for value in vars(module).values() if isinstance(value, Action)]


def _add(registry: Registry, place: str, found: object) -> None:
    if isinstance(found, Registry):
        return registry.include(found)
    actions = [found] if isinstance(found, Action) else found
    if not isinstance(actions, Iterable) or isinstance(actions, str | bytes):
        raise CallerError(f"{place} is a {type(found).__name__}; a list of actions, or a registry, is needed")
    for action in actions:
        if not isinstance(action, Action):
            raise CallerError(f"{place} holds a {type(action).__name__}, which is no action; decorate it with @action")
        registry.register_action(action)
    return None


def _module(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("turnflow_actions", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    if str(file.parent.absolute()) not in sys.path:
        sys.path.insert(0, str(file.parent.absolute()))
    try:
        spec.loader.exec_module(module)
    except TurnflowError:
        raise
    except Exception as error:  # a module may raise anything while it is imported
        raise CallerError(f"{file} cannot be imported:\n{excerpt(error)}") from error
    return module
