"""What every test may ask for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import settings

BROWSERS: Sequence[str] = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

# A slow machine is no defect, so no deadline. CI tries the same examples every time: what fails there fails at home.
settings.register_profile("home", deadline=None, print_blob=True)
settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "home")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests measured with `record_property`: how often a sweep killed, what a stress run delivered."""
    reports = [r for r in terminalreporter.getreports("passed") if r.user_properties]
    if reports:
        terminalreporter.section("figures")
        for report in reports:
            figures = ", ".join(f"{name} = {value}" for name, value in report.user_properties)
            terminalreporter.write_line(f"{report.nodeid.rpartition('::')[2]}: {figures}")


@pytest.fixture(scope="session")
def root() -> Path:
    """The top folder of the project."""
    return Path(__file__).parent.parent


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's path, for Playwright's `executable_path`. The suite does not pass without one."""
    for name in (os.environ.get("TURNFLOW_CHROMIUM", ""), *BROWSERS):
        if name and (found := shutil.which(name)):
            return found
    pytest.fail("no Chromium found: run `tools/setup browser`, or set TURNFLOW_CHROMIUM to its path")
