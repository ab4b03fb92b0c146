"""From the definition of a flow graph to a picture: every way on is declared, and groups lie around their steps."""

from __future__ import annotations

from collections.abc import Iterator

from turnflow.core.definition import Flow, HandlerStep, ParallelGroup
from turnflow.core.graph import entries, goes_on, names, structure_of
from turnflow.core.ids import StepName
from turnflow.core.nodes import GROUPS, EndStep, Group, Node, Output
from turnflow.diagram.branches import leaves_it_open
from turnflow.diagram.captions import group_caption, handler_box, label, node_box
from turnflow.diagram.picture import Area, Arrow, ArrowKind, Box, Picture, Place
from turnflow.diagram.spans import span
from turnflow.diagram.waiting import waiting_arrows


def trace_graph(flow: Flow) -> Picture:
    """Return the picture of a flow graph. Works for graphs with mistakes too: a target that is no step becomes a marker."""
    return _GraphTracer(flow).picture()


class _GraphTracer:
    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._structure = structure_of(flow)
        self._steps = {name: step for name, step in _in_order(flow).items() if name not in flow.retired}

    def picture(self) -> Picture:
        arrows = [Arrow(Place("start"), self._place(self._flow.start))]
        for step in self._steps.values():
            arrows += self._arrows(step)
        for group in self._flow.groups.values():
            arrows += self._branches(group)
        return Picture(
            title=f"{self._flow.title or self._flow.name} (version {self._flow.version})",
            boxes=tuple(self._boxes()),
            areas=tuple(self._area(step) for step in self._steps.values() if isinstance(step, GROUPS)),
            arrows=tuple(arrows),
        )

    def _boxes(self) -> Iterator[Box]:
        for step in self._steps.values():
            if isinstance(step, HandlerStep):
                yield handler_box(step, opens=step.name in self._flow.groups)
            elif not isinstance(step, GROUPS):
                yield node_box(step)

    def _area(self, group: Group) -> Area:
        inside = tuple(
            name
            for name, step in self._steps.items()
            if self._structure.group[name] == group.name and not isinstance(step, GROUPS)
        )
        around = self._structure.group[group.name]
        if group.name in self._structure.enclosing[group.name]:  # a mistake: it lies in itself
            around = None
        return Area(group.name, inside, caption=group_caption(group), inside=around)

    def _arrows(self, step: HandlerStep | Node) -> Iterator[Arrow]:
        here = self._place(step.name)
        if isinstance(step, GROUPS):
            for member in entries(step):
                yield Arrow(Place("entry", step.name), self._place(member))
        conditional = sum(bool(output.when or output.error) for output in step.outputs)
        for number, output in enumerate(step.outputs, 1):
            yield from self._ways(step, output, number if conditional > 1 else 0)
        if not goes_on(step):
            yield from self._way_on(step, here)
        if isinstance(step, HandlerStep):
            yield from waiting_arrows(step, self._place)

    def _ways(self, step: HandlerStep | Node, output: Output, number: int) -> Iterator[Arrow]:
        here, text = self._place(step.name), label(output, number)
        if isinstance(step, HandlerStep) and step.question is not None and "timeout" in output.error:
            wait = step.question.wait
            text += f" after {span(wait.timeout)}" if wait.timeout is not None else ""
        for target in (output.to, *output.also):
            if output.error:
                yield Arrow(here, self._place(target), text, "error", dashed=True, output=output.name)
            else:
                kind: ArrowKind = "fork" if output.also else "way"
                yield Arrow(here, self._place(target), text, kind, output=output.name)

    def _way_on(self, step: HandlerStep | Node, here: Place) -> Iterator[Arrow]:
        """Draw where a step without an output for its success goes on."""
        following = self._structure.following.get(step.name)
        if isinstance(step, EndStep) or step.name in self._flow.groups:
            return
        if isinstance(step, HandlerStep) and step.kind == "handler" and leaves_it_open(step):
            yield Arrow(here, Place("open", step.name), dashed=True)
        elif following is not None:
            yield Arrow(here, self._place(following))
        elif self._structure.group[step.name] is None:
            yield Arrow(here, Place("end"))

    def _branches(self, group: ParallelGroup) -> Iterator[Arrow]:
        start = self._place(group.name)
        for branch in group.branches:
            yield Arrow(start, self._place(branch), kind="branch")
            yield Arrow(self._place(branch), self._place(group.join), kind="branch")
        if group.timeout is not None:
            target = Place("failed") if group.on_timeout is None else self._place(group.on_timeout)
            yield Arrow(start, target, f"after {span(group.timeout)}", "time")

    def _place(self, name: StepName) -> Place:
        for _ in range(len(self._flow.retired)):
            name = self._flow.retired.get(name, name)
        step = self._steps.get(name)
        if step is None:
            return Place("missing", name)
        return Place("area" if isinstance(step, GROUPS) else "step", name)


def _in_order(flow: Flow) -> dict[StepName, HandlerStep | Node]:
    """Return the steps in the order in which paths come to them, then those that none comes to."""
    known, following = names(flow), structure_of(flow).following
    found: dict[StepName, HandlerStep | Node] = {}
    todo = [flow.start]
    for name in todo:
        if name in known and name not in found:
            step = found[name] = known[name]
            todo += [target for output in step.outputs for target in (output.to, *output.also)]
            todo += entries(step) if isinstance(step, GROUPS) else ()
            after = following.get(name)
            todo += [after] if after is not None else []
    return {**found, **known}
