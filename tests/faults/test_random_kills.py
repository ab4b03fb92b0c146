"""A few hundred turns of many people at once, killed at random: every failure prints one command with its seed."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.mark.crash
@pytest.mark.timeout(300)
def test_random_kills_under_a_random_load_break_no_promise(
    root: Path, record_property: Callable[[str, object], None]
) -> None:
    command = [sys.executable, "-m", "tests.faults.random_kills", "--seeds", "8"]
    trials = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    found = re.search(r"kills: (\d+), commits: (\d+), steps: \d+, failed: (\d+)", trials.stdout)
    assert found, trials.stdout[-3000:] + trials.stderr[-3000:]
    kills, commits, failed = map(int, found.groups())
    record_property("kills", kills)
    record_property("commits", commits)
    assert not failed, trials.stdout[-5000:]
    assert kills >= 50
    assert commits >= 500


@pytest.mark.crash
@pytest.mark.timeout(300)
def test_two_hundred_graphs_at_once_that_are_killed_at_random_are_all_completed(
    root: Path, record_property: Callable[[str, object], None]
) -> None:
    command = [sys.executable, "-m", "tests.faults.random_kills", "--seed", "100", "--graphs", "200"]
    trials = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    found = re.search(r"kills: (\d+), commits: \d+, steps: (\d+), failed: (\d+)", trials.stdout)
    assert found, trials.stdout[-3000:] + trials.stderr[-3000:]
    kills, steps, failed = map(int, found.groups())
    record_property("kills", kills)
    record_property("steps", steps)
    assert not failed, trials.stdout[-5000:]
    assert kills >= 10
    assert steps >= 600
