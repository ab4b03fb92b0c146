"""Who somebody is to the flows: roles of people, and authors' predicates over what they send."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from turnflow.core.definition import Flow
from turnflow.core.ids import UserId
from turnflow.core.inputs import Input
from turnflow.core.routing import Live
from turnflow.engine.registry import Registry

NOBODY: frozenset[str] = frozenset()


class Audience:
    """Answers the two questions that routing cannot answer by itself."""

    def __init__(
        self,
        registry: Registry,
        roles: Mapping[str, Collection[str]],
        report: Callable[[str, BaseException | None], None],
    ) -> None:
        self._registry = registry
        self._report = report
        self._roles = {role: frozenset(members) for role, members in roles.items()}
        self._filters = [
            (trigger.value, registration.flow)
            for registration in registry.registrations
            for trigger in registration.triggers
            if trigger.kind == "filter"
        ]

    def roles_of(self, user: UserId) -> frozenset[str]:
        """Return the roles of a person."""
        if not self._roles:
            return NOBODY
        return frozenset(role for role, members in self._roles.items() if user in members)

    def matched(self, input: Input, live: Sequence[Live]) -> frozenset[str]:
        """Return the names of the authors' predicates that say yes to an input."""
        wanted = list(self._filters)
        for run in live:
            for cursor in run.state.cursors:
                if cursor.wait is None:
                    continue
                spec = cursor.wait.spec
                if spec is None:
                    step = run.flow.steps.get(cursor.step)
                    spec = step.question.wait if step is not None and step.question is not None else None
                if spec is not None and spec.accepts.filter:
                    wanted.append((spec.accepts.filter, run.flow))
        if not wanted:
            return NOBODY
        return frozenset(name for name, flow in wanted if self._says_yes(name, flow, input))

    def _says_yes(self, name: str, flow: Flow, input: Input) -> bool:
        handlers = self._registry.handlers(flow.name, flow.version)
        if handlers is None:
            return False
        try:
            return handlers.matches(name, input)
        except Exception as error:  # an author's predicate may raise anything; then it does not match
            self._report(f"filter {name!r} of flow {flow.name!r} failed", error)
            return False
