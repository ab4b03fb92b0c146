"""`log`: write a line into the log of the process."""

from __future__ import annotations

import logging
from typing import Literal, TypeAlias

from msgspec import Struct

from turnflow.actions.action import action
from turnflow.actions.secrets import redact
from turnflow.authoring.codecs import encode
from turnflow.core.ids import Json
from turnflow.ports import ActionContext

Level: TypeAlias = Literal["debug", "info", "warning", "error"]

_LOGGER = logging.getLogger("turnflow.flows")
_LEVELS: dict[Level, int] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


class LogLine(Struct, frozen=True, forbid_unknown_fields=True):
    """Input of `log`."""

    message: str
    level: Level = "info"
    fields: dict[str, Json] = {}
    """Further values. What stands under names such as `token` or `password` is not shown."""


@action(name="log")
async def log(line: LogLine, context: ActionContext) -> None:
    """Write a line to the logger `turnflow.flows`, with run and step, as JSON: whatever is in it, it stays one line."""
    shown: Json = {"message": line.message, "run": context.run, "step": context.step, "fields": line.fields}
    _LOGGER.log(_LEVELS[line.level], "%s", encode(redact(shown, ())).decode())
