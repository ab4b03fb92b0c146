"""Semantics F: retries, error outputs, on_error, escalation, apologies, stuck runs."""

from __future__ import annotations

import pytest
from msgspec import Raw

from tests.core.play import (
    MINUTE,
    SECOND,
    Asked,
    Broken,
    Play,
    Reaction,
    Script,
    a_flow,
    acts,
    asks,
    failure,
    group,
    marks,
    name,
)
from turnflow.core.definition import Accepts, Hook, Output, Retry, Settings, WaitSpec
from turnflow.core.directives import (
    Cancel,
    Complete,
    Directive,
    Done,
    Escalate,
    Fail,
    Goto,
    Next,
    Park,
    Refuse,
    Repeat,
    Stay,
)
from turnflow.core.effects import Say, SetTimer
from turnflow.core.events import (
    CancelRequested,
    HandlerFailed,
    InputReceived,
    InputSetAside,
    MoveRequested,
    OperatorAnswered,
    RetryRequested,
    TimerFired,
)
from turnflow.core.ids import UserId
from turnflow.core.inputs import Input
from turnflow.core.messages import Media, Message
from turnflow.core.state import Failure

OP = UserId("op")


def broken(_: Asked) -> Directive:
    raise Broken


def failing(
    *outputs: Output, settings: Settings | None = None, hooks: tuple[Hook, ...] = (), **scripts: Script
) -> Play:
    flow = a_flow(acts("a", to=outputs, settings=settings), asks("b"), asks("c"), hooks=hooks)
    return Play(flow, {"a": broken, **scripts}).start()


# --- F1: the fixed order --------------------------------------------------------------------------------------------


def test_f1_a_step_that_fails_stops_the_flow_at_once_and_says_why() -> None:
    play = failing()
    assert play.state.status == "failed"
    assert failure(play) == Failure("exception", "broken: exception", name("a"))
    assert play.finish is not None
    assert play.finish.ending.error == failure(play)


def test_f1_retries_come_first_with_growing_delays() -> None:
    play = failing(settings=Settings(retry=Retry(3, SECOND, 2.0)))
    delays = []
    while play.state.status == "waiting":
        due = play.state.timers[0].due
        delays.append(due - play.at)
        play.later(due - play.at)
    assert delays == [SECOND, 2 * SECOND, 4 * SECOND]
    assert [owed.attempt for owed in play.calls] == [1, 2, 3, 4]
    assert failure(play).attempt == 4


def test_f1_every_attempt_is_the_same_call() -> None:
    play = failing(settings=Settings(retry=Retry(2, 0)))
    assert len(play.calls) == 3
    assert len({owed.visit for owed in play.calls}) == 1


def test_f1_a_retry_keeps_the_input() -> None:
    heard: list[str] = []

    def script(asked: Asked) -> Directive:
        heard.append(asked.text)
        if len(heard) < 3:
            raise Broken
        return Next(name("b"))

    step = asks("a")
    flow = a_flow(type(step)(step.name, question=step.question, settings=Settings(retry=Retry(5, SECOND))), asks("b"))
    play = Play(flow, {"a": script}).start()
    play.types("answer")
    play.later(MINUTE)
    assert heard == ["answer"] * 3
    assert play.step == "b"


def test_f1_input_that_comes_during_a_delay_waits_for_its_turn() -> None:
    heard: list[str] = []

    def script(asked: Asked) -> Directive:
        heard.append(asked.text)
        if len(heard) == 1:
            raise Broken
        return Stay()

    step = asks("a")
    flow = a_flow(type(step)(step.name, question=step.question, settings=Settings(retry=Retry(5, SECOND))))
    play = Play(flow, {"a": script}).start()
    for text in ("one", "two"):
        play.types(text)
    play.later(MINUTE)
    assert heard == ["one", "one", "two"]


def test_f1_retries_only_on_the_errors_named() -> None:
    settings = Settings(retry=Retry(3, 0, on=("net",)))
    assert len(failing(settings=settings).calls) == 1

    def net(_: Asked) -> Directive:
        raise Broken("net")

    assert len(failing(settings=settings, a=net).calls) == 4


@pytest.mark.parametrize(
    "settings",
    [Settings(retry=Retry(9, SECOND, 1.0, within=3 * SECOND)), Settings(3 * SECOND, retry=Retry(9, SECOND, 1.0))],
)
def test_f1_no_attempt_starts_after_the_time_for_all_of_them(settings: Settings) -> None:
    play = failing(settings=settings)
    play.later(MINUTE)
    assert len(play.calls) == 4
    assert play.state.status == "failed"


def test_f1_delays_are_bounded_and_spread_by_jitter_the_same_way_each_time() -> None:
    retry = Retry(8, SECOND, 1e30, 10 * SECOND, 0.5)
    dues = []
    for _ in range(2):
        play = failing(settings=Settings(retry=retry))
        play.later(MINUTE * 10)
        dues.append([effect.due for effect in play.effects if isinstance(effect, SetTimer)])
    assert dues[0] == dues[1]
    delays = [after - before for before, after in zip([1_000, *dues[0]], dues[0], strict=False)]
    assert len(set(delays)) > 3
    assert all(500 <= delay <= 15 * SECOND for delay in delays)


def test_f1_then_the_first_matching_error_output() -> None:
    outputs = (Output(name("b"), error=("net",)), Output(name("c"), error=("*",)))
    assert failing(*outputs).step == "c"
    assert failing(*outputs, a=lambda _: Fail("net")).step == "b"


def test_f1_then_with_continue_on_error_the_default_output() -> None:
    play = failing(Output(name("c")), Output(name("b"), error=("net",)), settings=Settings(continue_on_error=True))
    assert play.step == "c"


def test_f1_then_the_flows_on_error() -> None:
    play = failing(Output(name("c"), error=("net",)), hooks=("error",), error=lambda _: Goto(name("b")))
    assert play.step == "b"


def test_f1_an_error_output_is_taken_before_on_error() -> None:
    play = failing(Output(name("c"), error=("exception",)), hooks=("error",), error=lambda _: Goto(name("b")))
    assert play.step == "c"


def test_f1_an_authors_own_failure_is_not_retried() -> None:
    play = failing(settings=Settings(retry=Retry(3, 0)), a=lambda _: Fail("own", "no"))
    assert len(play.calls) == 1
    assert failure(play).code == "own"


def test_f1_siblings_are_cancelled_and_their_results_kept() -> None:
    flow = a_flow(marks("go"), asks("x"), asks("y"), asks("z"), asks("end"), groups=[group("go", "xyz", "end")])
    play = Play(flow, {"x": lambda _: Done(Raw(b"1")), "y": broken}).start()
    for head in "xy":
        play.types("1", fits=tuple(cursor.id for cursor in play.state.cursors if cursor.head == head))
    assert play.state.status == "failed"
    assert len(play.state.cursors) == 1
    assert play.state.results == {"x": Raw(b"1")}


def test_f2_a_late_answer_changes_nothing() -> None:
    play = failing(Output(name("b"), error=("timeout",)), a=lambda _: Park("w", WaitSpec(Accepts(("text",)))))
    play.held = True
    play.types("x")
    call = play.watch.asked
    play.send(HandlerFailed(play.at, call.key, "timeout", "it took too long"))
    assert play.step == "b"
    before = play.state
    play.send(play.answer(call))
    assert play.state is before


# --- F3: on_error ---------------------------------------------------------------------------------------------------


def test_f3_on_error_sees_the_error_and_the_input() -> None:
    flow = a_flow(asks("a"), hooks=("error",))
    play = Play(flow, {"a": broken, "error": lambda _: Cancel()}).start()
    play.types("x")
    owed = play.calls[-1]
    assert owed.error == Failure("exception", "broken: exception", name("a"))
    assert owed.input is not None
    assert owed.input.text == "x"


def test_f3_on_error_may_retry_the_call_with_its_input() -> None:
    heard: list[tuple[str, int]] = []

    def script(asked: Asked) -> Directive:
        heard.append((asked.text, asked.owed.attempt))
        if len(heard) < 3:
            raise Broken
        return Next(name("b"))

    play = Play(a_flow(asks("a"), asks("b"), hooks=("error",)), {"a": script, "error": lambda _: Repeat()}).start()
    play.types("x")
    assert heard == [("x", 1), ("x", 2), ("x", 3)]
    assert play.step == "b"


def test_f3_retrying_for_ever_is_ended_by_the_loop_guard() -> None:
    play = failing(hooks=("error",), error=lambda _: Repeat())
    assert failure(play).code == "loop_guard"


def test_f3_retrying_a_timeout_asks_again() -> None:
    flow = a_flow(asks("a", "a?", WaitSpec(Accepts(("text",)), timeout=MINUTE)), hooks=("error",))
    play = Play(flow, {"error": lambda _: Repeat()}).start()
    play.later(MINUTE)
    assert play.said == ["a?", "a?"]


@pytest.mark.parametrize(
    ("directive", "outcome"), [(Cancel(), "cancelled"), (Complete(), "completed"), (Fail("worse"), "failed")]
)
def test_f3_on_error_may_end_the_run(directive: Directive, outcome: str) -> None:
    assert failing(hooks=("error",), error=lambda _: directive).state.status == outcome


def test_f3_failing_from_on_error_keeps_the_first_message_if_it_has_none() -> None:
    assert failure(failing(hooks=("error",), error=lambda _: Fail("worse"))).message == "broken: exception"


def test_f3_on_error_may_ask_the_person() -> None:
    play = failing(
        hooks=("error",), error=lambda _: Reaction(Park("w", WaitSpec(Accepts(("text",)))), (Message("again?"),))
    )
    assert play.said == ["again?"]
    assert play.state.status == "waiting"


@pytest.mark.parametrize("script", [broken, lambda _: Stay(), lambda _: Refuse("no"), lambda _: Goto(name("nowhere"))])
def test_f3_an_on_error_that_fails_itself_ends_the_run(script: Script) -> None:
    play = failing(settings=Settings(retry=Retry(2, 0)), hooks=("error",), error=script)
    assert play.state.status == "failed"


# --- F4: escalation -------------------------------------------------------------------------------------------------


def escalated(*, then: str = "") -> Play:
    play = Play(
        a_flow(asks("a"), asks("b")), {"a": lambda _: Escalate("cannot decide", name(then) if then else None)}
    ).start()
    play.types("x")
    return play


def test_f4_escalating_parks_the_run_and_tells_person_and_operators() -> None:
    play = escalated()
    assert play.state.status == "waiting"
    assert play.said == ["a?", "<escalated>"]
    assert play.operators == ["r cannot decide"]


def test_f4_what_the_author_says_replaces_the_engines_words() -> None:
    play = Play(a_flow(asks("a")), {"a": lambda _: Reaction(Escalate("help"), (Message("one moment"),))}).start()
    play.types("x")
    assert play.said == ["a?", "one moment"]


def test_f4_messages_of_the_conversation_go_to_the_operators_with_their_media() -> None:
    play = escalated()
    play.types("are you there?")
    photo = Input(play.input("").id, "photo", UserId("u"), play.at, media=(Media("photo", "file1"),), name="Ada")
    play.send(InputReceived(play.at, photo))
    assert play.operators[1:] == ["r u: are you there?", "r Ada: photo"]
    last = [effect for effect in play.effects if isinstance(effect, Say)][-1]
    assert last.message.media == photo.media


def test_f4_the_operators_words_reach_the_person_and_the_run_stays_parked_if_they_want() -> None:
    play = escalated()
    play.send(OperatorAnswered(play.at, OP, "let me see", ends=False))
    assert play.said[-1] == "let me see"
    assert play.state.cursors[0].escalation is not None


def test_f4_the_operators_answer_lets_the_run_go_on_at_then() -> None:
    play = escalated(then="b")
    play.send(OperatorAnswered(play.at, OP, "approved"))
    assert (play.step, play.state.cursors[0].result) == ("b", Raw(b'"approved"'))
    assert play.said[-2:] == ["approved", "b?"]


def test_f4_without_then_the_question_is_asked_again() -> None:
    play = escalated()
    play.send(OperatorAnswered(play.at, OP, ""))
    assert play.said == ["a?", "<escalated>", "a?"]


def test_f4_the_operator_may_move_the_run() -> None:
    play = escalated()
    play.send(MoveRequested(play.at, name("b"), "op"))
    assert (play.step, play.said[-1]) == ("b", "b?")


def test_f4_the_operator_may_cancel_the_run() -> None:
    play = escalated()
    play.send(CancelRequested(play.at, "op"))
    assert play.ended("cancelled")
    assert play.finish is not None
    assert play.finish.ending.by == "op"


def test_f4_an_operator_answers_only_what_is_escalated() -> None:
    play = Play(a_flow(asks("a"))).start()
    before = play.state
    play.send(OperatorAnswered(play.at, OP, "hello"))
    assert play.state is before
    assert play.operators == []


def test_moving_to_a_step_that_does_not_exist_changes_nothing() -> None:
    play = escalated()
    before = play.state
    play.send(MoveRequested(play.at, name("nowhere")))
    assert play.state is before


# --- F6, F7 ---------------------------------------------------------------------------------------------------------


def test_f6_an_input_that_keeps_killing_the_process_is_set_aside_and_the_run_is_stuck() -> None:
    play = Play(a_flow(asks("a"), asks("b")), {"a": lambda _: Next(name("b"))}).start()
    poison = play.input("poison")
    play.send(InputSetAside(play.at, "it ended the process 5 times", poison))
    assert (play.state.status, play.state.reason) == ("stuck", "it ended the process 5 times")
    assert play.state.backlog == (poison,)
    assert play.said == ["a?", "<stuck>"]


def test_f6_a_stuck_run_can_be_retried_with_the_input_it_had() -> None:
    play = Play(a_flow(asks("a"), asks("b")), {"a": lambda _: Next(name("b"))}).start()
    play.send(InputSetAside(play.at, "why", play.input("poison")))
    play.send(RetryRequested(play.at, "op"))
    assert [owed.input.text for owed in play.calls if owed.input] == ["poison"]
    assert play.step == "b"


def test_f6_a_press_that_was_set_aside_counts_after_the_retry() -> None:
    play = Play(a_flow(asks("a", "a?", None, "yes"), asks("b")), {"a": lambda _: Next(name("b"))}).start()
    press = play.input("", "press", ref=play.button("yes"))
    play.send(InputSetAside(play.at, "why", press))
    play.send(RetryRequested(play.at, "op"))
    assert [owed.input.value for owed in play.calls if owed.input] == ["yes"]


def test_f6_work_that_keeps_killing_the_process_is_done_again_after_a_retry() -> None:
    play = Play(a_flow(acts("a"), asks("b")), {"a": lambda _: Next(name("b"))})
    play.held = True
    play.start()
    first = play.watch.asked
    play.send(InputSetAside(play.at, "why"))
    assert play.state.inflight is None
    play.send(RetryRequested(play.at, "op"))
    assert play.watch.asked == first
    play.drive()
    assert play.step == "b"


def test_f6_what_a_stuck_run_cannot_take_is_kept_and_the_person_told_once() -> None:
    play = Play(a_flow(asks("a", "a?", None, "yes"), asks("b")), {"a": lambda _: Next(name("b"))}).start()
    ref = play.button("yes")
    play.send(InputSetAside(play.at, "why"))
    for text in ("one", "two"):
        assert play.types(text) == ""
    assert play.press(ref) == ""
    assert play.said == ["a?", "<stuck>", "<stuck>"]
    assert [press.notice for press in play.presses] == ["stuck"]
    play.send(RetryRequested(play.at, "op"))
    assert [owed.input.text for owed in play.calls if owed.input] == ["one", "two"]


def test_f6_timers_that_fire_meanwhile_fire_after_the_retry() -> None:
    flow = a_flow(asks("a", "a?", WaitSpec(Accepts(("text",)), timeout=SECOND)))
    play = Play(flow).start()
    play.send(InputSetAside(play.at, "why"))
    play.at += MINUTE
    timer = play.state.timers[0]
    play.send(TimerFired(play.at, timer.id))
    assert play.state.status == "stuck"
    play.send(RetryRequested(play.at, "op"))
    play.later(0)
    assert failure(play).code == "timeout"


def test_f6_only_a_stuck_run_can_be_retried() -> None:
    play = Play(a_flow(asks("a"))).start()
    before = play.state
    play.send(RetryRequested(play.at, "op"))
    assert play.state is before


@pytest.mark.parametrize(
    ("script", "notice"),
    [(broken, "<failed>"), (lambda _: Cancel("enough"), "<cancelled>"), (lambda _: Complete(), "")],
)
def test_f7_the_person_is_told_how_it_ended_unless_the_author_did(script: Script, notice: str) -> None:
    play = Play(a_flow(acts("a")), {"a": script}).start()
    assert play.said == ([notice] if notice else [])
    spoken = Play(a_flow(acts("a")), {"a": lambda _: Reaction(Cancel(), (Message("bye"),))}).start()
    assert spoken.said == ["bye"]


def test_f7_a_run_without_conversation_tells_nobody() -> None:
    assert Play(a_flow(acts("a")), {"a": broken}).start(conversation="").said == []


def test_f7_whoever_cancels_may_keep_it_quiet() -> None:
    play = Play(a_flow(asks("a"))).start()
    play.send(CancelRequested(play.at, "engine", "restarted", notify=False))
    assert play.said == ["a?"]
