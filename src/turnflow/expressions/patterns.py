"""What a regular expression (RE2) costs: it never backtracks, but it is compiled anew at every evaluation.

Prices are in the cells of `budget`, upper bounds measured with large patterns: 8 for a plain character, hundreds for a class
that covers most of Unicode (`.`, `[^a]`), thousands for a class of Unicode (`\\pL`). Counted repetitions write their operand out.
"""

from __future__ import annotations

import re

FIXED = 300
PLAIN = 8
WIDE = 250
UNICODE = 12_000
REPEATED = 40
"""At least this much per repetition: its operand may be a class of several ranges."""

UNKNOWN = 500_000
UNKNOWN_LENGTH = 256
CEILING = 10**9
"""Far over any budget."""

_COUNTED = re.compile(r"\{(\d{1,4}),?(\d{0,4})\}")
_WIDE = re.compile(r"\.|\[\^|\\[DWS]|\[:\^|[^\x00-\x7f]|\(\?")
_UNICODE = re.compile(r"\\[pP]")
_NESTED = re.compile(r"[)}?*+]\{")


def pattern_price(text: str) -> int:
    """Return what compiling the pattern costs at most, in cells."""
    wide, unicode = len(_WIDE.findall(text)), len(_UNICODE.findall(text))
    parts = PLAIN * len(text) + WIDE * wide + UNICODE * unicode
    counts = [max(1, int(most or least)) for least, most in _COUNTED.findall(text)]
    if _NESTED.search(text):
        for count in counts:
            parts = min(parts * count, CEILING)
        return FIXED + parts
    operand = UNICODE if unicode else WIDE if wide else REPEATED
    return FIXED + parts + operand * sum(counts)


def unknown_pattern_price(length: int) -> int:
    """Return what a pattern that is put together during the evaluation costs at most; `length` is an upper bound."""
    return UNKNOWN if length <= UNKNOWN_LENGTH else CEILING
