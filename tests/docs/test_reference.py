"""The reference knows everything that is public, and the numbers in the pages are those of the code."""

from __future__ import annotations

import importlib
import inspect
import re
from typing import get_args

import pytest
import typer.main
from typer.core import TyperGroup

from tests.docs.pages import Page, page, pages
from turnflow import Engine, Flow, Registry, Retry, Texts, Turn, open_engine
from turnflow.answers import kinds
from turnflow.authoring import RunInfo
from turnflow.channels.webchat import codec as webchat_codec
from turnflow.cli.commands import app
from turnflow.cli.operator import HELP
from turnflow.cli.token import SHORTEST
from turnflow.core import _buttons, _children, _inputs, _navigation, inputs, routing, validation
from turnflow.core.definition import KeyPolicy, OnRepeat
from turnflow.core.state import Status
from turnflow.engine import CRASH_POINTS, executions, intake, leases, loading, process, sender, turn
from turnflow.testing.transcript import parse

USER_FACING = (
    "turnflow",
    "turnflow.answers",
    "turnflow.testing",
    "turnflow.channels.webchat",
    "turnflow.channels.terminal",
)
FLOWS, TURN, ENGINE = "docs/reference/flows.md", "docs/reference/turn.md", "docs/reference/engine.md"


def words_of(*names: str) -> set[str]:
    """Every word that stands as code on these pages."""
    found: set[str] = set()
    for name in names:
        text = page(name).text
        for code in re.findall(r"`([^`\n]+)`", text) + [block.text for block in page(name).blocks]:
            found.update(re.findall(r"\w+", code))
    return found


def parameters_of(code: object) -> list[str]:
    assert callable(code)
    return [name for name in inspect.signature(code).parameters if name not in ("self", "registry")]


def public_of(kind: type) -> list[str]:
    return [name for name in dir(kind) if not name.startswith("_")]


@pytest.mark.parametrize("package", USER_FACING)
def test_every_public_name_is_mentioned_somewhere(package: str) -> None:
    names: list[str] = importlib.import_module(package).__all__
    known = words_of(*(page.name for page in pages()))
    assert not (missing := [name for name in names if name not in known]), f"no page mentions {missing} of {package}"


@pytest.mark.parametrize(
    ("where", "code"),
    [
        (FLOWS, Flow.__init__),
        (FLOWS, Flow.step),
        (FLOWS, Flow.parallel),
        (FLOWS, Retry),
        (TURN, Turn.call_action),
        (TURN, Turn.start),
        (ENGINE, open_engine),
        (ENGINE, Registry.register),
        (ENGINE, Engine.start),
    ],
    ids=lambda value: getattr(value, "__qualname__", ""),
)
def test_every_parameter_is_mentioned(where: str, code: object) -> None:
    known = words_of(where)
    assert not (missing := [name for name in parameters_of(code) if name not in known]), f"{where} lacks {missing}"


@pytest.mark.parametrize(
    ("where", "kind", "internal"),
    [
        (FLOWS, Flow, set[str]()),
        (TURN, Turn, {"collected"}),
        (TURN, RunInfo, {"count", "index"}),
        (ENGINE, Engine, set[str]()),
        (ENGINE, Registry, {"action", "check_resources", "definition", "flows", "handlers", "newest", "registrations"}),
        (ENGINE, Texts, {"worded"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_every_method_and_attribute_is_mentioned(where: str, kind: type, internal: set[str]) -> None:
    """`internal`: what the machinery calls."""
    known = words_of(where)
    missing = [name for name in public_of(kind) if name not in known and name not in internal]
    assert not missing, f"{where} lacks {missing} of {kind.__name__}"


def test_the_table_of_texts_has_no_others() -> None:
    table = page(ENGINE).text.split("## Texts")[1].split("## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(Texts.__struct_fields__)


@pytest.mark.parametrize(
    ("where", "title", "code", "elsewhere"),
    [
        (FLOWS, "`Flow(name", Flow.__init__, set[str]()),
        (FLOWS, "`@flow.step(", Flow.step, {"step"}),
        (FLOWS, "`flow.parallel(", Flow.parallel, set[str]()),
        (ENGINE, "`open_engine(", open_engine, set[str]()),
    ],
    ids=lambda value: getattr(value, "__qualname__", ""),
)
def test_tables_of_parameters_have_no_others(where: str, title: str, code: object, elsewhere: set[str]) -> None:
    """`elsewhere`: parameters that the text describes."""
    table = page(where).text.split(f"## {title}")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(parameters_of(code)) - elsewhere


def test_every_answer_kind_is_mentioned() -> None:
    made = [
        name for name, code in vars(kinds).items() if inspect.isfunction(code) and code.__module__ == kinds.__name__
    ]
    missing = [name for name in made if not name.startswith("_") and name not in words_of("docs/reference/answers.md")]
    assert not missing


def test_policies_are_complete() -> None:
    text = page("docs/reference/routing.md").text
    for policy in (*get_args(KeyPolicy), *get_args(OnRepeat)):
        assert f'`"{policy}"`' in text


def test_the_order_of_triggers_is_that_of_the_code() -> None:
    text = page("docs/reference/routing.md").text
    [line] = re.findall(r"most specific first: (.+?);", text)
    assert line.replace(" ", "_").split(",_") == [
        kind for kind in routing.SPECIFICITY if kind not in ("command", "callback")
    ]


def test_every_status_is_explained_or_not_in_use_yet() -> None:
    text = page("docs/explanation/how-it-works.md").text
    unused = {"paused"}
    for status in set(get_args(Status)) - unused:
        assert status in text


def test_every_command_and_option_is_listed() -> None:
    text = page("docs/reference/cli.md").text
    group = typer.main.get_group(app)
    tasks = group.commands["tasks"]
    assert isinstance(tasks, TyperGroup)
    below = {f"tasks {name}": command for name, command in tasks.commands.items()}
    for name, command in {**group.commands, **below}.items():
        assert f"`turnflow {name}" in text
        named = f"(`{name}`|all of `tasks`)" if name in below else f"`{name}`"
        for parameter in command.params:
            for option in (option for option in parameter.opts if option.startswith("--") and option != "--help"):
                assert re.search(rf"^\| `{option}` \|.*{named}", text, re.MULTILINE), (
                    f"{option} of {name} is not listed"
                )


def test_every_command_of_the_desk_is_listed() -> None:
    for name in re.findall(r"^  (\w+)", HELP, re.MULTILINE):
        assert f"`{name}" in page("docs/reference/cli.md").text


def test_every_crash_point_is_listed() -> None:
    text = page("docs/reference/transcripts.md").text
    assert [point for point in CRASH_POINTS if f"`{point}`" not in text] == []


def test_every_line_of_the_table_of_transcripts_can_be_read() -> None:
    table = page("docs/reference/transcripts.md").text.split("## Everything once")[0]
    for cell in re.findall(r"^\| (`.+?`) \| ", table, re.MULTILINE):
        for line in re.findall(r"`([^`]+)`", cell):
            if not re.fullmatch(r"[a-z_]+\.[a-z_]+", line):
                written = line.replace("\\|", "|")
                parse(f"> before\n{written}" if written.startswith("|") else written.replace("CODE", "code"))


@pytest.mark.parametrize(
    ("row", "limit"),
    [
        ("text of one input", f"{inputs.TEXT_LIMIT // 1024} KiB"),
        ("request to the web chat", f"{webchat_codec.BODY_LIMIT // 1024} KiB"),
        ("inputs that wait in one conversation", f"{intake.INBOX_LIMIT}"),
        ("inputs that wait in one process", f"{intake.TOTAL_LIMIT:,}"),
        ("inputs a run keeps", f"{_inputs.BACKLOG_LIMIT}"),
        ("data of one run", f"{executions.DATA_LIMIT >> 20} MiB"),
        ("a handler", f"{executions.HANDLER_LIMIT / 60:g} minutes"),
        ("transitions without", f"{_navigation.HOP_LIMIT:,}"),
        ("flows that call flows", f"{_children.DEPTH_LIMIT} deep"),
        ("steps of a flow", f"{validation.STEP_LIMIT:,}"),
        ("steps that Back remembers", f"{_navigation.HISTORY_LIMIT}"),
        ("journal of one run", f"{turn.JOURNAL_LIMIT:,}"),
        ("attempts to send a reply", f"{sender.ATTEMPTS}"),
        ("attempts at an input", f"{loading.POISON}"),
        ("conversations kept in memory", f"{inspect.signature(open_engine).parameters['hot_limit'].default:,}"),
        ("button reference", f"{_buttons.REF_LIMIT} bytes"),
    ],
)
def test_limits_are_those_of_the_code(row: str, limit: str) -> None:
    text = page("docs/explanation/limits.md").text
    [line] = re.findall(rf"^\| {row}[^|]*\|([^|]*)\|", text, re.MULTILINE)
    assert limit in line


def test_times_in_the_guarantees_are_those_of_the_code() -> None:
    text = page("docs/explanation/guarantees.md").text
    assert f"up to {leases.LEASE // 1000} seconds" in _joined(text)
    assert f"within {process.STOP_WITHIN:g} seconds" in _joined(text)
    assert f"up to {sender.ATTEMPTS} times" in _joined(text)
    assert {4: "fourth", 5: "fifth", 6: "sixth"}[loading.POISON] in text
    assert f"at least {SHORTEST} characters" in _joined(page("docs/explanation/security.md").text)


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_no_page_promises_more_than_it_can_keep(page: Page) -> None:
    for phrase in ("exactly once", "guaranteed", "never lose", "never fails", "100%", "bulletproof", "seamless"):
        assert phrase not in page.prose.lower(), f"{page.name} says {phrase!r} without saying what it means"


def _joined(text: str) -> str:
    return " ".join(text.split())
