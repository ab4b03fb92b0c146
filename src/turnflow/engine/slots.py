"""Places for actions under way: so many in one process, so many of one step; who has none waits, and steps take turns."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from turnflow.core.ids import FlowName, StepName

if TYPE_CHECKING:
    from turnflow.engine.works import Work

AT_ONCE: Final = 64
"""Actions under way in one process (guarantees: Limits)."""


class Slots:
    """Gives places away, to the steps that wait in turn: a thousand items of one loop do not hold up another flow."""

    __slots__ = ("_begin", "_busy", "_steps", "_waiting")

    def __init__(self, begin: Callable[[Work], None]) -> None:
        self._begin = begin
        self._busy = 0
        self._steps: Counter[tuple[FlowName, StepName]] = Counter()
        self._waiting: OrderedDict[tuple[FlowName, StepName], deque[Work]] = OrderedDict()

    def offer(self, work: Work) -> None:
        """Begin an attempt as soon as there is a place for it, behind those of its step that wait already."""
        place = work.place
        if place in self._waiting or self._busy >= AT_ONCE or self._full(work):
            self._waiting.setdefault(place, deque()).append(work)
        else:
            self._take(work)

    def free(self, work: Work) -> None:
        """Give back the place of an attempt that is over; the next one takes it."""
        self._busy -= 1
        self._steps[work.place] -= 1
        if not self._steps[work.place]:
            del self._steps[work.place]
        while self._busy < AT_ONCE:
            found = self._next()
            if found is None:
                return
            self._take(found)

    def _full(self, work: Work) -> bool:
        limit = work.settings.concurrency
        return bool(limit) and self._steps[work.place] >= limit

    def _take(self, work: Work) -> None:
        self._busy += 1
        self._steps[work.place] += 1
        work.placed = True
        self._begin(work)

    def _next(self) -> Work | None:
        """Return who is next; its step goes to the end of the line."""
        for place, queue in list(self._waiting.items()):
            while queue and queue[0].stopped is not None:  # nobody wants it any more
                queue.popleft()
            if not queue:
                del self._waiting[place]
            elif not self._full(queue[0]):
                work = queue.popleft()
                self._waiting.move_to_end(place)
                if not queue:
                    del self._waiting[place]
                return work
        return None
