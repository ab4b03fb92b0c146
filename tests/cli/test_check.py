"""`turnflow check`, `schema` and `graph` of flow files."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import pytest
from typer.testing import Result

from tests.cli.factory import FLOW
from tests.cli.processes import ROOT, Run

EXAMPLES = sorted((ROOT / "examples" / "graphs").glob("*.yaml"))
WRONG = """flow: wrong
start: first
steps:
  first: {action: log, outputs: [{when: "output.(", to: second}, {to: nowhere}]}
  second: {kind: end, ouput: 1}
"""


def test_valid_files_are_said_to_be(run: Run) -> None:
    Path("factory.yaml").write_text(FLOW)
    done = run("check", "factory.yaml", *map(str, EXAMPLES))
    assert done.exit_code == 0
    assert done.stdout.splitlines()[0] == "factory.yaml: flow 'factory' version 1 is valid"
    assert len(done.stdout.splitlines()) == 1 + len(EXAMPLES)


def test_every_problem_of_every_file_is_named_with_its_line_and_column(run: Run) -> None:
    Path("wrong.yaml").write_text(WRONG)
    Path("empty.yaml").write_text("")
    Path("broken.json").write_text('{"flow": "x",\n "start" "a"}')
    done = run("check", "wrong.yaml", "empty.yaml", "broken.json")
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert any(line.startswith("wrong.yaml:5:") and line.endswith("[unknown_field]") for line in lines)
    assert any(line.startswith("empty.yaml:1:1: ") for line in lines)
    assert any(line.startswith("broken.json:2:") for line in lines)
    assert all(line.endswith("]") for line in lines)


def test_a_flow_that_is_wrong_in_its_shape_names_the_target_that_is_missing(run: Run) -> None:
    Path("wrong.yaml").write_text(WRONG.replace("ouput", "output").replace("output.(", "output == 1"))
    [line] = run("check", "wrong.yaml").stdout.splitlines()
    assert line.startswith("wrong.yaml:4:")
    assert "nowhere" in line


@pytest.mark.parametrize("bytes", [b"\xff\xfe", b"flow: \xe4"])
def test_a_file_that_is_no_text_is_named(run: Run, bytes: bytes) -> None:
    Path("latin.yaml").write_bytes(bytes)
    done = run("check", "latin.yaml")
    assert done.exit_code == 1
    assert "latin.yaml is not UTF-8 text; save it as UTF-8" in done.stderr


def test_the_schema_takes_what_the_examples_are(run: Run) -> None:
    schema = json.loads(run("schema").stdout)
    validator = jsonschema_rs.validator_for(schema)
    valid = {"flow": "x", "start": "a", "steps": {"a": {"kind": "end"}}}
    assert validator.is_valid(valid)
    assert not validator.is_valid({**valid, "strat": "a"})


def test_a_flow_file_is_drawn(run: Run) -> None:
    Path("factory.yaml").write_text(FLOW)
    drawn = run("graph", "factory.yaml").stdout
    assert "flowchart" in drawn
    assert "paint" in drawn
    assert drawn == run("graph", "factory.yaml", "factory").stdout
    said = run("graph", "factory.yaml", "other").stderr
    assert "the flow in factory.yaml is called 'factory', not 'other'" in said


def test_a_registry_without_the_name_of_a_flow_lists_those_it_has(run: Run) -> None:
    assert "name the flow; examples.checkout:registry has: " in run("graph", "examples.checkout:registry").stderr


ACTIONS = """from turnflow import action


@action(name="charge")
async def charge(what: dict[str, int]) -> int:
    return what["cents"]
"""
PAYS = """flow: pays
start: pay
inputSchema: {properties: {name: {type: string}}}
steps:
  pay: {action: charge, input: {cents: "${input.name}"}, to: tell}
  tell: {kind: say, text: "${steps.pay.output + 'euros'}", to: book}
  book: {flow: books, input: {line: 1}}
"""
BOOKS = """flow: books
start: a
inputSchema: {properties: {line: {type: string}}}
steps: {a: {kind: end}}
"""


def codes(done: Result) -> list[tuple[str, str]]:
    """Line and code of each problem."""
    lines = [line for line in done.stdout.splitlines() if line.endswith("]")]
    return [(line.split(":")[1], line.rpartition("[")[2].removesuffix("]")) for line in lines]


def test_what_is_given_to_actions_and_flows_beside_a_file_is_checked(run: Run) -> None:
    Path("pays.yaml").write_text(PAYS)
    Path("books.yaml").write_text(BOOKS)
    Path("actions.py").write_text(ACTIONS)
    mismatches = [("5", "type_mismatch"), ("6", "type_mismatch"), ("7", "type_mismatch")]
    assert codes(run("check", "pays.yaml")) == mismatches
    Path("actions.py").rename("shop.py")
    assert codes(run("check", "pays.yaml", "--actions", "shop:charge")) == mismatches
    assert codes(run("check", "pays.yaml")) == [("7", "type_mismatch")]


def test_flows_of_all_files_given_know_each_other(run: Run) -> None:
    Path("apart").mkdir()
    Path("pays.yaml").write_text(PAYS)
    Path("apart/books.yaml").write_text(BOOKS)
    assert codes(run("check", "pays.yaml")) == []
    assert codes(run("check", "pays.yaml", "apart/books.yaml")) == [("7", "type_mismatch")]


def test_the_built_in_actions_are_known(run: Run) -> None:
    Path("a.yaml").write_text("flow: a\nstart: s\nsteps:\n  s: {action: http.get, input: {ulr: x}}\n")
    assert codes(run("check", "a.yaml")) == [("4", "type_mismatch"), ("4", "type_mismatch")]


def test_an_unknown_action_or_flow_is_a_problem_where_there_are_actions_of_ones_own(run: Run) -> None:
    Path("pays.yaml").write_text(PAYS.replace("charge", "chrage"))
    assert codes(run("check", "pays.yaml")) == []
    Path("actions.py").write_text(ACTIONS)
    done = run("check", "pays.yaml")
    assert codes(done) == [("5", "unknown_action"), ("7", "unknown_flow")]
    assert "did you mean 'charge'?" in done.stdout


def test_a_flow_that_calls_a_broken_one_is_not_blamed_for_it(run: Run) -> None:
    Path("pays.yaml").write_text(PAYS)
    Path("books.yaml").write_text(BOOKS.replace("start: a", "start: b"))
    Path("actions.py").write_text(ACTIONS)
    assert {code for _, code in codes(run("check", "pays.yaml"))} == {"type_mismatch"}
    assert "7" not in {line for line, _ in codes(run("check", "pays.yaml"))}


def test_actions_that_cannot_be_imported_are_named(run: Run) -> None:
    Path("books.yaml").write_text(BOOKS)
    Path("actions.py").write_text("import nowhere_at_all\n")
    done = run("check", "books.yaml")
    assert done.exit_code == 1
    assert "actions.py cannot be imported" in done.stderr
