"""Every case of tests/conformance/*.md, run by our engine. The same files are checked against the real one by tests/oracle."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import harness

CASES = list(harness.all_cases())


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as made:
        yield made


@pytest.fixture(scope="module")
def pool(runner: asyncio.Runner) -> Iterator[Any]:
    """Agents that stay between cases: starting three for each would be most of the time."""
    from engine.connections.pool import Pool

    async def make() -> Pool:
        return Pool()

    made = runner.run(make())
    yield made
    runner.run(made.close())


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.source.stem}: {case.title}")
def test_case(case: harness.Case, tmp_path: Path, runner: asyncio.Runner, pool: Any) -> None:
    assert harness.run_ours(case, tmp_path, runner, pool) == (case.ours or case.expected)


def test_no_title_is_used_twice() -> None:
    names = [(case.source.name, case.title) for case in CASES]
    assert len(names) == len(set(names))


def test_every_case_has_a_playbook_and_an_expectation() -> None:
    assert [case.title for case in CASES if "playbook.yml" not in case.files or not case.expected] == []


def test_what_differs_on_purpose_really_differs() -> None:
    assert [case.title for case in CASES if case.ours and case.ours == case.expected] == []
