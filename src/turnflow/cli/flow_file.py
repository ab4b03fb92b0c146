"""A flow file with all that it needs to run: the flows it calls from the same folder, and actions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from turnflow.actions import builtin_actions
from turnflow.cli.action_modules import add_actions
from turnflow.core.nodes import ActionStep, FlowStep
from turnflow.declarative import GraphFlow, load_flow, read_document
from turnflow.engine import Registry
from turnflow.errors import CallerError, InvalidFlow

SUFFIXES = (".yaml", ".yml", ".json")


def is_flow_file(place: str) -> bool:
    """Tell whether a word names a flow file, and no module."""
    return place.endswith(SUFFIXES)


def read_flow(path: Path) -> GraphFlow:
    """Return the flow of a file. Raises `InvalidFlow` with all problems, `CallerError` for a file that is no text."""
    return load_flow(text_of(path), name=str(path))


def text_of(path: Path) -> str:
    """Return what stands in a file. Raises `CallerError`."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise CallerError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CallerError(f"{path} is not UTF-8 text; save it as UTF-8") from error


def flow_registry(path: Path, actions: Sequence[str], secrets: Sequence[str] = ()) -> tuple[Registry, str]:
    """Return a registry for a flow file, and the name of its flow.

    It has the flow, those that it calls (found by name in the same folder), the actions of `actions` (MODULE:NAME, by default
    `actions.py` beside the file) and the built-in ones. Raises `InvalidFlow`, `CallerError` for flows or actions that are
    missing.
    """
    registry = Registry()
    add_actions(registry, actions, path.parent)
    for action in builtin_actions(secrets=list(secrets)):
        if registry.action(action.name) is None:
            registry.register_action(action)
    first = read_flow(path)
    for graph in _with_called(path, first, registry):
        registry.register(graph, callable=True)
    _check_actions(path, registry)
    return registry, first.flow.name


def flows_beside(path: Path) -> dict[str, Path]:
    """Return the flow files beside a file by the names of their flows; what cannot be read is none."""
    return named_flows(file for file in sorted(path.absolute().parent.iterdir()) if is_flow_file(file.name))


def named_flows(files: Iterable[Path]) -> dict[str, Path]:
    """Return flow files by the names of their flows, the first of each name; what cannot be read is none."""
    found: dict[str, Path] = {}
    for file in files:
        if not file.is_file():
            continue
        try:
            content = read_document(text_of(file), str(file)).root.content
        except (InvalidFlow, CallerError):
            continue
        name = content.get("flow") if isinstance(content, dict) else None
        if name is not None and isinstance(name.content, str):
            found.setdefault(name.content, file)
    return found


def _with_called(path: Path, first: GraphFlow, registry: Registry) -> Iterator[GraphFlow]:
    """Yield a flow and all that it calls, however deep."""
    known: set[str] = {registration.flow.name for registration in registry.registrations}
    waiting, beside = [first], None
    known.add(first.flow.name)
    while waiting:
        graph = waiting.pop()
        yield graph
        for name in _called(graph):
            if name in known:
                continue
            beside = beside if beside is not None else flows_beside(path)
            if name not in beside:
                raise CallerError(
                    f"flow {graph.flow.name!r} calls flow {name!r}, and no file in {path.parent.absolute()} describes one of that"
                    " name; put it there"
                )
            known.add(name)
            waiting.append(read_flow(beside[name]))


def _called(graph: GraphFlow) -> Iterator[str]:
    """Yield the names of flows that a flow calls or starts, as far as they are written in it."""
    for node in graph.flow.nodes.values():
        if isinstance(node, FlowStep):
            yield node.flow
        elif isinstance(node, ActionStep) and node.action == "flow.start" and isinstance(node.input.value, dict):
            name = node.input.value.get("flow")
            if isinstance(name, str) and "${" not in name:
                yield name


def _check_actions(path: Path, registry: Registry) -> None:
    missing = {
        f"{node.action!r} (step {node.name!r} of flow {handlers.definition.name!r})"
        for handlers in registry.flows
        for node in handlers.definition.nodes.values()
        if isinstance(node, ActionStep) and registry.action(node.action) is None
    }
    if missing:
        raise CallerError(
            f"no action is called {', '.join(sorted(missing))}; put it into {path.parent / 'actions.py'}, or name its module with"
            " --actions MODULE:NAME"
        )
