"""E-mail addresses, phone numbers, web addresses."""

from __future__ import annotations

from typing import Annotated

import pytest

from tests.answers.asking import answer, refusal, shared
from turnflow.answers import Unparsed, accepts_for, contact, email, phone, url

NO_EMAIL = "Please send an e-mail address, such as ada@example.org."
NO_URL = "Please send a web address, such as https://example.org."


def test_an_email_address_is_normalised() -> None:
    assert answer(Annotated[str, email()], " Ada@EXAMPLE.org ") == "Ada@example.org"
    assert answer(None, "ada@bücher.example", email()) == "ada@bücher.example"


def test_no_name_server_is_asked_about_an_email_address() -> None:
    assert answer(str, "ada@there-is-no-such-domain-anywhere.org", email())


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "ada",
        "ada@",
        "@example.org",
        "a b@example.org",
        "ada@example",
        "a@b.org, c@d.org",
        "a" * 9999,
    ],
)
def test_what_is_no_email_address_is_asked_for_again(sent: str) -> None:
    assert refusal(str, sent, email()) == NO_EMAIL


@pytest.mark.parametrize(
    "sent", ["+44 20 7946 0958", "+442079460958", "0044 20 7946 0958", "(020) 7946-0958", "020 7946 0958"]
)
def test_a_phone_number_comes_in_international_form(sent: str) -> None:
    assert answer(str, sent, phone("GB")) == "+442079460958"
    assert answer(None, sent, phone("gb")) == "+442079460958"


def test_a_phone_number_without_region_needs_its_country_code() -> None:
    assert answer(str, "+44 20 7946 0958", phone()) == "+442079460958"
    assert refusal(str, "020 7946 0958", phone()) == (
        "Please send a valid phone number with its country code, such as +44 20 7946 0958."
    )


def test_a_shared_contact_answers_a_phone_question() -> None:
    assert "contact" in phone().kinds
    assert answer(str, shared("+44 20 7946 0958"), phone()) == "+442079460958"
    assert answer(str, shared("+44 20 7946 0958"), contact()) == "+44 20 7946 0958"


@pytest.mark.parametrize("sent", ["", "no", "+1", "+44 1", "1" * 32768, "+999 123456789"])
def test_what_is_no_phone_number_is_asked_for_again(sent: str) -> None:
    assert refusal(str, sent, phone("GB")) == "Please send a valid phone number."


@pytest.mark.parametrize(
    ("sent", "address"),
    [
        ("https://example.org/a?b=c#d", "https://example.org/a?b=c#d"),
        ("HTTP://Example.ORG/Case", "http://example.org/Case"),
        ("example.org", "https://example.org"),
        ("example.org:8080/x", "https://example.org:8080/x"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("http://192.0.2.1/", "http://192.0.2.1/"),
        ("http://[2001:db8::1]:80/", "http://[2001:db8::1]:80/"),
    ],
)
def test_a_web_address_is_normalised(sent: str, address: str) -> None:
    assert answer(str, sent, url()) == address


@pytest.mark.parametrize(
    "sent",
    [
        "", "hello", "ftp://example.org", "javascript:alert(1)", "https://user:pass@example.org", "https://", "http://[bad",
        "https://example.org:99999", "https://a..b", "https://example.org/a b", "https://example.org\\@evil.example",
        "https://exa\tmple.org", "x" * 32768, "https://localhost",
    ],
)  # fmt: skip
def test_what_is_no_web_address_is_asked_for_again(sent: str) -> None:
    assert refusal(str, sent, url()) == NO_URL


def test_an_answer_kind_in_the_annotation_is_what_the_wait_takes() -> None:
    annotation = Annotated[str, email()]
    assert accepts_for(annotation) == email()
    with pytest.raises(Unparsed):
        answer(annotation, "no")
