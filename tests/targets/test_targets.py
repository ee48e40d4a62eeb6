"""ansible-core's own integration targets that pass, a fast third of them at every change (`quick.txt`); all of them: `make targets`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from refusing import refuse
from testbed import why_not

HERE = Path(__file__).parent
PASSED_SO_FAR = 65
"""How many targets `passing.txt` named when it was last counted: it only grows."""

sys.path.insert(0, str(HERE))

import conformance  # noqa: E402  (the harness stands beside this file, and is a program)


def names(file: str) -> list[str]:
    return (HERE / file).read_text().split()


@pytest.fixture(scope="session")
def records(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the harness says of each target of `quick.txt`, run by the drop-in programs that `engine shims install` makes."""
    reason = why_not(system=True)
    if reason:
        refuse(reason)
    shims, out = Path(sys.prefix) / "shims", tmp_path_factory.mktemp("targets") / "out.json"
    for command in (
        ["-m", "engine", "shims", "install", shims],
        [HERE / "conformance.py", "run", "--bin", shims, "--list", HERE / "quick.txt", "--jobs", "2", "--timeout", "150", "--json", out],
    ):
        done = subprocess.run([sys.executable, *map(str, command)], text=True, capture_output=True)
        assert out.exists() or done.returncode == 0, done.stdout + done.stderr
    targets: dict[str, Any] = json.loads(out.read_text())["targets"]
    return targets


@pytest.mark.hosts
@pytest.mark.parametrize("target", names("quick.txt"))
def test_a_target_of_ansible_core_passes(target: str, records: dict[str, Any]) -> None:
    baseline = json.loads((HERE / "baseline.json").read_text())["targets"][target]
    assert records[target]["status"] == "pass", records[target]
    assert not conformance.hollow(records[target], baseline)


def test_the_quick_ones_are_a_third_of_those_that_pass() -> None:
    assert len(names("passing.txt")) >= PASSED_SO_FAR
    assert set(names("quick.txt")) <= set(names("passing.txt")) <= set(names("dev.txt"))
    assert len(names("quick.txt")) * 3 >= len(names("passing.txt"))
