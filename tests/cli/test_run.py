"""`turnflow run`: a flow file from its start to its end, through a kill too."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.cli.factory import Factory, id_in
from tests.cli.processes import PATIENCE, Terminal

MADE = {"made": "leg", "colour": "grey"}


@pytest.fixture
def factory(tmp_path: Path) -> Factory:
    return Factory(tmp_path)


def test_the_output_is_json_on_stdout_and_all_else_on_stderr(factory: Factory) -> None:
    done = factory.run()
    assert done.returncode == 0
    assert json.loads(done.stdout) == MADE
    assert id_in(done.stderr)
    lines = done.stderr.splitlines()
    assert next(line for line in lines if line.startswith("cut: ")) == "cut: running"
    assert any(line.startswith("paint: completed") for line in lines)
    assert lines[-1] == "task completed"
    assert factory.ledger == ["cut", "paint begins", "paint ends", "pack"]


def test_input_and_params_are_given_as_json_or_as_a_file(factory: Factory) -> None:
    (factory.folder / "input.json").write_text('{"part": "arm"}')
    done = factory.run("--input", "@input.json", "--params", '{"colour": "red"}')
    assert json.loads(done.stdout) == {"made": "arm", "colour": "red"}


def test_without_watching_only_the_id_is_printed_beside_the_output(factory: Factory) -> None:
    done = factory.run("--no-watch")
    assert done.stderr == f"task {id_in(done.stderr)}\n"
    assert json.loads(done.stdout) == MADE


def test_a_flow_that_fails_says_where_and_why_and_the_exit_code_is_1(factory: Factory) -> None:
    factory.breaks()
    done = factory.run()
    assert done.returncode == 1
    assert done.stdout == ""
    assert "failed: step paint, exception: " in done.stderr.splitlines()[-1]
    assert "the brush is broken" in done.stderr.splitlines()[-1]
    assert "Traceback" not in "".join(line for line in done.stderr.splitlines() if not line.startswith("WARNING"))


def test_flows_that_are_called_are_found_in_the_same_folder(factory: Factory) -> None:
    done = factory.run(file="outer.yaml")
    assert json.loads(done.stdout) == "leg"


def test_actions_may_come_from_modules_as_a_list_or_a_registry(factory: Factory) -> None:
    (factory.folder / "actions.py").rename(factory.folder / "shed.py")
    (factory.folder / "lists.py").write_text("from shed import *\nsome = [cut, paint]\n")
    (factory.folder / "books.py").write_text(
        "from shed import *\nfrom turnflow import Registry\nbook = Registry()\nbook.register_action(pack)\n"
    )
    done = factory.run("--actions", "lists:some", "--actions", "books:book")
    assert json.loads(done.stdout) == MADE
    assert "no action is called 'pack'" in factory.run("--actions", "lists:some").stderr


def test_the_same_key_gives_the_same_task_and_nothing_is_done_again(factory: Factory) -> None:
    first, again = (factory.run("--key", "leg-1") for _ in range(2))
    assert id_in(first.stderr) == id_in(again.stderr)
    assert json.loads(again.stdout) == MADE
    assert factory.ledger.count("cut") == 1


@pytest.mark.crash
def test_killed_in_the_middle_of_a_step_it_goes_on_when_it_is_started_again_with_its_key(factory: Factory) -> None:
    id = factory.killed("--key", "leg-1")
    done = factory.run("--key", "leg-1")
    assert done.returncode == 0
    assert id_in(done.stderr) == id
    assert json.loads(done.stdout) == MADE
    assert factory.ledger == ["cut", "paint begins", "paint begins", "paint ends", "pack"]


@pytest.mark.crash
def test_killed_in_the_middle_of_a_step_it_goes_on_when_its_task_is_resumed(factory: Factory) -> None:
    id = factory.killed()
    done = factory.tasks("resume", id, "factory.yaml")
    assert done.returncode == 0
    assert json.loads(done.stdout) == MADE
    assert factory.ledger == ["cut", "paint begins", "paint begins", "paint ends", "pack"]


def test_interrupted_it_says_how_to_go_on_and_the_exit_code_is_130(factory: Factory) -> None:
    factory.hold()
    with factory.running() as process:
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        said = ""
        while "stopped; " not in said:  # what is under way is given time to end
            line = process.stderr.readline()
            assert line, said
            said += line
        factory.let_go()
        out, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 130
    assert out == ""
    id = id_in(said)
    assert f"go on with: turnflow tasks resume {id} factory.yaml --store sqlite:///turnflow.db" in said
    assert json.loads(factory.tasks("resume", id, "factory.yaml").stdout) == MADE


def test_in_a_terminal_the_steps_are_a_tree_that_is_drawn_in_its_place(factory: Factory) -> None:
    factory.hold()
    words = ("run", "factory.yaml", "--input", '{"part": "leg"}')
    with Terminal(factory.folder, *words, TERM="xterm", NO_COLOR="") as terminal:
        terminal.expect("task ", "A factory", "✓ cut", "paint  running")
        factory.let_go()
        terminal.expect("✓ cut", "✓ paint", "✓ pack", '"made": "leg"')
        assert terminal.ended() == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--input", "{"], "--input: it is no JSON: "),
        (["--input", "[1]"], "--input: an object is needed"),
        (["--input", "@nowhere.json"], "--input: nowhere.json cannot be read: No such file"),
        (["--input", "{}"], "input of flow 'factory': "),
        (["--params", '{"colour": 1}'], "params of flow 'factory': colour: "),
        (["--actions", "shed"], "'shed' is not of the form MODULE:NAME"),
        (["--actions", "shed:some"], "there is no module 'shed' here"),
        (["--actions", "actions:nothing"], "'nothing' does not exist in module 'actions'"),
        (["--actions", "actions:note"], "actions:note is a function; a list of actions, or a registry, is needed"),
        (["--actions", "actions:cut"], "no action is called 'pack' (step 'pack' of flow 'factory'), 'paint'"),
        (["--store", "here.db"], "here.db"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_and_nothing_is_started(
    factory: Factory, words: list[str], said: str
) -> None:
    done = factory.run(*words)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert factory.ledger == []


def test_a_flow_file_with_mistakes_shows_all_of_them_with_their_places(factory: Factory) -> None:
    (factory.folder / "factory.yaml").write_text(
        "flow: factory\nstart: a\nsteps:\n  a: {action: cut, tu: b}\n  c: {}\n"
    )
    said = factory.run().stderr
    assert "factory.yaml:4:" in said
    assert "factory.yaml:5:" in said


def test_a_flow_that_is_called_and_not_there_is_named(factory: Factory) -> None:
    (factory.folder / "factory.yaml").unlink()
    assert "flow 'outer' calls flow 'factory', and no file in" in factory.run(file="outer.yaml").stderr


def test_a_store_that_another_process_uses_is_left_alone(factory: Factory) -> None:
    factory.hold()
    with factory.running():
        said = factory.run().stderr
        assert "is in use" in said
        assert factory.ledger.count("cut") == 1
