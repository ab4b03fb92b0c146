"""Closed sets of answers: what they are called, and which of them somebody meant."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Literal, NamedTuple, get_args, get_origin

from turnflow.answers.unparsed import Unparsed
from turnflow.core.definition import Accepts
from turnflow.core.ids import Json

_MOST_NAMED = 12


class Option(NamedTuple):
    """One answer of a closed set."""

    label: str
    """What people read."""
    value: str
    """What a button carries and a person may type."""
    meaning: object
    """What the handler gets."""
    names: tuple[str, ...] = ()
    """Further words for it."""


def options_of(core: object) -> tuple[Option, ...] | None:
    """Return the answers of `Literal`, an enum or `bool`, or None for any other type."""
    if core is bool:
        return _YES_NO
    if get_origin(core) is Literal:
        return tuple(_literal(value) for value in get_args(core) if value is not None)
    if isinstance(core, type) and issubclass(core, Enum):
        return tuple(_member(member) for member in core)
    return None


def listed(accepts: Accepts) -> tuple[Option, ...] | None:
    """Return the answers that `choice(...)` or `yes_no()` lists, each meaning its value; None for other kinds."""
    if accepts.answer == "choice":
        options = accepts.params.get("options")
        pairs = options if isinstance(options, list) else []
        return tuple(Option(*_pair(pair)) for pair in pairs)
    if accepts.answer == "yes_no":
        yes, no = _YES_NO
        return (
            yes._replace(label=str(accepts.params.get("yes", yes.label)), meaning="yes"),
            no._replace(label=str(accepts.params.get("no", no.label)), meaning="no"),
        )
    return None


def chooser(options: Iterable[Option]) -> Callable[[str], object]:
    """Return what finds the option a text means, or raises `Unparsed`.

    Blanks at the ends do not count. An exact value wins, then a value, a label, another name in any case; a word that
    means two things in one of these rounds means nothing.
    """
    options = tuple(options)
    exact: dict[str, object] = {option.value: option.meaning for option in options}
    folded: dict[str, object] = {}
    for words in (_by_value(options), _by_label(options), _by_name(options)):
        found: dict[str, list[object]] = {}
        for word, meaning in words:
            found.setdefault(word.strip().casefold(), []).append(meaning)
        for word, meanings in found.items():
            if all(meaning is meanings[0] for meaning in meanings):
                folded.setdefault(word, meanings[0])
    reason = _reason(options)

    def choose(text: str) -> object:
        text = text.strip()
        if text in exact:
            return exact[text]
        word = text.casefold()
        if word in folded:
            return folded[word]
        raise Unparsed(reason)

    return choose


def _by_value(options: tuple[Option, ...]) -> list[tuple[str, object]]:
    return [(option.value, option.meaning) for option in options]


def _by_label(options: tuple[Option, ...]) -> list[tuple[str, object]]:
    return [(option.label, option.meaning) for option in options]


def _by_name(options: tuple[Option, ...]) -> list[tuple[str, object]]:
    return [(name, option.meaning) for option in options for name in option.names]


def _literal(value: object) -> Option:
    if isinstance(value, bool):
        return _YES_NO[0 if value else 1]
    if isinstance(value, Enum):
        return _member(value)
    return Option(str(value), str(value), value)


def _member(member: Enum) -> Option:
    if isinstance(member.value, str):
        return Option(member.value, member.value, member, (member.name,))
    label = member.name.replace("_", " ").capitalize()
    value = str(member.value) if isinstance(member.value, int) else member.name
    return Option(label, value, member, (member.name,))


def _pair(pair: Json) -> tuple[str, str, str]:
    label, value = pair if isinstance(pair, list) and len(pair) == 2 else (pair, pair)
    return str(label), str(value), str(value)


def _reason(options: tuple[Option, ...]) -> str:
    if not 0 < len(options) <= _MOST_NAMED:
        return "Please choose one of the options."
    *most, last = (option.label for option in options)
    return f"Please answer {', '.join(most)} or {last}." if most else f"Please answer {last}."


_YES_NO = (Option("Yes", "yes", True, ("y", "true")), Option("No", "no", False, ("n", "false")))
