"""`turnflow rehearse`: transcripts played against flows."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from turnflow.cli.finding import find_registry
from turnflow.testing import rehearse as play


async def rehearse(registry: str, transcripts: list[Path]) -> int:
    """Play every transcript; return 1 if one of them differs."""
    flows = find_registry(registry)
    console = Console(highlight=False, soft_wrap=True)
    failed = 0
    for path in transcripts:
        report = await play(flows, path.read_text(encoding="utf-8"))
        console.print(f"{path}: {'[green]as written[/]' if report.ok else '[red]differs[/]'}")
        if not report.ok:
            failed += 1
            console.print(str(report), markup=False)
    return 1 if failed else 0
