"""The shape of flow graphs: what is inside what, and where paths go on."""

from __future__ import annotations

from msgspec.structs import replace

from tests.core.graphs import act, decide, end, graph, listed, loop, n, parallel, say, sequence
from turnflow.core.graph import structure_of
from turnflow.core.ids import StepName

NESTED = graph(
    act("first", "each"),
    loop("each", "both tidy", "done"),
    parallel("both", "left right"),
    act("left", "deeper"),
    say("deeper", "hm"),
    loop("right", "x y"),
    act("x"),
    act("y"),
    act("tidy"),
    end(),
)


def test_a_member_and_what_only_its_paths_reach_are_inside_the_group() -> None:
    inside = structure_of(NESTED).group
    assert inside == {
        "first": None, "each": None, "both": "each", "left": "both", "deeper": "both",
        "right": "both", "x": "right", "y": "right", "tidy": "each", "done": None,
    }  # fmt: skip


def test_enclosing_groups_and_loops_are_told_outermost_first() -> None:
    structure = structure_of(NESTED)
    assert structure.enclosing[n("x")] == ("each", "both", "right")
    assert structure.loops[n("x")] == ("each", "right")
    assert structure.loops[n("each")] == ()
    assert structure.loops[n("deeper")] == ("each",)


def test_members_of_sequences_and_loops_have_a_following_one_and_branches_have_none() -> None:
    structure = structure_of(
        graph(sequence("all", "a b c"), act("a"), act("b"), parallel("c", "d e"), act("d"), act("e"))
    )
    assert {name: next for name, next in structure.following.items() if next is not None} == {"a": "b", "b": "c"}


def test_what_the_outside_reaches_too_is_outside() -> None:
    flow = graph(
        decide("which", "all", "shared"), sequence("all", "a", "done"), act("a", "shared"), act("shared"), end()
    )
    assert structure_of(flow).group[n("shared")] is None


def test_groups_that_contain_each_other_or_are_named_wrongly_do_not_confuse_the_structure() -> None:
    circle = graph(sequence("a", "b"), sequence("b", "a"), loop("own", "own"))
    assert structure_of(circle).enclosing[n("own")] == ("own",)
    misnamed = replace(circle, nodes={StepName(f"{name}2"): node for name, node in circle.nodes.items()})
    assert structure_of(misnamed).group == {"a2": None, "b2": None, "own2": None}
    assert structure_of(replace(circle, start=n("nowhere"))).following == {"a": None, "b": None, "own": None}


def test_the_structure_is_computed_once_per_definition_and_not_mixed_up_between_equal_names() -> None:
    other = graph(act("other"))
    assert structure_of(NESTED) is structure_of(NESTED)
    assert listed("other") == tuple(structure_of(other).group)
    assert "each" in structure_of(NESTED).group
