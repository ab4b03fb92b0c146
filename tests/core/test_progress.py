"""Semantics D5: how far a parallel group has come, for handlers and for anybody else."""

from __future__ import annotations

from tests.core.kyc import HEADS, answer, in_group, kyc
from tests.core.play import Asked, Play, Reaction, a_flow, asks, group, marks
from turnflow.core.directives import Done
from turnflow.core.messages import Message
from turnflow.core.progress import Progress, progress_of


def test_d5_progress_gives_completed_pending_and_total() -> None:
    play = in_group(kyc())
    seen = [progress_of(play.flow, play.state).text()]
    for head in HEADS:
        answer(play, head)
        seen.append(progress_of(play.flow, play.state).text())
    assert seen == ["0/3", "1/3", "2/3", "3/3"]
    assert progress_of(play.flow, play.state).pending == 0


def test_d5_a_handler_of_a_branch_sees_how_far_its_group_is() -> None:
    seen: list[str] = []

    def script(asked: Asked) -> Reaction:
        seen.append(progress_of(kyc(), asked.state, asked.cursor).text())
        return Reaction(Done(), (Message("ok"),))

    play = in_group(kyc(), **dict.fromkeys(HEADS, script))
    for head in HEADS:
        answer(play, head)
    assert seen == ["0/3", "1/3", "2/3"]


def test_d5_it_is_the_group_of_the_cursor_else_the_innermost_open_one() -> None:
    flow = a_flow(
        marks("go"), asks("x"), marks("in"), asks("y"), asks("z"), asks("mid"), asks("end"),
        groups=[group("go", ("x", "in"), "end"), group("in", "yz", "mid")],
    )  # fmt: skip
    play = Play(flow, {"y": lambda _: Done()}).start()
    play.types("1", fits=(play.state.cursors[3].id,))
    by_step = {cursor.step: progress_of(flow, play.state, cursor).text() for cursor in play.state.cursors}
    assert by_step == {"go": "0/2", "x": "0/2", "in": "0/2", "z": "1/2"}
    assert progress_of(flow, play.state).text() == "1/2"


def test_d5_a_flow_without_groups_has_none() -> None:
    play = Play(a_flow(asks("a"))).start()
    assert progress_of(play.flow, play.state, play.state.cursors[0]) == Progress(0, 0)
