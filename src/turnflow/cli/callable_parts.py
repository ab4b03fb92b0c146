"""What a flow file may call, as `turnflow run` would find it: actions and other flow files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from turnflow.actions import Action, builtin_actions
from turnflow.cli.action_modules import BESIDE, add_actions
from turnflow.cli.flow_file import flows_beside, named_flows, read_flow
from turnflow.core.definition import Flow
from turnflow.core.ids import FlowName, StepName
from turnflow.declarative.sight import Schemas, Surroundings
from turnflow.engine import Registry
from turnflow.errors import InvalidFlow
from turnflow.ports import Action as AnyAction


class CallableParts:
    """Looks each folder and each flow file up once.

    `actions` are MODULE:NAME; without them `actions.py` beside a file counts. `files` are further flow files.
    """

    def __init__(self, actions: Sequence[str], files: Iterable[Path]) -> None:
        self._actions = actions
        self._given = named_flows(files)
        self._folders: dict[Path, tuple[_Noting, Mapping[str, Path]]] = {}
        self._flows: dict[Path, Flow] = {}

    def around(self, file: Path) -> Surroundings:
        """Return what the flow of a file may call. Raises `CallerError` for actions that cannot be imported.

        That is all there is if actions were named, or stand beside it; else the flow may belong to a program that has more.
        """
        folder = file.absolute().parent
        if folder not in self._folders:
            registry = _Noting()
            add_actions(registry, self._actions, folder)
            self._folders[folder] = registry, {**self._given, **flows_beside(file)}
        registry, named = self._folders[folder]
        flows = {registration.flow.name: registration.flow for registration in registry.registrations}
        flows |= {FlowName(name): self._flow(name, place) for name, place in named.items()}
        known = {action.name: action for action in (*builtin_actions(), *registry.noted)}
        schemas = {name: _schemas(action) for name, action in known.items()}
        return Surroundings(schemas, flows, bool(self._actions) or (folder / BESIDE).exists())

    def _flow(self, name: str, file: Path) -> Flow:
        """Return the flow of a file; of one that is broken only its name is known."""
        if file not in self._flows:
            try:
                self._flows[file] = read_flow(file).flow
            except InvalidFlow:
                self._flows[file] = Flow(FlowName(name), 1, StepName(""), {})
        return self._flows[file]


class _Noting(Registry):
    """A registry that tells which actions it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.noted: list[AnyAction] = []

    def register_action(self, action: AnyAction) -> None:
        super().register_action(action)
        self.noted.append(action)


def _schemas(action: AnyAction) -> Schemas:
    return (action.input_schema, action.output_schema) if isinstance(action, Action) else ({}, {})
