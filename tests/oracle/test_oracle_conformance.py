"""The cases of tests/conformance, run by the real ansible-playbook: is what they expect still what it does?"""

from __future__ import annotations

from pathlib import Path

import pytest
from real import harness, real_playbook, run_real

PROGRAM = real_playbook()
TIMES = 4
pytestmark = [pytest.mark.oracle, pytest.mark.skipif(PROGRAM is None, reason="no ansible-playbook (ENGINE_ORACLE)")]


@pytest.mark.parametrize("case", list(harness.all_cases()), ids=lambda case: f"{case.source.stem}: {case.title}")
def test_case(case: harness.Case, tmp_path: Path) -> None:
    """Where hosts include different files, the real one takes them in the order in which its workers answer: it is asked again."""
    assert PROGRAM is not None
    for number in range(TIMES):
        folder = tmp_path / str(number)
        folder.mkdir()
        said = run_real(PROGRAM, case, folder)
        if said == case.expected:
            return
    assert said == case.expected
