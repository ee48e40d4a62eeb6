"""The realistic site and the numbered playbooks under the real ansible-playbook and under ours: the same recap, the same files."""
from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "e2e"))

from command import ROOT, Answer, differences, engine, tree
from realsite import Site, site_on

FOLDER = Path(os.environ.get("ENGINE_ORACLE") or ROOT / ".venv" / "oracle-env" / "bin")
ANSIBLE = FOLDER / "ansible-playbook"
pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(not ANSIBLE.exists(), reason=f"no {ANSIBLE}: `make oracle` installs it, ENGINE_ORACLE names another folder"),
]

RUNS = [
    # what                  playbook     options
    ("check before",        "site.yml",  ("--check", "--diff")),
    ("first run",           "site.yml",  ()),
    ("second run",          "site.yml",  ()),
    ("a new version",       "site.yml",  ("-e", "app_version=2.0", "--tags", "app")),
    ("part of it",          "site.yml",  ("--limit", "web1", "--tags", "base,users", "-e", "base_contact=ops@example.org", "--check")),
]  # fmt: skip
BOOKS = sorted(path.name for path in (ROOT / "playbooks").glob("[0-9][0-9]-*.yml"))


def real(cwd: Path, *arguments: str | Path) -> Answer:
    """Run the real ansible-playbook."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "ENGINE_", "PYTHON"))}
    given = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_HOME": str(cwd / ".ansible"), "LC_ALL": "C.UTF-8"}
    given["ANSIBLE_PYTHON_INTERPRETER"] = "/usr/bin/python3"
    done = subprocess.run(
        [str(ANSIBLE), *map(str, arguments)],
        cwd=cwd, env={**kept, **given}, text=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=600, check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def site(hosts, system_host, tmp_path) -> Site:
    web1, web2, proxy1 = hosts(3)
    return site_on(tmp_path / "site", {"web1": web1, "web2": web2, "proxy1": proxy1, "main": system_host})


@pytest.mark.hosts
@pytest.mark.system
def test_the_site_comes_out_the_same(site):
    """Each on the same hosts, as new: after every run the recaps agree, and after the last one all files do."""
    told: dict[str, list[Answer]] = {}
    made: dict[str, dict[str, dict[str, str]]] = {}
    for who in ("ours", "real"):
        for machine in site.machines.values():
            machine.reset()
        told[who] = []
        for _, playbook, options in RUNS:
            answer = real(site.folder, playbook, *site.common, *options) if who == "real" else site.run(playbook, *options)
            assert answer.code == 0, f"{who}: {answer}"
            told[who].append(answer)
        made[who] = site.trees()
    for (what, _, _), theirs, ours in zip(RUNS, told["real"], told["ours"], strict=True):
        assert ours.recap == theirs.recap, f"{what}: ours: {ours}\n\ntheirs: {theirs}"
    for host in site.machines:
        assert differences(made["real"][host], made["ours"][host]) == {}, host


@pytest.mark.parametrize("name", BOOKS)
def test_the_numbered_playbooks_come_out_the_same(name, tmp_path):
    books = shutil.copytree(ROOT / "playbooks", tmp_path / "playbooks", ignore=shutil.ignore_patterns(".engine", "hello.txt"))
    scratch = tmp_path / "scratch"
    outcomes = []
    for who in (lambda *arguments: real(tmp_path, *arguments), lambda *arguments: engine("run", *arguments)):
        shutil.rmtree(scratch, ignore_errors=True)
        (books / "hello.txt").unlink(missing_ok=True)
        scratch.mkdir()
        told = []
        for options in (("--check",), (), ()):
            answer = who(books / name, "-i", books / "hosts.ini", "-e", f"scratch={scratch}", *options)
            told.append((answer.code, answer.recap))
        outcomes.append((told, tree(scratch, books, but=("*/.engine*",))))
    assert outcomes[0][0] == outcomes[1][0]
    assert differences(outcomes[0][1], outcomes[1][1]) == {}
