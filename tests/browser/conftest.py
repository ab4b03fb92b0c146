"""One browser and one running demo for the tests of a file; those that kill the server start one of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.browser.demo import Demo
from tests.browser.person import SWITCHES, Person, visitor


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=SWITCHES)
        yield browser
        await browser.close()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo that stays up."""
    demo = Demo(tmp_path_factory.mktemp("demo"))
    try:
        demo.start()
        yield demo
    finally:
        demo.kill()


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Demo]:
    """A demo that a test may kill and start again."""
    demo = Demo(tmp_path)
    try:
        demo.start()
        yield demo
    finally:
        demo.kill()


@pytest_asyncio.fixture(loop_scope="module")
async def person(browser: Browser, demo: Demo) -> AsyncIterator[Person]:
    """Somebody who has just followed the printed address."""
    async with visitor(browser) as person:
        await person.open(demo.address)
        yield person
