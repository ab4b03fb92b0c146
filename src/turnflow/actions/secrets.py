"""Secrets by reference: `{"$secret": "env:NAME"}` or `{"$secret": "file:/path"}` stands where the text itself must not be stored.

A reference is resolved immediately before its use, never stored, and `redact` takes the text out of whatever comes back.
`{"$secret": "env:TOKEN", "prefix": "Bearer "}` puts a text that is no secret before it.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Collection
from pathlib import Path
from urllib.parse import quote, quote_plus

from turnflow.core.ids import Json
from turnflow.errors import UserCodeError

REDACTED = "[redacted]"
"""What stands where a secret was."""
SECRET_NAMES = frozenset(
    {
        "access_token", "api_key", "apikey", "authorization", "bearer", "client_secret", "cookie", "credentials", "passphrase",
        "passwd", "password", "private_key", "proxy_authorization", "refresh_token", "secret", "set_cookie", "token",
        "x_api_key",
    }
)  # fmt: skip
"""Names of fields whose value is taken for a secret. Case and `-` or `_` make no difference."""
FILE_LIMIT = 64 * 1024
"""Bytes of the largest file that holds a secret."""


def resolve_secrets(value: Json, allowed: Collection[str] | None) -> tuple[Json, tuple[str, ...]]:
    """Return `value` with every reference in it replaced by its text, and these texts.

    `allowed` lists the references that may be used, such as `env:SHOP_TOKEN`; None allows all. Reads files: call it in a thread.
    Raises `UserCodeError` (`secret`) for a reference that is not allowed, malformed, unset, unreadable or empty.
    """
    found: list[str] = []

    def resolved(part: Json) -> Json:
        if isinstance(part, list):
            return [resolved(item) for item in part]
        if not isinstance(part, dict):
            return part
        if "$secret" not in part:
            return {name: resolved(item) for name, item in part.items()}
        reference, prefix = _reference(part)
        if allowed is not None and reference not in allowed:
            raise UserCodeError("secret", f"secret {reference!r} may not be used here; list it in `secrets=[...]`")
        text = _text(reference)
        found.append(text)
        return prefix + text

    return resolved(value), tuple(dict.fromkeys(found))


def redact(value: Json, secrets: Collection[str], names: Collection[str] = SECRET_NAMES) -> Json:
    """Return `value` without the texts in `secrets`, wherever they stand, and without what stands under one of `names`.

    A text is also found inside a longer one, in names of fields, as a number, and as it looks in an URL, in JSON and in base64.
    References to secrets are no secrets and stay.
    """
    forms = sorted({form for secret in secrets if secret for form in _forms(secret)}, key=len, reverse=True)
    pattern = re.compile("|".join(re.escape(form) for form in forms)) if forms else None
    hidden = {_folded(name) for name in names}

    def clean(text: str) -> str:
        return text if pattern is None else pattern.sub(REDACTED, text)

    def redacted(part: Json) -> Json:
        match part:
            case str():
                return clean(part)
            case list():
                return [redacted(item) for item in part]
            case dict():
                return {
                    clean(name): _hide(item) if _folded(name) in hidden else redacted(item)
                    for name, item in part.items()
                }
            case int() | float() if not isinstance(part, bool) and str(part) in forms:
                return REDACTED
            case _:
                return part

    return redacted(value)


def _hide(value: Json) -> Json:
    """Hide a value for the sake of its name; that there is none, or where it is kept, may be known."""
    is_reference = isinstance(value, dict) and "$secret" in value
    return value if value is None or value == "" or is_reference else REDACTED


def _folded(name: str) -> str:
    return name.casefold().replace("-", "").replace("_", "")


def _forms(secret: str) -> set[str]:
    """Return how a text looks where it may come back."""
    encoded = base64.b64encode(secret.encode()).decode()
    written = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    return {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), encoded} | written


def _reference(part: dict[str, Json]) -> tuple[str, str]:
    """Return where a secret is kept, and the text before it."""
    reference, prefix = part["$secret"], part.get("prefix", "")
    if not isinstance(reference, str) or not isinstance(prefix, str) or part.keys() - {"$secret", "prefix"}:
        raise UserCodeError(
            "secret",
            'a secret is written {"$secret": "env:NAME"} or {"$secret": "file:/path"}, with nothing but a "prefix"',
        )
    return reference, prefix


def _text(reference: str) -> str:
    """Read a secret."""
    kind, _, place = reference.partition(":")
    if kind == "env" and place:
        text = os.environ.get(place, "")
        if not text:
            raise UserCodeError(
                "secret", f"secret {reference!r}: the environment variable {place!r} is not set; set it"
            )
        return text
    if kind == "file" and Path(place).is_absolute():
        try:
            with Path(place).open("rb") as file:
                content = file.read(FILE_LIMIT + 1)
            text = content.decode().rstrip("\r\n")
        except (OSError, ValueError) as error:
            reason = (error.strerror if isinstance(error, OSError) else "") or "it is not UTF-8 text"
            raise UserCodeError("secret", f"secret {reference!r} cannot be read: {reason}") from None
        if not text or len(content) > FILE_LIMIT:
            raise UserCodeError("secret", f"secret {reference!r}: the file is empty or over {FILE_LIMIT // 1024} KiB")
        return text
    raise UserCodeError("secret", f"secret {reference!r} is unknown; write env:NAME or file:/absolute/path")
