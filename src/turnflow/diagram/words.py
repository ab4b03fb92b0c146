"""Texts of authors, made fit for a picture."""

from __future__ import annotations

from turnflow.core.ids import Json


def one_line(text: str, limit: int) -> str:
    """Return `text` on one line of at most `limit` characters; an ellipsis stands for what is left out."""
    line = "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(line.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def quoted(text: str, limit: int = 60) -> str:
    """Return what a step says, in quotation marks; nothing for an empty text."""
    line = one_line(text, limit)
    return f"“{line}”" if line else ""


def expression(value: Json) -> str:
    """Return the source of a template: without `${}` if it is nothing but one expression."""
    text = value if isinstance(value, str) else "" if value is None else str(value)
    inner = text.removeprefix("${").removesuffix("}")
    return inner if text == f"${{{inner}}}" and "${" not in inner else text
