"""A document that is well written and all wrong ends in an error that somebody can read."""

from __future__ import annotations

import pytest

from turnflow.declarative import load_flow
from turnflow.errors import InvalidFlow

HEAD = "flow: f\nstart: s0\nsteps:\n"


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "  s0: {kind: end}\n" + "".join(f"x{n}: 1\n" for n in range(40_000)),
        HEAD + "".join(f"  s{n}: {{kind: end}}\n" for n in range(30_000)),
        HEAD + "".join(f"  s{n}: {{kind: end}}\n" for n in range(900)) + "  a: {action: l, outputs: ["
        + ",".join(f"{{to: x{n}}}" for n in range(30_000)) + "]}\n",
        HEAD + "  s0: {action: l, input: [" + ",".join("'${nope}'" for _ in range(20_000)) + "]}\n",
        HEAD + "  s0: {kind: say, text: '" + "${" * 100_000 + "'}\n",
        HEAD + "  s0: {kind: decision, outputs: [{when: '" + "(" * 100_000 + "', to: s0}]}\n",
    ],
    ids=["unknown fields", "steps", "unknown targets", "expressions", "unfinished expressions", "parentheses"],
)  # fmt: skip
def test_masses_of_mistakes_are_told_in_part(text: str) -> None:
    with pytest.raises(InvalidFlow) as raised:
        load_flow(text)
    assert 0 < len(raised.value.problems) <= 100
    assert len(str(raised.value)) < 50_000
