"""What `make demo` promises, in a real browser: a person goes through every example of the demo."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Browser, expect

from tests.browser.demo import STORE, Demo
from tests.browser.person import Person, visitor
from tests.cli.processes import Terminal

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

STALE = "This button is no longer active."
HELLO = (
    "Hello! What would you like to do? You can stop with /cancel at any time.\n"
    "And whenever you like, kill this server: as soon as it is back, we go on right here."
)


def right(name: str, age: int) -> str:
    return f"{name}, {age} years old. Is that right?"


async def test_the_printed_address_opens_the_chat_with_what_there_is_to_do(person: Person, demo: Demo) -> None:
    assert demo.key not in person.page.url
    topics = person.page.locator(".starter b")
    await expect(topics).to_have_text(
        ["See what there is", "Register", "Prove who you are", "Buy tea and cake", "Ask for help"]
    )
    await topics.first.click()
    await person.reads("/start", HELLO)


async def test_one_registers_goes_back_and_is_politely_refused_an_old_button(person: Person) -> None:
    await person.says("hello", HELLO)
    await person.presses("Register", "What is your name?")
    await person.says("Ada", "How old are you?")
    for nonsense in ("lots", "-1", "131", "36½"):
        await person.says(nonsense, "A number from 1 to 130, please.")
    await person.says("36", right("Ada", 36))
    await person.presses("back", "How old are you?")
    await person.button("yes").click()
    await expect(person.toast).to_have_text(STALE)
    await expect(person.page.locator(".choice.chosen")).to_have_text(["Register", "back"])
    await person.says("37", right("Ada", 37))
    await person.button("no", nth=0).click()
    await expect(person.toast).to_have_text(STALE)
    await person.presses("yes", "Welcome, Ada!")
    await expect(person.page.locator(".choice.chosen")).to_have_text(["Register", "back", "yes"])
    await person.page.reload()
    await person.reads("37", right("Ada", 37), "yes", "Welcome, Ada!")
    await expect(person.page.locator(".choice.chosen")).to_have_text(["Register", "back", "yes"])


async def test_parts_are_done_in_any_order_with_progress_and_can_be_changed_at_the_end(person: Person) -> None:
    await person.types("/kyc")
    await person.reads("Your e-mail address?", "Your phone number?", "A photo of your passport, or its number?")
    await person.says("AB1234567", "Thank you, that is 1 of 3.")
    await person.says("nonsense", "1/3 done. Which one next?")
    await expect(person.page.locator(".choices").last.get_by_role("button")).to_have_text(
        ["email", "phone", "✓ passport"]
    )
    await person.presses("phone", "Please send a valid phone number.")
    await person.says("+44 20 7946 0123", "Thank you, that is 2 of 3.")
    await person.says("ada@example.org", "Thank you, that is all of it.", asked("ada@example.org"))
    await person.presses("change", "3/3 done. Which one next?")
    await person.presses("✓ email", "Your e-mail address?")
    await person.says("ada@example.com", "Thank you, that is all of it.", asked("ada@example.com"))
    await person.presses("send", "Sent. We will look at it within a day.")


async def test_cancel_ends_what_one_is_doing_and_its_buttons(person: Person) -> None:
    await person.says("/signup", "What is your name?")
    await person.says("Ada", "How old are you?")
    await person.says("36", right("Ada", 36))
    await person.says("/cancel", "Cancelled.")
    await person.button("yes").click()
    await expect(person.toast).to_have_text(STALE)
    await person.says("36", HELLO)


async def test_a_triple_click_on_pay_charges_once_and_gives_one_receipt(person: Person, demo: Demo) -> None:
    before = len(await demo.recorded("payment"))
    await person.says("/checkout", "Tea is 4 euros, cake is 6. What would you like?")
    await person.presses("tea", "In your cart: tea.")
    await person.presses("cake", "In your cart: tea, cake.")
    await person.presses("check out", "That is 10 euros. Pay now?")
    await person.button("pay").click(click_count=3)
    await person.reads("pay", "Thank you! Your receipt is paid-10.")
    assert await person.toast.count() == 0
    # A line that was accepted later is shown later: whatever else the clicks led to would stand in front of it.
    await person.says("/help", HELLO)
    assert await person.count("Thank you! Your receipt is paid-10.") == 1
    assert await person.count("pay") == 1
    assert len(await demo.recorded("payment")) == before + 1


async def test_three_presses_that_arrive_at_once_charge_once_too(browser: Browser, person: Person, demo: Demo) -> None:
    """Each tab presses on its own; one alone would not send a second press while the first is under way."""
    before = len(await demo.recorded("payment"))
    for line in ("/checkout", "tea", "check out"):
        await person.types(line)
    await person.reads("check out", "That is 4 euros. Pay now?")
    tabs = [person, *[Person(await person.page.context.new_page()) for _ in range(2)]]
    for tab in tabs[1:]:
        await tab.open(demo.address)
        await tab.reads("check out", "That is 4 euros. Pay now?")
    await asyncio.gather(*[tab.button("pay").click(force=True) for tab in tabs])
    for tab in tabs:
        await tab.reads("pay", "Thank you! Your receipt is paid-4.")
        assert await tab.count("Thank you! Your receipt is paid-4.") == 1
    async with asyncio.timeout(5):
        while [await tab.toast.count() for tab in tabs].count(1) < 2:
            await asyncio.sleep(0.02)
    assert sorted([await tab.toast.count() for tab in tabs]) == [0, 1, 1], "only those who came late are told"
    assert len(await demo.recorded("payment")) == before + 1


async def test_another_browser_has_a_conversation_of_its_own(browser: Browser, person: Person, demo: Demo) -> None:
    await person.says("/signup", "What is your name?")
    async with visitor(browser) as other:
        await other.open(demo.address)
        await expect(other.page.locator("#welcome")).to_be_visible()
        await other.says("/signup", "What is your name?")
        await person.says("Ada", "How old are you?")
        await other.says("Bob", "How old are you?")
        await other.says("40", right("Bob", 40))
        await person.says("36", right("Ada", 36))
        assert await other.count("Ada") == 0


async def test_an_operator_in_a_second_process_answers_on_the_page(person: Person, demo: Demo) -> None:
    await person.says("/support", "What is it about?")
    await person.presses("something else", "Please describe it in a few words.")
    await person.says("My parcel is wet.", "A colleague will read this. You can go on writing here.")
    with Terminal(demo.folder, "operator", "--store", f"sqlite:///{STORE}") as desk:
        await asyncio.to_thread(desk.expect, "My parcel is wet.")
        desk.type("say Which number has it?")
        await person.reads("Which number has it?")
        await person.types("4711")
        await asyncio.to_thread(desk.expect, "4711")
        desk.type("answer A new one is on its way.")
        await person.reads("4711", "A new one is on its way.", "Did that help?")
        await person.presses("Yes", "Glad to hear it.")


async def test_what_people_write_is_text_and_nothing_else(person: Person) -> None:
    evil = "<img src=x onerror=\"document.title='owned'\"> **bold** https://example.org/?q=1 \u202ereversed"
    await person.says("/signup", "What is your name?")
    await person.says(evil, "How old are you?")
    await person.says("36", right(evil, 36))
    assert await person.page.locator("#log img").count() == 0
    assert await person.page.title() == "Turnflow"


def asked(email: str) -> str:
    return f"{email}, +442079460123 and your passport. Shall I send it?"
