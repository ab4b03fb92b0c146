"""Days and times as people write them. A form that different countries read differently is refused, never guessed.

Days: ISO 8601 (`2024-12-31`, `20241231`, `2024-W52-2`), `2024/12/31`, `2024.12.31`, `31.12.2024`, `31 December 2024`,
`31 Dec 2024`, `December 31, 2024`, and `31/12/2024` or `12/31/2024` where only one of the two readings is a day.
Times: ISO 8601 (`14:30`, `14:30:15`, `1430`, with or without an offset), `14.30`, `2:30 pm`, `2 pm`.
Both together: ISO 8601, or a day, a blank (or `at`, or a comma) and a time.
"""

from __future__ import annotations

from datetime import date, datetime, time

from turnflow.answers.unparsed import Unparsed

DAY = "Please send a date as year-month-day, such as 2024-12-31."
AMBIGUOUS = "Please write that date as year-month-day, such as 2024-12-31, so that day and month are clear."
TIME = "Please send a time, such as 14:30."
MOMENT = "Please send a date and a time, such as 2024-12-31 14:30."

_LONGEST = 64
_CLEAR = ("%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y")
_SLASHED = ("%d/%m/%Y", "%m/%d/%Y")
_CLOCKS = ("%H.%M", "%I:%M%p", "%I.%M%p", "%I%p")
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            ("january", "jan"),
            ("february", "feb"),
            ("march", "mar"),
            ("april", "apr"),
            ("may",),
            ("june", "jun"),
            ("july", "jul"),
            ("august", "aug"),
            ("september", "sept", "sep"),
            ("october", "oct"),
            ("november", "nov"),
            ("december", "dec"),
        ),
        1,
    )
    for name in names
}


def day(text: str) -> date:
    """Return the day. Raises `Unparsed`."""
    text = _short(text, DAY)
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    readings = {found.date() for form in _SLASHED if (found := _matching(text, form))}
    if len(readings) > 1:
        raise Unparsed(AMBIGUOUS)
    if readings:
        return readings.pop()
    for form in _CLEAR:
        if found := _matching(text, form):
            return found.date()
    return _with_named_month(text)


def clock(text: str) -> time:
    """Return the time of day; with an offset only if one was sent. Raises `Unparsed`."""
    text = _short(text, TIME)
    if "." not in text or ":" in text:  # ISO 8601 would read 14.30 as a fraction of an hour
        try:
            return time.fromisoformat(text)
        except ValueError:
            pass
    packed = "".join(text.lower().replace("a.m.", "am").replace("p.m.", "pm").split())
    for form in _CLOCKS:
        if found := _matching(packed, form):
            return found.time()
    raise Unparsed(TIME)


def moment(text: str) -> datetime:
    """Return day and time together; with an offset only if one was sent. Raises `Unparsed`."""
    text = _short(text, MOMENT)
    words = text.replace(",", " ").split()
    if len(words) == 1 and "T" in text.upper():
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            raise Unparsed(MOMENT) from None
    for split in range(len(words) - 1, 0, -1):
        days = words[: split - 1] if words[split - 1].lower() == "at" else words[:split]
        try:
            return datetime.combine(day(" ".join(days)), clock(" ".join(words[split:])))
        except Unparsed as error:
            if error.reason == AMBIGUOUS:
                raise
    raise Unparsed(MOMENT)


def _with_named_month(text: str) -> date:
    words = text.lower().replace(",", " ").split()
    for place in (0, 1):
        if len(words) == 3 and (month := _MONTHS.get(words[place].rstrip("."))):
            number = words[1 - place]
            number = number[:-2] if number[-2:] in ("st", "nd", "rd", "th") else number.rstrip(".")
            if number.isdigit() and words[2].isdigit() and len(words[2]) == 4:
                try:
                    return date(int(words[2]), month, int(number))
                except ValueError:
                    break
    raise Unparsed(DAY)


def _matching(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)
    except ValueError:
        return None


def _short(text: str, reason: str) -> str:
    text = text.strip()
    if not text or len(text) > _LONGEST or not text.isascii():
        raise Unparsed(reason)
    return text
