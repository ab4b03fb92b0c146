"""Playing transcripts: agreement, differences that can be read, and strain."""

from __future__ import annotations

import pytest

from tests.testing.flows import greeting
from turnflow.testing import Rehearsal, Strain, TranscriptError, follow, rehearse, transcribe

WHOLE = """\
# All there is.
> /start
< Name?
> Ada
< Age?
~ 61m
< Name?
> Bob
< Age?
> 36
< Bob,
| 36? [yes] [no]
> [no]
< Age?
> 37
< Bob,
| 37? [yes] [no]
> [yes]
= completed {"name": "Bob", "age": 37}
"""


async def problem(transcript: str) -> str:
    report = await rehearse(greeting, transcript)
    assert not report.ok
    assert str(report) == report.problem
    assert report.problem.startswith(f"line {report.line}: ")
    return report.problem


async def test_a_transcript_that_holds_is_reported_as_written() -> None:
    report = await rehearse(greeting, WHOLE)
    assert (report.ok, report.line, str(report)) == (True, 0, "as written")
    assert report.played == WHOLE.replace('{"name": "Bob", "age": 37}', '{"name": "Bob", "age": 37}')


async def test_another_reply_is_shown_beside_the_one_that_was_written() -> None:
    found = await problem("> /start\n< Name?\n> Ada\n< How old?\n")
    assert found.splitlines()[1:] == ["- < How old?", "+ < Age?"]
    assert found.startswith("line 3: after '> Ada'")


async def test_a_missing_and_an_unexpected_reply_are_differences() -> None:
    assert "- < Hello!" in await problem("> /start\n< Name?\n< Hello!\n")
    assert "+ < Name?" in await problem("> /start\n")
    assert "+ (nothing)" in await problem("~ 1h\n< Hello!\n")
    assert "nothing has happened" in await problem("> /start\n< Name?\n! crash turn.begin\n< Hello!\n")


async def test_the_end_of_a_run_is_compared_with_its_result() -> None:
    asked = "> /start\n< Name?\n"
    assert "no run has ended here; live runs: greeting at name (waiting)" in await problem(f"{asked}= completed\n")
    ended = f"{asked}> /cancel\n< Cancelled.\n"
    assert "- = completed\n+ = cancelled" in await problem(f"{ended}= completed\n")
    assert "no run has ended here" in await problem(f"{ended}= cancelled\n= cancelled\n")
    done = WHOLE.splitlines()[:-1]
    other = await problem("\n".join([*done, '= completed {"name": "Eve"}']))
    assert '- = completed {"name":"Eve"}\n+ = completed {"age":37,"name":"Bob"}' in other
    failed = f"{asked}> fail\n< Sorry, something went wrong here. Please try again later.\n"
    assert (await rehearse(greeting, f"{failed}= failed no_name\n")).ok
    assert (await rehearse(greeting, f"{failed}= failed\n")).ok
    assert "+ = failed no_name" in await problem(f"{failed}= failed other\n")


async def test_a_wildcard_stands_for_any_text() -> None:
    assert (await rehearse(greeting, "> /start\n< N{*}?\n> Ada\n< {*}\n")).ok
    assert "- < N{*}!" in await problem("> /start\n< N{*}!\n")


async def test_a_button_that_is_not_there_is_a_difference() -> None:
    assert "no such button [yes]; the buttons so far, newest first: none" in await problem(
        "> /start\n< Name?\n> [yes]\n"
    )


async def test_several_people_and_the_operator_speak_in_one_transcript() -> None:
    transcript = """\
> /start
< Name?
bob> /start
bob< Name?
> help
< I am asking a colleague. Please wait a moment.
operator< RUN needs help
bob> Bob
bob< Age?
operator> say Hello
< Hello
operator> move age
< Age?
! join eve
eve> hello
! restart
! redeliver
! race 36 | bob> 37
< help,
| 36? [yes] [no]
bob< Bob,
| 37? [yes] [no]
"""
    report = await rehearse(greeting, transcript)
    assert report.ok, report.problem
    assert "no run waits for the operator" in await problem("operator> cancel\n")


async def test_what_cannot_be_read_is_an_error_of_its_author() -> None:
    with pytest.raises(TranscriptError, match="line 2: "):
        await rehearse(greeting, "> /start\nName?\n")


async def test_strain_is_put_on_every_line() -> None:
    async with Rehearsal(greeting) as play:
        strain = Strain(restart=True, redeliver=True, crash=("turn.before_commit", "recovery.begin"))
        report = await follow(play, WHOLE, strain)
        assert report.ok, report.problem
        assert play.fuse.blown == ["turn.before_commit", "recovery.begin"] * 8
        await play.check()


async def test_a_transcript_may_be_followed_by_more() -> None:
    async with Rehearsal(greeting) as play:
        assert (await follow(play, WHOLE)).ok
        assert (await follow(play, "> /start\n< Name?\n> /cancel\n< Cancelled.\n= cancelled\n")).ok
        assert await play.say("/start") == ["Name?"]


async def test_a_transcript_can_be_written_by_the_bot() -> None:
    acts = "\n".join(line for line in WHOLE.splitlines() if line[:1] not in "<|=")
    assert await transcribe(greeting, acts) == WHOLE.replace('{"name": "Bob", "age": 37}', '{"age":37,"name":"Bob"}')
    assert (await transcribe(greeting, "> /start\n> [yes]\n")).endswith(
        "# line 2: there is no such button [yes]; the buttons so far, newest first: none\n"
    )


async def test_a_crash_point_that_its_line_does_not_reach_is_a_difference() -> None:
    report = await rehearse(greeting, "> /start\n< Name?\n! crash accept.after\n> Ada\n< Age?\n")
    assert not report.ok
    assert "line 4: this line does not reach crash point 'accept.after'" in report.problem
