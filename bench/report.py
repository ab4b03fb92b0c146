"""How benchmarks tell: a table on the screen and a JSON file of {case, value, unit, raw, ratio}."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

OUT = Path(__file__).parent / "out"


@dataclass(frozen=True)
class Row:
    """One figure. `raw`: the limit measured in the same run, in the same unit; 0 if there is none."""

    case: str
    value: float
    unit: str
    raw: float = 0.0

    @property
    def ratio(self) -> float:
        return self.value / self.raw if self.raw else 0.0


def report(name: str, rows: list[Row]) -> None:
    """Print the rows and write them to `bench/out/NAME.json`."""
    width = max(len(row.case) for row in rows)
    print(f"\n{name}\n{'case':<{width}} {'value':>12} {'unit':<14} {'raw':>10} {'ratio':>6}")
    for row in rows:
        raw, ratio = (f"{row.raw:,.0f}", f"{row.ratio:.0%}") if row.raw else ("", "")
        print(f"{row.case:<{width}} {row.value:>12,.1f} {row.unit:<14} {raw:>10} {ratio:>6}")
    OUT.mkdir(exist_ok=True)
    lines = [{**asdict(row), "ratio": round(row.ratio, 4)} for row in rows]
    (OUT / f"{name}.json").write_text(json.dumps(lines, indent=1) + "\n")
