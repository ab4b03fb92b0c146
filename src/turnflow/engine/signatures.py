"""Signatures of webhooks as Standard Webhooks has them (https://www.standardwebhooks.com): HMAC-SHA256 over id, time and body."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Final

from turnflow.core.ids import At, Millis
from turnflow.errors import AuthorError, WebhookRefused

TOLERANCE: Final[Millis] = 5 * 60_000
"""How far the time of a message may lie from now, either way."""
PREFIX: Final = "whsec_"
SHORTEST: Final = 24
"""Fewest bytes of a secret."""
ID: Final = "webhook-id"
TIME: Final = "webhook-timestamp"
SIGNATURE: Final = "webhook-signature"


def sign(secrets: Sequence[str], id: str, body: bytes, at: At) -> dict[str, str]:
    """Return the three headers of a message, with a signature by each secret. Raises `AuthorError` for a bad secret."""
    seconds = str(at // 1000)
    signatures = " ".join(f"v1,{_signature(_key(secret), id, seconds, body)}" for secret in secrets)
    return {ID: id, TIME: seconds, SIGNATURE: signatures}


def verify(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: At) -> str:
    """Return the id of a message that one of the secrets has signed, at most five minutes ago (or ahead).

    Several secrets are for their rotation: the old one counts until it is taken off the list. Raises `WebhookRefused`, and
    `AuthorError` if a secret is none or there is none.
    """
    keys = [_key(secret) for secret in secrets]
    if not keys:
        raise AuthorError("a webhook without a secret cannot be told from anybody's; give at least one")
    given = {name.lower(): value for name, value in headers.items()}
    id, seconds, signatures = (given.get(name, "") for name in (ID, TIME, SIGNATURE))
    if not (id and seconds and signatures):
        raise WebhookRefused(f"a webhook needs the headers {ID}, {TIME} and {SIGNATURE}")
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= 12):
        raise WebhookRefused(f"{TIME} must be seconds since 1970")
    if abs(int(seconds) * 1000 - now) > TOLERANCE:
        raise WebhookRefused("the webhook is older than five minutes, or from the future; look at the clocks")
    known = [_signature(key, id, seconds, body).encode() for key in keys]
    found = False
    for signature in signatures.split()[:16]:
        version, _, value = signature.partition(",")
        for wanted in known:  # all of them, always: time must not tell which one fits
            found |= version == "v1" and hmac.compare_digest(wanted, value.encode())
    if not found:
        raise WebhookRefused("no signature of the webhook is by a secret that is known here")
    return id


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) < SHORTEST:
        raise AuthorError(f"a secret of webhooks is {PREFIX} and {SHORTEST} or more bytes in base64")
    return key


def _signature(key: bytes, id: str, seconds: str, body: bytes) -> str:
    signed = f"{id}.{seconds}.".encode() + body
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
