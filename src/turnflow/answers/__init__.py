"""Answer kinds: what a wait takes, and how what a person sent becomes a typed value.

accepts = number(1, 130)
parse = parser_for(int, accepts)
parse(Input(...))                  # 42, or Unparsed with a sentence for the person
"""

from turnflow.answers.acceptance import accepts_for, options_for
from turnflow.answers.kinds import (
    any_input,
    audio,
    choice,
    command,
    contact,
    date,
    document,
    email,
    location,
    number,
    phone,
    photo,
    text,
    time,
    url,
    video,
    voice,
    where,
    yes_no,
)
from turnflow.answers.parsers import parser_for
from turnflow.answers.unparsed import Unparsed

__all__ = [
    "Unparsed",
    "accepts_for",
    "any_input",
    "audio",
    "choice",
    "command",
    "contact",
    "date",
    "document",
    "email",
    "location",
    "number",
    "options_for",
    "parser_for",
    "phone",
    "photo",
    "text",
    "time",
    "url",
    "video",
    "voice",
    "where",
    "yes_no",
]
