"""Semantics C: which run or trigger gets an input."""

from __future__ import annotations

from itertools import permutations
from typing import NamedTuple

import pytest

from tests.core.play import TEXT, Play, a_flow, acts, asks, group, marks, name
from turnflow.core.definition import Accepts, Flow, KeyPolicy, Policies, Registration, Trigger, WaitSpec
from turnflow.core.directives import CallFlow, Escalate, Stay
from turnflow.core.events import Blocked, CancelRequested, Event, InputSetAside, RunStarted
from turnflow.core.ids import FlowName, InputId, MailboxId, RunId, UserId
from turnflow.core.inputs import Input
from turnflow.core.machine import advance, blank
from turnflow.core.messages import Message
from turnflow.core.routing import (
    Dead,
    Elsewhere,
    Live,
    Nobody,
    Place,
    Route,
    ToCancel,
    ToRun,
    ToTrigger,
    button_nonce,
    key_of,
    route,
)
from turnflow.core.state import Parent

CHAT = Place("c", "c")
PHOTO = WaitSpec(Accepts(("photo",)))


class Room(NamedTuple):
    """Live runs of a mailbox and what is registered."""

    live: tuple[Live, ...] = ()
    registered: tuple[Registration, ...] = ()

    def sends(
        self,
        text: str = "hi",
        kind: str = "text",
        *,
        sender: str = "u",
        place: Place = CHAT,
        command: str = "",
        ref: str = "",
        matched: tuple[str, ...] = (),
        roles: tuple[str, ...] = (),
        cancel: str = "cancel",
    ) -> Route:
        sent = Input(InputId("i"), kind, UserId(sender), 9, text, command, ref=ref)  # type: ignore[arg-type]  # a literal
        return route(sent, place, self.live, self.registered, matched=matched, roles=roles, cancel=cancel)

    def commands(self, command: str, **more: str) -> Route:
        return self.sends(f"/{command}", "command", command=command, **more)  # type: ignore[arg-type]  # only texts


def live(
    run: str,
    wait: WaitSpec | None = None,
    *,
    at: int = 1,
    user: str = "u",
    policy: KeyPolicy = "user_in_chat",
    parent: Parent | None = None,
    flow: Flow | None = None,
    thread: str = "",
) -> Live:
    flow = flow or a_flow(asks("a", "a?", wait or WaitSpec(TEXT)))
    sender = Input(InputId("i"), "text", UserId(user))
    place = Place("c", "c", thread)
    start = RunStarted(
        at,
        flow.name,
        1,
        MailboxId("c"),
        user=UserId(user),
        chat="c",
        thread=thread,
        key_policy=policy,
        key=key_of(policy, sender, place),
        parent=parent,
    )
    return Live(advance(flow, blank(RunId(run)), start).state, flow)


def registered(flow: str, *triggers: Trigger) -> Registration:
    return Registration(Flow(FlowName(flow), 1, name("a"), {}), triggers)


# --- C2: the cancel command -----------------------------------------------------------------------------------------


def test_c2_the_cancel_command_cancels_the_senders_newest_run() -> None:
    assert Room((live("old", at=1), live("new", at=2))).commands("cancel") == ToCancel(RunId("new"))
    assert Room((live("new", at=2), live("old", at=1))).commands("Cancel") == ToCancel(RunId("new"))


def test_c2_with_the_whole_nest_it_belongs_to() -> None:
    nest = Parent(RunId("p"), MailboxId("c"), RunId("root"), 2)
    alone = Parent(RunId("p"), MailboxId("c"), RunId("root"), 2, awaited=False)
    assert Room((live("child", parent=nest),)).commands("cancel") == ToCancel(RunId("root"))
    assert Room((live("child", parent=alone),)).commands("cancel") == ToCancel(RunId("child"))


def test_c2_somebody_else_cannot_cancel_it_even_if_they_may_answer() -> None:
    room = Room((live("a", WaitSpec(TEXT, who=("anyone",))),))
    assert room.commands("cancel", sender="approver") == Nobody()


def test_c2_a_run_that_is_ending_is_not_cancelled_again() -> None:
    one = live("a", flow=a_flow(asks("a"), hooks=("flow_exit",)))
    ending = Live(advance(one.flow, one.state, CancelRequested(2)).state, one.flow)
    assert Room((ending,)).commands("cancel") == Nobody()
    assert Room((ending, live("b", at=1))).commands("cancel") == ToCancel(RunId("b"))


def test_c2_the_command_is_configurable() -> None:
    room = Room((live("a"),), (registered("f", Trigger("command", "cancel")),))
    assert room.commands("stop", cancel="stop") == ToCancel(RunId("a"))
    assert room.commands("cancel", cancel="stop") == ToTrigger(FlowName("f"))


def test_c2_comes_before_a_step_that_claims_the_command() -> None:
    room = Room((live("a", WaitSpec(Accepts((), command="cancel"))),))
    assert room.commands("cancel") == ToCancel(RunId("a"))


# --- C3: commands ---------------------------------------------------------------------------------------------------


def test_c3_a_registered_command_starts_its_flow_while_a_waiting_run_keeps_waiting() -> None:
    room = Room((live("a", WaitSpec(Accepts(("any",)))),), (registered("f", Trigger("command", "start")),))
    assert room.commands("start") == ToTrigger(FlowName("f"))
    assert room.commands("START") == ToTrigger(FlowName("f"))


def test_c3_a_step_may_claim_a_command() -> None:
    room = Room(
        (live("a", WaitSpec(Accepts(("text",), command="skip"))),), (registered("f", Trigger("command", "skip")),)
    )
    assert room.commands("skip") == ToRun(RunId("a"))


def test_c3_an_unknown_command_is_nobodys_even_for_any_text() -> None:
    room = Room(
        (live("a", WaitSpec(Accepts(("any",)), otherwise=Message("no"))),), (registered("f", Trigger("any_text")),)
    )
    assert room.commands("help") == Nobody()


# --- C4: presses ----------------------------------------------------------------------------------------------------


def test_c4_a_press_goes_to_the_run_whose_wait_it_references_however_old() -> None:
    room = Room((live("r1", at=1), live("r2", at=2)))
    assert room.sends("", "press", ref="~r1.5:yes") == ToRun(RunId("r1"))


def test_c4_a_press_on_a_run_that_is_not_here_is_said_to_be_elsewhere() -> None:
    assert Room((live("r1"),)).sends("", "press", ref="~other.5:yes") == Elsewhere(RunId("other"))


def test_c4_a_press_on_a_run_that_has_ended_is_dead() -> None:
    one = live("r1")
    ended = Live(advance(one.flow, one.state, CancelRequested(2)).state, one.flow)
    assert Room((ended,)).sends("", "press", ref="~r1.5:yes") == Dead("ended")


def test_c4_a_foreign_press_is_the_hosts() -> None:
    for ref in ("", "buy:7", "~", "~no-dot:1"):
        assert Room((live("a"),)).sends("", "press", ref=ref) == Nobody()
        assert button_nonce(ref) is None


def test_c4_a_callback_trigger_takes_a_hosts_button_the_most_specific_first() -> None:
    flows = (
        registered("any", Trigger("callback", "*")),
        registered("short", Trigger("callback", "buy*")),
        registered("long", Trigger("callback", "buy:*")),
        registered("exact", Trigger("callback", "buy:7")),
        registered("text", Trigger("any_text")),
    )
    for order in permutations(flows):
        room = Room((), order)
        assert room.sends("", "press", ref="buy:7") == ToTrigger(FlowName("exact"))
        assert room.sends("", "press", ref="buy:8") == ToTrigger(FlowName("long"))
        assert room.sends("", "press", ref="buyer") == ToTrigger(FlowName("short"))
        assert room.sends("", "press", ref="sell") == ToTrigger(FlowName("any"))


# --- C5: other input ------------------------------------------------------------------------------------------------


def test_c5_the_newest_waiting_run_that_takes_the_kind_gets_it() -> None:
    room = Room((live("old", at=1), live("new", at=2), live("photo", PHOTO, at=3)))
    assert room.sends() == ToRun(RunId("new"))
    assert room.sends("", "photo") == ToRun(RunId("photo"))


def test_c5_several_waits_of_one_run_are_named() -> None:
    flow = a_flow(
        marks("go"), asks("x"), asks("y"), asks("z", "z?", PHOTO), asks("end"), groups=[group("go", "xyz", "end")]
    )
    one = live("a", flow=flow)
    room = Room((one,))
    assert room.sends() == ToRun(RunId("a"), (one.state.cursors[1].id, one.state.cursors[2].id))
    assert room.sends("", "photo") == ToRun(RunId("a"))


def test_c5_an_open_menu_is_answered_by_typing() -> None:
    flow = a_flow(
        marks("go"), asks("x", "x?", PHOTO), asks("y", "y?", PHOTO), asks("end"), groups=[group("go", "xy", "end")]
    )
    play = Play(flow).start()
    assert Room((Live(play.state, flow),)).sends("y") == Nobody()
    play.types("", kind="photo")
    room = Room((Live(play.state, flow),))
    assert room.sends("y") == ToRun(RunId("r"))
    assert room.sends("y", sender="stranger") == Nobody()
    assert room.sends("q") == Nobody()


def test_c5_filters_decide_which_wait_takes_it() -> None:
    room = Room((live("a", WaitSpec(Accepts(("text",), filter="even"))),))
    assert room.sends("3") == Nobody()
    assert room.sends("4", matched=("even",)) == ToRun(RunId("a"))


@pytest.mark.parametrize(
    ("policy", "sender", "chat", "thread", "belongs"),
    [
        ("user_in_chat", "u", "c", "", True),
        ("user_in_chat", "other", "c", "", False),
        ("user_in_chat", "u", "elsewhere", "", False),
        ("user", "u", "elsewhere", "", True),
        ("user", "other", "c", "", False),
        ("chat", "other", "c", "t2", True),
        ("chat", "u", "elsewhere", "", False),
        ("thread", "other", "c", "t1", True),
        ("thread", "u", "c", "t2", False),
    ],
)
def test_c5_the_key_policy_says_whose_input_belongs_to_a_run(
    policy: KeyPolicy, sender: str, chat: str, thread: str, belongs: bool
) -> None:
    flow = a_flow(asks("a"), policies=Policies(policy))
    room = Room((live("a", flow=flow, policy=policy, thread="t1"),))
    expected = ToRun(RunId("a")) if belongs else Nobody()
    assert room.sends(sender=sender, place=Place(chat, chat, thread)) == expected


@pytest.mark.parametrize(
    ("who", "roles", "place", "belongs"),
    [
        (("anyone",), (), CHAT, True),
        (("boss",), (), CHAT, True),
        (("role:operator",), ("operator",), CHAT, True),
        (("role:operator",), ("viewer",), CHAT, False),
        (("somebody",), (), CHAT, False),
        (("anyone",), (), Place("elsewhere", "elsewhere"), False),
    ],
)
def test_c5_who_widens_whose_input_belongs_to_a_run(
    who: tuple[str, ...], roles: tuple[str, ...], place: Place, belongs: bool
) -> None:
    room = Room((live("a", WaitSpec(TEXT, who=who)),))
    assert room.sends(sender="boss", roles=roles, place=place) == (ToRun(RunId("a")) if belongs else Nobody())


def test_c5_who_does_not_reach_into_another_thread() -> None:
    room = Room((live("a", WaitSpec(TEXT, who=("anyone",)), policy="thread", thread="t1"),))
    assert room.sends(sender="boss", place=Place("c", "c", "t2")) == Nobody()


def test_c5_a_run_whose_handler_is_at_work_keeps_what_nobody_else_takes() -> None:
    play = Play(a_flow(asks("a")), {"a": lambda _: Stay()}).start()
    play.held = True
    play.types("x")
    busy = Live(play.state, play.flow)
    flows = (registered("f", Trigger("any_text")),)
    assert Room((busy,), flows).sends() == ToRun(RunId("r"))
    assert Room((busy, live("other")), flows).sends() == ToRun(RunId("other"))
    assert Room((busy,), flows).sends(sender="stranger") == ToTrigger(FlowName("f"))


@pytest.mark.parametrize("event", [Blocked(2, "gone"), InputSetAside(2, "it crashed")])
def test_c5_a_halted_run_keeps_its_input_before_any_trigger_sees_it(event: Event) -> None:
    one = live("a")
    halted = Live(advance(one.flow, one.state, event).state, one.flow)
    assert Room((halted,), (registered("f", Trigger("any_text")),)).sends() == ToRun(RunId("a"))
    assert Room((halted, live("b"))).sends() == ToRun(RunId("b"))


def test_c5_a_reply_to_the_wrong_kind_comes_before_triggers_but_after_every_wait() -> None:
    rude = live("rude", WaitSpec(Accepts(("photo",)), otherwise=Message("a photo, please")), at=5)
    by_handler = live("by_handler", WaitSpec(Accepts(("photo",)), otherwise_handler=True), at=5)
    flows = (registered("f", Trigger("any_text")),)
    assert Room((rude,), flows).sends() == ToRun(RunId("rude"))
    assert Room((by_handler,), flows).sends() == ToRun(RunId("by_handler"))
    assert Room((rude, live("other", at=1)), flows).sends() == ToRun(RunId("other"))


def test_c5_an_escalated_run_gets_what_its_person_says() -> None:
    play = Play(a_flow(acts("a")), {"a": lambda _: Escalate("help")}).start()
    room = Room((Live(play.state, play.flow),), (registered("f", Trigger("any_text")),))
    assert room.sends() == ToRun(RunId("r"))
    assert room.sends(sender="stranger") == ToTrigger(FlowName("f"))
    assert room.commands("help") == Nobody()


def test_c5_a_run_that_waits_for_a_child_leaves_the_conversation_to_it() -> None:
    play = Play(a_flow(acts("a")), {"a": lambda _: CallFlow(FlowName("x"), name("a"))}).start()
    parent = Live(play.state, play.flow)
    assert Room((parent, live("child"))).sends() == ToRun(RunId("child"))
    assert Room((parent,)).sends() == Nobody()


# --- C6, C8: triggers, nobody ---------------------------------------------------------------------------------------


def test_c6_the_most_specific_trigger_wins_whatever_the_order_of_registration() -> None:
    flows = (
        registered("any", Trigger("any_text")),
        registered("pattern", Trigger("pattern", "order")),
        registered("filter", Trigger("filter", "vip")),
    )
    for order in permutations(flows):
        room = Room((), order)
        assert room.sends("an ORDER", matched=("vip",)) == ToTrigger(FlowName("filter"))
        assert room.sends("an ORDER") == ToTrigger(FlowName("pattern"))
        assert room.sends("hello") == ToTrigger(FlowName("any"))


def test_c6_equals_go_by_order_of_registration() -> None:
    room = Room((), (registered("one", Trigger("pattern", "a")), registered("two", Trigger("pattern", "b"))))
    assert room.sends("ab") == ToTrigger(FlowName("one"))


def test_c6_media_triggers_take_their_kind_or_any() -> None:
    room = Room((), (registered("any", Trigger("media", "any")), registered("photo", Trigger("media", "photo"))))
    assert room.sends("", "photo") == ToTrigger(FlowName("any"))
    assert Room((), room.registered[1:]).sends("", "photo") == ToTrigger(FlowName("photo"))
    assert Room((), room.registered[1:]).sends("", "voice") == Nobody()
    assert room.sends("", "location") == Nobody()


def test_c6_a_caption_is_no_text() -> None:
    room = Room((), (registered("t", Trigger("any_text")), registered("p", Trigger("pattern", "order"))))
    assert room.sends("order", "photo") == Nobody()


def test_c6_a_waiting_run_comes_before_every_trigger() -> None:
    room = Room((live("a"),), (registered("f", Trigger("pattern", "hi"), Trigger("filter", "vip")),))
    assert room.sends("hi", matched=("vip",)) == ToRun(RunId("a"))


def test_c5_a_run_that_has_ended_gets_nothing() -> None:
    one = live("a")
    ended = Live(advance(one.flow, one.state, CancelRequested(2)).state, one.flow)
    assert Room((ended,)).sends() == Nobody()


def test_c8_what_nobody_wants_is_nobodys() -> None:
    assert Room().sends() == Nobody()
    assert Room((live("a", PHOTO),)).sends() == Nobody()
    assert Room((live("a"),)).sends(sender="stranger") == Nobody()


def test_what_routing_gives_to_a_run_the_run_takes() -> None:
    """Routing and the machine agree: a plain run and every kind of input."""
    flow = a_flow(asks("a", "a?", WaitSpec(Accepts(("text", "photo"), command="skip"), who=("friend",))))
    for sender in ("u", "friend", "stranger"):
        for kind in ("text", "photo", "voice", "command"):
            play = Play(flow, {"a": lambda _: Stay()}).start()
            routed = Room((Live(play.state, flow),)).sends("x", kind, sender=sender, command="skip")
            taken = play.types("x", kind=kind, sender=sender, command="skip")
            assert (routed == ToRun(RunId("r"))) == (taken == "")
