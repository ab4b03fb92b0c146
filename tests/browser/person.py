"""A person at the page: what they do, and what they see."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Locator, Page, ViewportSize, expect

SWITCHES: Sequence[str] = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
PHONE = ViewportSize(width=390, height=844)
DESKTOP = ViewportSize(width=1280, height=800)
PATIENCE = 30_000
"""Milliseconds that anything may take on a busy machine."""

expect.set_options(timeout=PATIENCE)


class Person:
    """Somebody with the page open."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.bubbles = page.locator("#log .line .bubble p")
        self.status = page.locator("#status")
        self.toast = page.locator(".toast")

    async def open(self, address: str) -> None:
        """Follow the printed address."""
        await self.page.goto(address)
        await self.is_online()

    async def is_online(self) -> None:
        await expect(self.status).to_have_text("Online")

    async def types(self, text: str) -> None:
        """Write a message and send it, whether the server is there or not."""
        await self.page.fill("#text", text)
        await self.page.keyboard.press("Enter")

    async def says(self, text: str, *replies: str) -> None:
        """Write a message and read these replies directly behind it."""
        await self.types(text)
        await self.reads(text, *replies)

    async def presses(self, label: str, *replies: str) -> None:
        """Press the newest button of this name and read these replies directly behind it."""
        await self.button(label).click()
        await self.reads(label, *replies)

    def button(self, label: str, nth: int = -1) -> Locator:
        """A button of this name, by default the newest."""
        return self.page.get_by_role("button", name=label, exact=True).nth(nth)

    async def reads(self, *texts: str) -> None:
        """See these as the last lines of the conversation, sent and confirmed."""
        for place, text in enumerate(reversed(texts), 1):
            await expect(self.bubbles.nth(-place)).to_have_text(text)
        await expect(self.page.locator("#log .state")).to_have_count(0)

    async def count(self, text: str) -> int:
        """How many lines say exactly this."""
        return (await self.bubbles.all_inner_texts()).count(text)


@asynccontextmanager
async def visitor(browser: Browser, *, size: ViewportSize = PHONE, dark: bool = False) -> AsyncIterator[Person]:
    """A person with a browser profile of their own. Whatever the page's scripts complain about fails the test."""
    touch = size["width"] < 600
    context = await browser.new_context(
        viewport=size, color_scheme="dark" if dark else "light", has_touch=touch, is_mobile=touch, locale="en-GB"
    )
    context.set_default_timeout(PATIENCE)
    complaints: list[str] = []
    page = await context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    try:
        yield Person(page)
    finally:
        await context.close()
    # A server that is away is what these tests are about; the browser mentions each request that found nobody.
    assert [one for one in complaints if not one.startswith("Failed to load resource")] == []
