"""Building finds every mistake at once, each with a path and a remedy."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum, StrEnum, auto
from typing import Any

import pytest

from tests.authoring.calling import problems_of
from turnflow import answers
from turnflow.authoring import Flow, Turn, callback, days, hours, minutes, seconds, where
from turnflow.core.directives import Directive
from turnflow.core.inputs import Input
from turnflow.core.state import Failure
from turnflow.errors import AuthorError, InvalidFlow


class Step(StrEnum):
    A = "a"
    B = "b"


class Other(StrEnum):
    C = "c"


AnyTurn = Turn[Step, Any]


async def done(turn: AnyTurn) -> Directive:
    return turn.complete()


async def answered(turn: AnyTurn, answer: str) -> Directive:
    return turn.complete()


def flow_with(handler: Any = answered, **options: Any) -> Flow[Step, None]:
    """Return a flow whose step A is as given and whose step B is fine."""
    flow = Flow("f", steps=Step)
    flow.step(Step.A, **({"ask": "?"} | options))(handler)
    flow.step(Step.B)(done)
    return flow


def test_ten_mistakes_are_ten_problems_in_one_error() -> None:
    class Many(StrEnum):
        NO_HANDLER = "no_handler"
        TWICE = "twice"
        SYNC = "sync"
        UNPARSABLE = "unparsable"
        NO_ASK = "no_ask"
        LATE = "late"
        AWAY = "away"
        SIGNATURE = "signature"

    flow: Flow[Any, Any] = Flow("many", steps=Many, data=set, version=3)
    flow.step(Many.TWICE)(done)
    flow.step(Many.TWICE)(done)
    flow.step(Many.SYNC)(lambda turn: turn.done())  # type: ignore[arg-type, return-value]  # because the mistake is the test
    flow.step(Many.NO_ASK)(answered)
    flow.step(Many.LATE, ask="?", timeout=minutes(10), remind=[minutes(20)])(answered)
    flow.step(Many.AWAY, on_error=Other.C, to=["nowhere"])(done)

    @flow.step(Many.UNPARSABLE, ask="?")
    async def unparsable(turn: AnyTurn, answer: Any = object) -> Directive:
        return turn.complete()

    unparsable.__annotations__["answer"] = Failure.__class__

    @flow.step(Many.SIGNATURE)
    async def signature(turn: AnyTurn, nmae: str) -> Directive:
        return turn.complete()

    @flow.migrate(1, 2)
    @flow.migrate(1, 3)
    def migrate(data: dict[str, Any]) -> dict[str, Any]:
        return data

    found = problems_of(flow)
    assert set(found) >= {
        "data [bad_data_type]",
        "steps.no_handler [missing_handler]",
        "steps.twice [duplicate_handler]",
        "steps.sync [not_async]",
        "steps.no_ask [answer_without_ask]",
        "steps.late.ask.remind[0] [late_reminder]",
        "steps.away.on_error [unknown_step]",
        "steps.away.to [unknown_step]",
        "steps.signature [bad_signature]",
        "migrations.1 [duplicate_migration]",
    }
    assert all(len(message) > 15 for message in found.values())


def test_the_error_lists_all_problems_in_its_message() -> None:
    with pytest.raises(InvalidFlow) as caught:
        Flow("f", steps=Step).build()
    assert len(caught.value.problems) == 2
    assert str(caught.value).count("[missing_handler]") == 2


@pytest.mark.parametrize(
    ("options", "problem", "remedy"),
    [
        ({"on_timeout": Other.C, "timeout": hours(1)}, "steps.a.on_timeout [unknown_step]", "no member of Step"),
        ({"on_timeout": Step.B}, "steps.a.on_timeout [timeout_missing]", "timeout="),
        ({"on_exhausted": Other.C, "attempts": 2}, "steps.a.on_exhausted [unknown_step]", "the steps are: a, b"),
        ({"on_exhausted": Step.B}, "steps.a.ask.on_exhausted [unbounded_attempts]", "attempts="),
        ({"attempts": -1}, "steps.a.attempts [bad_attempts]", "negative"),
        ({"timeout": 30}, "steps.a.timeout [bad_duration]", "seconds(30)"),
        ({"timeout": seconds(0)}, "steps.a.ask.timeout [bad_duration]", "longer"),
        ({"remind": [5]}, "steps.a.remind[0] [bad_duration]", "minutes(5)"),
        ({"ask": 3}, "steps.a.ask [bad_message]", "Message"),
        ({"retry": 3}, "steps.a.retry [bad_message]", "Message"),
        ({"accepts": callback("x")}, "steps.a.accepts [bad_accepts]", "buttons"),
        ({"accepts": where("long")}, "steps.a.accepts [unknown_filter]", "@flow.filter('long')"),
        ({"routing": True}, "steps.a.ask [routing_question]", "routing="),
        ({"on_error": {"x": "bb"}}, "steps.a.on_error [unknown_step]", "did you mean 'b'"),
        ({"on_error": Step.B, "continue_on_error": False}, "steps.a [contradicting_error]", "leave one"),
        ({"ask": lambda turn, what: "?"}, "steps.a.ask [bad_signature]", "what"),
    ],
)
def test_an_option_that_cannot_be_meant_is_a_problem(options: dict[str, Any], problem: str, remedy: str) -> None:
    found = problems_of(flow_with(**options))
    assert list(found) == [problem]
    assert remedy in found[problem]


def test_a_misspelt_step_gets_a_suggestion() -> None:
    flow: Any = Flow("f", steps=Step)
    flow.step("aa")(done)
    assert "did you mean 'a'?" in problems_of(flow)["steps.aa [unknown_step]"]


def test_an_answer_nobody_can_give_is_a_problem() -> None:
    async def handler(turn: AnyTurn, answer: AnyTurn) -> Directive:
        return turn.complete()

    async def untyped(turn: AnyTurn, answer) -> Directive:  # type: ignore[no-untyped-def]  # because the mistake is the test
        return turn.complete()

    async def photo(turn: AnyTurn, answer: int) -> Directive:
        return turn.complete()

    assert "answer: str" in problems_of(flow_with(untyped))["steps.a [untyped_answer]"]
    assert "steps.a [bad_answer]" in problems_of(flow_with(photo, accepts=answers.photo()))


def test_waits_of_two_phase_steps_are_checked_too() -> None:
    found = problems_of(flow_with(done, ask=None, timeout=minutes(1), remind=[minutes(2)], on_exhausted=Step.B))
    assert list(found) == ["steps.a.remind [late_reminder]", "steps.a.on_exhausted [unbounded_attempts]"]


class Numbers(Enum):
    ONE = auto()


class Empty(StrEnum):
    pass


@pytest.mark.parametrize(
    ("steps", "problem"),
    [(Numbers, "steps.ONE [bad_steps]"), (Empty, "steps [no_steps]"), (["a"], "steps [bad_steps]")],
)
def test_steps_that_are_no_enum_of_strings_are_a_problem(steps: Any, problem: str) -> None:
    assert list(problems_of(Flow("f", steps=steps))) == [problem]


def test_mistakes_of_a_parallel_group_are_problems() -> None:
    flow: Any = flow_with(done, ask=None)
    flow.parallel(start=Step.A, steps=[Other.C], join=Step.B, need="some", on_timeout=Other.C)
    flow.parallel(start=Step.A, steps=[Step.B], join=Step.B)
    flow.parallel(start=Step.A, steps=[Step.B], join=Step.A)
    assert set(problems_of(flow)) >= {
        "groups.a.steps[0] [unknown_step]",
        "groups.a.need [bad_need]",
        "groups.a.on_timeout [unknown_step]",
        "groups.a [duplicate_group]",
        "groups.a.join [join_in_branches]",
    }


def test_a_flow_answers_errors_and_timeouts_in_one_place() -> None:
    flow: Any = flow_with()
    for _ in range(2):
        flow.on_error(done)
        flow.on_timeout(done)
    assert set(problems_of(flow)) == {"hooks.error [duplicate_hook]", "hooks.timeout [duplicate_hook]"}


def test_a_hook_that_is_not_async_is_a_problem() -> None:
    flow: Any = flow_with()
    flow.on_enter(lambda turn: None)
    assert list(problems_of(flow)) == ["hooks.flow_enter [not_async]"]


def test_mistakes_of_versions_are_problems() -> None:
    flow: Any = Flow("f", steps=Step, version=3)
    flow.step(Step.A)(done)
    flow.step(Step.B)(done)

    def change(data: dict[str, Any]) -> dict[str, Any]:
        return data

    async def later(data: dict[str, Any]) -> dict[str, Any]:
        return data

    flow.migrate(1, 2)(change)
    flow.migrate(3, 2)(change)
    flow.migrate(2, 4)(change)
    flow.retired("old", then="nowhere")
    flow.retired("a", then=Step.B)
    assert set(problems_of(flow)) == {
        "migrations.1 [migration_gap]",
        "migrations.3 [bad_migration]",
        "migrations.2 [bad_migration]",
        "retired.old [unknown_step]",
        "retired.a [retired_exists]",
    }
    astray: Any = Flow("f", steps=Step, version=2)
    astray.step(Step.A)(done)
    astray.step(Step.B)(done)
    astray.migrate(1, 2, steps={"old": "nowhere"})(later)
    assert set(problems_of(astray)) == {"migrations.1 [async_migration]", "migrations.1.steps.old [unknown_step]"}


def test_mistakes_of_filters_are_problems() -> None:
    flow = flow_with()

    @flow.filter("long")
    def first(input: Input) -> bool:
        return True

    @flow.filter("long")  # type: ignore[arg-type]  # because the mistake is the test
    async def second(input: Input) -> bool:
        return True

    assert set(problems_of(flow)) == {"filters [duplicate_filter]", "filters.long [async_filter]"}


@pytest.mark.parametrize("make", [lambda: answers.text(pattern="("), lambda: callback(""), lambda: where("")])
def test_words_that_mean_nothing_are_refused_where_they_are_written(make: Any) -> None:
    with pytest.raises(AuthorError):
        make()


def test_durations_are_timedeltas() -> None:
    assert (seconds(90), minutes(1.5)) == (timedelta(seconds=90), timedelta(seconds=90))
    assert (hours(24), days(1)) == (timedelta(days=1), timedelta(days=1))
