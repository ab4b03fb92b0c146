"""Which steps belong to the branches of parallel groups, and which undeclared ways on the order of the steps suggests."""

from __future__ import annotations

from collections.abc import Sequence

from turnflow.core.definition import Flow, HandlerStep, ParallelGroup
from turnflow.core.ids import StepName


class Branches:
    """The steps inside the groups of a flow.

    A step is inside if declared ways lead to it from a branch's first step, or if it is listed right behind a step inside
    that declares none and the branches go on behind it. What completes a branch, its group knows: no way on is drawn for
    the last step of one.
    """

    def __init__(self, flow: Flow, order: Sequence[StepName]) -> None:
        self._flow = flow
        self._order = order
        self._place = {name: index for index, name in enumerate(order)}
        self.group_of: dict[StepName, StepName] = {}
        """The group each step inside belongs to."""
        self._head_of: dict[StepName, StepName] = {}
        self.suggested: dict[StepName, StepName] = {}
        """The undeclared way on from one step inside to another."""
        borders = {name for group in flow.groups.values() for name in (group.name, group.join, *group.branches)}
        for group in flow.groups.values():
            for head in group.branches:
                self._walk(group, head, borders)

    def last_of(self, group: ParallelGroup) -> list[StepName]:
        """Return the steps that complete the branches, as far as a definition tells.

        They are those with no way on, or where a branch has none (it runs in a circle) the one it reaches last.
        """
        last: list[StepName] = []
        for head in group.branches:
            branch = [name for name, first in self._head_of.items() if first == head]
            ends = [name for name in branch if name not in self.suggested and not _ways(self._flow.steps[name])]
            last += ends or branch[-1:]
        return last

    def next_outside(self, name: StepName) -> StepName | None:
        """Return the step listed next behind `name` that is in no branch."""
        later = self._order[self._place[name] + 1 :]
        return next((other for other in later if other not in self.group_of), None)

    def _walk(self, group: ParallelGroup, head: StepName, borders: set[StepName]) -> None:
        todo = [head]
        while todo:
            name = todo.pop(0)
            if name not in self._place or name in self.group_of:
                continue
            self.group_of[name], self._head_of[name] = group.name, head
            step = self._flow.steps[name]
            todo += [target for target in _ways(step) if target not in borders]
            following = self._listed_next(name, group)
            if leaves_it_open(step) and following is not None and following not in borders | self.group_of.keys():
                self.suggested[name] = following
                todo.append(following)

    def _listed_next(self, name: StepName, group: ParallelGroup) -> StepName | None:
        later = self._order[self._place[name] + 1 :]
        return later[0] if not {group.join, *group.branches}.isdisjoint(later) else None


def leaves_it_open(step: HandlerStep) -> bool:
    """Tell whether only the code of a step knows where it goes on."""
    return step.has_handler and not step.declared and not _ways(step)


def _ways(step: HandlerStep) -> list[StepName]:
    return [output.to for output in step.outputs if not output.error]
