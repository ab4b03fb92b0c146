"""`turnflow graph` and `turnflow rehearse`."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from examples.checkout import registry
from tests.cli.processes import ROOT, TURNFLOW, Run, environment
from turnflow.diagram import mermaid, to_dot, to_png, to_svg

EXAMPLES = ROOT / "examples"


def test_a_flow_is_printed_as_mermaid_and_nothing_else(run: Run) -> None:
    shown = run("graph", "examples.checkout:registry", "checkout")
    assert shown.exit_code == 0
    assert shown.stderr == ""
    assert shown.stdout == mermaid(registry.newest("checkout")[0].flow) + "\n"
    assert "flowchart TD" in shown.stdout


@pytest.mark.parametrize("flow", ["menu", "signup", "kyc", "checkout", "payment", "support"])
def test_every_flow_of_the_demo_can_be_drawn(run: Run, flow: str) -> None:
    assert "flowchart TD" in run("graph", "examples.demo:registry", flow).stdout


def test_a_picture_is_written_to_a_file_whose_ending_tells_the_format(run: Run) -> None:
    flow = registry.newest("checkout")[0].flow
    for name, start in (("a.svg", b"<svg "), ("a.png", b"\x89PNG"), ("a.dot", b"digraph "), ("a.mmd", b"---\ntitle")):
        shown = run("graph", "examples.checkout:registry", "checkout", "--output", name)
        assert (shown.exit_code, shown.stdout) == (0, "")
        assert Path(name).read_bytes().startswith(start)
    assert Path("a.svg").read_text(encoding="utf-8") == to_svg(flow)


def test_a_format_may_be_named_and_is_printed(run: Run) -> None:
    shown = run("graph", "examples.checkout:registry", "checkout", "--format", "dot")
    assert shown.stdout == to_dot(registry.newest("checkout")[0].flow) + "\n"
    unknown = run("graph", "examples.checkout:registry", "checkout", "--format", "gif")
    assert unknown.exit_code == 2
    assert "'svg'" in unknown.stderr


def test_a_png_goes_into_a_pipe_as_it_is(tmp_path: Path) -> None:
    line = f"{TURNFLOW} graph examples.checkout:registry checkout --format png"
    done = subprocess.run(line.split(), cwd=tmp_path, env=environment(), capture_output=True, check=True)
    assert done.stdout == to_png(registry.newest("checkout")[0].flow)


def test_a_file_that_cannot_be_written_is_named(run: Run) -> None:
    shown = run("graph", "examples.checkout:registry", "checkout", "--output", "nowhere/a.svg")
    assert shown.exit_code == 1
    assert "nowhere/a.svg cannot be written: No such file or directory" in shown.stderr


def test_a_reader_who_leaves_early_gets_no_traceback(tmp_path: Path) -> None:
    line = f"{TURNFLOW} graph examples.checkout:registry checkout | true"
    done = subprocess.run(
        ["sh", "-c", line], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.stderr == ""


def test_transcripts_that_go_as_written_are_listed(run: Run) -> None:
    files = [str(EXAMPLES / f"{name}.txt") for name in ("signup", "signup-timeout")]
    shown = run("rehearse", "examples.signup:registry", *files)
    assert shown.exit_code == 0
    assert shown.stdout == "".join(f"{file}: as written\n" for file in files)


def test_one_that_differs_is_shown_with_the_place_and_fails_the_command(run: Run) -> None:
    good = str(shutil.copy(EXAMPLES / "signup.txt", "good.txt"))
    Path("bad.txt").write_text("> /start\n< What is your name?\n> Ada\n< Where do you live?\n")
    shown = run("rehearse", "examples.signup:registry", good, "bad.txt")
    assert shown.exit_code == 1
    assert "good.txt: as written" in shown.stdout
    _, _, report = shown.stdout.partition("bad.txt: differs")
    assert "line 3" in report
    assert "- < Where do you live?\n+ < How old are you?" in report


def test_a_transcript_that_cannot_be_read_names_the_line(run: Run) -> None:
    Path("odd.txt").write_text("> /start\nWhat is your name?\n")
    shown = run("rehearse", "examples.signup:registry", "odd.txt")
    assert shown.exit_code == 1
    assert "line 2" in shown.output
    assert "Traceback" not in shown.output


def test_a_rehearsal_leaves_no_file_behind(run: Run) -> None:
    run("rehearse", "examples.signup:registry", str(EXAMPLES / "signup.txt"))
    assert not list(Path().glob("*.db*"))
