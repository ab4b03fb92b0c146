"""Bodies of responses as JSON values: JSON is parsed, text is text, anything else is base64."""

from __future__ import annotations

import base64
import re
from codecs import BOM_UTF8
from collections.abc import Mapping
from typing import NamedTuple

from turnflow.authoring.codecs import InvalidJson, decode
from turnflow.core.ids import Json
from turnflow.errors import UserCodeError

_JSON = re.compile(r"application/json|[\w.+-]+/[\w.+-]+\+json")
_TEXT = re.compile(r"text/.+|application/(xml|javascript|x-www-form-urlencoded|x-ndjson|graphql|yaml)|.+\+xml")
_PARAMETER = re.compile(r"\bcharset=\"?([^\s;\"]+)")
_CHARSET = re.compile(
    r"utf-?(8|16|16le|16be)|(us-)?ascii|iso-8859-\d+|windows-125\d|shift_jis|euc-jp|gb(k|2312|18030)|big5|koi8-r"
)
"""What a server may name; Python knows codecs that are no text or take very long."""


class Body(NamedTuple):
    """A body as JSON."""

    value: Json
    base64: bool = False
    """The value is base64, because the body is no text."""


def body_of(content: bytes, headers: Mapping[str, str]) -> Body:
    """Return a body by its content type. Raises `UserCodeError` (`http.invalid`) if JSON is announced and does not come."""
    if not content:
        return Body(None)
    kind, _, parameters = headers.get("content-type", "").lower().partition(";")
    kind = kind.strip()
    if _JSON.fullmatch(kind):
        try:
            return Body(decode(content.removeprefix(BOM_UTF8)))
        except (InvalidJson, RecursionError) as error:
            raise UserCodeError("http.invalid", f"the response says it is JSON and is not: {error}") from error
    if _TEXT.fullmatch(kind):
        named = _PARAMETER.search(parameters)
        charset = named[1] if named else ""
        return Body(content.decode(charset if _CHARSET.fullmatch(charset) else "utf-8", errors="replace"))
    if not kind:
        try:
            return Body(content.decode())
        except UnicodeDecodeError:
            pass
    return Body(base64.b64encode(content).decode(), base64=True)
