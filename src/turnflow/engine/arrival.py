"""What a turn does with an input: routing decides, this carries it out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from turnflow.core.definition import Registration
from turnflow.core.events import Asked, CancelRequested, InputReceived
from turnflow.core.ids import ConversationId, CursorId, EffectKey, FlowName, MailboxId, RunId
from turnflow.core.inputs import Input
from turnflow.core.messages import Message
from turnflow.core.routing import Dead, Elsewhere, Live, Nobody, Place, ToCancel, ToRun, ToTrigger, key_of, route
from turnflow.core.state import RunState
from turnflow.engine import effects, unreadable
from turnflow.engine.payloads import Arrived, Begin, Reply, forwarded_id, user_mailbox
from turnflow.ports import Handled, Inbound, Refused, Unclaimed

if TYPE_CHECKING:
    from turnflow.engine.turn import Turn


def arrive(turn: Turn, payload: Arrived) -> None:
    """Give an input to whom it concerns."""
    inbound = payload.inbound
    input = inbound.input
    place = Place(inbound.conversation, inbound.chat or inbound.conversation, inbound.thread)
    if turn.hot.id != MailboxId(inbound.conversation):
        turn.origin = inbound.conversation
    engine = turn.engine
    states = turn.live()
    live = [Live(state, engine.flow_of(state)) for state in states]
    if turn.remote:
        live += [Live(state, engine.flow_of(state)) for state in turn.remote]
    roles = engine.audience.roles_of(input.sender)
    matched = engine.audience.matched(input, live)
    found = route(
        input, place, live, engine.registry.registrations, matched=matched, roles=roles, cancel=engine.cancel_command
    )
    if not payload.forwarded and _belongs_elsewhere(turn, found):
        return _forward(turn, inbound)
    if turn.hot.unreadable and (run := unreadable.meant_for(turn, input, place, found)):
        return unreadable.keep(turn, run, input)
    match found:
        case ToRun(run, maybe):
            _to_run(turn, run, maybe, input, matched, roles)
        case ToTrigger(flow):
            _trigger(turn, flow, input, place)
        case ToCancel(run):
            turn.apply(run, CancelRequested(turn.at, input.sender, "cancelled by the person"))
            turn.delivery = Handled((run,))
        case Dead() | Elsewhere():
            _refuse_press(turn, input)
        case Nobody():
            turn.delivery = Unclaimed("no run and no trigger wants it")
    return None


def _belongs_elsewhere(turn: Turn, found: object) -> bool:
    if not turn.engine.user_keyed:
        return False
    remote = {state.run for state in turn.remote}
    match found:
        case ToRun(run) | ToCancel(run) | Elsewhere(run):
            return run in remote
        case ToTrigger(flow):
            registration, _ = turn.engine.registry.newest(flow)
            return registration.flow.policies.key == "user"
        case _:
            return False


def _forward(turn: Turn, inbound: Inbound) -> None:
    """Hand an input on to the mailbox of its sender; whoever waits for the turn waits for the one there."""
    id = forwarded_id(inbound.input.id)
    effects.forward(turn, user_mailbox(inbound.input.sender), id, Arrived(inbound, forwarded=True))
    if turn.item.future is not None:
        turn.engine.callers.inputs[id] = turn.item.future
        turn.handed_on = True


def _to_run(
    turn: Turn, run: RunId, maybe: tuple[CursorId, ...], input: Input, matched: frozenset[str], roles: frozenset[str]
) -> None:
    fits = _fitting(turn, run, maybe, input) if maybe else None
    event = InputReceived(turn.at, input, fits, tuple(sorted(matched)), tuple(sorted(roles)))
    work = turn.apply(run, event)
    if work is None or not work.ignored:
        turn.delivery = Handled((run,))
    elif work.ignored == "backlog_full":
        turn.delivery = Refused("too many messages are waiting for this conversation; try again later")
    elif input.kind == "press":
        turn.delivery = Handled((run,), work.ignored)
    else:
        turn.delivery = Unclaimed(work.ignored)


def _fitting(turn: Turn, run: RunId, maybe: tuple[CursorId, ...], input: Input) -> tuple[CursorId, ...]:
    """Return those of several waits for which the answer parses."""
    state = next(state for state in turn.live() if state.run == run)
    handlers = turn.engine.pins.handlers(state)
    found: list[CursorId] = []
    for cursor in state.cursors:
        if cursor.id not in maybe or handlers is None or cursor.wait is None:
            continue
        step = handlers.definition.steps.get(cursor.step)
        spec = cursor.wait.spec or (step.question.wait if step is not None and step.question is not None else None)
        if spec is not None and handlers.fits(cursor.step, spec, input):
            found.append(cursor.id)
    return tuple(found)


def _refuse_press(turn: Turn, input: Input) -> None:
    text = turn.engine.texts.worded("inactive", Message())
    effects.answer(turn, EffectKey(f"press:{input.id}"), Reply(text, input.id))
    turn.delivery = Handled((), "inactive")


def _trigger(turn: Turn, flow: FlowName, input: Input, place: Place) -> None:
    """Start a flow, or do what its policy says if it is live for this key."""
    registration, _ = turn.engine.registry.newest(flow)
    policies = registration.flow.policies
    key = key_of(policies.key, input, place)
    running = [
        state
        for state in turn.live()
        if state.flow == flow and state.key == key and state.key_policy == policies.key and not _is_called(state)
    ]
    running.sort(key=lambda state: state.updated, reverse=True)
    if input.kind == "press":
        effects.answer(turn, EffectKey(f"press:{input.id}"), Reply(Message(), input.id))
    if running and policies.on_repeat != "parallel":
        current = running[0]
        turn.delivery = Handled((current.run,))
        if policies.on_repeat == "resume":
            turn.apply(_attentive(turn, current).run, Asked(turn.at))
            return
        if policies.on_repeat == "reject":
            turn.delivery = Handled((current.run,), "already")
            text = turn.engine.texts.worded("already", Message())
            effects.answer(turn, EffectKey(f"already:{input.id}"), Reply(text))
            return
        turn.apply(current.run, CancelRequested(turn.at, input.sender, "restarted", notify=False))
        turn.after = lambda: _restart(turn, current.run, registration, input, place)
        return
    _begin(turn, registration, input, place, exclusive=policies.on_repeat != "parallel")


def _is_called(state: RunState) -> bool:
    return state.parent is not None and state.parent.awaited


def _restart(turn: Turn, old: RunId, registration: Registration, input: Input, place: Place) -> None:
    """Start anew once the old run has ended; if its end takes longer than this turn, it keeps the input until then."""
    if effects.is_over(turn, old):
        _begin(turn, registration, input, place, exclusive=True)
        return
    work = turn.apply(old, InputReceived(turn.at, input))
    if work is None or work.ignored:
        text = turn.engine.texts.worded("already", Message())
        effects.answer(turn, EffectKey(f"already:{input.id}"), Reply(text))


def _begin(turn: Turn, registration: Registration, input: Input, place: Place, *, exclusive: bool) -> None:
    if exclusive and turn.item.taken:
        turn.delivery = Handled((), "already")
        text = turn.engine.texts.worded("already", Message())
        return effects.answer(turn, EffectKey(f"already:{input.id}"), Reply(text))
    run = turn.engine.new_run()
    data = turn.engine.encoded(registration.initial)
    payload = Begin(run, registration.flow.name, data, ConversationId(place.conversation), input.sender)
    effects.start(turn, payload, place, exclusive=exclusive, trigger=input)
    turn.delivery = Handled((run,))
    return None


def _attentive(turn: Turn, state: RunState) -> RunState:
    """Return the run of a nest that has the conversation's attention: the innermost child that is waited for."""
    by_id = {other.run: other for other in turn.live()}
    while True:
        child = next((cursor.call.child for cursor in state.cursors if cursor.call is not None), None)
        if child is None or child not in by_id:
            return state
        state = by_id[child]
