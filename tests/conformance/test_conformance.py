"""Every case of tests/conformance/*.md, run by our engine. The same files are checked against the real one by tests/oracle."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import harness

LONGEST = 60
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


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all cases: local agents work in the playbook's folder, so another would need others."""
    return tmp_path_factory.mktemp("case")


@pytest.fixture
def folder(place: Path) -> Path:
    """The folder, emptied of what the case before has left."""
    for path in place.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    return place


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    """A case that never ends fails, also where the event loop is never given back."""

    def too_long(*_: object) -> None:
        raise TimeoutError(f"more than {LONGEST} seconds")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(LONGEST)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.source.stem}: {case.title}")
def test_case(case: harness.Case, folder: Path, runner: asyncio.Runner, pool: Any) -> None:
    # ansible-core's check mode does not see its own plan; ours does, but under its rules (tests/e2e/test_plan.py)
    compat = "ansible" if case.source.stem == "strict" or "--check" in case.args else "engine"
    assert harness.run_ours(case, folder, runner, pool, compat=compat) == (case.ours or case.expected)


def test_no_title_is_used_twice() -> None:
    names = [(case.source.name, case.title) for case in CASES]
    assert len(names) == len(set(names))


def test_every_case_has_a_playbook_and_an_expectation() -> None:
    assert [case.title for case in CASES if "playbook.yml" not in case.files or not case.expected] == []


def test_what_differs_on_purpose_really_differs() -> None:
    assert [case.title for case in CASES if case.ours and case.ours == case.expected] == []
