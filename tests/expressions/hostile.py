"""Expressions and templates made to cost time or memory; run as a script, it tells how they end and what they took.

Prints a line of JSON per case: its name, how it ended, the length of the message, seconds, and the peak of memory so far in MB.
"""

from __future__ import annotations

import json
import resource
import time

from turnflow.core.ids import Json
from turnflow.errors import InvalidExpression, UserCodeError
from turnflow.expressions import compile_expression, compile_template, template

DIGITS: Json = list(range(10))
MANY: Json = list(range(9_000))
MORE: Json = list(range(100_000))
LONG = "x" * 500_000


def nested(source: str, levels: int, start: str = "1") -> str:
    """Return `source` wrapped around itself; `{inner}` is the inner one and `{n}` its level."""
    for level in range(levels):
        start = source.replace("{inner}", start).replace("{n}", str(level))
    return start


REFUSED: dict[str, tuple[str, dict[str, Json]]] = {
    "10,000 parentheses": ("(" * 10_000 + "1" + ")" * 10_000, {}),
    "8,000 parentheses": ("(" * 8_000 + "1" + ")" * 8_000, {}),
    "8,000 lists": ("[" * 8_000 + "]" * 8_000, {}),
    "8,000 open brackets": ("[" * 8_000, {}),
    "2,000 maps": (nested("{'a':{inner}}", 2_000), {}),
    "8,000 additions": ("1" + "+1" * 8_000, {}),
    "8,000 members": ("input" + ".a" * 8_000, {}),
    "5,000 indexes": ("input" + "[0]" * 5_000, {}),
    "2,000 conditions": ("true?1:" * 2_000 + "1", {}),
    "500 macros in each other": (nested("[1].map(x{n}, {inner})", 500), {}),
    "10 MB of text": ("'" + "a" * 10_000_000 + "'", {}),
    "10 MB of spaces": (" " * 10_000_000, {}),
    "10 MB of emoji": ("😀" * 2_500_000, {}),
    "16,384 quotes": ("'" * 16_383, {}),
    "a text doubled 30 times": ("['aaaaaaaaaa']" + ".map(a, a + a)" * 30, {}),
    "a text doubled 25 times": ("['aaaaaaaaaa']" + ".map(a, a + a)" * 25, {}),
    "a list doubled 25 times": ("[[1, 2]]" + ".map(a, a + a)" * 25, {}),
    "a list of lists doubled 25 times": ("[[1, 2]]" + ".map(a, [a, a])" * 25, {}),
    "a map doubled 25 times": ("[[1, 2]]" + ".map(a, {'a': a, 'b': a})" * 25, {}),
    "a long text doubled 12 times": ("[input]" + ".map(a, a + a).filter(a, true)" * 12, {"input": LONG}),
    "10^9 iterations": (nested("[0,1,2,3,4,5,6,7,8,9].map(x{n}, {inner})", 9), {}),
    "10^4 iterations": (nested("input.map(x{n}, {inner})", 4), {"input": DIGITS}),
    "10^20 iterations of all": (nested("input.all(x{n}, {inner})", 4, "true"), {"input": MORE}),
    "a list of 100,000 built": ("input.map(x, x)", {"input": MORE}),
    "a list of 9,000 built": ("input.map(x, x)", {"input": MANY}),
    "a list of 9,000 filtered": ("input.filter(x, x >= 0)", {"input": MANY}),
    "a list of 9,000 built inside": ("[1, 2].exists(y, input.map(x, x).size() == 1)", {"input": MANY}),
    "a list searched for each of its items": ("input.all(x, !(x + 9000 in input))", {"input": MANY}),
    "a list compared with itself for each item": ("input.all(x, input == input)", {"input": MANY}),
    "a list added to itself for each item": ("input.map(x, input + input)", {"input": MANY}),
    "a list repeated for each item": ("input.map(x, input)", {"input": MANY}),
    "a long text joined for each item": ("input.l.map(x, input.s + input.s)", {"input": {"l": MANY, "s": LONG}}),
    "a long text measured for each item": ("input.l.all(x, size(input.s) > 0)", {"input": {"l": MANY, "s": LONG}}),
    "a long text matched for each item": ("input.l.all(x, !input.s.matches('(x+x+)+y'))", {"input": {"l": MANY, "s": LONG}}),
    "a large pattern for each item": ("input.exists(x, string(x).matches('(([a-z]{30}){30})'))", {"input": MANY}),
    "a large pattern of large classes": (r"input.matches(r'(\pL{30}){30}')", {"input": "a"}),
    "many large classes": ("input.matches(r'" + r"\pL" * 5_000 + "')", {"input": "a"}),
    "patterns from values": ("input.exists(x, 'a'.matches(x))", {"input": ["(\\pL{30}){30}"] * 100}),
    "a pattern from a value": ("input.matches(data)", {"input": "a", "data": r"\pL" * 100_000}),
    "a deep pattern from a value": ("input.matches(data)", {"input": "a", "data": "(" * 100_000 + ")" * 100_000}),
    "a long pattern from a value": ("input.matches(data)", {"input": "a", "data": "a|" * 500_000}),
    "a long pattern put together": ("input.matches(data + 'a')", {"input": "a", "data": r"\pL" * 100_000}),
    "16,000 wildcards": ("input.matches('" + "." * 16_000 + "')", {"input": "a"}),
    "a wildcard repeated for each item": ("input.exists(x, string(x).matches('.{90}'))", {"input": MANY}),
    "1,200 macros": ("[" + ",".join(["[1].map(x,x)"] * 1_200) + "]", {}),
    "8,000 unknown names": ("[" + ",".join("a" * 8_000) + "]", {}),
    "16,000 signs": ("-" * 16_000 + "1", {}),
    "2,700 alternatives": ("true" + "||true" * 2_700, {}),
    "a million entries": ("[input]", {"input": [[1] * 10] * 100_000}),
    "6 MB of text joined": ("input + input", {"input": "x" * 6_000_000}),
    "a long text found in a longer one": ("input.a.contains(input.b)", {"input": {"a": LONG, "b": "x" * 250_000 + "y"}}),
    "a long text added 200 times": ("(" + ")+(".join(["+".join(["input"] * 14)] * 14) + ")", {"input": LONG}),
    "a long list added 200 times": ("(" + ")+(".join(["+".join(["input"] * 14)] * 14) + ")", {"input": MANY}),
    "a long text listed 2,000 times": ("[" + ",".join(["input"] * 2_000) + "]", {"input": LONG}),
}  # fmt: skip
"""Each must end in an error."""

BORNE: dict[str, tuple[str, dict[str, Json]]] = {
    "3,900 signs": ("-" * 3_900 + "1", {}),
    "3,900 negations": ("!" * 3_900 + "true", {}),
    "1,300 alternatives": ("true" + "||true" * 1_300, {}),
    "1,900 entries": ("[" + ",".join("1" * 1_900) + "]", {}),
    "a prose text of 15 KB": ("'" + "so it goes. " * 1_240 + "'", {}),
    "10,000 items looked at": ("input.all(x, x >= 0)", {"input": MANY}),
    "1,000 items built": ("input.map(x, x + 1).size()", {"input": list(range(1_000))}),
    "a long text": ("input + 'y'", {"input": LONG}),
    "a deep value": ("size(input)", {"input": json.loads("[" * 500 + "]" * 500)}),
}
"""Large, but honest: each has a result."""

TEMPLATES: dict[str, Json] = {
    "an expression of 10 MB": "${" + "a" * 10_000_000 + "}",
    "10 MB that never end": "${" + "{" * 10_000_000,
    "10 MB of beginnings": "${" * 5_000_000,
    "10 MB of quotes": "${'" + "\\'" * 5_000_000,
    "10 MB of triple quotes": "${" + "'''\\" * 2_500_000,
    "10 MB of raw quotes": "${" + "r\"'" * 3_000_000,
    "nested lists": json.loads("[" * 900 + '"${1}"' + "]" * 900),
}
"""Each must end in an error."""


def ending(case: str) -> tuple[str, str]:
    """Return how a case ends, `invalid`, `failed` or `result`, and the message."""
    try:
        if case in TEMPLATES:
            compile_template(template(TEMPLATES[case]))
        else:
            source, values = (REFUSED | BORNE)[case]
            compile_expression(source).evaluate(values)
    except InvalidExpression as error:
        return "invalid", str(error)
    except UserCodeError as error:
        return "failed", str(error)
    return "result", ""


def main() -> None:
    compile_expression("input.exists(x, x == 1)").evaluate({"input": [1]})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for case in [*REFUSED, *BORNE, *TEMPLATES]:
        began = time.perf_counter()
        how, message = ending(case)
        seconds = time.perf_counter() - began
        peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        print(json.dumps([case, how, len(message), round(seconds, 4), round(peak, 1)]))


if __name__ == "__main__":
    main()
