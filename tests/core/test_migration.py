"""Semantics J: change under live conversations."""

from __future__ import annotations

import pytest
from msgspec import Raw
from msgspec.structs import replace

from tests.core.play import (
    MINUTE,
    TEXT,
    Play,
    Reaction,
    a_flow,
    acts,
    asks,
    group,
    marks,
    name,
    why,
)
from turnflow.core.definition import Flow, Reminder, Timeout, WaitSpec
from turnflow.core.directives import Back, CallFlow, Complete, Directive, Done, Escalate, Goto, Next, Park, Stay
from turnflow.core.events import (
    Blocked,
    CancelRequested,
    ChildFinished,
    InputReceived,
    InputSetAside,
    Migrated,
    OperatorAnswered,
    TimerFired,
)
from turnflow.core.ids import FlowName, StepName, UserId
from turnflow.core.machine import Entry, advance, blank, fits, replay
from turnflow.core.messages import Message
from turnflow.core.state import RunState

GONE = "flow 'f' version 1 is not registered"


def deploy(play: Play, flow: Flow) -> None:
    """From now on the run follows this definition."""
    play.flow = play.watch.flow = flow


def migrates(play: Play, flow: Flow, steps: dict[str, str] | None = None, data: dict[str, Raw] | None = None) -> str:
    deploy(play, flow)
    renamed = {name(old): name(new) for old, new in (steps or {}).items()}
    verdict = why(play.send(Migrated(play.at, flow.version, data, renamed)))
    play.at += 1
    return verdict


# --- J2: does a run fit? --------------------------------------------------------------------------------------------


def test_j2_a_run_fits_the_definition_it_was_started_with() -> None:
    play = Play(a_flow(asks("a"))).start()
    assert fits(play.flow, play.state) == ""


def parked(directive: Directive) -> RunState:
    return Play(a_flow(acts("a"), asks("b")), {"a": lambda _: directive}).start().state


@pytest.mark.parametrize(
    ("state", "flow", "missing"),
    [
        (parked(Next(name("b"))), a_flow(acts("a")), "step 'b' is missing"),
        (parked(Next(name("b"))), a_flow(acts("a"), acts("b")), "step 'b' no longer asks a question"),
        (parked(CallFlow(FlowName("x"), name("b"))), a_flow(acts("a")), "step 'b' is missing"),
        (parked(Escalate("x", name("b"))), a_flow(acts("a")), "step 'b' is missing"),
        (parked(Escalate("x")), a_flow(acts("a")), ""),
        (parked(Park("w", WaitSpec(TEXT))), a_flow(acts("a")), ""),
    ],
)
def test_j2_what_is_missing_is_named(state: RunState, flow: Flow, missing: str) -> None:
    assert fits(flow, state) == missing


def in_group() -> Play:
    flow = a_flow(marks("go"), asks("x"), asks("y"), asks("end"), groups=[group("go", "xy", "end")])
    return Play(flow, {"x": lambda _: Done(), "y": lambda _: Done()}).start()


def test_j2_a_missing_group_or_branch_is_named() -> None:
    state = in_group().state
    steps = (marks("go"), asks("x"), asks("y"), asks("end"))
    assert fits(a_flow(*steps), state) == "parallel group 'go' is missing"
    assert fits(a_flow(*steps, groups=[group("go", "x", "end")]), state) == "branch 'y' of group 'go' is missing"


# --- J2: migrating --------------------------------------------------------------------------------------------------


def test_j2_migration_maps_steps_and_data_and_asks_anew_where_the_run_stands() -> None:
    play = Play(a_flow(asks("nick"), asks("b"))).start(data={"nick": Raw(b'"x"')})
    new = a_flow(asks("name", "Your name?"), asks("b"), version=2)
    assert migrates(play, new, {"nick": "name"}, {"name": Raw(b'"x"')}) == ""
    assert (play.step, play.state.version) == ("name", 2)
    assert play.state.data == {"name": Raw(b'"x"')}
    assert play.said == ["nick?", "Your name?"]


def test_j2_a_step_that_keeps_its_name_keeps_its_open_question() -> None:
    play = Play(a_flow(asks("a"), asks("b"))).start()
    wait = play.state.cursors[0].wait
    migrates(play, a_flow(asks("a"), asks("c"), version=2), {"b": "c"})
    assert play.state.cursors[0].wait == wait
    assert play.said == ["a?"]


def test_j2_history_is_mapped_too() -> None:
    play = Play(a_flow(asks("nick"), asks("b")), {"nick": lambda _: Next(name("b"))}).start()
    play.types("x")
    migrates(play, a_flow(asks("name"), asks("b"), version=2), {"nick": "name"})
    assert play.state.cursors[0].history == ("name",)


def test_j2_what_was_sent_to_a_renamed_step_answers_it_under_its_new_name() -> None:
    play = Play(a_flow(asks("nick"), asks("b"))).start()
    play.scripts["name"] = lambda _: Next(name("b"))
    before = play.input("Countess")
    migrates(play, a_flow(asks("name"), asks("b"), version=2), {"nick": "name"})
    assert why(play.send(InputReceived(play.at, before))) == ""
    assert (play.step, play.said) == ("b", ["nick?", "name?", "b?"])


def test_j2_what_was_sent_to_a_retired_step_does_not_answer_the_one_that_took_its_place() -> None:
    play = Play(a_flow(asks("nick"), asks("b"))).start()
    play.scripts["name"] = lambda _: Next(name("b"))
    before = play.input("Countess")
    deploy(play, a_flow(asks("name"), asks("b"), retired={name("nick"): name("name")}))
    play.send(Migrated(play.at, 1))
    assert why(play.send(InputReceived(play.at, before))) == ""
    assert (play.step, play.calls, play.said[-1]) == ("name", [], "name?")
    play.at += 1
    play.types("Ada")
    assert play.step == "b"


def test_j2_work_that_is_due_goes_on_under_the_new_name() -> None:
    play = Play(a_flow(asks("nick"), asks("b"))).start()
    play.held = True
    play.types("Ada")
    play.scripts["name"] = lambda asked: Next(name("b")) if asked.text == "Ada" else Complete()
    play.held = False
    migrates(play, a_flow(asks("name"), asks("b"), version=2), {"nick": "name"})
    assert play.step == "b"


def test_j2_targets_that_a_handler_named_are_mapped() -> None:
    waiting = WaitSpec(
        TEXT, timeout=MINUTE, on_timeout=Timeout(name("late"), "step"), attempts=1, on_exhausted=name("late")
    )
    play = Play(a_flow(acts("a"), asks("late")), {"a": lambda _: Park("w", waiting)}).start()
    migrates(play, a_flow(acts("a"), asks("tardy"), version=2), {"late": "tardy"})
    play.later(MINUTE)
    assert play.step == "tardy"


def test_j2_where_a_child_or_an_operator_returns_to_is_mapped() -> None:
    for directive in (CallFlow(FlowName("x"), name("b")), Escalate("x", name("b"))):
        play = Play(a_flow(acts("a"), asks("b")), {"a": lambda _, directive=directive: directive}).start()  # type: ignore[misc]  # bound now
        migrates(play, a_flow(acts("a"), asks("c"), version=2), {"b": "c"})
        if play.state.children:
            play.send(ChildFinished(play.at, play.state.children[0].run, "completed"))
        else:
            play.send(OperatorAnswered(play.at, UserId("op"), "ok"))
        assert play.step == "c"


def test_j2_groups_branches_and_results_are_mapped() -> None:
    play = in_group()
    play.types("1", fits=(play.state.cursors[1].id,))
    new = a_flow(marks("start"), asks("p"), asks("q"), asks("end"), groups=[group("start", "pq", "end")], version=2)
    assert migrates(play, new, {"go": "start", "x": "p", "y": "q"}) == ""
    assert play.steps == ["start", "q"]
    assert list(play.state.results) == ["p"]
    play.scripts["q"] = lambda _: Done()
    play.at += 1
    play.types("2")
    assert play.steps == ["end"]


def test_j2_two_branches_cannot_become_one() -> None:
    play = in_group()
    new = a_flow(marks("go"), asks("x"), asks("end"), groups=[group("go", "x", "end")], version=2)
    migrates(play, new, {"y": "x"})
    assert (play.state.status, play.state.reason) == ("blocked", "two branches of group 'go' became one")


def test_j2_retired_redirects_whoever_stands_there_and_asks_the_other_question() -> None:
    play = Play(a_flow(asks("nick"), asks("name"))).start()
    deploy(play, a_flow(asks("name"), retired={name("nick"): name("name")}))
    play.send(Migrated(play.at, 1))
    assert (play.step, play.said[-1]) == ("name", "name?")


def test_j2_an_answer_to_a_retired_step_does_not_answer_the_other_one() -> None:
    play = Play(a_flow(asks("nick"), asks("name"))).start()
    play.held = True
    play.types("Countess")
    play.held = False
    deploy(play, a_flow(asks("name"), retired={name("nick"): name("name")}))
    play.send(Migrated(play.at, 1))
    assert (play.step, play.calls) == ("name", [])


def test_j2_a_handler_may_still_name_a_retired_step() -> None:
    flow = a_flow(asks("a"), asks("name"), retired={name("nick"): name("name")})
    play = Play(flow, {"a": lambda _: Next(name("nick"))}).start()
    play.types("x")
    assert play.step == "name"


def test_j2_back_skips_steps_that_no_longer_exist() -> None:
    play = Play(
        a_flow(asks("a"), asks("gone"), asks("c")),
        {"a": lambda _: Next(name("gone")), "gone": lambda _: Next(name("c"))},
    )
    play.start()
    for text in "12":
        play.types(text)
    deploy(play, a_flow(asks("a"), asks("c")))
    play.scripts["c"] = lambda _: Back()
    play.types("3")
    assert play.step == "a"


# --- J3: blocked ----------------------------------------------------------------------------------------------------


def test_j3_a_run_that_fits_nothing_is_blocked_with_the_reason_and_the_person_told() -> None:
    play = Play(a_flow(asks("a"))).start()
    play.send(Blocked(play.at, GONE))
    assert (play.state.status, play.state.reason) == ("blocked", GONE)
    assert play.said == ["a?", "<blocked>"]


def test_j3_being_blocked_for_the_same_reason_again_says_nothing() -> None:
    play = Play(a_flow(asks("a"))).start()
    play.send(Blocked(play.at, GONE))
    before = play.state
    play.send(Blocked(play.at, GONE))
    assert play.state is before
    play.send(Blocked(play.at, "something else"))
    assert play.state.reason == "something else"


def test_j3_its_input_is_kept_and_used_when_a_deploy_brings_the_piece_back() -> None:
    play = Play(a_flow(asks("a", "a?", None, "yes"), asks("b"), asks("c")), {"a": lambda _: Next(name("b"))}).start()
    play.scripts["b"] = lambda _: Next(name("c"))
    ref = play.button("yes")
    play.send(Blocked(play.at, GONE))
    assert play.press(ref) == ""
    assert play.types("one") == ""
    assert play.types("two") == ""
    assert play.said == ["a?", "<blocked>"]
    assert [press.notice for press in play.presses] == ["blocked"]
    play.send(Migrated(play.at, 1))
    assert [(owed.step, owed.input.value or owed.input.text) for owed in play.calls if owed.input] == [
        ("a", "yes"),
        ("b", "one"),
        ("c", "two"),
    ]
    assert play.step == "c"


def test_j3_whoever_writes_to_a_blocked_run_is_told_once() -> None:
    play = Play(a_flow(asks("a"))).start()
    play.send(Blocked(play.at, GONE))
    for text in ("one", "two"):
        play.types(text)
    assert play.said == ["a?", "<blocked>", "<blocked>"]


def test_j3_a_call_that_was_asked_for_is_asked_for_again_under_the_same_key() -> None:
    play = Play(a_flow(acts("a")), {"a": lambda _: Complete()})
    play.held = True
    play.start()
    asked = play.watch.asked
    play.send(Blocked(play.at, GONE))
    assert play.state.inflight is None
    play.send(play.answer(asked))
    assert play.state.status == "blocked"
    play.send(Migrated(play.at, 1))
    assert play.watch.asked == asked


def test_j3_its_timers_wait_with_it() -> None:
    late = WaitSpec(TEXT, timeout=MINUTE, on_timeout=Timeout(name("b"), "step"))
    play = Play(a_flow(asks("a", "a?", late), asks("b"))).start()
    play.send(Blocked(play.at, GONE))
    timer = play.state.timers[0]
    play.at = timer.due
    play.send(TimerFired(play.at, timer.id))
    assert play.step == "a"
    play.send(Migrated(play.at, 1))
    play.later(0)
    assert play.step == "b"


def test_j3_it_can_be_cancelled_even_if_its_definition_is_gone() -> None:
    play = in_group()
    play.send(Blocked(play.at, GONE))
    play.flow = Flow(play.flow.name, 1, StepName(""), {})
    decision = advance(play.flow, play.state, CancelRequested(play.at, "op"))
    assert decision.state.status == "cancelled"


def test_j3_a_migration_that_does_not_fit_blocks_instead_of_guessing() -> None:
    play = Play(a_flow(asks("a"))).start()
    assert migrates(play, a_flow(asks("b"), version=2)) == ""
    assert (play.state.status, play.state.reason, play.state.version) == ("blocked", "step 'a' is missing", 1)
    assert migrates(play, a_flow(asks("b"), version=2)) == "blocked"
    assert migrates(play, a_flow(asks("b"), version=2), {"a": "b"}) == ""
    assert (play.step, play.state.version, play.state.status) == ("b", 2, "waiting")


def test_j3_an_operator_cannot_answer_while_it_is_blocked() -> None:
    play = Play(a_flow(asks("a")), {"a": lambda _: Escalate("help")}).start()
    play.types("x")
    play.send(Blocked(play.at, GONE))
    assert why(play.send(OperatorAnswered(play.at, UserId("op"), "ok"))) == "blocked"


def test_j3_a_poisonous_input_does_not_hide_why_a_run_is_blocked() -> None:
    play = Play(a_flow(asks("a"))).start()
    play.send(Blocked(play.at, GONE))
    play.send(InputSetAside(play.at, "it crashed", play.input("x")))
    assert (play.state.status, play.state.reason) == ("blocked", GONE)
    assert len(play.state.backlog) == 1


def test_j2_a_reminder_that_is_due_across_a_deploy_asks_the_new_question() -> None:
    waiting = WaitSpec(TEXT, remind=(Reminder(MINUTE),))
    play = Play(a_flow(asks("a", None, waiting)), {"a": lambda _: Reaction(Stay(), (Message("computed"),))}).start()
    wait = play.state.cursors[0].wait
    play.held = True
    play.later(MINUTE)
    play.held = False
    migrates(play, a_flow(asks("a", "fixed?", waiting), version=2))
    assert play.said == ["computed", "fixed?"]
    assert play.state.cursors[0].wait == wait


def test_a_run_that_nothing_could_ever_reach_again_fails_loudly() -> None:
    """It cannot come to this; if it does, nobody waits for ever."""
    flow = a_flow(asks("a"))
    state = Play(flow).start().state
    lost = replace(state, cursors=(replace(state.cursors[0], wait=None),))
    decision = advance(flow, lost, Migrated(5_000, 1))
    assert decision.state.ending is not None
    assert decision.state.ending.error is not None
    assert decision.state.ending.error.code == "stranded"


def test_replay_follows_a_run_through_its_versions() -> None:
    old, new = a_flow(asks("a"), asks("b")), a_flow(asks("c"), asks("b"), version=2)
    play = Play(old, {"c": lambda _: Goto(name("b"))}).start()
    migrates(play, new, {"a": "c"})
    play.types("x")
    definitions = {(old.name, 1): old, (new.name, 2): new}
    entries = [Entry(number, (event,)) for number, event in enumerate(play.watch.events, 1)]
    state = replay(blank(play.state.run), definitions, entries)
    assert state.cursors == play.state.cursors
    assert (state.version, state.revision) == (2, len(entries))
