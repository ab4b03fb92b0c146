"""Paths of the definition as paths of documents: `steps.pay.ask.timeout` is written `steps.pay.settings.timeout` there."""

from __future__ import annotations

import re

from turnflow.declarative.located import Located

_WORDS = {
    "attempt_timeout": "attemptTimeout",
    "idempotency_key": "idempotencyKey",
    "idle_timeout": "idleTimeout",
    "max_delay": "maxDelay",
    "max_iterations": "maxIterations",
    "on_exhausted": "onExhausted",
    "while_": "while",
}
_WORD = re.compile(rf"\.({'|'.join(_WORDS)})(?![\w.])")
_OTHERWISE = (
    (".item", ".as"),
    (".say", ".text"),
    (".until", ".duration"),
    (".outputs[0]", ".to"),
    (".outputs[0].to", ".to"),
)
"""What stands under another name in documents, or may."""


def document_path(path: str, document: Located) -> str:
    """Return the path under which a document holds what a definition holds at `path`."""
    if path == "policies.ttl":
        return "timeout"
    path = re.sub(r"\.ask\.timeout$", ".settings.timeout", path)
    path = re.sub(r"^(steps\.[^.]+)\.ask\b", r"\1", path)
    path = re.sub(r"\.also\[(\d+)\]$", lambda found: f".to[{int(found[1]) + 1}]", path)
    path = _WORD.sub(lambda found: f".{_WORDS[found[1]]}", path)
    if not document.holds(path):
        path = re.sub(r"\.outputs\[0\](\.to\[\d+\])$", r"\1", path)
    for ending, other in _OTHERWISE:
        if path.endswith(ending) and not document.holds(path):
            written = path.removesuffix(ending) + other
            path = written if document.holds(written) else path
    return path
