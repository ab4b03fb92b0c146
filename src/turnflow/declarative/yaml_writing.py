"""Plain JSON as YAML 1.2 that people like to read and that reads back as exactly the same value."""

from __future__ import annotations

import yaml

from turnflow.core.ids import Json
from turnflow.declarative.scalars import BadScalar, scalar

_WIDTH = 110


def yaml_of(value: Json) -> str:
    """Return a value as YAML: lists and objects of scalars in one line, longer texts as blocks."""
    written = yaml.dump(
        value, Dumper=_Writer, sort_keys=False, allow_unicode=True, width=_WIDTH, default_flow_style=None
    )
    assert isinstance(written, str)
    return written


class _Writer(yaml.SafeDumper):
    """Quotes by the rules of YAML 1.2, which differ from those of the library."""

    def ignore_aliases(self, data: object) -> bool:
        """Write out everything: documents have no aliases."""
        return True


def _text(writer: _Writer, text: str) -> yaml.ScalarNode:
    style = None
    if not _is_plain(text):
        style = '"'
    elif "\n" in text:
        style = "|"
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style)


def _is_plain(text: str) -> bool:
    """Tell whether a text without quotes means itself, whatever version of YAML reads it."""
    try:
        return (scalar(text) == text and text.isprintable()) or _is_block(text)
    except BadScalar:
        return False


def _is_block(text: str) -> bool:
    lines = text.split("\n")
    return (
        len(lines) > 1
        and bool(lines[0].strip())
        and not lines[0].startswith(" ")
        and all(line.isprintable() and line == line.rstrip() for line in lines)
    )


_Writer.add_representer(str, _text)
