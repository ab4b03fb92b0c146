"""From a definition to a picture: which arrows there are, and which boxes belong together."""

from __future__ import annotations

from collections.abc import Iterator

from turnflow.core.definition import Flow, HandlerStep, ParallelGroup
from turnflow.core.graph_validation import is_graph
from turnflow.core.ids import StepName
from turnflow.diagram.branches import Branches, leaves_it_open
from turnflow.diagram.captions import handler_box
from turnflow.diagram.graph_tracing import trace_graph
from turnflow.diagram.picture import Area, Arrow, Box, Picture, Place
from turnflow.diagram.spans import span
from turnflow.diagram.waiting import waiting_arrows


def trace(flow: Flow) -> Picture:
    """Return the picture of a flow. Works for flows with mistakes too: a target that is no step becomes a marker."""
    return trace_graph(flow) if is_graph(flow) else _Tracer(flow).picture()


class _Tracer:
    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._steps = {name: step for name, step in flow.steps.items() if name not in flow.retired}
        self._branches = Branches(flow, tuple(self._steps))
        self._assumes_order = False

    def picture(self) -> Picture:
        arrows = [Arrow(Place("start"), self._place(self._flow.start))]
        for step in self._steps.values():
            arrows += self._arrows(step)
        for group in self._flow.groups.values():
            arrows += self._group_arrows(group)
        return Picture(
            title=f"{self._flow.title or self._flow.name} (version {self._flow.version})",
            boxes=tuple(map(self._box, self._steps.values())),
            areas=tuple(map(self._area, self._flow.groups.values())),
            arrows=tuple(arrows),
            assumes_order=self._assumes_order,
        )

    def _arrows(self, step: HandlerStep) -> Iterator[Arrow]:
        here = Place("step", step.name)
        ways = [output for output in step.outputs if not output.error]
        group = self._flow.groups.get(step.name)
        for output in ways:
            if group is None or output.to not in group.branches:
                yield Arrow(here, self._place(output.to), output.name, dashed=not step.declared)
        if not ways:
            yield from self._way_on(step)
        for output in step.outputs:
            if output.error:
                codes = ", ".join("any error" if code == "*" else code for code in output.error)
                label = f"{output.name}: {codes}" if output.name else codes
                yield Arrow(here, self._place(output.to), label, "error")
        yield from waiting_arrows(step, self._place)

    def _way_on(self, step: HandlerStep) -> Iterator[Arrow]:
        """Draw the way on of a step that names none."""
        here = Place("step", step.name)
        inside = step.name in self._branches.group_of
        if step.name in self._flow.groups:
            return
        if not leaves_it_open(step):
            if not inside:
                yield Arrow(here, Place("end"))
            return
        following = self._branches.suggested.get(step.name) if inside else self._branches.next_outside(step.name)
        if following is not None:
            self._assumes_order = True
            yield Arrow(here, Place("step", following), dashed=True)
        elif not inside:
            self._assumes_order = True
            yield Arrow(here, Place("end"), dashed=True)

    def _group_arrows(self, group: ParallelGroup) -> Iterator[Arrow]:
        start, gate = self._place(group.name), Place("gate", group.name)
        for branch in group.branches:
            yield Arrow(start, self._place(branch), kind="branch")
        for name in self._branches.last_of(group):
            yield Arrow(Place("step", name), gate, kind="branch")
        yield Arrow(gate, self._place(group.join), kind="branch")
        if group.timeout is not None:
            target = Place("failed") if group.on_timeout is None else self._place(group.on_timeout)
            yield Arrow(start, target, f"after {span(group.timeout)}", "time")

    def _area(self, group: ParallelGroup) -> Area:
        inside, total = self._branches.group_of, len(group.branches)
        gate = "all done" if group.need in (0, total) else f"{group.need} of {total} done"
        return Area(group.name, tuple(name for name in inside if inside[name] == group.name), gate)

    def _box(self, step: HandlerStep) -> Box:
        return handler_box(step, opens=step.name in self._flow.groups)

    def _place(self, name: StepName) -> Place:
        for _ in range(len(self._flow.retired)):
            name = self._flow.retired.get(name, name)
        return Place("step" if name in self._steps else "missing", name)
