"""What a turn offers a handler."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec
import pytest
from msgspec import Raw
from msgspec.structs import replace

from tests.authoring.calling import NOW, Caller, RecordedServices, labels, plain, said, text
from turnflow import answers
from turnflow.authoring import Flow, Turn, command, minutes, progress_of, where
from turnflow.core import directives
from turnflow.core.definition import Accepts, Timeout
from turnflow.core.directives import Directive, Park
from turnflow.core.ids import CursorId, GroupId, MailboxId, RunId, StepName
from turnflow.core.messages import Button, Message
from turnflow.core.state import Branch, Failure, OpenGroup, Owed, Parent
from turnflow.errors import UserCodeError


class Step(StrEnum):
    START = "start"
    EMAIL = "email"
    PHONE = "phone"
    JOIN = "join"


class Other(StrEnum):
    EMAIL = "email"
    ELSEWHERE = "elsewhere"


class Data(msgspec.Struct):
    name: str = ""
    age: int = 0


KycTurn = Turn[Step, Data]
other: Flow[Other, Data] = Flow("other", steps=Other, data=Data)


def caller(does: Callable[[Any], Any], services: RecordedServices | None = None) -> Caller:
    """Return a run whose START handler does something and answers with what that gives, if it is a directive."""
    flow = Flow("kyc", steps=Step, data=Data)

    @flow.step(
        Step.START, timeout=minutes(30), remind=[minutes(10), (minutes(20), "Still there?")], otherwise="Text, please."
    )
    async def start(turn: KycTurn) -> Directive:
        result = does(turn)
        if hasattr(result, "__await__"):
            result = await result
        return result if isinstance(result, Directive) else turn.complete()

    for step in (Step.EMAIL, Step.PHONE, Step.JOIN):

        @flow.step(step)
        async def rest(turn: KycTurn) -> Directive:
            return turn.done()

    flow.parallel(start=Step.START, steps=[Step.EMAIL, Step.PHONE], join=Step.JOIN)
    return Caller(flow, services=services or RecordedServices())


async def seen(reads: Callable[[Any], object], **options: Any) -> object:
    """Return what a handler reads from its turn."""
    found: list[object] = []
    await caller(lambda turn: found.append(reads(turn))).run("input", "start", "hello", **options)
    return found[0]


DIRECTIVES: list[tuple[Callable[[Any], Any], Any]] = [
    (lambda turn: turn.next(Step.JOIN), directives.Next(StepName("join"))),
    (lambda turn: turn.goto(Step.JOIN), directives.Goto(StepName("join"))),
    (lambda turn: turn.back(), directives.Back()),
    (lambda turn: turn.repeat(), directives.Repeat()),
    (lambda turn: turn.done(), directives.Done()),
    (lambda turn: turn.complete(), directives.Complete()),
    (lambda turn: turn.cancel("tired"), directives.Cancel("tired")),
    (lambda turn: turn.fail("no_stock", "none left"), directives.Fail("no_stock", "none left")),
    (lambda turn: turn.escalate("help"), directives.Escalate("help")),
    (lambda turn: turn.escalate("help", then=Step.JOIN), directives.Escalate("help", StepName("join"))),
    (lambda turn: turn.done({"ok": True}), directives.Done(Raw(b'{"ok":true}'))),
    (lambda turn: turn.complete([1]), directives.Complete(Raw(b"[1]"))),
]


@pytest.mark.parametrize(("does", "directive"), DIRECTIVES)
async def test_each_way_on_is_a_directive(does: Callable[[Any], Any], directive: Any) -> None:
    assert (await caller(does).run("enter", "start")).directive == directive


@pytest.mark.parametrize("target", [Other.EMAIL, Other.ELSEWHERE, "email", None, 3])
@pytest.mark.parametrize("way", ["next", "goto"])
async def test_a_target_that_is_no_member_is_a_clear_error(way: str, target: object) -> None:
    with pytest.raises(UserCodeError, match=r"step 'start'.*no step of flow 'kyc'.*Step") as caught:
        await caller(lambda turn: getattr(turn, way)(target)).run("enter", "start")
    assert caught.value.code == "unknown_step"


@pytest.mark.parametrize("wrong", [None, "next", Step.JOIN])
async def test_a_handler_that_answers_with_no_directive_is_a_clear_error(wrong: object) -> None:
    flow = Flow("f", steps=Other)

    @flow.step(Other.EMAIL)
    @flow.step(Other.ELSEWHERE)
    async def forgetful(turn: Turn[Other, None]) -> Any:
        return wrong

    with pytest.raises(UserCodeError, match="forgetful of step 'email' returned") as caught:
        await Caller(flow).run("enter", "email")
    assert caught.value.code == "no_directive"


async def test_a_result_without_a_json_form_is_a_clear_error() -> None:
    with pytest.raises(UserCodeError, match="no JSON form"):
        await caller(lambda turn: turn.complete(object())).run("enter", "start")


async def test_what_is_said_is_answered_in_order() -> None:
    def talk(turn: KycTurn) -> None:
        turn.say("one")
        turn.say("two", buttons=["yes", "no"])
        turn.say(Message("three"), buttons=[["a"], [Button("b")]])
        turn.say(Message("four", buttons=["x", "y"]))

    answer = await caller(talk).run("enter", "start")
    assert said(answer) == ["one", "two", "three", "four"]
    assert [labels(message.buttons) for message in answer.says] == [
        [],
        [["yes"], ["no"]],
        [["a"], ["b"]],
        [["x"], ["y"]],
    ]


async def test_what_cannot_be_said_is_a_clear_error() -> None:
    with pytest.raises(UserCodeError, match="cannot be said"):
        await caller(lambda turn: turn.say(3)).run("enter", "start")


async def test_input_is_none_on_entry() -> None:
    inputs: list[object] = []
    run = caller(lambda turn: inputs.append(turn.input))
    await run.run("enter", "start", "a trigger's text")
    await run.run("input", "start", "hello")
    assert inputs[0] is None
    assert inputs[1] == text("hello")


async def test_metadata_of_the_run_can_be_read() -> None:
    info: Any = await seen(lambda turn: turn.run)
    assert (info.id, info.user, info.chat, info.conversation) == ("r1", "u1", "c1", "web:1")
    assert (info.flow, info.version, info.step, info.parent) == ("kyc", 1, "start", None)
    assert info.created == datetime.fromtimestamp((NOW - 5000) / 1000, UTC)
    assert info.updated == datetime.fromtimestamp((NOW - 1000) / 1000, UTC)
    assert [(wait.label, wait.step) for wait in info.waits] == [("start", "start")]


async def test_a_child_knows_its_parent() -> None:
    ids: list[object] = []
    run = caller(lambda turn: ids.append(turn.run.parent))
    run.state = replace(run.state, parent=Parent(RunId("p"), MailboxId("m"), RunId("p"), 1))
    await run.run("enter", "start")
    assert ids == ["p"]


async def test_step_time_attempt_and_resources_can_be_read() -> None:
    assert await seen(lambda turn: turn.step) is Step.START
    assert await seen(lambda turn: turn.now) == datetime.fromtimestamp(NOW / 1000, UTC)
    assert await seen(lambda turn: turn.attempt, attempt=3) == 3
    assert await seen(lambda turn: turn.resources) == {}


async def test_a_childs_result_is_decoded() -> None:
    assert await seen(lambda turn: turn.result, result={"name": "Ada", "age": 3}) == {"name": "Ada", "age": 3}
    assert await seen(lambda turn: turn.result) is None
    assert await seen(lambda turn: turn.result_as(Data), result={"name": "Ada", "age": 3}) == Data("Ada", 3)
    with pytest.raises(UserCodeError, match="age"):
        await seen(lambda turn: turn.result_as(Data), result={"age": "x"})


async def test_results_of_branches_stand_under_their_steps() -> None:
    found: list[Any] = []
    run = caller(lambda turn: found.append(turn.results))
    run.state = replace(run.state, results={StepName("email"): Raw(b'{"name":"Ada"}')})
    await run.run("enter", "start")
    results = found[0]
    assert results[Step.EMAIL] == {"name": "Ada"}
    assert dict(results) == {Step.EMAIL: {"name": "Ada"}}
    assert results.read(Step.EMAIL, Data) == Data("Ada")
    assert Step.PHONE not in results
    with pytest.raises(KeyError, match="no result yet"):
        results[Step.PHONE]


async def test_progress_counts_the_branches_of_the_open_group() -> None:
    texts: list[str] = []
    run = caller(lambda turn: texts.append(turn.progress.text()))
    branches = (Branch(StepName("email")), Branch(StepName("phone"), CursorId(2)))
    group = OpenGroup(GroupId(1), StepName("start"), CursorId(0), branches)
    await run.run("enter", "start", state=replace(run.state, groups=(group,)))
    joined = replace(run.state, groups=(), results={StepName("email"): Raw(b"1"), StepName("phone"): Raw(b"2")})
    await run.run("enter", "start", state=joined)
    assert texts == ["1/2", "2/2"]
    outside = progress_of(run.handlers.definition, replace(run.state, results={}, groups=(group,)))
    assert (outside.completed, outside.pending, outside.total) == (1, 1, 2)


def spec_of(directive: Directive) -> Any:
    assert isinstance(directive, Park)
    return directive.spec


async def test_a_wait_takes_what_it_does_not_say_from_its_step() -> None:
    spec = spec_of((await caller(lambda turn: turn.wait("w", accepts=answers.email())).run("enter", "start")).directive)
    assert spec.accepts == answers.email()
    assert spec.timeout == 30 * 60_000
    assert [reminder.after for reminder in spec.remind] == [10 * 60_000, 20 * 60_000]
    assert spec.remind[1].message == Message("Still there?")
    assert spec.otherwise == Message("Text, please.")


async def test_a_wait_overrides_its_step() -> None:
    def wait(turn: KycTurn) -> Park:
        return turn.wait(
            "w", accepts=answers.text(), timeout=minutes(1), on_timeout=Step.JOIN, remind=[minutes(0.5)], retry="Again.",
            attempts=2, on_exhausted=Step.JOIN, otherwise="No.", who=["role:operator"], gather=minutes(0.1),
        )  # fmt: skip

    spec = spec_of((await caller(wait).run("enter", "start")).directive)
    assert (spec.timeout, spec.on_timeout) == (60_000, Timeout(StepName("join"), "step"))
    assert [reminder.after for reminder in spec.remind] == [30_000]
    assert (spec.retry, spec.attempts, spec.on_exhausted) == (Message("Again."), 2, "join")
    assert (spec.otherwise, spec.who, spec.gather) == (Message("No."), ("role:operator",), 6000)


async def test_a_wait_accepts_commands_and_filters_by_the_triggers_words() -> None:
    by_command = spec_of(
        (await caller(lambda turn: turn.wait("w", accepts=command("help"))).run("enter", "start")).directive
    )
    assert by_command.accepts == answers.command("help")
    by_filter = spec_of(
        (await caller(lambda turn: turn.wait("w", accepts=where("long"))).run("enter", "start")).directive
    )
    assert by_filter.accepts == answers.where("long")


async def test_a_callback_wait_takes_presses_only() -> None:
    spec = spec_of(
        (await caller(lambda turn: turn.wait_callback("w", timeout=minutes(25))).run("enter", "start")).directive
    )
    assert spec.accepts == Accepts(("press",))
    assert spec.timeout == 25 * 60_000


async def test_a_wait_whose_reminder_comes_too_late_is_an_error() -> None:
    with pytest.raises(UserCodeError, match="after the timeout") as caught:
        await caller(lambda turn: turn.wait("w", timeout=minutes(5))).run("enter", "start")
    assert caught.value.code == "invalid_wait"


async def test_a_called_flow_gets_its_data_by_field() -> None:
    by_flow: Any = (
        await caller(lambda turn: turn.call(other, Data("Ada"), then=Step.JOIN)).run("enter", "start")
    ).directive
    assert (by_flow.flow, by_flow.then, plain(by_flow.data)) == ("other", "join", {"name": "Ada", "age": 0})
    by_name: Any = (
        await caller(lambda turn: turn.call("other", {"age": 1}, then=Step.JOIN)).run("enter", "start")
    ).directive
    assert (by_name.flow, plain(by_name.data)) == ("other", {"age": 1})
    bare: Any = (await caller(lambda turn: turn.call("other", then=Step.JOIN)).run("enter", "start")).directive
    assert bare.data == {}


async def test_data_for_another_flow_must_have_fields() -> None:
    with pytest.raises(UserCodeError, match="named fields"):
        await caller(lambda turn: turn.call("other", [1], then=Step.JOIN)).run("enter", "start")


async def test_a_run_started_aside_is_handed_to_the_engine() -> None:
    services = RecordedServices()
    ids: list[str] = []

    async def start(turn: KycTurn) -> None:
        ids.append(await turn.start(other, Data("Ada"), conversation="web:2", user="u2"))
        ids.append(await turn.start("other"))

    await caller(start, services).run("enter", "start")
    assert ids == ["child", "child"]
    assert services.started == [("other", {"name": "Ada", "age": 0}, "web:2", "u2"), ("other", {}, None, None)]


async def test_an_action_called_by_name_takes_and_gives_json() -> None:
    services = RecordedServices(actions={"pay": b'{"ok":true}'})
    results: list[object] = []

    async def pay(turn: KycTurn) -> None:
        results.append(await turn.call_action("pay", {"sum": 3}))

    await caller(pay, services).run("enter", "start")
    assert results == [{"ok": True}]
    assert services.called == [("pay", b'{"sum":3}')]


async def test_an_argument_without_a_json_form_never_reaches_the_action() -> None:
    services = RecordedServices(actions={"pay": b"1"})
    with pytest.raises(UserCodeError, match="'pay'") as caught:
        await caller(lambda turn: turn.call_action("pay", object()), services).run("enter", "start")
    assert caught.value.code == "invalid_argument"
    assert services.called == []


async def test_an_error_handler_reads_what_failed() -> None:
    assert await seen(lambda turn: turn.error, error=Failure("timeout")) == Failure("timeout")


async def test_an_error_handler_reads_the_input_of_the_call_that_failed() -> None:
    flow = Flow("f", steps=Other)

    @flow.step(Other.EMAIL)
    @flow.step(Other.ELSEWHERE)
    async def handler(turn: Turn[Other, None]) -> Directive:
        return turn.complete()

    @flow.on_error
    async def failed(turn: Turn[Other, None], error: Failure) -> Directive:
        assert turn.input is not None
        return turn.cancel(turn.input.text)

    call = Owed("input", StepName("email"), 1, input=text("hello"))
    answer = await Caller(flow).run("error", "email", error=Failure("exception"), failed=(call,))
    assert answer.directive == directives.Cancel("hello")
