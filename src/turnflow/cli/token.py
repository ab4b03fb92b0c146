"""The access token of a served page: made at first start, kept beside the store, readable only by its owner."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from turnflow.errors import CallerError

SHORTEST = 32
"""Characters a token needs at least (guarantees: Security defaults)."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def token_for(store: str, host: str) -> str:
    """Return the token: from TURNFLOW_TOKEN, else from the file beside the store, else a new one.

    Raises `CallerError` as `check_token` does, or if the file holds no token.
    """
    check_token(host)
    given = os.environ.get("TURNFLOW_TOKEN", "")
    if given:
        return given
    path = _file(store)
    if path is None:
        return secrets.token_urlsafe(32)
    return _kept(path) if path.exists() else _made(path)


def check_token(host: str) -> None:
    """Raise `CallerError` for a token that is too short, and for an address off loopback without a token of one's own."""
    given = os.environ.get("TURNFLOW_TOKEN", "")
    if given and len(given) < SHORTEST:
        raise CallerError(f"TURNFLOW_TOKEN has {len(given)} characters; at least {SHORTEST} random ones are needed")
    if not given and host not in LOOPBACK:
        raise CallerError(
            f"listening on {host} makes this reachable for others: set TURNFLOW_TOKEN to at least {SHORTEST} random"
            " characters first, or listen on 127.0.0.1"
        )


def _kept(path: Path) -> str:
    token = path.read_text(encoding="utf-8").strip()
    if len(token) < SHORTEST:
        raise CallerError(
            f"{path} holds no key of {SHORTEST} characters; delete it, and the next start makes a new one"
        )
    return token


def _made(path: Path) -> str:
    token = secrets.token_urlsafe(32)
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(token + "\n")
    return token


def _file(store: str) -> Path | None:
    scheme, found, rest = store.partition(":///")
    if not found or scheme != "sqlite":
        return None
    return Path(rest.partition("?")[0] + ".token")
