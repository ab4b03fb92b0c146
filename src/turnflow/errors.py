"""Every error Turnflow raises, in families by who must act.

`AuthorError`: the flow or the code around it must change. `CallerError`: the call was wrong, repeat it differently.
`StoreUnavailable`: nobody must act, the machinery retries. `UserCodeError`: a handler or action raised. `InternalError`: ours.
The message always names the thing and the remedy.
"""

from __future__ import annotations

from typing import NamedTuple


class TurnflowError(Exception):
    """Base of every error of this package."""


class AuthorError(TurnflowError):
    """A flow, or code that uses Turnflow, has to be changed by its author."""


class Problem(NamedTuple):
    """One mistake in a flow: a stable code, the path of the place, and a sentence with the remedy.

    Flows that were read from a document also say where in it: `line` and `column` count from 1, 0 means unknown.
    """

    code: str
    path: str
    message: str
    line: int = 0
    column: int = 0
    file: str = ""

    def __str__(self) -> str:
        file = f"{self.file}:" if self.file else ""
        place = f"{file}{self.line}:{self.column}" if self.line else ""
        where = ": ".join(part for part in (place, self.path) if part)
        return f"{where}: {self.message} [{self.code}]" if where else f"{self.message} [{self.code}]"


class InvalidFlow(AuthorError):
    """A flow has mistakes; `problems` lists all of them, not only the first."""

    def __init__(self, flow: str, problems: tuple[Problem, ...]) -> None:
        self.flow = flow
        self.problems = problems
        lines = "\n".join(f"  {number}. {problem}" for number, problem in enumerate(problems, 1))
        super().__init__(f"flow {flow!r} has {len(problems)} problem(s):\n{lines}")


class InvalidExpression(AuthorError):
    """An expression does not compile, or not to what its place needs; `line` and `column` count from 1 inside its text."""

    def __init__(self, source: str, message: str, line: int = 1, column: int = 1) -> None:
        self.source = source
        self.line = line
        self.column = column
        super().__init__(message)


class UnknownFlow(AuthorError):
    """No flow of that name is registered with the engine's registry."""


class ConflictingFlow(AuthorError):
    """Two different flows of one name and version were registered."""


class MissingResource(AuthorError):
    """A handler asks for an argument type that the engine was not given."""


class MissingExtra(AuthorError):
    """An optional part needs a package that is not installed."""


class ActionMismatch(AuthorError):
    """A handler that ran again called another action, or with other input, than the one on record."""


class NestingTooDeep(AuthorError):
    """Flows called flows deeper than the limit of 16."""


class CallerError(TurnflowError):
    """The call was wrong; it changed nothing."""


class UnknownRun(CallerError):
    """No run with that id is in the store."""


class InvalidValue(CallerError):
    """A value does not fit its declared type; the message names the field."""


class WebhookRefused(CallerError):
    """A webhook could not show that it is meant: its signature or its token does not hold."""


class OverLimit(CallerError):
    """Input over a documented limit, refused before acceptance."""


class BadStoreUrl(CallerError):
    """The store URL names no known store or is malformed."""


class EngineStopped(CallerError):
    """The engine is stopping or has stopped; send the input again, with the same id, to a running one."""


class StoreInUse(CallerError):
    """Another process runs flows on the store; stop it, or use another store."""


class NewerSchema(CallerError):
    """The store was written by a newer Turnflow; upgrade this process."""


class DamagedStore(TurnflowError):
    """The store's file is damaged or no store at all; put a backup in its place."""


class StoreUnavailable(TurnflowError):
    """The store did not answer; the operation may be repeated with the same ids."""


class LostOwnership(TurnflowError):
    """Another process owns the partition now; nothing was committed."""


class RetryLater(TurnflowError):
    """A channel asks to send the reply again after `seconds`."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"send again after {seconds} s")


class Undeliverable(TurnflowError):
    """A channel will never take this reply (a blocked user, a deleted chat)."""


class UserCodeError(TurnflowError):
    """A handler or an action failed; `code` is what error outputs match."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class UndecodableRow(TurnflowError):
    """A stored row cannot be read; it is kept untouched and set aside."""


class InternalError(TurnflowError):
    """A defect in Turnflow itself; please report it."""
