"""Playing transcripts: what stands in them is done, and what the bot says is held against what stands in them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import ndiff
from typing import NamedTuple, Protocol

from turnflow.core.state import TERMINAL
from turnflow.engine import Registry, Texts
from turnflow.engine.registry import Buildable
from turnflow.errors import CallerError
from turnflow.ports import Store
from turnflow.testing.rehearsal import Rehearsal
from turnflow.testing.rendering import ending_line, json_text, matches, shown
from turnflow.testing.stage import StoreMaker
from turnflow.testing.transcript import (
    OPERATOR,
    YOU,
    Acting,
    Ended,
    Expecting,
    Line,
    Ordering,
    Passing,
    Racing,
    Steering,
    parse,
)


class Report(NamedTuple):
    """How a transcript went."""

    ok: bool
    played: str
    """The transcript as it really went, as far as it was played."""
    problem: str = ""
    """What differs, and where."""
    line: int = 0
    """The line of the transcript where it differs; 0 if it does not."""

    def __str__(self) -> str:
        return self.problem or "as written"


class Strain(NamedTuple):
    """What the engine has to bear at every line on which somebody does something or time passes."""

    restart: bool = False
    """Afterwards it is stopped and started again."""
    redeliver: bool = False
    """Afterwards the input arrives once more."""
    crash: Sequence[str] = ()
    """Meanwhile it dies at each of these points, one life after the other, as far as they are reached."""


class Inspect(Protocol):
    """Looks at a rehearsal after a transcript was played."""

    async def __call__(self, play: Rehearsal) -> None:
        """Raise if something is wrong."""


async def rehearse(
    flows: Registry | Buildable,
    transcript: str,
    *,
    store: str | Store | StoreMaker = "memory://",
    roles: Mapping[str, Collection[str]] | None = None,
    resources: Iterable[object] = (),
    texts: Texts | None = None,
    strain: Strain = Strain(),  # noqa: B008 -- immutable
    inspect: Inspect | None = None,
) -> Report:
    """Play a transcript and report whether everything went as it stands there.

    Raises `TranscriptError` for a transcript that cannot be read. `inspect` is called at the end of one that went well.
    """
    lines = parse(transcript)
    async with Rehearsal(flows, store=store, roles=roles, resources=resources, texts=texts) as play:
        player = _Player(play, strain)
        try:
            await player.play(lines)
        except _Differs as difference:
            return Report(False, player.record(), str(difference), difference.line)
        if inspect is not None:
            await inspect(play)
        return Report(True, player.record())


async def transcribe(flows: Registry | Buildable, transcript: str) -> str:
    """Play what people do in a transcript and return it with what the bot really says: the quick way to write one."""
    lines = [line for line in parse(transcript) if not isinstance(line.doing, Expecting | Ended)]
    async with Rehearsal(flows) as play:
        player = _Player(play, Strain(), compares=False)
        await player.play(lines)
        return player.record()


class _Differs(Exception):
    """The bot did something else than the transcript says."""

    def __init__(self, line: int, message: str) -> None:
        self.line = line
        super().__init__(f"line {line}: {message}")


class _Player:
    def __init__(self, play: Rehearsal, strain: Strain, *, compares: bool = True) -> None:
        self._play = play
        self._strain = strain
        self._compares = compares
        self._record: list[str] = []
        self._voices: list[str] = [YOU, OPERATOR]
        self._chats: dict[str, str] = {}
        self._ended = 0
        self._heard: dict[str, list[str]] | None = None
        """What counts as said on this line, if redelivery or a restart came in between."""

    def record(self) -> str:
        return "\n".join(self._record) + "\n"

    async def play(self, lines: Sequence[Line]) -> None:
        for line in lines:
            if isinstance(line.doing, Acting | Expecting) and line.doing.who not in self._voices:
                self._voices.append(line.doing.who)
                self._play.as_(line.doing.who)
        at = 0
        while at < len(lines):
            line = lines[at]
            at += 1
            if line.doing is None:
                self._record.append(line.written)
                continue
            expected: list[Line] = []
            while at < len(lines) and (lines[at].doing is None or isinstance(lines[at].doing, Expecting)):
                expected.append(lines[at])
                at += 1
            if isinstance(line.doing, Expecting):
                expected.insert(0, line)
            await self._step(line, expected)

    async def _step(self, line: Line, expected: Sequence[Line]) -> None:
        """Do what stands on one line, and compare what is said with the lines behind it."""
        match line.doing:
            case Expecting() | None:
                pass
            case Ended():
                self._record.append(line.written)
                await self._compare_ending(line.number, line.doing)
                return self._put_back(expected)
            case Ordering("crash" | "join"):
                self._record.append(line.written)
                await self._do(line)
                return self._put_back(expected)
            case _:
                self._record.append(line.written)
                await self._under_strain(line)
        self._compare(line, expected)
        return None

    def _put_back(self, expected: Sequence[Line]) -> None:
        for line in expected:
            if isinstance(line.doing, Expecting):
                raise _Differs(line.number, "nothing has happened that the bot could reply to")
            self._record.append(line.written)

    async def _under_strain(self, line: Line) -> None:
        for point in self._strain.crash:
            self._play.crash(point)
        await self._do(line)
        if self._strain.crash:
            self._play.fuse.disarm()
        if self._strain.redeliver and isinstance(line.doing, Acting | Racing):
            heard = self._said()
            await self._play.redeliver()
            if any(self._said().values()):
                raise _Differs(line.number, "the same input, delivered once more, was answered once more")
            self._heard = heard
        if self._strain.restart:
            heard = self._heard or self._said()
            await self._play.restart()
            self._heard = {who: texts + self._said()[who] for who, texts in heard.items()}

    async def _do(self, line: Line) -> None:
        play = self._play
        self._heard = None
        try:
            match line.doing:
                case Acting(who, act):
                    await play.as_(who).act(act)
                case Racing(acts):
                    await play.deliver(*(play.as_(racer.who).inbound(racer.act) for racer in acts))
                case Passing(duration):
                    await play.clock(milliseconds=duration)
                case Steering(command, rest):
                    await self._steer(command, rest)
                case Ordering("restart"):
                    await play.restart()
                case Ordering("redeliver"):
                    await play.redeliver()
                case Ordering("crash", point):
                    play.crash(point)
                case Ordering("join", who):
                    play.as_(who, chat=YOU)
                case Ordering() | Expecting() | Ended() | None:
                    pass
        except (LookupError, CallerError) as error:
            raise _Differs(line.number, str(error.args[0])) from error

    async def _steer(self, command: str, rest: str) -> None:
        operator = self._play.operator
        match command:
            case "say":
                await operator.say(rest)
            case "answer":
                await operator.answer(rest)
            case "move":
                await operator.move(rest)
            case _:
                await operator.cancel()

    # --- comparing ------------------------------------------------------------------------------------------------

    def _said(self) -> dict[str, list[str]]:
        """Return who read what since somebody last did something."""
        return {
            who: list(self._play.operator.replies if who == OPERATOR else self._play.as_(who).replies)
            for who in self._voices
        }

    def _compare(self, line: Line, expected: Sequence[Line]) -> None:
        said = self._said() if self._heard is None else self._heard
        unread = {who: list(texts) for who, texts in said.items()}
        written: list[str] = []
        real: list[str] = []
        for entry in expected:
            if not isinstance(entry.doing, Expecting):
                self._record.append(entry.written)
                continue
            who, text = entry.doing
            written.append(shown(who, text))
            if unread[who] and (matches(text, unread[who][0]) or not self._compares):
                self._record.append(shown(who, unread[who][0]))
                real.append(written[-1])
                del unread[who][0]
            elif unread[who]:
                real.append(shown(who, unread[who].pop(0)))
        real += [shown(who, text) for who, texts in unread.items() for text in texts]
        if not self._compares:
            self._record += [shown(who, text) for who, texts in unread.items() for text in texts]
        elif written != real:
            self._record += [shown for shown in real if shown not in written]
            difference = "\n".join(row for row in ndiff(written, real) if not row.startswith("?"))
            raise _Differs(
                line.number,
                f"after {line.written!r} the bot says something else (- as written, + as said)\n{difference}",
            )

    async def _compare_ending(self, number: int, wanted: Ended) -> None:
        endings = await self._play.endings()
        if len(endings) == self._ended:
            live = [state for state in await self._play.runs() if state.status not in TERMINAL]
            where = ", ".join(f"{state.flow} at {_steps(state.cursors)} ({state.status})" for state in live) or "none"
            raise _Differs(number, f"no run has ended here; live runs: {where}")
        self._ended = len(endings)
        was = ending_line(endings[-1])
        said = f"= {wanted.outcome}"
        if wanted.has_result:
            said = f"= {wanted.outcome} {json_text(wanted.result)}"
        elif wanted.code:
            said = f"= {wanted.outcome} {wanted.code}"
        if was != said and was.split(" ")[:2] != said.split(" "):
            raise _Differs(number, f"the run ended otherwise (- as written, + as it was)\n- {said}\n+ {was}")


def _steps(cursors: Iterable[object]) -> str:
    return " + ".join(str(getattr(cursor, "step", "")) for cursor in cursors)
