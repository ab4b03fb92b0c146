"""How a run begins: on the first step of its flow, or as a copy of another run."""

from __future__ import annotations

from msgspec.structs import replace

from turnflow.core import _navigation
from turnflow.core._draft import Draft
from turnflow.core._resumption import MAIN, stand_up, take_up, unreachable
from turnflow.core.events import RunForked, RunStarted
from turnflow.core.ids import StepName, TimerId
from turnflow.core.state import Cursor, Fall, Owed, Timer, blank


def start(draft: Draft, event: RunStarted) -> str:
    """Enter the first step. Returns "", as this always counts."""
    draft.state = replace(
        blank(draft.state.run),
        flow=event.flow,
        version=event.version,
        mailbox=event.mailbox,
        conversation=event.conversation,
        user=event.user,
        chat=event.chat,
        thread=event.thread,
        key_policy=event.key_policy,
        key=event.key,
        exclusive=event.exclusive,
        parent=event.parent,
        created=event.at,
        digest=event.digest,
    )
    draft.version = event.version
    draft.data = event.data
    policies = draft.flow.policies
    if policies.ttl is not None:
        draft.set_timer(Timer(TimerId("ttl"), "ttl", event.at + policies.ttl))
    if policies.idle is not None:
        draft.set_timer(Timer(TimerId("idle"), "idle", event.at + policies.idle))
    main = Cursor(MAIN, StepName(""))
    draft.put(main)
    hooks: tuple[Owed, ...] = ()
    if "flow_enter" in draft.flow.hooks:
        hooks = (Owed("hook", draft.flow.start, draft.fresh(), since=event.at, input=event.trigger, hook="flow_enter"),)
    if draft.flow.is_graph:
        draft.input, draft.params, draft.trigger = event.input, event.params, event.trigger
    _navigation.enter(draft, main, draft.flow.start, (), first=hooks, trigger=event.trigger)
    return ""


def fork(draft: Draft, event: RunForked) -> str:
    """Begin as a copy of another run, which goes on as if nothing had happened; "" if it counts, else why not."""
    if event.step and (refusal := unreachable(draft, event.step)):
        return refusal
    seed = event.seed
    draft.state = replace(
        blank(draft.state.run), flow=seed.flow, version=seed.version, mailbox=event.mailbox,
        conversation=seed.conversation, user=seed.user, chat=seed.chat, thread=seed.thread, key_policy=seed.key_policy,
        key=seed.key, exclusive=False, created=event.at, digest=seed.digest,
    )  # fmt: skip
    draft.version, draft.serial = seed.version, seed.serial
    draft.data, draft.results = seed.data, seed.results
    draft.input, draft.params, draft.trigger = seed.input, seed.params, seed.trigger
    main = next((cursor for cursor in seed.cursors if cursor.id == MAIN), Cursor(MAIN, draft.flow.start))
    if event.step or not draft.flow.is_graph:
        stand_up(draft, Fall())
        _navigation.enter(draft, Cursor(MAIN, StepName("")), event.step or main.step, main.history)
        return ""
    stood = seed.fell if seed.status == "failed" else None
    stood = stood or Fall(seed.cursors, seed.groups, seed.frames)
    stand_up(draft, stood)
    for cursor in stood.cursors:
        if cursor.id in draft.cursors and cursor.opened is None and not draft.leaving:
            _navigation.enter(draft, replace(cursor, wait=None, job=None), cursor.step, cursor.history, again=True)
    take_up(draft)
    return ""
