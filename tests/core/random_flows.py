"""Flows of every shape: static and dynamic questions, decisions, groups within groups, retries, hooks, error outputs."""

from __future__ import annotations

from tests.core.dice import Dice
from turnflow.core.definition import (
    Accepts,
    Flow,
    HandlerStep,
    Hook,
    Output,
    ParallelGroup,
    Policies,
    Question,
    Reminder,
    Retry,
    Settings,
    Timeout,
    WaitSpec,
)
from turnflow.core.ids import FlowName, StepName
from turnflow.core.messages import Button, Message

CODES = ("exception", "timeout", "own", "child_failed", "attempts_exhausted")
HOOKS: tuple[Hook, ...] = ("flow_enter", "flow_exit", "step_enter", "step_leave", "error", "timeout")
WHO = ("anyone", "role:operator", "other")
LONG = "an answer that is far too long to travel inside the reference of a button"


def a_message(dice: Dice, text: str = "say") -> Message:
    rows: tuple[tuple[Button | str, ...], ...] = ()
    if dice.one_in(2):
        rows = (("yes", Button("no", "n")), (Button("long", LONG), Button("url", url="https://x.example"), "#7"))
    return Message(text, rows)


def a_wait(dice: Dice, steps: list[StepName]) -> WaitSpec:
    accepts = Accepts(
        dice.pick((("text",), ("photo",), ("any",), ("text", "photo"), ("press",))),
        command=dice.pick(("", "", "skip")),
        filter=dice.pick(("", "", "", "wanted")),
    )
    timeout = dice.pick((None, 5_000, 60_000))
    to_step, to_handler = Timeout(dice.pick(steps), "step"), Timeout(then="handler")
    then = dice.pick((to_step, Timeout(), to_step, to_handler, to_step, to_step, Timeout(then="cancel"), to_handler))
    attempts = dice.pick((0, 0, 2))
    return WaitSpec(
        accepts,
        timeout,
        then,
        remind=dice.pick(((), (Reminder(1_000),), (Reminder(1_000, a_message(dice)), Reminder(2_000)))),
        retry=dice.pick((None, Message("again: {reason}"), a_message(dice))),
        retry_handler=dice.one_in(4),
        attempts=attempts,
        on_exhausted=dice.pick((None, dice.pick(steps))) if attempts else None,
        otherwise=dice.pick((None, None, a_message(dice, "not that"))),
        otherwise_handler=dice.one_in(5),
        who=dice.pick(((), (), (dice.pick(WHO),))),
        gather=dice.pick((0, 0, 0, 500)),
    )


def a_step(dice: Dice, name: StepName, steps: list[StepName], start: bool) -> HandlerStep:
    question = None
    if dice.one_in(2):
        question = Question(a_wait(dice, steps), dice.pick((a_message(dice, f"{name}?"), None)))
    outputs = tuple(
        Output(dice.pick(steps), error=(dice.pick((*CODES, "*")),)) for _ in range(dice.pick((0, 0, 0, 1, 2)))
    )
    outputs += tuple(Output(dice.pick(steps)) for _ in range(dice.pick((0, 0, 1, 2))))
    retry = None
    if dice.one_in(4):
        within = dice.pick((None, 3_000))
        on = dice.pick(((), ("exception",)))
        retry = Retry(dice.pick((1, 3)), dice.pick((0, 1_000)), 2.0, 60_000, dice.pick((0.0, 0.5)), on, within)
    go_on = True if dice.one_in(6) and any(not output.error for output in outputs) else None
    settings = Settings(dice.pick((None, None, 10_000)), None, retry, go_on)
    has_handler = not (start and dice.one_in(2))
    return HandlerStep(
        name, "", question if has_handler else None, outputs, False, dice.one_in(5), settings, has_handler=has_handler
    )


def a_flow(dice: Dice, version: int = 1) -> Flow:
    """Return a valid flow."""
    steps = [StepName(f"s{number}") for number in range(2 + dice.below(6))]
    groups: dict[StepName, ParallelGroup] = {}
    for _ in range(dice.pick((0, 1, 1, 2, 3))):
        group = _group(dice, steps)
        if group is not None and not _nested_in_itself(groups, group):
            groups[group.name] = group
    policies = Policies(
        dice.pick(("user_in_chat", "user_in_chat", "chat")),
        ttl=600_000 if dice.one_in(8) else None,
        idle=300_000 if dice.one_in(8) else None,
        keep_buttons=dice.one_in(4),
    )
    return Flow(
        FlowName("f"),
        version,
        steps[0],
        {name: a_step(dice, name, steps, name in groups) for name in steps},
        groups,
        policies=policies,
        hooks=dice.pick((("error",), dice.some(HOOKS), (), (*dice.some(HOOKS[:4]), "error", "timeout"))),
        retired={StepName("old"): steps[0]} if dice.one_in(4) else {},
    )


def _group(dice: Dice, steps: list[StepName]) -> ParallelGroup | None:
    start, join = dice.pick(steps), dice.pick(steps)
    branches = tuple(name for name in dice.some(steps) if name not in (start, join))
    if start == join or not branches:
        return None
    return ParallelGroup(
        start,
        branches,
        join,
        need=dice.pick((0, 0, 1, len(branches))),
        redo=not dice.one_in(3),
        timeout=dice.pick((None, None, 20_000)),
        on_timeout=dice.pick((None, dice.pick(steps))),
        menu=dice.pick((None, Message("Which?"))),
        menu_handler=dice.one_in(4),
    )


def _nested_in_itself(groups: dict[StepName, ParallelGroup], new: ParallelGroup) -> bool:
    below = {**groups, new.name: new}
    todo, seen = list(new.branches), set[StepName]()
    while todo:
        name = todo.pop()
        if name == new.name:
            return True
        if name in below and name not in seen:
            seen.add(name)
            todo.extend(below[name].branches)
    return False
