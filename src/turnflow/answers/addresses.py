"""Where people can be reached: e-mail, phone, web. The rules are those of email-validator, libphonenumber and IDNA 2008."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from urllib.parse import urlsplit, urlunsplit

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from turnflow.answers.unparsed import Unparsed

EMAIL = "Please send an e-mail address, such as ada@example.org."
PHONE = "Please send a valid phone number."
PHONE_ABROAD = "Please send a valid phone number with its country code, such as +44 20 7946 0958."
URL = "Please send a web address, such as https://example.org."

_LONGEST_EMAIL = 320
_LONGEST_PHONE = 64
_LONGEST_URL = 2048


def email(text: str) -> str:
    """Return the address, normalised; nothing is looked up. Raises `Unparsed`."""
    text = text.strip()
    if len(text) > _LONGEST_EMAIL:
        raise Unparsed(EMAIL)
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError:
        raise Unparsed(EMAIL) from None


def phone(region: str | None) -> Callable[[str], str]:
    """Return what brings a phone number into E.164 form, or raises `Unparsed`; `region` lends it its country code."""
    reason = PHONE if region else PHONE_ABROAD

    def normalise(text: str) -> str:
        if len(text) > _LONGEST_PHONE:
            raise Unparsed(reason)
        try:
            number = phonenumbers.parse(text, region)
        except phonenumbers.NumberParseException:
            raise Unparsed(reason) from None
        if not phonenumbers.is_valid_number(number):
            raise Unparsed(reason)
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)

    return normalise


def url(text: str) -> str:
    """Return the address with scheme and host in lower case and the host in ASCII. Raises `Unparsed`."""
    text = text.strip()
    if not text or len(text) > _LONGEST_URL or not text.isprintable() or " " in text:
        raise Unparsed(URL)
    if "://" not in text:
        text = "https://" + text
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
        if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc or "\\" in text:
            raise Unparsed(URL)
        name = _ascii(host)
    except ValueError:
        raise Unparsed(URL) from None
    netloc = f"[{name}]" if ":" in name else name
    return urlunsplit((parts.scheme, f"{netloc}:{port}" if port else netloc, parts.path, parts.query, parts.fragment))


def _ascii(host: str) -> str:
    try:
        return str(ip_address(host))
    except ValueError:
        # the domain rules of e-mail are those of the web, and email-validator keeps them up to date
        return validate_email(f"web@{host}", check_deliverability=False).ascii_domain
