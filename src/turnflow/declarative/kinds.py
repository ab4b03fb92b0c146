"""What CEL's operators and functions accept: kinds of operands, and the kind of the result.

Source: cel-spec, "List of Standard Definitions", as the library keeps to it for values whose type it learns only at run time.
Values of unlike kinds may be compared for equality, and numbers of all kinds by size; everything else wants the same kinds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias, get_args

Kind: TypeAlias = Literal[
    "null", "bool", "int", "uint", "double", "string", "bytes", "list", "map", "timestamp", "duration", "type"
]
Kinds: TypeAlias = frozenset[Kind]
Signature: TypeAlias = tuple[tuple[Kinds, ...], Kinds]

EVERY: Final[Kinds] = frozenset(get_args(Kind))
WHOLE: Final[Kinds] = frozenset({"int", "uint"})
"""A JSON integer; from 2**63 on the library takes it for an unsigned one."""
NUMBERS: Final[Kinds] = WHOLE | {"double"}
JSON: Final[Kinds] = NUMBERS | {"null", "bool", "string", "list", "map"}

_WORDS: Final[dict[Kind, str]] = {
    "map": "object", "list": "array", "string": "string", "bool": "boolean", "null": "null", "bytes": "bytes",
    "timestamp": "timestamp", "duration": "duration", "type": "type",
}  # fmt: skip


def result_of(function: str, operands: Sequence[Kinds]) -> Kinds | None:
    """Return the kinds that a function may come to for operands of these kinds; None if it fails for all of them.

    Of a function that is not known here nothing is known: every kind.
    """
    signatures = [(takes, gives) for takes, gives in _SIGNATURES.get(function, ()) if len(takes) == len(operands)]
    if not signatures:
        return EVERY
    found = [gives for takes, gives in signatures if all(map(frozenset.intersection, takes, operands))]
    return frozenset[Kind]().union(*found) if found else None


def in_words(kinds: Kinds) -> str:
    """Return kinds as JSON Schema calls them: `integer`, `string or null`."""
    number = "number" if kinds & WHOLE else "number with a fraction"
    words = [number] if "double" in kinds else ["integer"] if kinds & WHOLE else []
    words += [word for kind, word in _WORDS.items() if kind in kinds]
    return " or ".join(words)


def _one(kind: Kind) -> Kinds:
    return frozenset({kind})


def _signature(takes: str, gives: str) -> Signature:
    """Read a signature such as `int|uint string -> bool`."""
    return tuple(_kinds(word) for word in takes.split()), _kinds(gives)


def _kinds(word: str) -> Kinds:
    known: dict[str, Kinds] = {kind: _one(kind) for kind in get_args(Kind)}
    known |= {"any": EVERY, "number": NUMBERS}
    return frozenset[Kind]().union(*(known[part] for part in word.split("|")))


def _read(written: dict[str, str]) -> dict[str, tuple[Signature, ...]]:
    found: dict[str, tuple[Signature, ...]] = {}
    for functions, signatures in written.items():
        read = []
        for signature in signatures.split(","):
            takes, _, gives = signature.partition("->")
            read.append(_signature(takes, gives.strip()))
        found |= dict.fromkeys(functions.split(), tuple(read))
    return found


_OF_TIME: Final = "timestamp -> int, timestamp string -> int"

_SIGNATURES: Final = _read(
    {
        "_+_": "int int -> int, uint uint -> uint, double double -> double, string string -> string, bytes bytes -> bytes,"
        "list list -> list, duration duration -> duration, timestamp duration -> timestamp, duration timestamp -> timestamp",
        "_-_": "int int -> int, uint uint -> uint, double double -> double, duration duration -> duration,"
        "timestamp duration -> timestamp, timestamp timestamp -> duration",
        "_*_ _/_": "int int -> int, uint uint -> uint, double double -> double",
        "_%_": "int int -> int, uint uint -> uint",
        "-_": "int -> int, double -> double",
        "!_": "bool -> bool",
        "_<_ _<=_ _>_ _>=_": "number number -> bool, bool bool -> bool, string string -> bool, bytes bytes -> bool,"
        "timestamp timestamp -> bool, duration duration -> bool",
        "_==_ _!=_": "any any -> bool",
        "@in": "any list -> bool, number|bool|string map -> bool",
        "_[_]": "list number -> any, map number|bool|string -> any",
        "size": "string|bytes|list|map -> int",
        "contains startsWith endsWith matches": "string string -> bool",
        "int": "bool|number|string|timestamp -> int",
        "uint": "number|string -> uint",
        "double": "number|string -> double",
        "string": "bool|number|string|bytes|timestamp|duration -> string",
        "bytes": "string|bytes -> bytes",
        "bool": "bool|string -> bool",
        "timestamp": "int|string|timestamp -> timestamp",
        "duration": "string|duration -> duration",
        "getFullYear getMonth getDate getDayOfMonth getDayOfWeek getDayOfYear": _OF_TIME,
        "getHours getMinutes getSeconds getMilliseconds": f"{_OF_TIME}, duration -> int",
    }
)
