"""Semantics A8: everything that is wrong with a definition is found at once, with its place and the remedy."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from tests.core.play import TEXT, a_flow, acts, asks, group, marks, name
from turnflow.core.definition import (
    Accepts,
    Flow,
    HandlerStep,
    Output,
    ParallelGroup,
    Policies,
    Reminder,
    Retry,
    Settings,
    Timeout,
    Trigger,
    WaitSpec,
)
from turnflow.core.ids import FlowName
from turnflow.core.validation import problems, trigger_problems
from turnflow.errors import InvalidFlow


def found(flow: Flow) -> list[tuple[str, str]]:
    return [(problem.code, problem.path) for problem in problems(flow)]


def wait(**more: object) -> Flow:
    return a_flow(asks("a", "a?", replace(WaitSpec(TEXT), **more)))


def limits(**more: object) -> Flow:
    whole = replace(ParallelGroup(name("go"), (name("x"), name("y")), name("end")), **more)
    return a_flow(marks("go"), asks("x"), asks("y"), asks("end"), groups=[whole])


def declared(step: str, *to: str) -> HandlerStep:
    return HandlerStep(name(step), outputs=tuple(Output(name(target)) for target in to), declared=True)


MISTAKES: list[tuple[str, str, Callable[[], Flow]]] = [
    ("bad_name", "flow", lambda: replace(a_flow(acts("a")), name=FlowName("no name"))),
    ("bad_name", "flow", lambda: replace(a_flow(acts("a")), name=FlowName("x" * 101))),
    ("bad_version", "version", lambda: a_flow(acts("a"), version=0)),
    ("no_steps", "steps", lambda: Flow(FlowName("f"), 1, name("a"), {})),
    ("unknown_step", "start", lambda: replace(a_flow(acts("a")), start=name("b"))),
    ("too_many_steps", "steps", lambda: a_flow(*(acts(f"s{number}") for number in range(1_001)))),
    ("bad_duration", "policies.ttl", lambda: a_flow(acts("a"), policies=Policies(ttl=0))),
    ("bad_duration", "policies.idle", lambda: a_flow(acts("a"), policies=Policies(idle=-1))),
    ("bad_name", "steps.a b", lambda: a_flow(acts("a b"))),
    ("misnamed_step", "steps.b", lambda: Flow(FlowName("f"), 1, name("a"), {name("a"): acts("b")})),
    ("unknown_step", "steps.a.outputs[0]", lambda: a_flow(acts("a", to=[Output(name("b"))]))),
    (
        "contradicting_error",
        "steps.a",
        lambda: a_flow(acts("a", to=[Output(name("a"), error=("x",))], settings=Settings(continue_on_error=False))),
    ),
    ("no_default_output", "steps.a", lambda: a_flow(acts("a", settings=Settings(continue_on_error=True)))),
    (
        "no_default_output",
        "steps.a",
        lambda: a_flow(acts("a", to=[Output(name("a"), error=("x",))], settings=Settings(continue_on_error=True))),
    ),
    ("missing_handler", "steps.a", lambda: a_flow(marks("a"))),
    ("bad_duration", "steps.a.timeout", lambda: a_flow(acts("a", settings=Settings(0)))),
    ("bad_duration", "steps.a.attempt_timeout", lambda: a_flow(acts("a", settings=Settings(None, 0)))),
    ("bad_retry", "steps.a.retry", lambda: a_flow(acts("a", settings=Settings(retry=Retry(-1))))),
    ("bad_retry", "steps.a.retry", lambda: a_flow(acts("a", settings=Settings(retry=Retry(1, jitter=2))))),
    ("accepts_nothing", "steps.a.ask", lambda: wait(accepts=Accepts(()))),
    ("bad_duration", "steps.a.ask.timeout", lambda: wait(timeout=0)),
    ("bad_duration", "steps.a.ask.gather", lambda: wait(gather=-1)),
    ("unknown_step", "steps.a.ask.on_timeout", lambda: wait(timeout=9, on_timeout=Timeout(name("b"), "step"))),
    ("unknown_step", "steps.a.ask.on_timeout", lambda: wait(timeout=9, on_timeout=Timeout(None, "step"))),
    ("unknown_step", "steps.a.ask.on_exhausted", lambda: wait(attempts=1, on_exhausted=name("b"))),
    ("unbounded_attempts", "steps.a.ask.on_exhausted", lambda: wait(on_exhausted=name("a"))),
    ("bad_duration", "steps.a.ask.remind[0]", lambda: wait(remind=(Reminder(0),))),
    ("late_reminder", "steps.a.ask.remind[1]", lambda: wait(timeout=9, remind=(Reminder(8), Reminder(9)))),
    ("misnamed_group", "groups.go", lambda: replace(limits(), groups={name("x"): limits().groups[name("go")]})),
    ("unknown_step", "groups.nowhere.start", lambda: limits(name=name("nowhere"))),
    ("unknown_step", "groups.go.join", lambda: limits(join=name("nowhere"))),
    ("unknown_step", "groups.go.on_timeout", lambda: limits(on_timeout=name("nowhere"))),
    ("no_branches", "groups.go", lambda: limits(branches=())),
    ("unknown_step", "groups.go.steps[1]", lambda: limits(branches=(name("x"), name("nowhere")))),
    ("duplicate_branch", "groups.go.steps[1]", lambda: limits(branches=(name("x"), name("x")))),
    ("join_in_branches", "groups.go.join", lambda: limits(join=name("y"))),
    ("start_in_group", "groups.go.start", lambda: limits(join=name("go"))),
    ("start_in_group", "groups.go.start", lambda: limits(branches=(name("go"), name("x")))),
    ("bad_need", "groups.go.need", lambda: limits(need=3)),
    ("bad_need", "groups.go.need", lambda: limits(need=-1)),
    ("bad_duration", "groups.go.timeout", lambda: limits(timeout=0)),
    (
        "group_in_itself",
        "groups.go",
        lambda: a_flow(
            marks("go"), marks("in"), asks("end"), groups=[group("go", ["in"], "end"), group("in", ["go"], "end")]
        ),
    ),
    ("retired_exists", "retired.a", lambda: a_flow(acts("a"), acts("b"), retired={name("a"): name("b")})),
    ("unknown_step", "retired.old", lambda: a_flow(acts("a"), retired={name("old"): name("new")})),
    ("unreachable", "steps.c", lambda: a_flow(declared("a", "b"), declared("b"), declared("c"))),
    ("no_end", "steps", lambda: a_flow(declared("a", "b"), declared("b", "a"))),
    ("no_end", "steps.c", lambda: a_flow(declared("a", "b", "c"), declared("b"), declared("c", "c"))),
]


@pytest.mark.parametrize(("code", "path", "flow"), MISTAKES, ids=[f"{code}-{path}" for code, path, _ in MISTAKES])
def test_each_mistake_is_found_at_its_place(code: str, path: str, flow: Callable[[], Flow]) -> None:
    assert (code, path) in found(flow())


def test_ten_mistakes_are_ten_problems_with_their_paths_in_one_error() -> None:
    flow = a_flow(
        acts("a", to=[Output(name("b2"))], settings=Settings(0, retry=Retry(-1))),
        asks("b", "b?", WaitSpec(Accepts(()), timeout=-5, on_exhausted=name("b"), remind=(Reminder(0),))),
        marks("c"),
        asks("d"),
        groups=[ParallelGroup(name("d"), (name("b"), name("b")), name("b"), need=7)],
        version=0,
    )
    assert sorted(found(flow)) == sorted(
        [
            ("bad_version", "version"),
            ("unknown_step", "steps.a.outputs[0]"),
            ("bad_duration", "steps.a.timeout"),
            ("bad_retry", "steps.a.retry"),
            ("accepts_nothing", "steps.b.ask"),
            ("bad_duration", "steps.b.ask.timeout"),
            ("unbounded_attempts", "steps.b.ask.on_exhausted"),
            ("bad_duration", "steps.b.ask.remind[0]"),
            ("missing_handler", "steps.c"),
            ("duplicate_branch", "groups.d.steps[1]"),
            ("join_in_branches", "groups.d.join"),
            ("bad_need", "groups.d.need"),
        ]
    )
    error = InvalidFlow(flow.name, problems(flow))
    assert str(error).startswith("flow 'f' has 12 problem(s):\n  1. version: ")
    assert len(str(error).splitlines()) == 13
    assert all(problem.message and str(problem).startswith(problem.path) for problem in error.problems)


def test_a_misspelt_step_comes_with_a_suggestion_and_a_wild_one_with_all_names() -> None:
    flow = a_flow(acts("confirm", to=[Output(name("confrim")), Output(name("zzz"))]))
    close, wild = problems(flow)
    assert close.message == "there is no step 'confrim'; did you mean 'confirm'?"
    assert wild.message == "there is no step 'zzz'; the steps are: confirm"


VALID = [
    a_flow(asks("a")),
    a_flow(declared("a", "b"), declared("b")),
    a_flow(declared("a", "b", "a"), declared("b")),
    a_flow(acts("a"), acts("unseen")),
    limits(),
    limits(need=2, timeout=9, on_timeout=name("end")),
    a_flow(
        HandlerStep(name("go"), has_handler=False, declared=True),
        declared("x"),
        declared("y", "z"),
        declared("z"),
        declared("end"),
        groups=[group("go", "xy", "end")],
    ),
    a_flow(
        marks("go"),
        marks("in"),
        asks("x"),
        asks("mid"),
        asks("end"),
        groups=[group("go", ["in"], "end"), group("in", "x", "mid")],
    ),
    wait(attempts=2, on_exhausted=name("a"), timeout=9, on_timeout=Timeout(name("a"), "step"), remind=(Reminder(8),)),
    a_flow(asks("a"), retired={name("old"): name("a")}),
    a_flow(
        acts("a", to=[Output(name("a"), error=("*",)), Output(name("a"))], settings=Settings(continue_on_error=True))
    ),
]


@pytest.mark.parametrize("flow", VALID)
def test_a_valid_flow_has_no_problems(flow: Flow) -> None:
    assert problems(flow) == ()


def test_a_step_that_only_a_timeout_leads_to_is_reachable() -> None:
    late = WaitSpec(TEXT, timeout=9, on_timeout=Timeout(name("late"), "step"), attempts=1, on_exhausted=name("worn"))
    step = replace(asks("a", "a?", late), declared=True)
    assert problems(a_flow(step, declared("late"), declared("worn"))) == ()


@pytest.mark.parametrize(
    ("trigger", "code"),
    [
        (Trigger("command"), "empty_trigger"),
        (Trigger("callback"), "empty_trigger"),
        (Trigger("filter"), "empty_trigger"),
        (Trigger("media"), "empty_trigger"),
        (Trigger("media", "hologram"), "unknown_media"),
        (Trigger("command", "/start"), "bad_command"),
        (Trigger("pattern", "("), "bad_pattern"),
    ],
)
def test_a_trigger_that_can_never_fire_is_a_problem(trigger: Trigger, code: str) -> None:
    (problem,) = trigger_problems([Trigger("any_text"), trigger])
    assert (problem.code, problem.path) == (code, "triggers[1]")


def test_valid_triggers_have_no_problems() -> None:
    triggers = [
        Trigger("command", "start"), Trigger("callback", "x*"), Trigger("pattern", "a+"), Trigger("media", "any"),
        Trigger("media", "photo"), Trigger("filter", "vip"), Trigger("any_text"),
    ]  # fmt: skip
    assert trigger_problems(triggers) == ()
