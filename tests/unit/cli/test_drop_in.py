"""The programs of `engine shims install`: ansible-core's options, words and exit codes. Expectations were taken from 2.21.5."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

INVENTORY = """top ansible_host=1.2.3.4
[web]
w1 a=1
w2
[db]
d1
[prod:children]
web
db
[prod:vars]
env=prod
"""
GRAPH = """@all:
  |--@ungrouped:
  |  |--top
  |--@prod:
  |  |--@web:
  |  |  |--w1
  |  |  |--w2
  |  |--@db:
  |  |  |--d1
"""


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bin")
    done = engine("shims", "install", str(folder), "--no-ansible-core")
    assert done.returncode == 0, done.stderr
    return folder


def engine(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "engine", *words], capture_output=True, text=True, check=False)


@pytest.fixture
def run(programs: Path, tmp_path: Path):
    (tmp_path / "hosts").write_text(INVENTORY)
    environ = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "ANSIBLE_NOCOLOR": "1"}

    def started(program: str, *words: str, playbook: str = "") -> subprocess.CompletedProcess[str]:
        (tmp_path / "p.yml").write_text(playbook)
        return subprocess.run([str(programs / program), *words], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)

    return started


PLAYBOOKS = [
    # what                     tasks                                                  exit code  on stderr
    ("it runs",                "[{debug: {msg: hi}}]",                                0, ""),
    ("a host fails",           "[{fail: {msg: boo}}]",                                2, "[ERROR]: Task failed: Action failed: boo"),
    ("no such module",         "[{debg: {msg: hi}}]",                                 4, "[ERROR]: couldn't resolve module/action 'debg'."),
    ("no such keyword",        "[{block: [], fo: 1}]",                                4, "[ERROR]: 'fo' is not a valid attribute for a Block"),
    ("no such role",           "[{import_role: {name: nope}}]",                       1, "[ERROR]: "),
    ("a condition is strict",  "[{debug: {msg: hi}, when: \"'abc'\"}]",               2, "Conditionals must have a boolean result."),
    ("a late mistake",         "[{debug: {msg: hi}, diff: yes., ignore_errors: true}]", 0, "could not be converted to 'bool'"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "tasks", "code", "said"), PLAYBOOKS, ids=[row[0] for row in PLAYBOOKS])
def test_ansible_playbook(run, what, tasks, code, said):
    done = run("ansible-playbook", "p.yml", playbook=f"- {{hosts: localhost, gather_facts: false, tasks: {tasks}}}\n")
    assert (done.returncode, said in done.stdout + done.stderr) == (code, True), done


def test_a_mistake_is_told_in_ansible_cores_form(run, tmp_path):
    done = run("ansible-playbook", "p.yml", playbook="- hosts: localhost\n  foo: 1\n  tasks: []\n")
    origin = f"Origin: {tmp_path}/p.yml:2:3\n\n1 - hosts: localhost\n2   foo: 1\n    ^ column 3\n"
    assert done.returncode == 4 and f"[ERROR]: 'foo' is not a valid attribute for a Play\n{origin}" in done.stderr, done.stderr


def test_a_folder_that_keeps_no_state_is_left_as_it_was(run, tmp_path):
    run("ansible-playbook", "p.yml", playbook="- {hosts: localhost, gather_facts: false, tasks: [{file: {path: made, state: touch}}]}\n")
    assert (tmp_path / "made").exists() and not (tmp_path / ".engine").exists()


AD_HOC = [
    # what              words                                                     exit code  on stdout
    ("a command",       ["-a", "echo hi"],                                        0, "one | CHANGED | rc=0 >>\nhi\n"),
    ("one that fails",  ["-m", "shell", "-a", "echo out; exit 3"],                2, "[ERROR]: Task failed: Module failed: The command exited"),
    ("a module",        ["-m", "ping"],                                           0, 'one | SUCCESS => {\n    "changed": false,\n    "ping": "pong"\n}\n'),
    ("a template",      ["-m", "debug", "-a", "msg={{ 1 + 1 }}"],                 0, 'one | SUCCESS => {\n    "msg": 2\n}\n'),
    ("JSON arguments",  ["-m", "debug", "-a", '{"msg": "hi"}'],                   0, 'one | SUCCESS => {\n    "msg": "hi"\n}\n'),
    ("who would",       ["--list-hosts"],                                         0, "  hosts (1):\n    one\n"),
    ("no command",      ["-m", "command"],                                        5, ""),
    ("no single task",  ["-m", "import_playbook", "-a", "x"],                     5, ""),
    ("no such option",  ["--foo"],                                                2, ""),
]  # fmt: skip


@pytest.mark.parametrize(("what", "words", "code", "said"), AD_HOC, ids=[row[0] for row in AD_HOC])
def test_ansible(run, what, words, code, said):
    python = f"ansible_python_interpreter={sys.executable}"
    done = run("ansible", "-i", "one,", "-c", "local", "-e", python, "all", *words)
    told = done.stdout[done.stdout.find("one | "):] if said.startswith("one") else done.stdout  # what failed is explained above
    assert done.returncode == code and told.startswith(said), done


def test_ansible_inventory(run):
    assert run("ansible-inventory", "-i", "hosts", "--graph").stdout == GRAPH
    listed = json.loads(run("ansible-inventory", "-i", "hosts", "--list").stdout)
    assert listed["_meta"]["hostvars"]["w1"] == {"a": 1, "env": "prod"}
    assert listed["prod"] == {"children": ["web", "db"]} and listed["ungrouped"] == {"hosts": ["top"]}
    assert json.loads(run("ansible-inventory", "-i", "hosts", "--host", "d1").stdout) == {"env": "prod"}
    exported = json.loads(run("ansible-inventory", "-i", "hosts", "--list", "--export").stdout)
    assert exported["prod"]["vars"] == {"env": "prod"} and "d1" not in exported["_meta"]["hostvars"]


@pytest.mark.parametrize("words", [[], ["--host", "nope"], ["--list", "--graph"]])
def test_ansible_inventory_refuses(run, words):
    assert run("ansible-inventory", "-i", "hosts", *words).returncode == 5


def test_version_names_what_it_is(run):
    done = run("ansible-playbook", "--version")
    assert done.stdout.startswith("ansible-playbook [core 2.21") and "engine version" in done.stdout


def test_what_something_else_has_put_there_is_not_overwritten(tmp_path):
    (tmp_path / "ansible").write_text("#!/bin/sh\nmine\n")
    done = engine("shims", "install", str(tmp_path), "--no-ansible-core")
    assert done.returncode == 1 and "shim-in-the-way" in done.stderr
    assert (tmp_path / "ansible").read_text() == "#!/bin/sh\nmine\n" and not (tmp_path / "python").exists()
    assert engine("shims", "install", str(tmp_path), "--no-ansible-core", "--force").returncode == 0
    assert engine("shims", "install", str(tmp_path), "--no-ansible-core").returncode == 0, "its own may be renewed"


@pytest.mark.parametrize(("name", "code", "said"), [
    ("ansible.posix.debug", 0, ""), ("skippy", 0, ""), ("community.general.unixy", 0, "the default output is shown"),
    ("json", 5, "is an output that the engine does not have"),
])  # fmt: skip
def test_outputs_that_people_have_set(run, tmp_path, name, code, said):
    """A project's ansible.cfg often names one of a collection: it does not stop the run, unless a program is to read it."""
    (tmp_path / "ansible.cfg").write_text(f"[defaults]\nstdout_callback = {name}\n")
    done = run("ansible-playbook", "p.yml", playbook="- {hosts: localhost, gather_facts: false, tasks: [{debug: {msg: hi}}]}\n")
    assert done.returncode == code and said in done.stderr and (code or '"msg": "hi"' in done.stdout or "msg: hi" in done.stdout), done
