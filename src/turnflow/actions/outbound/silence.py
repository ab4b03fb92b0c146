"""Silence of the HTTP library: at DEBUG it logs headers of responses, and a server may send back what it was sent.

Only what is logged during an exchange of ours is dropped; the host program's own use of the library is not touched.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_SILENT: ContextVar[bool] = ContextVar("turnflow_http_silent", default=False)
_LOGGERS = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy")


@contextmanager
def silence() -> Iterator[None]:
    """Drop what the library logs in this task."""
    token = _SILENT.set(True)
    try:
        yield
    finally:
        _SILENT.reset(token)


def _is_heard(record: logging.LogRecord) -> bool:
    return not _SILENT.get()


for _name in _LOGGERS:
    logging.getLogger(_name).addFilter(_is_heard)
