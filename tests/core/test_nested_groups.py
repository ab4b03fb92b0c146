"""Semantics D, groups within groups: joins, the menu, the focus and leaving."""

from __future__ import annotations

from tests.core.kyc import menu, results, worker
from tests.core.play import (
    Play,
    a_flow,
    asks,
    group,
    marks,
)


def nested() -> Play:
    """go: x, in(y, z) -> mid, w -> end; `in` opens a group of its own inside its branch."""
    steps = [marks("go"), asks("x"), marks("in"), asks("y"), asks("z"), asks("mid"), asks("end")]
    flow = a_flow(*steps, groups=[group("go", ("x", "in"), "end"), group("in", "yz", "mid")])
    return Play(flow, dict.fromkeys(("x", "y", "z", "mid", "end"), worker)).start()


def at(play: Play, head: str, text: str = "1") -> None:
    cursor = next(cursor for cursor in play.state.cursors if cursor.step == head)
    play.types(text, fits=(cursor.id,))


def test_a_group_inside_a_branch_joins_inside_it() -> None:
    play = nested()
    assert play.steps == ["go", "x", "in", "y", "z"]
    for head in ("y", "z"):
        at(play, head)
    assert play.steps == ["go", "x", "mid"]
    at(play, "mid")
    at(play, "x")
    assert play.steps == ["end"]
    assert set(results(play.state)) == {"x", "y", "z", "in"}


def test_the_menu_asks_first_at_the_outermost_parting_and_then_further_in() -> None:
    play = nested()
    play.types("7")
    assert menu(play) == ["x", "in"]
    play.types("in")
    assert menu(play) == ["y", "z"]
    play.types("z")
    assert results(play.state) == {"z": b'"7"'}


def test_the_focus_of_an_outer_group_outweighs_that_of_an_inner_one() -> None:
    play = nested()
    at(play, "y", "stay")
    at(play, "x", "stay")
    play.types("stay")
    assert [owed.step for owed in play.calls][-1] == "x"


def test_choosing_a_branch_that_is_a_group_shows_its_menu() -> None:
    play = nested()
    at(play, "x", "back")
    assert menu(play) == ["x", "in"]
    play.types("in")
    assert menu(play) == ["y", "z"]
    play.types("y")
    assert play.said[-1] == "y?"


def test_leaving_an_outer_group_closes_the_inner_one() -> None:
    play = nested()
    at(play, "y", "next end")
    assert play.steps == ["go", "x", "in", "end", "z"]
    at(play, "x", "goto end")
    assert (play.steps, play.state.groups) == (["end"], ())
