"""The registry: which flows and actions an engine knows. There is no global one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from turnflow.core.codec import digest
from turnflow.core.definition import Flow, Registration, Trigger
from turnflow.core.ids import FlowName, Json
from turnflow.core.validation import trigger_problems
from turnflow.cron import schedule_problems
from turnflow.declarative import condition_problems
from turnflow.engine.values import fields_of
from turnflow.errors import ConflictingFlow, InvalidFlow, MissingResource, UnknownFlow
from turnflow.ports import Action, Handlers


class Buildable(Protocol):
    """Whatever authors write flows with."""

    def build(self) -> Handlers:
        """Return definition and code, or raise `InvalidFlow` with all problems."""


class _Built:
    """A flow that has been built already."""

    def __init__(self, handlers: Handlers) -> None:
        self._handlers = handlers

    def build(self) -> Handlers:
        return self._handlers


class Registry:
    """Flows with their triggers, and actions. Several versions of a flow may be registered; new runs get the highest."""

    def __init__(self) -> None:
        self._handlers: dict[tuple[FlowName, int], Handlers] = {}
        self._digests: dict[tuple[FlowName, int], str] = {}
        self._newest: dict[FlowName, Registration] = {}
        self._actions: dict[str, Action] = {}
        self._registrations: tuple[Registration, ...] = ()

    def register(
        self,
        flow: Buildable,
        on: Iterable[Trigger] = (),
        *,
        callable: bool = False,
        initial: Mapping[str, Json] | None = None,
    ) -> None:
        """Make a flow known, with what starts it. `initial` is data every triggered run starts with.

        Raises `InvalidFlow` with all problems, `ConflictingFlow` if another flow has this name and version, `InvalidValue` if a
        trigger could not start it because data that has no default is missing from `initial`.
        """
        handlers = flow.build()
        definition = handlers.definition
        triggers = tuple(on)
        problems = (*trigger_problems(triggers), *condition_problems(triggers), *schedule_problems(triggers))
        if problems:
            raise InvalidFlow(definition.name, problems)
        given = dict(initial or {})
        for trigger in triggers:
            if trigger.kind != "event":
                handlers.initial(fields_of({**given, **trigger.input}))
        key = (definition.name, definition.version)
        hashed = digest(definition)
        if key in self._digests and self._digests[key] != hashed:
            raise ConflictingFlow(
                f"two different flows are called {definition.name!r} version {definition.version}; raise the version of one"
            )
        self._handlers[key] = handlers
        self._digests[key] = hashed
        known = self._newest.get(definition.name)
        if known is None or known.flow.version <= definition.version:
            callable = callable or (known is not None and known.callable)
            triggers = triggers or (known.triggers if known is not None else ())
            self._newest[definition.name] = Registration(definition, triggers, callable, given)
            self._registrations = tuple(self._newest.values())

    def register_callable(self, flow: Buildable) -> None:
        """Make a flow known that other flows and the host program start."""
        self.register(flow, callable=True)

    def register_action(self, action: Action) -> None:
        """Make an action known under its name."""
        known = self._actions.get(action.name)
        if known is not None and known is not action:
            raise ConflictingFlow(f"two different actions are called {action.name!r}; rename one")
        self._actions[action.name] = action

    def include(self, other: Registry) -> None:
        """Make all flows and actions of another registry known here. Raises `ConflictingFlow` for other ones of their names."""
        for handlers in other.flows:
            newest = other._newest[handlers.definition.name]
            self.register(_Built(handlers), newest.triggers, callable=newest.callable, initial=newest.initial)
        for action in other._actions.values():
            self.register_action(action)

    @property
    def registrations(self) -> tuple[Registration, ...]:
        """The newest version of every flow, in order of registration."""
        return self._registrations

    @property
    def flows(self) -> tuple[Handlers, ...]:
        """Every version of every flow."""
        return tuple(self._handlers.values())

    def handlers(self, flow: FlowName, version: int) -> Handlers | None:
        """Return the code of a flow version, or None if it is not registered."""
        return self._handlers.get((flow, version))

    def definition(self, flow: FlowName, version: int) -> Flow | None:
        """Return the definition of a flow version, or None if it is not registered."""
        handlers = self._handlers.get((flow, version))
        return handlers.definition if handlers is not None else None

    def digest(self, flow: FlowName, version: int) -> str:
        """Return the hash over what a flow version does, "" if it is not registered."""
        return self._digests.get((flow, version), "")

    def newest(self, flow: str) -> tuple[Registration, Handlers]:
        """Return the newest version of a flow. Raises `UnknownFlow`."""
        registration = self._newest.get(FlowName(flow))
        if registration is None:
            known = ", ".join(self._newest) or "none"
            raise UnknownFlow(f"no flow {flow!r} is registered with this engine's registry; registered: {known}")
        return registration, self._handlers[registration.flow.name, registration.flow.version]

    def action(self, name: str) -> Action | None:
        """Return an action by name."""
        return self._actions.get(name)

    def check_resources(self, given: Mapping[type, object]) -> None:
        """Raise `MissingResource` naming all types that handlers ask for and that were not given."""
        missing = {
            f"{wanted.__module__}.{wanted.__qualname__} (flow {handlers.definition.name!r})"
            for handlers in self.flows
            for wanted in handlers.wants
            if wanted not in given
        }
        if missing:
            listed = ", ".join(sorted(missing))
            raise MissingResource(f"handlers ask for objects the engine was not given: {listed}; pass resources=[...]")
