"""Files people send: one, or all that came together."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from turnflow.answers.unparsed import Unparsed
from turnflow.core.definition import Accepts
from turnflow.core.inputs import MEDIA_KINDS, Input
from turnflow.core.messages import Media
from turnflow.errors import AuthorError

FILES: Mapping[object, Callable[[tuple[Media, ...]], object] | None] = {
    Media: None,
    tuple[Media, ...]: tuple,
    list[Media]: list,
}
"""Types of answers that are files, and what makes them of the files that came; None: there may be only one."""
_WORDS = {"photo": "photo", "video": "video", "voice": "voice message", "audio": "audio file", "document": "file"}


def media_parser(core: object, accepts: Accepts) -> Callable[[Input], object]:
    """Return what takes the file or files out of an input, as the type in `FILES` says; `Unparsed` if there is none.

    Files of an album or a gathered burst come in order. Raises `AuthorError` if `accepts` takes no files.
    """
    wanted = MEDIA_KINDS if "any" in accepts.kinds else MEDIA_KINDS.intersection(accepts.kinds)
    if not wanted:
        raise AuthorError(
            f"{' and '.join(accepts.kinds)} cannot become Media; accept photo(), document() or another file"
        )
    collect = FILES[core]
    word = _WORDS[next(iter(wanted))] if len(wanted) == 1 else "file"
    article = "an" if word[0] in "aeiou" else "a"
    missing, too_many = f"Please send {article} {word}.", f"Please send only one {word}."

    def parse(input: Input) -> object:
        parts = input.items or (input,)
        found = tuple(file for part in parts if part.kind in wanted for file in part.media)
        if not found:
            raise Unparsed(missing)
        if collect is not None:
            return collect(found)
        if len(found) > 1:
            raise Unparsed(too_many)
        return found[0]

    return parse
