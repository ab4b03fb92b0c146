"""From what an author wrote to a frozen definition with its code; everything that is wrong is found in one go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, cast

from turnflow import answers
from turnflow.authoring.data_type import DataType
from turnflow.authoring.findings import Findings
from turnflow.authoring.handlers import Code, FlowHandlers, StepCode
from turnflow.authoring.migrations import Chain, Link, chains
from turnflow.authoring.options import FlowWritten, ParallelWritten, Source, Written
from turnflow.authoring.program import Program
from turnflow.authoring.signatures import Invoke, is_async, name_of
from turnflow.authoring.steps import BuiltStep, StepBuilder
from turnflow.core.definition import Flow, HandlerStep, Hook, ParallelGroup, Policies, WaitSpec
from turnflow.core.ids import FlowName, Json, StepName
from turnflow.core.validation import problems
from turnflow.errors import InvalidFlow, Problem

_SPECIALS = {"flow_exit": "outcome", "error": "error", "timeout": "label", "middleware": "call_next"}
"""What a hook of a sort may ask for by name besides the turn."""
_SINGLE = ("error", "timeout")
"""Sorts of which a flow has at most one."""


def build(source: Source) -> FlowHandlers:
    """Return the code of a flow behind its definition. Raises `InvalidFlow` with all problems."""
    written = source.flow
    if found := tuple(_enum_problems(written.steps)):
        raise InvalidFlow(written.name, found)
    return _Builder(source, cast("type[Enum]", written.steps)).build()


def _enum_problems(steps: object) -> Iterable[Problem]:
    if not isinstance(steps, type) or not issubclass(steps, Enum):
        yield Problem("bad_steps", "steps", f"{steps!r} is no enum; name the steps in a StrEnum")
        return
    if not list(steps):
        yield Problem("no_steps", "steps", f"{steps.__name__} has no members; a flow needs at least one step")
    for member in steps:
        if not isinstance(member.value, str):
            yield Problem("bad_steps", f"steps.{member.name}", f"its value {member.value!r} is no text; use a StrEnum")


class _Builder:
    def __init__(self, source: Source, step_type: type[Enum]) -> None:
        self._source = source
        self._findings = Findings(step_type, {name for name, _ in source.filters})
        self._members: dict[StepName, Enum] = {StepName(cast(str, member.value)): member for member in step_type}

    def build(self) -> FlowHandlers:
        data_type, schema = self._data()
        hooks = {sort: self._hook(sort, codes) for sort, codes in self._source.hooks.items()}
        groups = self._groups()
        steps = self._steps(groups, [invoke for _, invoke in hooks.get("middleware", ())], "timeout" in hooks)
        flow = self._flow(schema, steps, groups, hooks)
        migrations = self._migrations(flow)
        filters = self._filters()
        found = (*self._findings.problems, *problems(flow))
        if found:
            raise InvalidFlow(flow.name, found)
        code = Code(
            steps={name: step.code for name, step in steps.items()},
            hooks=hooks,
            on_error=hooks["error"][0][1] if "error" in hooks else None,
            on_timeout=hooks["timeout"][0][1] if "timeout" in hooks else None,
            filters=filters,
            migrations=migrations,
            wants=frozenset(self._findings.wants),
        )
        waits = {name: step.wait for name, step in steps.items()}
        program = Program(flow, self._findings.step_type, self._members, data_type, waits)
        return FlowHandlers(program, code)

    def _data(self) -> tuple[DataType[Any], dict[str, Json]]:
        try:
            data_type: DataType[Any] = DataType(self._source.flow.data)
            return data_type, data_type.schema()
        except TypeError as error:
            self._findings.add("bad_data_type", "data", str(error))
        except NameError as error:
            self._findings.add(
                "bad_data_type", "data", f"{error}; define the types of its fields at the top of a module"
            )
        return DataType(None), {}

    def _flow(
        self,
        schema: dict[str, Json],
        steps: Mapping[StepName, BuiltStep],
        groups: dict[StepName, ParallelGroup],
        hooks: Mapping[str, object],
    ) -> Flow:
        written, findings = self._source.flow, self._findings
        start = next(iter(self._members)) if written.start is None else findings.target(written.start, "start")
        return Flow(
            name=FlowName(written.name),
            version=written.version,
            start=start or next(iter(self._members)),
            steps={name: step.step for name, step in steps.items()},
            groups=dict(groups),
            title=written.title,
            data=schema,
            policies=self._policies(written),
            hooks=_hook_names(hooks),
            retired=self._retired(),
        )

    def _policies(self, written: FlowWritten) -> Policies:
        ttl = self._findings.millis(written.ttl, "policies.ttl")
        idle = self._findings.millis(written.idle, "policies.idle")
        return Policies(written.key, written.on_repeat, ttl, idle, written.keep_buttons)

    # --- steps and groups ----------------------------------------------------------------------------------------

    def _steps(
        self, groups: Mapping[StepName, ParallelGroup], middleware: list[Invoke], flow_timeout: bool
    ) -> dict[StepName, BuiltStep]:
        built: dict[StepName, BuiltStep] = {}
        for written in self._source.steps:
            name = self._findings.target(written.step, f"steps.{getattr(written.step, 'value', written.step)}")
            if name is None:
                continue
            if name in built:
                code = name_of(written.handler.code)
                self._findings.add(
                    "duplicate_handler", f"steps.{name}", f"{code} is a second handler; remove one of them"
                )
                continue
            builder = StepBuilder(written, name, self._findings, flow_timeout=flow_timeout)
            built[name] = builder.build(middleware)
        for name, member in self._members.items():
            if name not in built:
                if name not in groups:
                    message = f"no handler; write one under @flow.step({member!s}), or remove the member"
                    self._findings.add("missing_handler", f"steps.{name}", message)
                step = HandlerStep(name, has_handler=name not in groups)
                built[name] = BuiltStep(step, StepCode(), _NO_WAIT)
        self._menus(groups, built)
        return {name: built[name] for name in self._members}

    def _menus(self, groups: Mapping[StepName, ParallelGroup], built: Mapping[StepName, BuiltStep]) -> None:
        for written in self._source.parallels:
            name = StepName(str(getattr(written.start, "value", written.start)))
            if name in groups and callable(written.menu):
                path = f"groups.{name}.menu"
                signature = self._findings.signature(Written(written.menu, written.around), "", path)
                built[name].code.menu = signature.invoke

    def _groups(self) -> dict[StepName, ParallelGroup]:
        groups: dict[StepName, ParallelGroup] = {}
        for written in self._source.parallels:
            path = f"groups.{getattr(written.start, 'value', written.start)}"
            group = self._group(written, path)
            if group is not None and group.name in groups:
                self._findings.add(
                    "duplicate_group", path, "a step starts at most one parallel group; remove one of them"
                )
            elif group is not None:
                groups[group.name] = group
        return groups

    def _group(self, written: ParallelWritten, path: str) -> ParallelGroup | None:
        findings = self._findings
        start, join = findings.target(written.start, f"{path}.start"), findings.target(written.join, f"{path}.join")
        found = [findings.target(step, f"{path}.steps[{index}]") for index, step in enumerate(written.steps)]
        branches = tuple(step for step in found if step is not None)
        on_timeout = None if written.on_timeout is None else findings.target(written.on_timeout, f"{path}.on_timeout")
        need = {"all": 0, "any": 1}.get(cast(str, written.need), written.need)
        if not isinstance(need, int) or (need < 1 and written.need != "all"):
            findings.add("bad_need", f"{path}.need", f"need={written.need!r}: write 'all', 'any' or a number from 1")
            need = 0
        if start is None or join is None or len(branches) < len(found):
            return None
        menu = None if callable(written.menu) else findings.message(written.menu, f"{path}.menu")
        timeout = findings.millis(written.timeout, f"{path}.timeout")
        return ParallelGroup(
            start, branches, join, need, written.redo, timeout, on_timeout, menu, menu_handler=callable(written.menu)
        )

    # --- hooks, filters, versions --------------------------------------------------------------------------------

    def _hook(self, sort: str, codes: list[Written]) -> list[tuple[str, Invoke]]:
        path = f"hooks.{sort}"
        if sort in _SINGLE and len(codes) > 1:
            self._findings.add("duplicate_hook", path, f"a flow has one on_{sort}; {len(codes)} were registered")
        special = _SPECIALS.get(sort, "")
        signatures = [self._findings.signature(code, special, path, asynchronous=True) for code in codes]
        return [(name_of(code.code), found.invoke) for code, found in zip(codes, signatures, strict=True)]

    def _filters(self) -> dict[str, Any]:
        filters = dict(self._source.filters)
        if len(filters) < len(self._source.filters):
            self._findings.add("duplicate_filter", "filters", "two filters have one name; rename one of them")
        for name, predicate in filters.items():
            if is_async(predicate):
                self._findings.add("async_filter", f"filters.{name}", "a filter only looks at the input; write `def`")
        return filters

    def _retired(self) -> dict[StepName, StepName]:
        retired = {}
        for old, then in self._source.retired:
            target = self._findings.target(then, f"retired.{old}")
            if target is not None:
                retired[StepName(old)] = target
        return retired

    def _migrations(self, flow: Flow) -> dict[int, Chain]:
        links: dict[int, Link] = {}
        for written in self._source.migrations:
            path = f"migrations.{written.old}"
            if written.old in links:
                self._findings.add(
                    "duplicate_migration", path, f"two migrations from version {written.old}; remove one"
                )
            if not written.old < written.new <= flow.version:
                message = f"leads to version {written.new}; it must be above {written.old}, at most {flow.version}"
                self._findings.add("bad_migration", path, message)
                continue
            if is_async(written.code):
                self._findings.add("async_migration", path, "a migration only changes the data; write `def`")
            steps = {StepName(old): StepName(str(getattr(to, "value", to))) for old, to in written.steps.items()}
            links[written.old] = Link(written.new, written.code, steps)
        found = chains(links, flow.version)
        for version in sorted(links.keys() - found.keys()):
            message = (
                f"leads to version {links[version].new}, from which nothing leads to {flow.version}; add a migration"
            )
            self._findings.add("migration_gap", f"migrations.{version}", message)
        for version, chain in found.items():
            for old, new in chain.steps.items():
                if new not in flow.steps and new not in flow.retired:
                    self._findings.target(str(new), f"migrations.{version}.steps.{old}")
        return found


_NO_WAIT = WaitSpec(accepts=answers.any_input())


def _hook_names(hooks: Mapping[str, object]) -> tuple[Hook, ...]:
    present = hooks.keys() | ({"flow_exit"} if "complete" in hooks else set())
    every: tuple[Hook, ...] = ("flow_enter", "flow_exit", "step_enter", "step_leave", "error", "timeout")
    return tuple(hook for hook in every if hook in present)
