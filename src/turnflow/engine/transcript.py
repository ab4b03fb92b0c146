"""The history of a conversation, as people saw it: inbox entries and replies in one order."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from msgspec.structs import replace

from turnflow.core.ids import ConversationId, InputId, MailboxId, Nonce
from turnflow.core.routing import button_nonce
from turnflow.engine import loading
from turnflow.engine.payloads import Arrived, Reply, decode_payload, decode_reply
from turnflow.errors import UndecodableRow
from turnflow.ports import Line, Said

if TYPE_CHECKING:
    from turnflow.engine.process import Process


async def read_history(
    process: Process, conversation: ConversationId, after: tuple[int, int], limit: int
) -> list[Said]:
    """Return the lines of a conversation behind a place that people have seen or will see."""
    if limit < 0:
        lines = await process.store.history(conversation, after, limit)
    else:
        lines = await _page(process, conversation, after, limit)
    refused = {reply.press for reply in map(_reply, lines) if reply is not None and reply.press and reply.message.text}
    said = [line for line in (_said(line, refused) for line in lines) if line is not None]
    if any(line.message is not None and line.message.buttons for line in said):
        open_ones = await _open_waits(process, MailboxId(conversation))
        said = [_dimmed(line, open_ones) for line in said]
    return said


async def _page(process: Process, conversation: ConversationId, after: tuple[int, int], limit: int) -> list[Line]:
    """Read on until there are as many visible lines as asked for, or no more lines."""
    found: list[Line] = []
    visible = 0
    while visible < limit:
        lines = await process.store.history(conversation, after, limit - visible)
        if not lines:
            break
        found += lines
        visible += sum(1 for line in lines if _said(line, frozenset()) is not None)
        after = (lines[-1].seq, lines[-1].index)
    return found


def _reply(line: Line) -> Reply | None:
    try:
        return decode_reply(line.payload) if line.index >= 0 else None
    except UndecodableRow:
        return None


def _said(line: Line, refused: Collection[InputId]) -> Said | None:
    """Return a line as people see it; None for what is no line to them, or cannot be read."""
    if line.index >= 0:
        reply = _reply(line)
        if reply is None or reply.press:
            return None
        return Said(line.seq, line.index, line.at, message=reply.message)
    try:
        payload = decode_payload(line.payload)
    except UndecodableRow:
        return None
    if not isinstance(payload, Arrived):
        return None
    input = payload.inbound.input
    return Said(line.seq, line.index, line.at, input=input, live=input.id not in refused)


async def _open_waits(process: Process, mailbox: MailboxId) -> set[Nonce]:
    found: set[Nonce] = set()
    for state in await loading.peek(process, mailbox):
        found.update(cursor.wait.nonce for cursor in state.cursors if cursor.wait is not None)
        found.update(group.menu.nonce for group in state.groups if group.menu is not None)
    return found


def _dimmed(line: Said, open_ones: set[Nonce]) -> Said:
    message = line.message
    if message is None or not message.buttons:
        return line
    nonces = {
        button_nonce(button.ref)
        for row in message.buttons
        for button in row
        if not isinstance(button, str) and button.ref
    }
    return line if nonces & open_ones or None in nonces else replace(line, live=False)
