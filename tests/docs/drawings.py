"""The pictures of the pages, drawn from the code. `python -m tests.docs.drawings` draws those in the pages anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.docs.pages import Block, Page, pages
from turnflow import Registry
from turnflow.core.machine import STATUSES
from turnflow.core.state import TERMINAL
from turnflow.diagram import mermaid


def drawn(page: Page, block: Block) -> str:
    """What should stand in a `mermaid NAME` or `mermaid FILE FLOW` block."""
    if block.name in _PICTURES:
        return _PICTURES[block.name]()
    file, _, flow = block.name.partition(" ")
    names: dict[str, object] = {"__name__": file.removesuffix(".py")}
    exec(next(other.text for other in page.blocks if other.language == "python" and other.name == file), names)
    registry = names["registry"]
    assert isinstance(registry, Registry)
    return mermaid(registry.newest(flow)[0].flow)


def _statuses() -> str:
    """The life of a run; a status that nothing leads to or from yet is left out."""
    lines = ["stateDiagram-v2", "  [*] --> created"]
    for status, following in STATUSES.items():
        lines += [f"  {status} --> {other}" for other in sorted(following) if other != status]
    lines += [f"  {status} --> [*]" for status in sorted(TERMINAL)]
    return "\n".join(lines) + "\n"


_PICTURES: Mapping[str, Callable[[], str]] = {"statuses": _statuses}


def _renew() -> None:
    for page in pages():
        text = page.text
        for block in page.blocks:
            if block.language == "mermaid":
                info = f"```mermaid {block.name}\n"
                text = text.replace(info + block.text + "```", info + drawn(page, block) + "```")
        if text != page.text:
            page.path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    _renew()
