"""The modules and actions that manage files, in tables: what they register, what they leave behind, and that it can be taken back."""
from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from taskbed import Bed, cases, grow, snapshot

from engine.agent import transfer

TABLES = ("file", "copy", "template", "stat", "find", "lineinfile", "blockinfile", "replace", "slurp", "tempfile", "fetch", "script")
ALL = [pytest.param(case, id=f"{name}: {case['what']}") for name in TABLES for case in cases(name)]
ACCEPTED = [pytest.param(*each.values, id=each.id) for each in ALL if "fails" not in each.values[0]]
REFUSED = [pytest.param(*each.values, id=each.id) for each in ALL if "fails" in each.values[0]]


@pytest.fixture(autouse=True)
def umask_and_spool() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)
    transfer.leave()


@pytest.fixture
def bed(tmp_path: Path) -> Bed:
    return Bed(tmp_path)


def prepared(bed: Bed, case: dict[str, Any]) -> dict[str, Any]:
    if case.get("root") and os.geteuid() != 0:
        pytest.skip("gives files to other users, which needs root")
    bed.variables = case["vars"]
    grow(bed.controller, case["controller"])
    grow(bed.target, case["target"])
    args = bed.filled(case["args"])
    assert isinstance(args, dict)
    return args


@pytest.mark.parametrize("case", ACCEPTED)
def test_registers_and_leaves_behind(bed: Bed, case: dict[str, Any]) -> None:
    args = prepared(bed, case)
    result = bed.run(case["action"], args, check=case.get("check", False))
    assert not result.failed, result.values
    assert result.changed is case.get("changed", False)
    assert result.skipped is case.get("skipped", False)
    expected = bed.filled(case.get("registered", {}))
    assert {name: result.values.get(name, "<not registered>") for name in expected} == expected
    assert "keys" not in case or sorted(result.values) == sorted(case["keys"])
    for name, wanted in case.get("after", {}).items():
        agrees(bed.target / name.rstrip("/"), bed.filled(wanted), name)
    for name, wanted in case.get("controller_after", {}).items():
        agrees(Path(bed.filled(f"<c>/{name}")), bed.filled(wanted), name)


def agrees(path: Path, wanted: Any, name: str) -> None:
    """Is at `path` what the table says? None: nothing; text: its content; else kind, content, mode, owner, link."""
    if wanted is None:
        assert not os.path.lexists(path), f"{name} is there"
        return
    spec = wanted if isinstance(wanted, dict) else {"content": wanted}
    assert os.path.lexists(path), f"{name} is not there"
    assert path.is_dir() or not name.endswith("/")
    if "content" in spec:
        assert path.read_bytes() == spec["content"].encode().replace(b"\\xff", b"\xff"), name
        assert not path.is_symlink() or "link" in spec
    if "mode" in spec:
        assert f"{path.lstat().st_mode & 0o7777:04o}" == spec["mode"], name
    if "owner" in spec:
        assert path.lstat().st_uid == spec["owner"], name
    if "link" in spec:
        assert os.readlink(path) == spec["link"], name


@pytest.mark.parametrize("case", ACCEPTED)
def test_check_mode_changes_nothing_and_foretells_the_change(bed: Bed, case: dict[str, Any]) -> None:
    args = prepared(bed, case)
    before = snapshot(bed.target), snapshot(bed.controller)
    foretold = bed.run(case["action"], args, check=True, diff=True)
    assert (snapshot(bed.target), snapshot(bed.controller)) == before
    if not foretold.skipped:
        assert foretold.changed is case.get("changed", False), foretold.values
        assert not foretold.failed


@pytest.mark.parametrize("case", [each for each in ACCEPTED if not each.values[0].get("check")])
def test_a_second_run_changes_nothing(bed: Bed, case: dict[str, Any]) -> None:
    args = prepared(bed, case)
    bed.run(case["action"], args)
    before = snapshot(bed.target)
    again = bed.run(case["action"], args)
    assert again.changed is case.get("again", False), again.values
    assert case.get("again", False) or snapshot(bed.target) == before


@pytest.mark.parametrize("case", [each for each in ACCEPTED if not each.values[0].get("check") and each.values[0].get("reversible", True)])
def test_a_rollback_restores_every_byte_mode_and_owner(bed: Bed, case: dict[str, Any]) -> None:
    args = prepared(bed, case)
    before = snapshot(bed.target)
    result = bed.run(case["action"], args)
    assert all(change.reversible for change in result.changes)
    bed.undo(result.changes)
    left = snapshot(bed.target)
    for name in [name for name in left if name.endswith("~")]:
        left.pop(name)      # backups are kept: the user asked for them
    assert left == before


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_says_why_and_leaves_everything_as_it_was(bed: Bed, case: dict[str, Any]) -> None:
    args = prepared(bed, case)
    before = snapshot(bed.target)
    result = bed.run(case["action"], args)
    assert result.failed, result.values
    assert not result.changed or case.get("changed", False)
    assert bed.filled(case["fails"]) in result.values["msg"]
    expected = bed.filled(case.get("registered", {}))
    assert {name: result.values.get(name) for name in expected} == expected
    assert snapshot(bed.target) == before
