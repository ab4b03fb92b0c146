"""`kill -9` under an open page: the page goes on by itself, in the middle of the question."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, Error, expect

from tests.browser.demo import Demo
from tests.browser.person import Person, visitor
from tests.browser.test_demo import right

pytestmark = [pytest.mark.browser, pytest.mark.crash, pytest.mark.asyncio(loop_scope="module")]

WALK = [
    ("/signup", "What is your name?"),
    ("Ada", "How old are you?"),
    ("lots", "A number from 1 to 130, please."),
    ("36", right("Ada", 36)),
    ("yes", "Welcome, Ada!"),
]
"""What is typed, and the reply to it. (A button's text presses it.)"""


async def test_after_a_kill_the_open_page_goes_on_in_the_middle_of_the_question(browser: Browser, mortal: Demo) -> None:
    async with visitor(browser) as person:
        await person.open(mortal.address)
        await person.page.evaluate("window.isSamePage = true")
        await person.says("/signup", "What is your name?")
        await person.says("Ada", "How old are you?")
        mortal.kill()
        await expect(person.status).to_have_text("Reconnecting…")
        await expect(person.page.locator("#banner")).to_contain_text("What you write is kept")
        before = mortal.address
        mortal.start()
        assert mortal.address == before
        await person.is_online()
        await expect(person.page.locator("#banner")).to_be_hidden()
        await person.says("36", right("Ada", 36))
        await person.presses("yes", "Welcome, Ada!")
        assert await person.page.evaluate("window.isSamePage")
    (run,) = await mortal.runs("signup")
    assert run.status == "completed"


async def test_what_is_typed_and_pressed_while_the_server_is_down_arrives_once_and_in_order(
    browser: Browser, mortal: Demo
) -> None:
    async with visitor(browser) as person:
        await person.open(mortal.address)
        for line, reply in WALK[:2]:
            await person.says(line, reply)
        mortal.kill()
        await person.types("lots")
        await expect(person.page.locator(".state")).to_have_text(re.compile("Sending|Waiting"))
        await person.types("36")
        # A reload forgets nothing that has not been sent.
        await _reload_without_server(person, mortal)
        await person.reads("lots", "A number from 1 to 130, please.", "36", right("Ada", 36))
        mortal.kill()
        await person.button("yes").click()
        await expect(person.status).to_have_text("Reconnecting…")
        mortal.start()
        await person.reads("yes", "Welcome, Ada!")
        for line, reply in [*WALK, ("yes", "Welcome, Ada!")]:
            assert (await person.count(line), await person.count(reply)) == (1, 1), (line, reply)


async def test_killed_again_and_again_while_somebody_writes_each_line_counts_once(
    browser: Browser, mortal: Demo
) -> None:
    async with visitor(browser) as person:
        await person.open(mortal.address)
        for line, reply in WALK:
            async with person.page.expect_request("**/messages"):
                await person.types(line)
            mortal.kill()
            mortal.start()
            await person.reads(line, reply)
        assert await person.bubbles.all_inner_texts() == [text for pair in WALK for text in pair]
        await person.page.reload()
        await person.reads(*[text for pair in WALK for text in pair])
    (run,) = await mortal.runs("signup")
    assert run.status == "completed"


async def test_parts_that_were_done_stay_done_and_a_cancelled_one_stays_cancelled(
    browser: Browser, mortal: Demo
) -> None:
    async with visitor(browser) as person:
        await person.open(mortal.address)
        await person.types("/kyc")
        await person.reads("Your phone number?", "A photo of your passport, or its number?")
        await person.says("AB1234567", "Thank you, that is 1 of 3.")
        mortal.kill()
        mortal.start()
        await person.says("hello", "1/3 done. Which one next?")
        mortal.kill()
        mortal.start()
        await person.presses("email", "Please send an e-mail address, such as ada@example.org.")
        await person.says("ada@example.org", "Thank you, that is 2 of 3.")
        await person.says("/cancel", "Cancelled.")
        mortal.kill()
        mortal.start()
        await person.button("phone").click()
        await expect(person.toast).to_have_text("This button is no longer active.")
    (run,) = await mortal.runs("kyc")
    assert run.status == "cancelled"


async def test_a_payment_pressed_as_the_server_dies_is_made_once(browser: Browser, mortal: Demo) -> None:
    async with visitor(browser) as person:
        await person.open(mortal.address)
        await person.types("/checkout")
        await person.reads("Tea is 4 euros, cake is 6. What would you like?")
        await person.presses("cake", "In your cart: cake.")
        await person.presses("check out", "That is 6 euros. Pay now?")
        async with person.page.expect_request("**/messages"):
            await person.button("pay").click()
        mortal.kill()
        mortal.start()
        await person.reads("pay", "Thank you! Your receipt is paid-6.")
        assert await person.count("Thank you! Your receipt is paid-6.") == 1
    assert len(await mortal.recorded("payment")) == 1


async def _reload_without_server(person: Person, server: Demo) -> None:
    """Reload while nobody answers: the browser shows its own page, and going there again brings the chat back."""
    with pytest.raises(Exception, match="ERR_CONNECTION_REFUSED"):
        await person.page.reload()
    server.start()
    for _ in range(10):
        try:
            await person.page.goto(server.address)
            break
        except Error:  # the browser is reloading its own error page at this moment
            await person.page.wait_for_timeout(200)
    await person.is_online()
