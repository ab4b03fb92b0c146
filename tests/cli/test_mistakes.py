"""What goes wrong on the command line is said in one sentence, with the remedy and without a traceback."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import apsw
import pytest
from typer.testing import Result

from tests.cli.processes import Run


def complaint(result: Result) -> str:
    """The error that was printed."""
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert "Traceback" not in result.stderr
    return result.stderr


@pytest.mark.parametrize("command", ["serve", "chat", "rehearse"])
@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("nowhere:registry", "there is no module 'nowhere' here"),
        ("examples.nowhere:registry", "there is no module 'examples.nowhere' here"),
        ("tidy.inner:registry", "there is no module 'tidy.inner' here"),
        ("tidy:bot", "'bot' in module 'tidy' does not exist; it has: registry"),
        ("tidy:flow", "'flow' in module 'tidy' is a str, not a registry; it has: registry"),
        ("empty:registry", "it has no registry at all; make one with Registry()"),
        ("tidy", "'tidy' is not of the form MODULE:NAME, for instance tidy:registry"),
        ("tidy:", "is not of the form MODULE:NAME"),
        ("tidy.py", "names a file; name the module: tidy:registry"),
        ("./bots/tidy.py:bot", "names a file; name the module: bots.tidy:bot"),
    ],
)
def test_a_place_without_a_registry_says_what_is_there_instead(run: Run, command: str, place: str, said: str) -> None:
    more = [__file__] if command == "rehearse" else []
    assert said in complaint(run(command, place, *more))
    assert not list(Path().glob("*.db*"))


def test_a_module_that_fails_shows_the_line_of_it_and_nothing_of_ours(run: Run) -> None:
    said = complaint(run("chat", "broken:registry"))
    assert "module 'broken' cannot be imported" in said
    assert "ZeroDivisionError" in said
    assert "return 1 / 0" in said
    assert "importlib" not in said
    assert "finding.py" not in said


def test_a_module_that_needs_another_one_names_that(run: Run) -> None:
    assert "No module named 'a_library_that_nobody_has'" in complaint(run("chat", "needy:registry"))


def test_a_flow_with_mistakes_shows_all_of_them(run: Run) -> None:
    said = complaint(run("graph", "wrong:registry", "x"))
    assert "flow 'bad flow' has" in said
    assert "FIRST" in said.upper()
    assert "SECOND" in said.upper()


def test_an_unknown_flow_is_answered_with_the_known_ones(run: Run) -> None:
    assert "no flow 'nope' is registered" in (said := complaint(run("graph", "examples.checkout:registry", "nope")))
    assert "checkout, payment" in said


@pytest.mark.parametrize("command", ["serve", "chat", "operator"])
@pytest.mark.parametrize(
    "url", ["bot.db", "mysql://x", "sqlite://bot.db", "sqlite:///", "memory://x", "sqlite:///a.db?fast=1"]
)
def test_a_store_url_that_names_nothing_shows_how_they_look(run: Run, command: str, url: str) -> None:
    app = [] if command == "operator" else ["tidy:registry"]
    said = complaint(run(command, *app, "--store", url))
    assert repr(url) in said
    assert not list(Path().glob("*.db*"))


def test_a_folder_that_is_not_there_is_named(run: Run) -> None:
    said = complaint(run("chat", "tidy:registry", "--store", "sqlite:///nowhere/bot.db"))
    assert "nowhere/bot.db cannot be opened" in said
    assert "check that its folder exists" in said


def test_a_taken_port_is_named_with_the_remedy(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = complaint(run("serve", "tidy:registry", "--store", "sqlite:///bot.db", "--port", str(port)))
    assert f"port {port} is taken" in said
    assert "--port" in said


def test_an_address_of_another_machine_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNFLOW_TOKEN", "x" * 32)
    said = complaint(run("serve", "tidy:registry", "--store", "memory://", "--host", "192.0.2.1"))
    assert "cannot listen on 192.0.2.1" in said


def test_a_file_that_is_no_database_is_left_alone(run: Run) -> None:
    letter = Path("letter.db")
    letter.write_text("Dear Ada, " * 1000)
    for command in (["chat", "tidy:registry"], ["operator"]):
        said = complaint(run(*command, "--store", "sqlite:///letter.db"))
        assert "letter.db is damaged or no SQLite file" in said
    assert letter.read_text() == "Dear Ada, " * 1000


def test_a_database_of_another_program_is_left_alone(run: Run) -> None:
    apsw.Connection("shop.db").execute("CREATE TABLE orders (id); INSERT INTO orders VALUES (1)")
    said = complaint(run("chat", "tidy:registry", "--store", "sqlite:///shop.db"))
    assert "is a SQLite database of another program; give Turnflow a file of its own" in said
    assert apsw.Connection("shop.db").execute("SELECT count(*) FROM sqlite_schema").get == 1


def test_a_store_of_a_newer_version_asks_for_an_upgrade(run: Run) -> None:
    assert run("chat", "tidy:registry", "--store", "sqlite:///bot.db").exit_code == 0
    apsw.Connection("bot.db").pragma("user_version", 999)
    for command in (["chat", "tidy:registry"], ["operator"]):
        said = complaint(run(*command, "--store", "sqlite:///bot.db"))
        assert re.search(r"has schema 999, this Turnflow knows \d+: upgrade", said)


def test_an_operator_is_not_given_an_empty_store(run: Run) -> None:
    assert "there is no" in complaint(run("operator", "--store", "sqlite:///typo.db"))
    assert "cannot be shared" in complaint(run("operator", "--store", "memory://"))
    assert not Path("typo.db").exists()


def test_a_transcript_that_is_not_there_is_named(run: Run) -> None:
    result = run("rehearse", "tidy:registry", "nowhere.txt")
    assert result.exit_code == 2
    assert "nowhere.txt" in result.stderr
