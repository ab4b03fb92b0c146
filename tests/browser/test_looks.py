"""How the page looks on a phone and on a desk, by day and by night. The pictures are kept to be looked at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Browser, ViewportSize, expect

from tests.browser.demo import Demo
from tests.browser.person import DESKTOP, PHONE, Person, visitor
from tests.browser.test_demo import HELLO, STALE, right

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

SMALL = ViewportSize(width=320, height=568)
FITTING = "[document.documentElement, document.body, room].map((one) => one.scrollWidth - one.clientWidth)"
SETTLED = """
Promise.all(document.getAnimations()
  .filter((one) => one.effect.getComputedTiming().endTime < Infinity)
  .map((one) => one.finished.catch(() => 0)))
"""
"""Movements that come to an end have done so; a pulse never does."""
SHORT_OF_CONTRAST = """
() => {
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const over = (top, below) => [0, 1, 2].map((at) => top[at] * top[3] + below[at] * (1 - top[3]));
  const rgba = (color) => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = color;
    context.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = context.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  };
  const behind = (element) => {
    if (!element) return [255, 255, 255];
    const { backgroundColor, backgroundImage } = getComputedStyle(element);
    const first = backgroundImage.match(/rgba?\\([^)]*\\)/);
    return over(rgba(first ? first[0] : backgroundColor), behind(element.parentElement));
  };
  const light = (color) => {
    const [red, green, blue] = color.map((one) => {
      const part = one / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.textContent.trim();
    if (!text || !element.checkVisibility({ visibilityProperty: true }) || element.closest(".sr, noscript, :disabled")) continue;
    const back = behind(element);
    const [bright, dark] = [light(over(rgba(getComputedStyle(element).color), back)), light(back)].sort((a, b) => b - a);
    const ratio = (bright + 0.05) / (dark + 0.05);
    if (ratio < 4.5) found.push(`${text}: ${ratio.toFixed(2)}`);
  }
  return found;
}
"""
"""Texts with less contrast than WCAG 2.2, 1.4.3 asks for (4.5 to 1)."""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pictures")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desk"])
async def test_the_main_states_fit_and_can_be_read(
    browser: Browser,
    demo: Demo,
    pictures: Path,
    size: ViewportSize,
    dark: bool,
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> None:
    record_property("pictures", pictures)
    name = request.node.callspec.id
    async with visitor(browser, size=size, dark=dark) as person:
        await person.open(demo.address)
        for number, (state, reach) in enumerate(STATES.items(), 1):
            await reach(person)
            await person.page.evaluate(SETTLED)
            await person.page.screenshot(path=pictures / f"{name}-{number}-{state}.png")
            assert await person.page.evaluate(FITTING) == [0, 0, 0], state
            assert await person.page.evaluate(SHORT_OF_CONTRAST) == [], state
            await expect(person.page.locator("#text")).to_be_in_viewport(ratio=1)


async def test_on_the_smallest_phone_the_newest_question_can_be_seen_and_answered(browser: Browser, demo: Demo) -> None:
    async with visitor(browser, size=SMALL) as person:
        await person.open(demo.address)
        await person.says("/start", HELLO)
        assert await person.page.evaluate(FITTING) == [0, 0, 0]
        for label in ("Register", "Ask for help"):
            button = person.button(label)
            await expect(button).to_be_in_viewport(ratio=1)
            box = await button.bounding_box()
            assert box is not None
            assert box["height"] >= 40
        await person.presses("Register", "What is your name?")
        await person.says("Wolfeschlegelsteinhausenbergerdorff" * 4, "How old are you?")
        assert await person.page.evaluate(FITTING) == [0, 0, 0]


async def test_everything_can_be_done_with_the_keyboard(browser: Browser, demo: Demo) -> None:
    async with visitor(browser, size=DESKTOP) as person:
        await person.open(demo.address)
        await person.page.keyboard.type("/sig")
        await person.page.keyboard.press("ArrowDown")
        await person.page.keyboard.press("Enter")
        await person.reads("/signup", "What is your name?")
        for word in ("Ada", "36"):
            await person.page.keyboard.type(word)
            await person.page.keyboard.press("Enter")
        await person.reads(right("Ada", 36))
        await expect(person.page.locator("#text")).to_be_focused()
        for _ in range(3):
            await person.page.keyboard.press("Shift+Tab")
        await expect(person.button("yes")).to_be_focused()
        await person.page.keyboard.press("Enter")
        await person.reads("yes", "Welcome, Ada!")


async def _menu(person: Person) -> None:
    await person.says("hello", HELLO)


async def _question(person: Person) -> None:
    await person.presses("Register", "What is your name?")
    await person.says("Ada", "How old are you?")
    await person.says("lots", "A number from 1 to 130, please.")
    await person.says("36", right("Ada", 36))


async def _refusal(person: Person) -> None:
    await person.presses("back", "How old are you?")
    await person.button("no").click()
    await expect(person.toast).to_have_text(STALE)


async def _parts(person: Person) -> None:
    await person.types("/kyc")
    await person.says("AB1234567", "Thank you, that is 1 of 3.")
    await person.says("nonsense", "1/3 done. Which one next?")


async def _paid(person: Person) -> None:
    await person.says("/checkout", "Tea is 4 euros, cake is 6. What would you like?")
    await person.presses("tea", "In your cart: tea.")
    await person.presses("check out", "That is 4 euros. Pay now?")
    await person.presses("pay", "Thank you! Your receipt is paid-4.")


async def _commands(person: Person) -> None:
    await person.page.fill("#text", "/")
    await expect(person.page.locator("#commands li")).to_have_count(6)


async def _offline(person: Person) -> None:
    await person.page.fill("#text", "")
    await person.page.context.set_offline(True)
    await person.types("Are you there?")
    await expect(person.page.locator("#banner")).to_be_visible()
    await expect(person.page.locator(".state")).to_have_text("Waiting to be sent")


async def _nothing(person: Person) -> None:
    await expect(person.page.locator("#welcome")).to_be_visible()


STATES: dict[str, Callable[[Person], Awaitable[None]]] = {
    "welcome": _nothing,
    "menu": _menu,
    "question": _question,
    "refusal": _refusal,
    "parts": _parts,
    "paid": _paid,
    "commands": _commands,
    "offline": _offline,
}
