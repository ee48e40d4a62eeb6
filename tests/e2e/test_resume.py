"""`engine resume`: a run that was killed, or failed, ends as if it had not been; nothing is done twice, nothing is forgotten."""
from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command import Answer, engine, engine_asked, environment

HOSTS = ("one", "two", "three")
MOMENTS = 6
"""Moments at which the run is killed, spread over it; test_resume_at_size.py has a hundred of them."""

BOOK = """
- hosts: all
  gather_facts: false
  serial: 2
  handlers:
    - name: told
      shell: "echo told >> {{ here }}/log.{{ inventory_hostname }}"
  tasks:
    - shell: "echo first >> {{ here }}/log.{{ inventory_hostname }}; echo value"
      register: first
      notify: told
    - copy: {dest: "{{ here }}/made.{{ inventory_hostname }}", content: "{{ first.stdout }}"}
    - set_fact: {mine: "{{ first.stdout }}!"}
    - shell: "echo item{{ item }} >> {{ here }}/log.{{ inventory_hostname }}; sleep 0.1"
      loop: [1, 2, 3]
      register: items
    - lineinfile: {path: "{{ here }}/made.{{ inventory_hostname }}", line: "{{ mine }} {{ items.results | length }}"}
    - block:
        - shell: "echo failing >> {{ here }}/log.{{ inventory_hostname }}; exit 1"
      rescue:
        - shell: "echo rescued {{ ansible_failed_task.action }} >> {{ here }}/log.{{ inventory_hostname }}"
    - meta: flush_handlers
    - include_tasks: more.yml
      loop: [a, b]
    - shell: "echo last >> {{ here }}/log.{{ inventory_hostname }}"
      when: first.rc == 0
      notify: told
"""
MORE = """
- shell: "echo more{{ item }} >> {{ here }}/log.{{ inventory_hostname }}"
"""
LOG = ["first", "item1", "item2", "item3", "failing", "rescued shell", "told", "morea", "moreb", "last", "told"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "here").mkdir(parents=True)
    (folder / "ansible.cfg").write_text("")
    (folder / "hosts").write_text("".join(f"{host} ansible_connection=local ansible_python_interpreter=/usr/bin/python3\n" for host in HOSTS))
    (folder / "site.yml").write_text(BOOK)
    (folder / "more.yml").write_text(MORE)
    return folder


def words(project: Path, *more: str) -> list[str]:
    return ["run", "site.yml", "-i", "hosts", "-e", f"here={project}/here", *more]


def resumed(project: Path, *more: str) -> Answer:
    return engine("resume", "-e", f"here={project}/here", *more, cwd=project)


def killed(project: Path, when: float, sign: str = "log.*") -> None:
    """Run, and kill the engine (and nothing else) `when` seconds after a file of that name is there."""
    process = subprocess.Popen(
        [sys.executable, "-m", "engine", *words(project)], cwd=project, env=environment(), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + 60
    while not list((project / "here").glob(sign)) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.005)
    time.sleep(when)
    process.send_signal(signal.SIGKILL)
    process.wait()


def left(project: Path) -> dict[str, list[str]]:
    return {path.name: path.read_text().splitlines() for path in sorted((project / "here").iterdir())}


def recorded(project: Path) -> list[tuple[str, str]]:
    """(host, resource) of each record of a change."""
    database = sqlite3.connect(project / ".engine" / "state.db")
    found = [json.loads(data)["address"] for (data,) in database.execute("SELECT data FROM records")]
    database.close()
    return sorted((host, f"{kind}/{what}".replace(str(project / "here"), "HERE")) for host, kind, what in found)


def commands(host: str) -> list[str]:
    log = f"HERE/log.{host}"
    return [
        f"echo first >> {log}; echo value", *(f"echo item{item} >> {log}; sleep 0.1" for item in (1, 2, 3)), f"echo failing >> {log}; exit 1",
        f"echo rescued shell >> {log}", *(f"echo {word} >> {log}" for word in ("told", "morea", "moreb", "last", "told")),
    ]


RECORDED = sorted(
    (host, what)
    for host in HOSTS
    for what in (*(f"command/{each}" for each in commands(host)), *[f"file/HERE/made.{host}"] * 2)
)
EXPECTED = {
    **{f"log.{host}": LOG for host in HOSTS},
    **{f"made.{host}": ["value", "value! 3"] for host in HOSTS},
}


def test_an_undisturbed_run_leaves_what_is_expected(project):
    answer = engine(*words(project), cwd=project)
    assert answer.code == 0 and left(project) == EXPECTED, answer
    assert recorded(project) == RECORDED


def ends_as_if_nothing_had_been(project: Path, when: float) -> None:
    killed(project, when)
    answer = resumed(project)
    if "in-doubt" in answer.err:  # killed between the note that it begins and the sending: no agent has it, and nothing was done
        assert answer.code == 1, answer
        answer = resumed(project, "--rerun")
    assert answer.code == 0 or "nothing-to-resume" in answer.err, answer
    assert left(project) == EXPECTED, answer
    runs = json.loads(engine("state", "list", "--runs", "--json", cwd=project).out)
    assert len(runs) == 1 and runs[0]["exit_code"] == 0, runs
    assert recorded(project) == RECORDED, "each change is recorded once, none is lost"


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_a_run_that_was_killed_ends_as_if_it_had_not_been(moment, project):
    ends_as_if_nothing_had_been(project, moment * 2.4 / MOMENTS)


UNDER_WAY = """
- hosts: one
  gather_facts: false
  tasks:
    - copy: {dest: "{{ here }}/made", content: new, validate: "sh -c 'touch {{ here }}/begun; sleep 1; test -f %s'"}
"""
"""It takes its time between its beginning and its change."""


def killed_in_the_middle(project: Path) -> None:
    (project / "site.yml").write_text(UNDER_WAY)
    killed(project, 0, "begun")
    assert not (project / "here" / "made").exists()


def changes(project: Path) -> list[tuple[object, object]]:
    """(before, after) of each record of the file that is made, the content alone."""
    shown = json.loads(engine("state", "history", f"one/file/{project}/here/made", "--json", cwd=project).out)
    return [tuple(each[name] and each[name]["digest"] for name in ("before", "after")) for each in reversed(shown)]


def test_a_change_that_was_under_way_is_recorded_from_its_agents_answer(project):
    killed_in_the_middle(project)
    answer = resumed(project)
    assert answer.code == 0 and answer.recap["one"]["changed"] == 1, answer
    assert len(changes(project)) == 1 and changes(project)[0][0] is None
    assert engine("rollback", "--yes", cwd=project).code == 0 and not (project / "here" / "made").exists()


def test_a_change_that_was_under_way_and_is_another_one_by_now_leaves_both_records(project):
    killed_in_the_middle(project)
    (project / "site.yml").write_text(UNDER_WAY.replace("content: new", "content: newer"))
    answer = resumed(project)
    assert answer.code == 0 and (project / "here" / "made").read_text() == "newer", answer
    (nothing, first), (between, last) = changes(project)
    assert nothing is None and first == between != last
    assert engine("rollback", "--yes", cwd=project).code == 0 and not (project / "here" / "made").exists()


DOUBT = """
- hosts: one
  gather_facts: false
  tasks:
    - copy: {dest: "{{ here }}/made", content: x}
    - shell: "echo begun >> {{ here }}/log.one; kill -9 $PPID; sleep 1"
      when: not lookup('file', here ~ '/again', errors='ignore')
    - copy: {dest: "{{ here }}/after", content: x}
"""
"""Its command ends the agent it is run by: nobody can be asked for the answer."""


@pytest.fixture
def doubtful(project: Path) -> Path:
    (project / "site.yml").write_text(DOUBT)
    answer = engine(*words(project), cwd=project)
    assert answer.code == 2, answer
    assert (project / "here" / "log.one").read_text() == "begun\n"
    return project


def test_what_nobody_knows_is_named_and_not_done(doubtful):
    answer = resumed(doubtful)
    assert answer.code == 1 and "in-doubt" in answer.err and "echo begun" in answer.err and "--rerun" in answer.err, answer
    assert (doubtful / "here" / "log.one").read_text() == "begun\n"
    assert not (doubtful / "here" / "after").exists()


def test_skip_takes_it_as_done(doubtful):
    answer = resumed(doubtful, "--skip")
    assert answer.code == 0 and (doubtful / "here" / "after").exists(), answer
    assert (doubtful / "here" / "log.one").read_text() == "begun\n"


def test_rerun_does_it_again(doubtful):
    answer = resumed(doubtful, "--rerun")
    assert answer.code == 2, answer
    assert (doubtful / "here" / "log.one").read_text() == "begun\nbegun\n"


FAILS = """
- hosts: all
  gather_facts: false
  tasks:
    - shell: "echo {{ inventory_hostname }} >> {{ here }}/log"
    - shell: "test -e {{ here }}/ready.{{ inventory_hostname }}"
    - shell: "echo end {{ inventory_hostname }} >> {{ here }}/log"
"""


def test_a_run_that_failed_goes_on_at_the_task_that_failed(project):
    (project / "site.yml").write_text(FAILS)
    (project / "here" / "ready.one").write_text("")
    assert engine(*words(project), cwd=project).code == 2
    for host in HOSTS:
        (project / "here" / f"ready.{host}").write_text("")
    answer = resumed(project)
    assert answer.code == 0, answer
    assert sorted((project / "here" / "log").read_text().splitlines()) == sorted([*HOSTS, *(f"end {host}" for host in HOSTS)])
    assert resumed(project).code == 1


def test_a_playbook_that_is_another_one_by_now_is_refused(project):
    (project / "site.yml").write_text(FAILS)
    assert engine(*words(project), cwd=project).code == 2
    (project / "site.yml").write_text(FAILS.replace('shell: "echo {{', 'command: "echo {{'))
    answer = resumed(project)
    assert answer.code == 1 and "resume-mismatch" in answer.err and "site.yml:5" in answer.err, answer


SECRET = """
- hosts: one
  gather_facts: false
  tasks:
    - shell: "echo sentinel-9f31"
      register: word
      no_log: true
    - debug: {msg: "{{ word.stdout | length }}"}
    - fail: {msg: stop}
      when: not lookup('file', here ~ '/ready', errors='ignore')
    - copy: {dest: "{{ here }}/made", content: "{{ word.stdout }}"}
"""


def test_what_no_log_hides_is_not_kept_and_its_first_reader_is_told(project):
    (project / "site.yml").write_text(SECRET)
    assert engine(*words(project), cwd=project).code == 2
    for path in (project / ".engine").iterdir():
        assert b"sentinel-9f31" not in path.read_bytes(), path
    (project / "here" / "ready").write_text("yes")
    answer = resumed(project)
    assert answer.code == 1 and "variable-not-kept" in answer.err and "`word.stdout`" in answer.err, answer
    assert "site.yml:11:52" in answer.err and "failed=0" in answer.out, "its reader's place, and no task fails of it"
    assert not (project / "here" / "made").exists()


ASKS = """
- hosts: one
  gather_facts: false
  vars_prompt:
    - {name: shown, prompt: Shown, private: false}
    - {name: hidden, prompt: Hidden}
  tasks:
    - copy: {dest: "{{ here }}/first", content: "{{ shown }} {{ hidden }}"}
    - fail: {msg: stop}
      when: not lookup('file', here ~ '/ready', errors='ignore')
    - copy: {dest: "{{ here }}/second", content: "{{ shown }} {{ hidden }}"}
"""


@pytest.mark.parametrize(("settings", "asked"), [("", ["Hidden"]), ("[state]\nencrypt = true\n", [])], ids=["plain", "encrypted"])
def test_an_answer_that_was_kept_is_not_asked_for_again(settings, asked, project):
    (project / "engine.toml").write_text(settings)
    (project / "password").write_text("correct horse")
    (project / "site.yml").write_text(ASKS)
    vault = ("--vault-password-file", "password")
    answers = {"Shown: ": "a word", "Hidden: ": "sentinel-77c1"}
    answer = engine_asked(*words(project), *vault, answers=answers, cwd=project)
    assert answer.code == 2 and "Shown" in answer.err and "Hidden" in answer.err, answer
    assert b"sentinel-77c1" not in b"".join(path.read_bytes() for path in (project / ".engine").iterdir())
    (project / "here" / "ready").write_text("yes")
    answer = engine_asked("resume", "-e", f"here={project}/here", *vault, answers=answers, cwd=project)
    assert answer.code == 0 and [name for name in ("Shown", "Hidden") if f"{name}: " in answer.err] == asked, answer
    assert (project / "here" / "second").read_text() == "a word sentinel-77c1"


def test_the_variables_of_the_run_are_asked_for(project):
    (project / "site.yml").write_text(FAILS)
    assert engine(*words(project), cwd=project).code == 2
    answer = engine("resume", cwd=project)
    assert answer.code == 1 and "other-variables" in answer.err, answer


def test_there_is_nothing_to_go_on_with(project):
    answer = engine("resume", cwd=project)
    assert answer.code == 1 and "nothing-to-resume" in answer.err, answer
    assert engine("resume", "--rerun", "--skip", cwd=project).code == 1
    assert os.listdir(project / "here") == []
