"""The files of the page, read once."""

from __future__ import annotations

import hashlib
from html import escape
from importlib.resources import files
from typing import NamedTuple

_TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}


class Asset(NamedTuple):
    """A file a browser may fetch without a session; it holds no secrets."""

    content: bytes
    media_type: str
    etag: str


class Pages:
    """The chat, the door for those without a session, and what both load."""

    def __init__(self, title: str) -> None:
        folder = files(__package__) / "page"
        self._title = title
        self._chat = (folder / "index.html").read_text(encoding="utf-8")
        self._door = (folder / "door.html").read_text(encoding="utf-8")
        self.assets: dict[str, Asset] = {}
        for file in folder.iterdir():
            if (media_type := _TYPES.get("." + file.name.rpartition(".")[2])) is not None:
                content = file.read_bytes()
                self.assets[file.name] = Asset(content, media_type, f'"{hashlib.sha256(content).hexdigest()[:20]}"')

    def chat(self, root: str, conversation: str) -> bytes:
        """Return the page for a visitor; `root` is the path the app is mounted under."""
        return self._fill(self._chat, root, conversation)

    def door(self, root: str) -> bytes:
        """Return the page that takes an access link."""
        return self._fill(self._door, root, "")

    def _fill(self, page: str, root: str, conversation: str) -> bytes:
        # The free text goes in last, so that nothing in it is taken for a place to fill.
        filled = page.replace("{{root}}", escape(root)).replace("{{conversation}}", escape(conversation))
        return filled.replace("{{title}}", escape(self._title)).encode()
