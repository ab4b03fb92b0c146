"""What a turn does with the effects the core asks for: nothing leaves here, everything is collected for the one commit."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, assert_never

from msgspec.structs import replace

from turnflow.core.definition import KeyPolicy
from turnflow.core.effects import (
    AnswerPress,
    CallAction,
    CancelAction,
    CancelChild,
    ClearTimer,
    Effect,
    Finish,
    KeepResult,
    Release,
    RetryChild,
    RunHandler,
    Say,
    SetTimer,
    StartChild,
    Subscribe,
    Unsubscribe,
)
from turnflow.core.events import (
    CancelRequested,
    ChildAttached,
    ChildFinished,
    Event,
    RetryRequested,
    RunStarted,
    TimerFired,
)
from turnflow.core.graph import is_document
from turnflow.core.ids import At, ConversationId, EffectKey, InputId, MailboxId, RunId
from turnflow.core.inputs import Input
from turnflow.core.messages import Message
from turnflow.core.routing import Place, key_of
from turnflow.core.state import TERMINAL, Child, Failure, Parent, RunState
from turnflow.declarative import params_for
from turnflow.engine import bus, handover, outcomes
from turnflow.engine.payloads import Arrived, Begin, ForRun, Payload, Reply, Speak, encode, home_of
from turnflow.errors import AuthorError, InvalidValue
from turnflow.ports import Inbound, InboxRecord, OutboxRecord, TimerRecord

if TYPE_CHECKING:
    from turnflow.engine.turn import Turn
    from turnflow.engine.work import Work

ROLE_PREFIX = "role:"
"""The inbox of a role is the conversation of this prefix and the role's name."""


def perform(turn: Turn, work: Work, effect: Effect) -> None:
    """Collect what one effect asks for."""
    match effect:
        case RunHandler():
            turn.calls.append((work.state.run, effect))
        case Say():
            _say(turn, work, effect)
        case CallAction():
            turn.actions[effect.key] = (work.state.run, effect)
        case CancelAction(_, call):
            turn.actions.pop(call, None)
            turn.cancelled.append(call)
        case KeepResult(_, result):
            work.fresh[result.path] = result
            turn.results.append(outcomes.row(work.state.run, result))
            if (heard := handover.hears(work, result)) is not None and heard not in turn.results:
                turn.results.append(heard)
        case Subscribe() | Unsubscribe():
            turn.subscriptions.append((work.state.run, effect))
        case RetryChild(key, child):
            forward(turn, turn.hot.id, f"again:{key}", ForRun(child, RetryRequested(turn.at, "parent")))
        case AnswerPress(key, press, notice):
            text = turn.engine.texts.worded(notice, Message()) if notice is not None else Message()
            _tell(turn, turn.origin or work.state.conversation, key, Reply(text, press))
        case SetTimer(_, timer, due):
            run = work.state.run
            turn.timers_set[run, timer] = TimerRecord(run, timer, turn.hot.id, due)
        case ClearTimer(_, timer):
            turn.timers_set.pop((work.state.run, timer), None)
            turn.timers_cleared.add((work.state.run, timer))
        case StartChild():
            _start_child(turn, work, effect)
        case CancelChild():
            _cancel_child(turn, work, effect)
        case Release(key, inputs):
            for index, input in enumerate(inputs):
                _release(turn, work, EffectKey(f"{key}.{index}"), input)
        case Finish():
            _finish(turn, work, effect)
        case _:
            assert_never(effect)


def begin(turn: Turn, payload: Begin) -> None:
    """Start a run that the host program or a handler asked for."""
    place = Place(payload.conversation, payload.chat or payload.conversation, payload.thread)
    if payload.parent is not None and payload.attach:
        attached = ChildAttached(turn.at, Child(payload.run, turn.hot.id))
        if payload.parent.mailbox == turn.hot.id:
            turn.apply(payload.parent.run, attached)
        else:
            forward(turn, payload.parent.mailbox, f"attached:{payload.run}", ForRun(payload.parent.run, attached))
    try:
        start(turn, payload, place, exclusive=False)
    except (AuthorError, InvalidValue) as error:
        if payload.parent is None:
            raise
        # The code changed since the start was accepted. A parent that does not hear of it would wait for the child's end.
        failed = Failure("cannot_start", str(error))
        _tell_parent(turn, payload.parent, ChildFinished(turn.at, payload.run, "failed", error=failed))


def start(
    turn: Turn,
    payload: Begin,
    place: Place,
    *,
    exclusive: bool,
    trigger: Input | None = None,
    caller: RunState | None = None,
) -> None:
    """Create a run and enter its first step. Raises `UnknownFlow` or `InvalidValue`.

    A flow of one person that was called is theirs who talk to its caller; one that nobody in particular was named for is
    everybody's in its conversation.
    """
    _, handlers = turn.engine.registry.newest(payload.flow)
    flow = handlers.definition
    policy: KeyPolicy = flow.policies.key
    if policy in ("user_in_chat", "user"):
        policy = caller.key_policy if caller is not None else policy if payload.user else "chat"
    sender = trigger or Input(InputId(""), "text", payload.user)
    event = RunStarted(
        turn.at,
        flow.name,
        flow.version,
        turn.hot.id,
        ConversationId(place.conversation),
        payload.user, place.chat, place.thread, policy,
        caller.key if caller is not None and policy == caller.key_policy else key_of(policy, sender, place),
        exclusive,
        payload.parent,
        {} if flow.is_graph else handlers.initial(payload.data),
        trigger,
        handlers.initial(payload.data) if flow.is_graph else {},
        params_for(flow, payload.params) if flow.is_graph else {},
        turn.engine.registry.digest(flow.name, flow.version) if is_document(flow) else "",
    )  # fmt: skip
    turn.create(payload.run, flow)
    turn.apply(payload.run, event)


def told_again(turn: Turn, state: RunState) -> None:
    """Tell a parent once more how a child ended that cannot be resumed."""
    ending = state.ending
    if state.parent is not None and ending is not None:
        told = ChildFinished(turn.at, state.run, ending.outcome, ending.result, ending.error)
        _tell_parent(turn, state.parent, told)


def start_children(turn: Turn, run: RunId, begins: Sequence[Begin]) -> None:
    """Start children that a handler asked for and does not wait for, with the commit of this turn."""
    for begin in begins:
        registration, _ = turn.engine.registry.newest(begin.flow)
        mailbox = home_of(registration.flow, begin)
        turn.queue.append((run, ChildAttached(turn.at, Child(begin.run, mailbox))))
        forward(turn, mailbox, f"start:{begin.run}", begin)


def note_timer(turn: Turn, run: RunId, event: Event) -> Event:
    """A timer that fired is gone from the store, whatever it still meant; one of idleness learns what its run cannot know."""
    if not isinstance(event, TimerFired):
        return event
    state = turn.hot.runs.get(run)
    if state is not None and any(timer.id == event.timer and timer.due > event.at for timer in state.timers):
        turn.engine.timers.clear([(run, event.timer)])  # old news: it was put off, and the store knows until when
        return event
    turn.timers_cleared.add((run, event.timer))
    return replace(event, heard=_heard(turn.live(), run)) if event.timer == "idle" else event


def _heard(live: Collection[RunState], run: RunId) -> At:
    """Return when a person last spoke to one of the flows that a run waits for, however deep; 0 for never."""
    nest, heard = {run}, 0
    while below := [s for s in live if s.run not in nest and s.parent and s.parent.awaited and s.parent.run in nest]:
        nest.update(state.run for state in below)
        heard = max(heard, *(cursor.spoken for state in below for cursor in state.cursors), 0)
    return heard


def put_reply(turn: Turn, key: EffectKey, reply: Reply) -> None:
    """Say something in this mailbox's own conversation."""
    seq, index = _place(turn)
    turn.outbox.append(OutboxRecord(ConversationId(turn.hot.id), seq, index, key, encode(reply), turn.at))


def answer(turn: Turn, key: EffectKey, reply: Reply) -> None:
    """Say something where the input of this turn came from."""
    _tell(turn, turn.origin or ConversationId(turn.hot.id), key, reply)


def replace_replies(turn: Turn) -> None:
    """Give the replies of a turn the places that follow from its own new place."""
    replies, turn.outbox = turn.outbox, []
    for reply in replies:
        seq, index = _place(turn)
        turn.outbox.append(replace(reply, seq=seq, index=index))


def _place(turn: Turn) -> tuple[int, int]:
    """Return the place of the next reply: that of the turn, but never in front of what was said before."""
    seq, index = turn.hot.said
    if seq < turn.seq:
        seq, index = turn.seq, -1
    return seq, index + 1 + len(turn.outbox)


def forward(turn: Turn, mailbox: MailboxId, id: str, payload: Payload) -> None:
    """Put something into another mailbox, with this turn's commit."""
    turn.forwards.append(InboxRecord(mailbox, 0, InputId(id), encode(payload), turn.at))


def _say(turn: Turn, work: Work, effect: Say) -> None:
    message = effect.message if effect.notice is None else turn.engine.texts.worded(effect.notice, effect.message)
    if effect.role:
        _tell(turn, ConversationId(ROLE_PREFIX + effect.role), effect.key, Reply(message))
    elif message.text or message.buttons or message.media:
        _tell(turn, turn.origin or work.state.conversation, effect.key, Reply(message))


def _tell(turn: Turn, conversation: ConversationId, key: EffectKey, reply: Reply) -> None:
    if MailboxId(conversation) == turn.hot.id:
        put_reply(turn, key, reply)
    elif conversation:
        forward(turn, MailboxId(conversation), f"say:{key}", Speak(key, reply))
    else:
        turn.engine.report(f"a run without conversation has nobody to say {reply.message.text[:80]!r} to")


def _start_child(turn: Turn, work: Work, effect: StartChild) -> None:
    state = work.state
    payload = Begin(effect.child, effect.flow, effect.data, state.conversation, state.user, parent=effect.parent)
    try:
        registration, _ = turn.engine.registry.newest(effect.flow)
        if not registration.callable:
            raise InvalidValue(f"flow {effect.flow!r} is not callable; register it with register_callable()")
        start(turn, payload, Place(state.conversation, state.chat, state.thread), exclusive=False, caller=state)
    except (AuthorError, InvalidValue) as error:
        failure = Failure("cannot_start", str(error), state.cursors[0].step)
        turn.queue.append((state.run, ChildFinished(turn.at, effect.child, "failed", error=failure)))


def _cancel_child(turn: Turn, work: Work, effect: CancelChild) -> None:
    event = CancelRequested(turn.at, "parent", effect.reason, notify=False)
    if effect.child in turn.hot.runs or effect.child in turn.works:
        turn.queue.append((effect.child, event))
        return
    for child in work.state.children:
        if child.run == effect.child and child.mailbox != turn.hot.id:
            forward(turn, child.mailbox, f"cancel:{effect.key}", ForRun(effect.child, event))
            return
    turn.queue.append((work.state.run, ChildFinished(turn.at, effect.child, "cancelled")))


def _release(turn: Turn, work: Work, key: EffectKey, input: Input) -> None:
    state = work.state
    id = InputId(f"again:{key}")
    inbound = Inbound(state.conversation, replace(input, id=id), state.chat, state.thread)
    forward(turn, MailboxId(state.conversation or turn.hot.id), id, Arrived(inbound))


def _finish(turn: Turn, work: Work, effect: Finish) -> None:
    run, ending, parent = work.state.run, effect.ending, effect.parent
    turn.finished.append((run, ending))
    if work.flow.is_graph:
        told = bus.ended(work.state, ending, id=effect.key, at=turn.at)
        turn.events.append(told)
        turn.forwards.append(bus.announcement(told))
    if parent is not None:
        _tell_parent(turn, parent, ChildFinished(turn.at, run, ending.outcome, ending.result, ending.error))


def _tell_parent(turn: Turn, parent: Parent, told: ChildFinished) -> None:
    if parent.mailbox == turn.hot.id:
        turn.queue.append((parent.run, told))
    else:
        forward(turn, parent.mailbox, f"finished:{told.child}", ForRun(parent.run, told))


def is_over(turn: Turn, run: RunId) -> bool:
    """Tell whether a run has ended within this turn."""
    return run in turn.works and turn.works[run].state.status in TERMINAL
