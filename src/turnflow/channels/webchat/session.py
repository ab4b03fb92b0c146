"""Who is talking: sessions that are only a signed random number, so that they outlive the server that made them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import NamedTuple

from turnflow.core.ids import ConversationId, UserId
from turnflow.errors import InvalidValue

TOKEN_LIMIT = 32
"""Fewest characters of an access token."""
_ID_BYTES = 18


class Visitor(NamedTuple):
    """One browser's session."""

    conversation: ConversationId
    user: UserId


class Sessions:
    """Opens sessions for those who know the token and recognises them again. Nothing is stored.

    The cookie's value is a random id of 144 bits and its HMAC-SHA256 under a key derived from the token: another token
    ends all sessions. The cookie's name depends on the token too, because browsers share cookies between ports.
    """

    def __init__(self, token: str) -> None:
        if len(token) < TOKEN_LIMIT:
            raise InvalidValue(
                f"the web chat's token has {len(token)} characters; use {TOKEN_LIMIT} random ones or more"
            )
        self._token = token.encode()
        self._key = hashlib.sha256(b"turnflow web session\0" + self._token).digest()
        self.cookie = "turnflow_" + hashlib.sha256(b"turnflow web cookie\0" + self._token).hexdigest()[:8]

    def knows(self, token: str) -> bool:
        """Tell, in constant time, whether this is the access token."""
        return hmac.compare_digest(token.encode("utf-8", "replace"), self._token)

    def open(self) -> str:
        """Return the cookie value of a new session."""
        id = _text(secrets.token_bytes(_ID_BYTES))
        return f"{id}.{self._sign(id)}"

    def visitor(self, cookie: str | None) -> Visitor | None:
        """Return who a cookie belongs to, or None if we did not sign it."""
        id, _, signature = (cookie or "").partition(".")
        if not hmac.compare_digest(signature.encode("utf-8", "replace"), self._sign(id).encode()):
            return None
        return Visitor(ConversationId(f"web:{_digest('conversation', id)}"), UserId(f"web:{_digest('user', id)}"))

    def _sign(self, id: str) -> str:
        return _text(hmac.digest(self._key, id.encode("utf-8", "replace"), "sha256"))


def _digest(what: str, id: str) -> str:
    return hashlib.sha256(f"{what}\0{id}".encode("utf-8", "replace")).hexdigest()[:32]


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
