"""Named connections: servers that the host program knows, with the credentials flows use but never see."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote

import httpx
from msgspec import Struct

from turnflow.actions.outbound.target import origin_of, parse_url
from turnflow.core.ids import Json
from turnflow.errors import AuthorError, UserCodeError


class Connection(Struct, frozen=True):
    """A server under a name. Flows say `connection: name` and a url below `base_url`."""

    name: str
    base_url: str
    """For instance `https://api.example/v2`."""
    headers: Mapping[str, Json] = {}
    """Sent with every request; a flow cannot change them. Texts, or references such as `{"$secret": "env:SHOP_TOKEN"}`."""

    def __post_init__(self) -> None:
        """See at once that the address is one."""
        try:
            url = httpx.URL(self.base_url)
        except (httpx.InvalidURL, ValueError) as error:
            raise AuthorError(f"connection {self.name!r}: base_url cannot be read: {error}") from None
        if not url.host or url.userinfo or url.query or url.fragment:
            raise AuthorError(
                f"connection {self.name!r}: write base_url as https://host/path, without user, query and fragment"
            )

    def below(self, relative: str) -> httpx.URL:
        """Return the URL of a place below `base_url`. Raises `UserCodeError` (`http.refused`) for any other place."""
        said = parse_url(relative)
        climbs = any(part == ".." for part in unquote(said.path).replace("\\", "/").split("/"))
        if said.scheme or said.host or said.userinfo or climbs:
            raise UserCodeError(
                "http.refused",
                f"the url is not below connection {self.name!r}; with a connection it is a path such as /orders/1",
            )
        base = httpx.URL(self.base_url)
        path = base.raw_path.rstrip(b"/")
        rest = said.raw_path.lstrip(b"/")
        url = base.copy_with(raw_path=path + b"/" + rest if rest else path or b"/")
        assert origin_of(url) == origin_of(base)
        return url
