"""The tables of the file family, run by the real ansible-playbook: what they expect is what it does.

A case that says `ansible:` differs on purpose, for the reason given there.
"""
from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from taskbed import Bed, cases, grow
from test_files_family import agrees

TABLES = ("file", "copy", "template", "stat", "find", "lineinfile", "blockinfile", "replace", "slurp", "tempfile")
CASES = [case for name in TABLES for case in cases(name) if "ansible" not in case]
PLAYBOOK = shutil.which("ansible-playbook")
OWN = {"changed", "failed", "skipped", "diff", "warnings", "exception", "deprecations", "invocation", "stdout_lines", "stderr_lines"}

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(PLAYBOOK is None, reason="ansible-playbook is not on PATH"),
    pytest.mark.skipif(os.geteuid() != 0, reason="the tables give files to other users, which needs root"),
]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Bed], list[dict[str, Any]]]:
    """One role a case, one play for all; what each registered."""
    home = tmp_path_factory.mktemp("oracle")
    beds: list[Bed] = []
    for number, case in enumerate(CASES):
        folder = home / "roles" / f"case{number}"
        folder.mkdir(parents=True)
        bed = Bed(folder)
        bed.controller = folder
        grow(folder, case["controller"])
        grow(bed.target, case["target"])
        task = {f"ansible.builtin.{case['action']}": bed.filled(case["args"]), "register": f"r{number}", "ignore_errors": True}
        task["vars"] = case["vars"]
        (folder / "tasks").mkdir()
        (folder / "tasks/main.yml").write_text(json.dumps([task]))
        beds.append(bed)
    names = [f"case{number}" for number in range(len(CASES))]
    results = "{{ [" + ", ".join(f"r{number}" for number in range(len(CASES))) + "] | to_json }}"
    last = [{"ansible.builtin.copy": {"content": results, "dest": str(home / "results.json")}}]
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "roles": names, "post_tasks": last}
    (home / "site.yml").write_text(json.dumps([play]))
    assert PLAYBOOK
    done = subprocess.run([PLAYBOOK, str(home / "site.yml")], cwd=home, capture_output=True, text=True, check=False, umask=0o022)
    assert (home / "results.json").exists(), done.stdout[-2000:] + done.stderr[-2000:]
    return beds, json.loads((home / "results.json").read_text())


@pytest.mark.parametrize("number", range(len(CASES)), ids=[f"{case['action']}: {case['what']}" for case in CASES])
def test_ansible_does_the_same(told: tuple[list[Bed], list[dict[str, Any]]], number: int) -> None:
    case, bed, result = CASES[number], told[0][number], told[1][number]
    assert bool(result.get("failed")) is ("fails" in case), result
    if "fails" in case:
        assert bed.filled(case["fails"]).splitlines()[0] in result["msg"]
        return
    assert result["changed"] is case.get("changed", False), result
    expected = bed.filled(case.get("registered", {}))
    assert {name: result.get(name, "<not registered>") for name in expected} == expected
    assert "keys" not in case or sorted(set(result) - OWN) == sorted(case["keys"])
    for name, wanted in case.get("after", {}).items():
        agrees(Path(bed.filled(f"<t>/{name}").rstrip("/")), bed.filled(wanted), name)
