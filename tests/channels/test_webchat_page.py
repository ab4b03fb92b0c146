"""The page in a real browser: what people see, also when the server dies under it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, ViewportSize, async_playwright, expect

from tests.channels.scripted import STALE, Scripted
from tests.channels.server import COMMANDS, TOKEN
from tests.channels.serving import Killable, serving
from turnflow.channels.webchat import WebChannel, webchat_app

# One browser for all tests, because starting one takes longer than most of them; each test has its own profile.
pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

SWITCHES: Sequence[str] = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
PHONE = ViewportSize(width=360, height=740)


class Chat:
    """A person at the page."""

    def __init__(self, page: Page, address: str, runtime: Scripted) -> None:
        self.page = page
        self.address = address
        self.runtime = runtime
        self.lines = page.locator("#log .line .bubble p")
        self.status = page.locator("#status")

    async def enter(self) -> None:
        await self.page.goto(f"{self.address}/#{TOKEN}")
        await expect(self.status).to_have_text("Online", timeout=10_000)

    async def say(self, *texts: str) -> None:
        for text in texts:
            before = len(self.runtime.delivered)
            await self.page.fill("#text", text)
            await self.page.keyboard.press("Enter")
            while len(self.runtime.delivered) == before:
                await asyncio.sleep(0.01)

    async def press(self, label: str, nth: int = -1) -> None:
        await self.page.locator("button.choice").filter(has_text=label).nth(nth).click()

    async def shows(self, *texts: str) -> None:
        await expect(self.lines).to_have_text(list(texts))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=SWITCHES)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def chat(browser: Browser) -> AsyncIterator[Chat]:
    """A person who opened the link; any error on the page's console fails the test."""
    runtime, channel = Scripted(), WebChannel()
    runtime.connect(channel)
    app = webchat_app(runtime, channel, token=TOKEN, commands=COMMANDS, heartbeat=0.5)
    async with serving(app) as address, watched(browser) as page:
        chat = Chat(page, address, runtime)
        await chat.enter()
        yield chat
        channel.close()


@asynccontextmanager
async def watched(browser: Browser) -> AsyncIterator[Page]:
    """A page whose errors count, except for requests that the test lets fail."""
    errors: list[str] = []
    context = await browser.new_context(viewport=PHONE)
    page = await context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    yield page
    await context.close()
    assert [error for error in errors if not error.startswith("Failed to load resource")] == []


async def test_the_access_link_opens_the_chat_and_leaves_no_key_in_the_address(chat: Chat) -> None:
    assert TOKEN not in chat.page.url
    await expect(chat.page.locator("#welcome")).to_be_visible()
    await chat.page.locator(".starter").filter(has_text="/start").click()
    await chat.shows("/start", "Hello! What is your name?")
    await expect(chat.page.locator("#welcome")).to_be_hidden()


async def test_a_conversation_with_buttons_goes_to_its_end_and_stays_after_a_reload(chat: Chat) -> None:
    await chat.say("/start", "Ada", "36")
    await chat.press("yes")
    said = ["/start", "Hello! What is your name?", "Ada", "Nice to meet you, Ada.", "How old are you?", "36",
            "Ada, 36 years old. Is that right?", "yes", "Welcome aboard!"]  # fmt: skip
    await chat.shows(*said)
    await chat.page.reload()
    await chat.shows(*said)
    await expect(chat.page.locator(".choice.chosen")).to_have_text("yes")


async def test_an_old_button_looks_spent_and_is_refused_politely_when_pressed(chat: Chat) -> None:
    await chat.say("/start", "Ada", "36")
    await chat.press("back")
    await expect(chat.page.locator(".choices.spent")).to_have_count(1)
    await chat.press("yes")
    await expect(chat.page.locator(".toast")).to_have_text(STALE)
    assert "yes" not in await chat.lines.all_inner_texts()
    await chat.page.reload()
    await expect(chat.lines.last).to_have_text("How old are you?")


async def test_parts_may_be_pressed_in_any_order(chat: Chat) -> None:
    await chat.say("/parts")
    for part in ("phone", "document", "email"):
        await chat.press(part)
        await expect(chat.lines.last).to_have_text(re.compile("1/3|2/3|3/3"))
        await expect(chat.page.locator("button.choice[aria-busy=true]")).to_have_count(0)
    await expect(chat.lines.last).to_have_text("Complete: 3/3.")


async def test_a_triple_click_presses_once(chat: Chat) -> None:
    await chat.say("/start", "Ada", "36")
    await chat.page.locator("button.choice").filter(has_text="yes").click(click_count=3)
    await expect(chat.lines.last).to_have_text("Welcome aboard!")
    assert len([turn for turn in chat.runtime.delivered if turn.input.kind == "press"]) <= 2


async def test_text_is_never_markup(chat: Chat) -> None:
    evil = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
    await chat.say("/start", evil)
    await expect(chat.lines.nth(3)).to_have_text(f"Nice to meet you, {evil}.")
    assert await chat.page.locator("#log img, #log script").count() == 0
    assert await chat.page.title() == "Turnflow"


async def test_input_nobody_wants_is_answered_politely(chat: Chat) -> None:
    await chat.say("anybody there?")
    await expect(chat.page.locator(".line .note")).to_have_text("Nobody here has an answer to that.")


async def test_a_slash_suggests_commands_by_keyboard(chat: Chat) -> None:
    await chat.page.locator("#room").focus()
    await chat.page.keyboard.type("/")
    await expect(chat.page.locator("#commands li")).to_have_count(3)
    await chat.page.keyboard.type("p")
    await chat.page.keyboard.press("ArrowDown")
    await chat.page.keyboard.press("Enter")
    await expect(chat.lines.first).to_have_text("/parts")


async def test_a_message_that_is_too_long_says_so_and_can_be_removed(chat: Chat) -> None:
    await chat.page.fill("#text", "é" * 30_000)
    await chat.page.keyboard.press("Enter")
    await expect(chat.page.locator(".state")).to_contain_text("Not sent: the message is longer than 32 KiB")
    await chat.page.get_by_role("button", name="Remove").click()
    await expect(chat.page.locator(".line")).to_have_count(0)


async def test_a_post_whose_answer_got_lost_is_sent_again_with_the_same_id_and_applied_once(chat: Chat) -> None:
    await chat.page.route("**/messages", _lost, times=2)
    await chat.page.route("**/events", _cut)
    await chat.page.reload()
    await chat.say("/start")
    while len(chat.runtime.delivered) < 3:
        await asyncio.sleep(0.01)
    await chat.page.unroute_all(behavior="wait")
    await chat.shows("/start", "Hello! What is your name?")
    assert len({turn.input.id for turn in chat.runtime.delivered}) == 1


async def test_while_the_store_is_away_messages_wait_even_over_a_reload(chat: Chat) -> None:
    await chat.say("/start")
    await chat.shows("/start", "Hello! What is your name?")
    chat.runtime.is_away = True
    await chat.say("Ada")
    await expect(chat.page.locator(".state")).to_have_text("Waiting to be sent")
    await chat.page.reload()
    await expect(chat.lines).to_have_text(["Ada"])
    chat.runtime.is_away = False
    await chat.shows("/start", "Hello! What is your name?", "Ada", "Nice to meet you, Ada.", "How old are you?")


async def test_a_message_known_already_is_not_shown_below_the_newest_ones(chat: Chat) -> None:
    await chat.page.route("**/events", _cut)
    await chat.page.reload()
    await chat.page.route("**/messages", _lost)
    await chat.say("/start")
    for number in range(130):
        await chat.runtime.tell(chat.runtime.delivered[-1].conversation, f"reminder {number}")
    await chat.page.unroute_all(behavior="wait")
    await chat.page.reload()
    await expect(chat.lines.last).to_have_text("reminder 129")


async def test_two_tabs_show_the_same_conversation(chat: Chat) -> None:
    await chat.say("/start")
    tab = await chat.page.context.new_page()
    other = Chat(tab, chat.address, chat.runtime)
    await tab.goto(chat.address)
    await other.shows("/start", "Hello! What is your name?")
    await other.say("Ada")
    await chat.shows("/start", "Hello! What is your name?", "Ada", "Nice to meet you, Ada.", "How old are you?")
    await tab.close()


async def test_earlier_messages_are_fetched_on_demand(chat: Chat) -> None:
    await chat.say("/start")
    for number in range(130):
        await chat.runtime.tell(chat.runtime.delivered[-1].conversation, f"reminder {number}")
    await chat.shows("/start", "Hello! What is your name?", *[f"reminder {number}" for number in range(130)])
    await chat.page.reload()
    await expect(chat.lines.last).to_have_text("reminder 129")
    assert await chat.lines.count() <= 100
    await chat.page.locator("#earlier").click()
    await expect(chat.lines).to_have_count(132)
    await expect(chat.lines.first).to_have_text("/start")
    await expect(chat.page.locator("#earlier")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_sticks_out_on_a_phone(chat: Chat, scheme: str) -> None:
    await chat.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    await chat.say("/start", "Wolfeschlegelsteinhausenbergerdorff" * 4, "36")
    await expect(chat.page.locator(".choice")).to_have_count(3)
    sizes = await chat.page.evaluate("[document.documentElement, room].map(e => e.scrollWidth - e.clientWidth)")
    assert sizes == [0, 0]
    box = await chat.page.locator(".choice").last.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < PHONE["height"]
    assert box["height"] >= 40


async def test_a_wrong_key_is_explained_and_a_pasted_link_opens_the_chat(browser: Browser, chat: Chat) -> None:
    async with watched(browser) as page:
        await page.goto(f"{chat.address}/#not-the-key")
        await expect(page.locator("#note")).to_contain_text("not valid")
        await page.fill("#key", f"{chat.address}/#{TOKEN}")
        await page.keyboard.press("Enter")
        await expect(page.locator("#status")).to_have_text("Online")


@pytest.mark.crash
async def test_after_a_kill_of_the_server_the_open_page_goes_on_by_itself(browser: Browser, tmp_path: Path) -> None:
    server = Killable(tmp_path / "said.jsonl")
    try:
        await server.start()
        async with watched(browser) as page:
            chat = Chat(page, server.address, Scripted())
            await chat.enter()
            await page.fill("#text", "/start")
            await page.keyboard.press("Enter")
            await chat.shows("/start", "Hello! What is your name?")
            server.kill()
            await expect(chat.status).to_have_text("Reconnecting…")
            await page.fill("#text", "Ada")
            await page.keyboard.press("Enter")
            await expect(page.locator("#banner")).to_be_visible()
            await expect(page.locator(".state")).to_have_text("Waiting to be sent")
            await server.start()
            asked = ["/start", "Hello! What is your name?", "Ada", "Nice to meet you, Ada.", "How old are you?"]
            await expect(chat.lines).to_have_text(asked, timeout=15_000)
            await expect(chat.status).to_have_text("Online")
            await expect(page.locator("#banner")).to_be_hidden()
            await expect(page.locator(".state")).to_have_count(0)
    finally:
        server.kill()


async def _lost(route: Route) -> None:
    """The server gets the request, the page never gets the answer."""
    await route.fetch()
    await route.abort()


async def _cut(route: Route) -> None:
    await route.abort()
