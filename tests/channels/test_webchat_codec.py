"""The wire forms of the web chat: what is taken in, what is refused and how, what the page is shown."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnflow.channels.webchat import codec
from turnflow.channels.webchat.codec import BadRequest, Posted
from turnflow.core.ids import ConversationId, InputId, UserId
from turnflow.core.inputs import TEXT_LIMIT, Input, clean
from turnflow.core.messages import Button, Media, Message
from turnflow.ports import Duplicate, Handled, Refused, Said, Unclaimed

ID = "0123456789abcdef"


def post(**fields: object) -> bytes:
    return json.dumps({"id": ID, **fields}).encode()


def refusal(body: bytes) -> tuple[int, str]:
    with pytest.raises(BadRequest) as caught:
        codec.read_post(body)
    return caught.value.status, caught.value.code


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "bad_json"),
        (b"{", "bad_json"),
        (b"\xff\xfe", "bad_json"),
        (b"[" * 60_000, "bad_json"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "bad_json"),
        (b'{"id": NaN}', "bad_json"),
        (b'{"id": "0123456789abcdef", "id": "x", "text": "a"}', "bad_json"),
        (b"9" * 5000, "bad_json"),
        (b"[]", "unknown_kind"),
        (post(dance="tango"), "unknown_kind"),
        (post(text=1), "unknown_kind"),
        (post(), "unknown_kind"),
        (post(text="a", press="b"), "unknown_kind"),
        (post(text="  \n "), "empty_text"),
        (post(press=""), "bad_ref"),
        (post(press="x" * 300), "bad_ref"),
        (b'{"id": "short", "text": "a"}', "bad_id"),
        (b'{"id": "has:colons:inside", "text": "a"}', "bad_id"),
    ],
)
def test_a_malformed_post_is_refused_with_a_code(body: bytes, code: str) -> None:
    assert refusal(body) == (400, code)


def test_text_over_the_limit_is_refused_as_too_large() -> None:
    assert refusal(post(text="é" * (TEXT_LIMIT // 2 + 1))) == (413, "text_too_long")
    assert codec.read_post(post(text="é" * (TEXT_LIMIT // 2))).text is not None


@given(st.binary(max_size=200) | st.text(max_size=80).map(str.encode))
def test_no_bytes_make_the_decoder_raise_anything_but_a_refusal(body: bytes) -> None:
    with contextlib.suppress(BadRequest):
        codec.read_post(body)


def test_nul_and_lone_surrogates_become_replacement_characters() -> None:
    posted = codec.read_post(b'{"id": "0123456789abcdef", "text": "a\\u0000b\\ud800c"}')
    inbound = codec.inbound(posted, conversation=ConversationId("web:c"), user=UserId("web:u"))
    assert inbound.input.text == clean("a\x00b\ud800c")
    assert set(inbound.input.text) == set("abc\ufffd")


def test_the_same_page_id_gives_the_same_input_id_only_within_one_conversation() -> None:
    posted = Posted(ID, text="hello")
    one, other = (
        codec.inbound(posted, conversation=ConversationId(c), user=UserId("web:u")) for c in ("web:a", "web:b")
    )
    assert one.input.id == f"web:web:a:{ID}"
    assert other.input.id != one.input.id


def test_a_line_with_a_slash_is_a_command_and_a_ref_is_a_press() -> None:
    conversation, user = ConversationId("web:c"), UserId("web:u")
    command = codec.inbound(Posted(ID, text="/start now"), conversation=conversation, user=user).input
    assert (command.kind, command.command, command.args) == ("command", "start", "now")
    press = codec.inbound(Posted(ID, press="r1"), conversation=conversation, user=user).input
    assert (press.kind, press.ref) == ("press", "r1")


def test_each_delivery_has_an_outcome_the_page_can_tell_apart() -> None:
    outcomes = [codec.result(one).outcome for one in (Handled(()), Duplicate(), Unclaimed(), Refused("full"))]
    assert outcomes == ["handled", "duplicate", "unclaimed", "refused"]


def test_buttons_are_shown_by_what_they_do() -> None:
    buttons: list[list[Button | str]] = [
        [Button("Yes", value="yes", ref="r"), "Plain", Button("Site", url="https://a.example")]
    ]
    shown = codec.line(Said(3, 0, 5, message=Message("?", buttons=buttons)))
    assert shown is not None
    yes, plain, site = shown.buttons[0]
    assert (yes.ref, yes.say, plain.say, site.url) == ("r", "", "Plain", "https://a.example")


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", " javascript:x", "//host", "file:///etc"])
def test_links_that_run_code_are_not_handed_to_the_page(url: str) -> None:
    message = Message("?", buttons=[[Button("x", url=url)]], media=(Media("photo", url),))
    shown = codec.line(Said(3, 0, 5, message=message))
    assert shown is not None
    assert shown.buttons[0][0].url == ""
    assert shown.media[0].url == ""


def test_a_press_that_was_refused_and_machinery_are_no_lines() -> None:
    press = Input(InputId("web:web:c:1"), "press", UserId("u"), ref="r", value="yes")
    assert codec.line(Said(1, -1, 5, input=press, live=False)) is None
    assert codec.line(Said(1, -1, 5)) is None
    shown = codec.line(Said(1, -1, 5, input=press))
    assert shown is not None
    assert (shown.text, shown.press, shown.id) == ("yes", "r", "1")


@pytest.mark.parametrize(
    ("text", "place"), [("3.0", (3, 0)), ("3.-1", (3, -1)), ("", None), ("3", None), ("3.-2", None)]
)
def test_only_places_are_read_as_cursors(text: str, place: tuple[int, int] | None) -> None:
    assert codec.read_place(text) == place


@given(st.text())
def test_a_frame_is_one_event_whatever_the_text(text: str) -> None:
    line = codec.line(Said(1, 0, 5, message=Message(text)))
    assert line is not None
    framed = codec.frame("said", line, (1, 0))
    assert framed.count(b"\n") == 4
    assert framed.endswith(b"\n\n")
    assert b"\r" not in framed
