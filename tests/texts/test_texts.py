"""What the drop-in programs print and how they end, word for word as ansible-core's do: the cases of this folder's `*.md`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import harness_texts
import pytest

CASES = list(harness_texts.all_cases())


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bin")
    command = [sys.executable, "-m", "engine", "shims", "install", str(folder), "--no-ansible-core"]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("case", CASES, ids=[f"{case.source.stem}: {case.title}" for case in CASES])
def test_case(case, programs, tmp_path):
    assert case.expected, "no expectation: tests/oracle/take_texts.py"
    assert case.run(programs, tmp_path / "folder") == case.expected
