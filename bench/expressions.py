"""What an expression costs: a small one, with half a megabyte of state around the part that it looks at."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from bench.report import Row, report
from turnflow.core.ids import Json
from turnflow.expressions import compile_condition, compile_expression, compile_template, template

ROUNDS = 5

STATE: dict[str, Json] = {
    "input": {"amount": 12.5, "name": "Zoe", "items": list(range(20))},
    "steps": {
        "lookup": {"output": {"body": {"total": 49.0, "rows": [{"id": n, "text": "x" * 80} for n in range(4_000)]}}},
        "other": {"output": {"rows": [{"id": n, "text": "y" * 80} for n in range(1_000)]}},
    },
}
"""About 0.5 MB as JSON."""


def rate(call: Callable[[], object], calls: int) -> float:
    """Return calls per second of the best of some rounds."""
    best = 0.0
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(calls):
            call()
        best = max(best, calls / (time.perf_counter() - began))
    return best


def main() -> None:
    """Measure evaluations per second; raw: the same condition over the state without what it does not look at."""
    calls = int(20_000 * (float(sys.argv[1]) if len(sys.argv) > 1 else 1.0))
    condition = compile_condition("steps.lookup.output.body.total < 50.0")
    small: dict[str, Json] = {"steps": {"lookup": {"output": {"body": {"total": 49.0}}}}}
    some = compile_condition("input.items.exists(x, x > 15)")
    path = compile_expression("steps.lookup.output.body")
    text = compile_template(
        template({"to": "${input.name}", "text": "Dear ${input.name}, you owe ${input.amount}", "kind": 1})
    )
    source = "steps.lookup.output.body.total < {n}.0"
    raw = rate(lambda: condition.holds(small), calls)
    numbers = iter(range(10**9))
    rows = [
        Row("condition on one number of 0.5 MB", rate(lambda: condition.holds(STATE), calls), "evaluations/s", raw),
        Row("exists() over 20 items", rate(lambda: some.holds(STATE), calls // 4), "evaluations/s"),
        Row("plain path to a large part", rate(lambda: path.evaluate(STATE), calls), "evaluations/s"),
        Row("template with three expressions", rate(lambda: text.render(STATE), calls // 4), "renderings/s"),
        Row(
            "compiling a new expression",
            rate(lambda: compile_expression(source.format(n=next(numbers))), calls // 100),
            "expressions/s",
        ),
    ]
    report("expressions", rows)


if __name__ == "__main__":
    main()
