"""Files: one, or all that came together."""

from __future__ import annotations

from typing import Annotated

import pytest
from msgspec.structs import replace

from tests.answers.asking import answer, photographed, refusal, typed
from turnflow.answers import accepts_for, audio, document, location, parser_for, photo, text, video, voice
from turnflow.core.inputs import MEDIA_KINDS
from turnflow.core.messages import Media
from turnflow.errors import AuthorError

ONE, TWO = Media("photo", "1"), Media("photo", "2")


def test_a_file_is_handed_over_as_it_is() -> None:
    assert answer(Media, photographed("1")) == ONE
    assert answer(Annotated[Media, photo()], photographed("1")) == ONE
    assert answer(Media | None, photographed("1")) == ONE


def test_an_album_comes_whole_and_in_order() -> None:
    assert answer(tuple[Media, ...], photographed("1", "2")) == (ONE, TWO)
    assert answer(list[Media], photographed("1", "2")) == [ONE, TWO]
    burst = replace(photographed("1"), items=(photographed("1"), typed("and"), photographed("2")))
    assert answer(tuple[Media, ...], burst) == (ONE, TWO)


def test_no_file_of_an_album_is_dropped_silently() -> None:
    assert refusal(Annotated[Media, photo()], photographed("1", "2")) == "Please send only one photo."


@pytest.mark.parametrize(
    ("accepts", "reason"),
    [
        (photo(), "Please send a photo."),
        (video(), "Please send a video."),
        (voice(), "Please send a voice message."),
        (audio(), "Please send an audio file."),
        (document(), "Please send a file."),
        (accepts_for(Media), "Please send a file."),
    ],
)
def test_something_else_is_told_what_is_wanted(accepts: object, reason: str) -> None:
    assert refusal(Annotated[Media, accepts], "no") == reason


def test_any_file_fits_a_file() -> None:
    accepts = accepts_for(Media)
    assert accepts is not None
    assert set(accepts.kinds) == MEDIA_KINDS
    assert answer(Media | str, "no file") == "no file"


def test_a_caption_is_no_answer() -> None:
    assert refusal(str | Media, photographed()) == "Please answer with text; or please send a file."


def test_a_file_and_a_type_that_no_file_can_become_is_the_authors_mistake() -> None:
    with pytest.raises(AuthorError, match="photo cannot become int"):
        parser_for(int, photo())
    with pytest.raises(AuthorError, match="location cannot become Media"):
        parser_for(Media, location())
    with pytest.raises(AuthorError, match="text cannot become Media"):
        parser_for(Media, text())


def test_each_member_of_a_union_is_parsed_by_its_own_kind() -> None:
    annotation = Annotated[Media, photo()] | Annotated[str, text(pattern=r"[A-Z]{2}\d{7}")]
    assert answer(annotation, photographed("1")) == ONE
    assert answer(annotation, "AB1234567") == "AB1234567"
    assert refusal(annotation, "hello").startswith("Please send a photo; or ")
