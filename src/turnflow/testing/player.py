"""Playing transcripts: what stands in them is done, and what the bot says is held against what stands in them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from difflib import ndiff
from typing import Final, NamedTuple

from turnflow.core.state import TERMINAL
from turnflow.engine import Registry, Texts
from turnflow.engine.registry import Buildable
from turnflow.errors import CallerError
from turnflow.ports import Inbound, Store
from turnflow.testing.rehearsal import Rehearsal
from turnflow.testing.rendering import ending_line, json_text, matches, shown
from turnflow.testing.report import Report
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

NOTHING: Final = "(nothing)"


class Strain(NamedTuple):
    """What the engine has to bear at every line on which somebody does something or time passes."""

    restart: bool = False
    """Afterwards it is stopped and started again."""
    redeliver: bool = False
    """Afterwards the input arrives once more."""
    crash: Sequence[str] = ()
    """Meanwhile it dies at each of these points, one life after the other, as far as they are reached."""


async def rehearse(
    flows: Registry | Buildable,
    transcript: str,
    *,
    store: str | Store | StoreMaker = "memory://",
    roles: Mapping[str, Collection[str]] | None = None,
    resources: Iterable[object] = (),
    texts: Texts | None = None,
    strain: Strain = Strain(),  # noqa: B008 -- immutable
) -> Report:
    """Play a transcript from its beginning and report whether everything went as it stands there.

    The options are those of `Rehearsal`. Raises `TranscriptError` for a transcript that cannot be read.
    """
    async with Rehearsal(flows, store=store, roles=roles, resources=resources, texts=texts) as play:
        return await follow(play, transcript, strain)


async def follow(play: Rehearsal, transcript: str, strain: Strain = Strain()) -> Report:  # noqa: B008 -- immutable
    """Play a transcript within a rehearsal, which can go on afterwards. Raises `TranscriptError` as `rehearse` does."""
    lines = parse(transcript)
    player = _Player(play, strain, ended=len(await play.endings()))
    try:
        await player.play(lines)
    except _Differs as difference:
        return Report(False, player.record(), str(difference), difference.line)
    return Report(True, player.record())


async def transcribe(flows: Registry | Buildable, transcript: str) -> str:
    """Play what people do in a transcript and return it with what the bot really says: the quick way to write one.

    What cannot be done ends it, with a comment that says why.
    """
    lines = [line for line in parse(transcript) if not isinstance(line.doing, Expecting | Ended)]
    async with Rehearsal(flows) as play:
        player = _Player(play, Strain(), compares=False)
        try:
            await player.play(lines)
        except _Differs as difference:
            return f"{player.record()}# {difference}\n"
        return player.record()


class _Differs(Exception):
    """The bot did something else than the transcript says."""

    def __init__(self, line: int, message: str) -> None:
        self.line = line
        super().__init__(f"line {line}: {message}")


class _Player:
    def __init__(self, play: Rehearsal, strain: Strain, *, compares: bool = True, ended: int = 0) -> None:
        self._play = play
        self._strain = strain
        self._compares = compares
        self._record: list[str] = []
        self._voices: list[str] = [YOU]
        self._ended = ended
        self._ordered = ""
        self._heard: dict[str, list[str]] | None = None
        """What counts as said on this line, if redelivery or a restart came in between."""

    def record(self) -> str:
        return "\n".join(self._record) + "\n"

    async def play(self, lines: Sequence[Line]) -> None:
        for line in lines:
            if isinstance(line.doing, Acting | Expecting) and line.doing.who not in (OPERATOR, *self._voices):
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
                self._demand_crash(line)
        await self._compare(line, expected)
        return None

    def _demand_crash(self, line: Line) -> None:
        """A crash that the transcript orders has to happen on the next line."""
        ordered, self._ordered = self._ordered, ""
        if ordered in self._play.fuse.armed:
            raise _Differs(line.number, f"this line does not reach crash point {ordered!r}")

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
                    await play.deliver(*(self._happening(racer) for racer in acts))
                case Passing(duration):
                    await play.clock(milliseconds=duration)
                case Steering(command, rest):
                    await self._steer(command, rest)
                case Ordering("restart", _, down):
                    await play.restart(timedelta(milliseconds=down))
                case Ordering("redeliver"):
                    await play.redeliver()
                case Ordering("crash", point):
                    play.crash(point)
                    self._ordered = point
                case Ordering("join", who):
                    play.as_(who, chat=YOU)
                case Ordering() | Expecting() | Ended() | None:
                    pass
        except (LookupError, CallerError) as error:
            raise _Differs(line.number, str(error.args[0])) from error

    def _happening(self, racer: Acting | Passing) -> Inbound | timedelta:
        if isinstance(racer, Passing):
            return timedelta(milliseconds=racer.duration)
        return self._play.as_(racer.who).inbound(racer.act)

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
        """Return who read what since somebody last did something; of those who share a conversation only the first."""
        heard = {OPERATOR: list(self._play.operator.replies)}
        for who in self._voices:
            if who == self._reader(who):
                heard[who] = list(self._play.as_(who).replies)
        return heard

    def _reader(self, who: str) -> str:
        """Return who reads first what somebody reads."""
        if who == OPERATOR:
            return who
        room = self._play.as_(who).conversation
        return next(other for other in self._voices if self._play.as_(other).conversation == room)

    async def _compare(self, line: Line, expected: Sequence[Line]) -> None:
        said = self._said() if self._heard is None else self._heard
        unread = {who: list(texts) for who, texts in said.items()}
        if not self._compares:
            self._record += [shown(who, text) for who, texts in unread.items() for text in texts]
            endings = await self._play.endings()
            self._record += [ending_line(ending) for ending in endings[self._ended :]]
            self._ended = len(endings)
            return self._put_back(expected)
        written: list[str] = []
        real: list[str] = []
        played: list[str] = []
        for entry in expected:
            if not isinstance(entry.doing, Expecting):
                played.append(entry.written)
                continue
            who, text = self._reader(entry.doing.who), entry.doing.text
            written.append(shown(who, text))
            if unread[who]:
                now = unread[who].pop(0)
                played.append(shown(who, now))
                real.append(written[-1] if matches(text, now) else played[-1])
        real += [shown(who, text) for who, texts in unread.items() for text in texts]
        if written != real:
            self._record += real
            difference = "\n".join(row for row in ndiff(written, real or [NOTHING]) if not row.startswith("?"))
            about = f"after {line.written!r} the bot says something else (- as written, + as said)"
            raise _Differs(line.number, f"{about}\n{difference}")
        self._record += played
        return None

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
