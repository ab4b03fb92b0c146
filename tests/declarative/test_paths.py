"""Problems with the whole of a graph stand under the names that the document uses, at the places where it says them."""

from __future__ import annotations

import pytest

from turnflow.declarative import load_flow
from turnflow.errors import InvalidFlow

HEAD = "flow: f\nstart: a\nsteps:\n  a: "


@pytest.mark.parametrize(
    ("step", "found"),
    [
        ("{action: log, to: b}", "4:24 steps.a.to"),
        ("{action: log, to: [a, b]}", "4:28 steps.a.to[1]"),
        ("{action: log, outputs: [{to: [a, b]}]}", "4:39 steps.a.outputs[0].to[1]"),
        ("{action: log, outputs: b}", "4:20 steps.a.outputs[0].to"),
        ("{kind: ask, say: Well?, attempts: 1, onExhausted: b}", "4:56 steps.a.onExhausted"),
        ("{kind: ask, say: Well?, remind: [2h], settings: {timeout: 1h}}", "4:39 steps.a.remind[0]"),
        ("{kind: say, text: '${steps.b.output}'}", "4:24 steps.a.text"),
        ("{duration: '${steps.b.output}'}", "4:17 steps.a.duration"),
    ],
)
def test_a_problem_stands_where_the_document_says_it(step: str, found: str) -> None:
    with pytest.raises(InvalidFlow) as raised:
        load_flow(HEAD + step)
    assert [f"{problem.line}:{problem.column} {problem.path}" for problem in raised.value.problems] == [found]
