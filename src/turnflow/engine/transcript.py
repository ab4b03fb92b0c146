"""The history of a conversation, as people saw it: inbox entries and replies in one order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from turnflow.core.ids import ConversationId, MailboxId, Nonce
from turnflow.core.routing import button_nonce
from turnflow.engine import loading
from turnflow.engine.payloads import Arrived, decode_payload, decode_reply
from turnflow.errors import UndecodableRow
from turnflow.ports import Line, Said

if TYPE_CHECKING:
    from turnflow.engine.process import Process


async def read_history(
    process: Process, conversation: ConversationId, after: tuple[int, int], limit: int
) -> list[Said]:
    """Return the lines of a conversation behind a place that people have seen or will see."""
    lines = await process.store.history(conversation, after, limit)
    said = [line for line in (_said(line) for line in lines) if line is not None]
    if any(line.message is not None and line.message.buttons for line in said):
        open_ones = await _open_waits(process, MailboxId(conversation))
        said = [_dimmed(line, open_ones) for line in said]
    return said


def _said(line: Line) -> Said | None:
    try:
        if line.index < 0:
            payload = decode_payload(line.payload)
            if not isinstance(payload, Arrived):
                return None
            return Said(line.seq, line.index, line.at, input=payload.inbound.input)
        reply = decode_reply(line.payload)
    except UndecodableRow:
        return None
    return Said(line.seq, line.index, line.at, message=reply.message) if not reply.press else None


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
