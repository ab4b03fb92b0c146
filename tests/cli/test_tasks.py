"""`turnflow tasks`: looking at tasks and telling them what to do, beside the process that runs them and without one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.factory import Factory, id_in, until
from tests.cli.processes import PATIENCE

MADE = {"made": "leg", "colour": "grey"}
NOBODY = "No process runs flows on this store now"


@pytest.fixture
def factory(tmp_path: Path) -> Factory:
    return Factory(tmp_path)


def statuses(factory: Factory, *words: str) -> list[str]:
    """The statuses of the tasks that are listed."""
    return [task["status"] for task in json.loads(factory.tasks("list", "--json", *words).stdout)]


# --- looking -----------------------------------------------------------------------------------------------------


def test_tasks_are_listed_youngest_first_by_flow_and_status(factory: Factory) -> None:
    factory.run()
    factory.breaks()
    failed = id_in(factory.run().stderr)
    assert statuses(factory) == ["failed", "completed"]
    assert statuses(factory, "--status", "failed") == ["failed"]
    assert statuses(factory, "--flow", "nobody's") == []
    assert statuses(factory, "--limit", "1") == ["failed"]
    shown = factory.tasks("list").stdout.splitlines()
    assert len(shown) == 3
    assert re.match(rf"{failed} +factory +failed +20\d\d-", shown[1])


def test_a_task_is_shown_with_its_steps_and_named_by_the_beginning_of_its_id(factory: Factory) -> None:
    id = id_in(factory.run().stderr)
    shown = factory.tasks("show", id[:6]).stdout
    assert id in shown
    assert 'input        {"part":"leg"}' in shown
    assert re.search(r'^    cut: completed, .*-> "leg"$', shown, re.MULTILINE)
    assert factory.task(id)["output"] == MADE


def test_a_tree_is_shown_from_any_of_its_tasks(factory: Factory) -> None:
    id = id_in(factory.run(file="outer.yaml").stderr)
    [child] = json.loads(factory.tasks("tree", id, "--json").stdout)["children"]
    shown = factory.tasks("tree", child["id"]).stdout.splitlines()
    assert shown[0].startswith("outer  completed")
    assert "A factory  completed" in shown[1]


def test_watching_goes_on_behind_a_cursor_and_tells_how_it_ended(factory: Factory) -> None:
    id = id_in(factory.run().stderr)
    whole = factory.tasks("watch", id)
    assert whole.returncode == 0
    rest = factory.tasks("watch", id, "--after", "2.99")
    assert rest.stdout
    assert whole.stdout.endswith(rest.stdout)
    assert len(rest.stdout) < len(whole.stdout)
    factory.breaks()
    assert factory.tasks("watch", id_in(factory.run().stderr)).returncode == 1


# --- beside the process that runs the flows ----------------------------------------------------------------------


def test_a_task_of_another_process_is_cancelled_at_once(factory: Factory) -> None:
    factory.hold()
    with factory.running() as process:
        [id] = [task["id"] for task in json.loads(factory.tasks("list", "--json").stdout)]
        said = factory.tasks("cancel", id, "--as", "ada")
        assert said.stderr == f"task {id} is cancelled\n"
        out, told = process.communicate(timeout=PATIENCE)
        assert process.returncode == 1
    assert out == ""
    assert "cancelled: no reason given (by ada)" in told
    assert factory.task(id)["by"] == "ada"
    assert "pack" not in factory.ledger


def test_a_task_of_another_process_stands_still_and_goes_on(factory: Factory) -> None:
    factory.hold()
    with factory.running() as process:
        [id] = [task["id"] for task in json.loads(factory.tasks("list", "--json").stdout)]
        assert factory.tasks("pause", id).stderr == f"task {id} is paused\n"
        factory.let_go()
        until(lambda: "paint ends" in factory.ledger)
        assert factory.task(id)["status"] == "paused"
        assert "pack" not in factory.ledger
        assert factory.tasks("resume", id).returncode == 0
        out, _ = process.communicate(timeout=PATIENCE)
        assert json.loads(out) == MADE


def test_a_copy_is_made_beside_the_original(factory: Factory) -> None:
    factory.hold()
    with factory.running():
        [id] = [task["id"] for task in json.loads(factory.tasks("list", "--json").stdout)]
        copy = factory.tasks("fork", id, "--step", "pack").stdout.strip()
        until(lambda: factory.task(copy).get("status") in ("completed", "failed"))
        assert factory.task(id)["status"] == "running"
        assert "pack" in factory.ledger


# --- when no process runs the flows ------------------------------------------------------------------------------


def test_what_nobody_can_do_now_is_kept_until_somebody_can(factory: Factory) -> None:
    factory.breaks()
    id = id_in(factory.run().stderr)
    factory.mend()
    said = factory.tasks("retry", id)
    assert said.returncode == 0
    assert NOBODY in said.stderr
    assert f"turnflow tasks retry {id} FILE" in said.stderr
    assert factory.task(id)["status"] == "failed"
    assert factory.run("--key", "other").returncode == 0
    assert factory.task(id)["status"] == "completed"
    assert factory.ledger.count("cut") == 2


def test_a_failed_task_is_retried_here_and_completed_steps_are_not_run_again(factory: Factory) -> None:
    factory.breaks()
    id = id_in(factory.run().stderr)
    factory.mend()
    done = factory.tasks("retry", id, "factory.yaml")
    assert (done.returncode, json.loads(done.stdout)) == (0, MADE)
    assert factory.ledger == ["cut", "paint begins", "paint begins", "paint ends", "pack"]


def test_a_failed_task_is_retried_here_at_a_chosen_step(factory: Factory) -> None:
    factory.breaks()
    id = id_in(factory.run().stderr)
    factory.mend()
    done = factory.tasks("retry", id, "factory.yaml", "--step", "cut")
    assert (done.returncode, json.loads(done.stdout)) == (0, MADE)
    assert factory.ledger.count("cut") == 2


def test_a_copy_of_a_finished_task_goes_on_here_at_a_step(factory: Factory) -> None:
    id = id_in(factory.run().stderr)
    done = factory.tasks("fork", id, "factory.yaml", "--step", "pack")
    assert (done.returncode, json.loads(done.stdout)) == (0, MADE)
    copy = id_in(done.stderr)
    assert copy != id
    assert factory.ledger.count("paint ends") == 1
    assert factory.ledger.count("pack") == 2
    assert statuses(factory) == ["completed", "completed"]


@pytest.mark.crash
def test_a_paused_task_that_was_killed_goes_on_when_it_is_resumed(factory: Factory) -> None:
    id = factory.killed()
    assert NOBODY in factory.tasks("pause", id).stderr
    assert factory.run("--key", "other").returncode == 0
    assert factory.task(id)["status"] == "paused"
    done = factory.tasks("resume", id, "factory.yaml")
    assert (done.returncode, json.loads(done.stdout)) == (0, MADE)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show", "beef"], "no task 'beef' is in this store; `turnflow tasks list` shows what is"),
        (["show", "ID/cut/99"], "its run has no such step"),
        (["cancel", "ID"], "has ended completed; there is nothing left to cancel"),
        (["resume", "ID"], "fork it at one of its steps instead"),
        (["fork", "ID", "--step", "fly"], "flow 'factory' has no step 'fly'; it has: cut, done, pack, paint"),
        (["watch", "ID", "--after", "x"], "'x' is no cursor"),
        (["list", "--status", "tired"], "there is no status 'tired'; there are: created, running"),
        (["list", "--store", "sqlite:///typo.db"], "there is no"),
        (["list", "--store", "memory://"], "cannot be shared"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(factory: Factory, words: list[str], said: str) -> None:
    id = id_in(factory.run("--no-watch").stderr)
    done = factory.tasks(*(word.replace("ID", id) for word in words))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert said in done.stderr
    assert not (factory.folder / "typo.db").exists()
