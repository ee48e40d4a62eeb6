"""A connection that is lost in the middle of a task, on a real sshd: the run goes on, or `engine resume` does; no effect is doubled."""
from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from testbed import Machine

sys.path.insert(0, str(Path(__file__).parent.parent / "e2e"))

from command import Answer, engine, environment

pytestmark = pytest.mark.hosts

LIMIT = 120.0
LOG = "root/log"
COMMAND = """
- hosts: all
  gather_facts: false
  tasks:
    - shell: echo first >> /root/log
    - shell: echo begun >> /root/log; sleep {seconds}; echo ended >> /root/log
      register: middle
    - shell: echo {{{{ middle.rc }}}} >> /root/log
"""
DONE = ["first", "begun", "ended", "0"]
CHANGE = """
- hosts: all
  gather_facts: false
  tasks:
    - shell: echo first >> /root/log
    - copy: {{dest: /root/made, content: new, validate: "sh -c 'echo begun >> /root/log; sleep {seconds}; test -f %s'"}}
"""


@pytest.fixture
def one(hosts: Callable[[int], list[Machine]]) -> Iterator[Machine]:
    machine = hosts(1)[0]
    for name in ("log", "made"):
        (machine.root / "root" / name).unlink(missing_ok=True)
    yield machine
    machine.heal()
    machine.kill("echo begun")  # what goes on there though nobody waits for it


Project = Callable[..., Path]


@pytest.fixture
def project(one: Machine, tmp_path: Path) -> Project:
    """Makes a project of a playbook, whose connections notice a cut after three seconds."""

    def make(book: str, *, seconds: float = 4, settings: str = "", noticed: str = "-o ServerAliveInterval=1 -o ServerAliveCountMax=2") -> Path:
        (tmp_path / "engine.toml").write_text(settings)
        (tmp_path / "site.yml").write_text(book.format(seconds=seconds))
        variables = f"ansible_host={one.address} ansible_user=root ansible_ssh_private_key_file={one.bed.key}"
        arguments = f"-F /dev/null -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null {noticed}"
        (tmp_path / "hosts").write_text(f"web1 {variables} ansible_ssh_common_args='{arguments}'\n")
        return tmp_path

    return make


@contextmanager
def at_work(folder: Path, one: Machine) -> Iterator[subprocess.Popen[str]]:
    """A run that has come to the middle of its task."""
    words = [sys.executable, "-m", "engine", "run", "site.yml", "-i", "hosts"]
    pipe, none = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(words, cwd=folder, env=environment(), text=True, stdin=none, stdout=pipe, stderr=pipe) as process:
        until = time.monotonic() + LIMIT
        while "begun" not in log(one):
            assert process.poll() is None and time.monotonic() < until, process.communicate()
            time.sleep(0.02)
        try:
            yield process
        finally:
            process.kill()


def log(one: Machine) -> list[str]:
    path = one.root / LOG
    return path.read_text().split() if path.exists() else []


def ended(process: subprocess.Popen[str]) -> Answer:
    out, err = process.communicate(timeout=LIMIT)
    return Answer(process.returncode, out, err)


def cut(one: Machine, seconds: float) -> None:
    one.cut()
    time.sleep(seconds)
    one.heal()


def reset(one: Machine) -> None:
    """End the server's side of the connection; what runs over it stays."""
    assert one.kill("sshd: root")


def records(folder: Path, resource: str) -> int:
    return len(json.loads(engine("state", "history", f"web1/{resource}", "--json", cwd=folder).out))


BREAKS: list[tuple[str, Callable[[Machine], None]]] = [
    ("silently cut, and back when the task is over", lambda one: cut(one, 7)),
    ("silently cut, noticed, and back while the task runs", lambda one: cut(one, 4.5)),
    ("cut, and back before anybody notices", lambda one: cut(one, 1)),
    ("reset", reset),
]


@pytest.mark.parametrize(("what", "happens"), BREAKS, ids=[each[0] for each in BREAKS])
def test_a_command_is_done_once_and_the_run_goes_on(what, happens, project, one):
    folder = project(COMMAND, seconds=6)
    with at_work(folder, one) as process:
        happens(one)
        answer = ended(process)
    assert answer.code == 0 and log(one) == DONE, answer
    assert ("reconnecting" in answer.out + answer.err) == ("before anybody" not in what), answer
    assert engine("resume", cwd=folder).code == 1


def test_a_change_is_recorded_once_and_the_run_goes_on(project, one):
    folder = project(CHANGE)
    with at_work(folder, one) as process:
        cut(one, 6)
        answer = ended(process)
    assert answer.code == 0 and answer.recap["web1"]["changed"] == 2 and log(one) == ["first", "begun"], answer
    assert records(folder, "file//root/made") == 1


def test_a_host_that_stays_away_is_unreachable_and_resume_takes_its_answer(project, one):
    folder = project(COMMAND, settings="[ssh]\nreconnect = 1\n")
    with at_work(folder, one) as process:
        one.cut()
        answer = ended(process)
    assert answer.code == 4 and answer.recap["web1"]["unreachable"] == 1, answer
    one.heal()
    answer = engine("resume", cwd=folder)
    assert answer.code == 0 and log(one) == DONE, answer


def test_a_controller_that_dies_while_the_link_is_cut_is_gone_on_with(project, one):
    folder = project(COMMAND)
    with at_work(folder, one) as process:
        one.cut()
        process.kill()
        process.wait()
        time.sleep(2)
        one.heal()
    answer = engine("resume", cwd=folder)
    assert answer.code == 0 and log(one) == DONE, answer


def test_where_the_answer_is_gone_a_command_is_in_doubt(project, one):
    folder = project(COMMAND, seconds=30)
    with at_work(folder, one) as process:
        one.cut()  # or somebody would ask in between
        for word in ("sshd: root", "echo begun", "-IBSc"):
            assert one.kill(word)
        one.heal()
        answer = ended(process)
    assert answer.code == 4 and "lost-in-doubt" in answer.err and "--skip" in answer.err, answer
    assert log(one) == ["first", "begun"]
    answer = engine("resume", cwd=folder)
    assert answer.code == 1 and "in-doubt" in answer.err, answer
    answer = engine("resume", "--skip", cwd=folder)
    assert log(one)[:2] == ["first", "begun"] and len(log(one)) <= 3, answer


def test_under_compat_a_host_is_unreachable_at_once(project, one):
    folder = project(COMMAND, seconds=3, settings='[run]\ncompat = "ansible"\n')
    with at_work(folder, one) as process:
        reset(one)
        answer = ended(process)
    assert answer.code == 4 and "reconnecting" not in answer.out + answer.err, answer


@pytest.mark.nightly
@pytest.mark.parametrize("noticed", ["", "-o ServerAliveInterval=2 -o ServerAliveCountMax=2"], ids=["as usual", "soon"])
@pytest.mark.parametrize("seconds", [8, 40], ids=["the task ends within", "the task goes on"])
def test_a_cut_of_twenty_seconds(noticed, seconds, project, one):
    folder = project(COMMAND, seconds=seconds, noticed=noticed)
    with at_work(folder, one) as process:
        cut(one, 20)
        answer = ended(process)
    assert answer.code == 0 and log(one) == DONE, answer


@pytest.mark.nightly
def test_a_cut_of_more_than_the_kernels_patience(project, one):
    """Nobody has set an interval: the kernel notices after thirty seconds."""
    folder = project(COMMAND, seconds=8, noticed="")
    with at_work(folder, one) as process:
        cut(one, 45)
        answer = ended(process)
    assert answer.code == 0 and log(one) == DONE and "reconnecting" in answer.out + answer.err, answer
