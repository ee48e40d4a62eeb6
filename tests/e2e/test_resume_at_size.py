"""A run of thirty tasks on five hosts, killed at a hundred moments: each time `engine resume` ends it as if it had not been."""
from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from command import Answer, engine, environment

HOSTS = ("one", "two", "three", "four", "five")
MOMENTS = 100
SEED = 20261129

BOOK = """
- hosts: all
  gather_facts: false
  vars: {log: "{{ here }}/log.{{ inventory_hostname }}", own: "{{ here }}/{{ inventory_hostname }}"}
  handlers:
    - {name: restart, shell: "echo restart >> {{ log }}"}
    - {name: reload, shell: "echo reload >> {{ log }}", notify: after}
    - {name: after, shell: "echo after >> {{ log }}"}
    - {name: stamp, copy: {dest: "{{ own }}/stamp", content: "{{ first.stdout }}"}}
  tasks:
    - {name: t1, file: {path: "{{ own }}", state: directory, mode: "0755"}}
    - {name: t2, shell: "echo first >> {{ log }}; echo value", register: first, notify: restart}
    - {name: t3, copy: {dest: "{{ own }}/a", content: "{{ first.stdout }}\\n"}, notify: [stamp, reload]}
    - {name: t4, lineinfile: {path: "{{ own }}/a", line: "two"}}
    - {name: t5, set_fact: {mine: "{{ first.stdout }}!"}}
    - {name: t6, copy: {dest: "{{ own }}/l{{ item }}", content: "{{ mine }} {{ item }}"}, loop: [1, 2, 3, 4], register: copies, notify: restart}
    - {name: t7, shell: "echo loop{{ item }} >> {{ log }}", loop: [1, 2, 3], register: items}
    - {name: t8, blockinfile: {path: "{{ own }}/a", block: "{{ copies.results | length }} {{ items.results | length }}"}}
    - {name: t9, replace: {path: "{{ own }}/a", regexp: "two", replace: "2"}}
    - {name: t10, file: {path: "{{ own }}/link", src: "{{ own }}/a", state: link}}
    - name: t11
      block:
        - {name: t12, copy: {dest: "{{ own }}/b", content: "b"}}
        - {name: t13, shell: "echo failing >> {{ log }}; exit 1"}
      rescue:
        - {name: t14, shell: "echo rescued {{ ansible_failed_task.name }} >> {{ log }}"}
        - {name: t15, lineinfile: {path: "{{ own }}/b", line: rescued}}
      always:
        - {name: t16, lineinfile: {path: "{{ own }}/b", line: always}}
    - {name: t17, meta: flush_handlers}
    - {name: t18, shell: "echo ignored >> {{ log }}; exit 3", ignore_errors: true, register: bad}
    - {name: t19, shell: "echo sees {{ bad.rc }} >> {{ log }}", when: bad is failed}
    - {name: t20, include_tasks: more.yml, loop: [x, y], loop_control: {loop_var: word}}
    - {name: t21, template: {src: t.j2, dest: "{{ own }}/t", mode: "0640"}, notify: stamp}
    - {name: t22, shell: "echo made > {{ own }}/made; echo made >> {{ log }}", args: {creates: "{{ own }}/made"}}
    - {name: t23, file: {path: "{{ own }}/l1", state: absent}}
    - {name: t24, file: {path: "{{ own }}/a", mode: "0600"}, notify: restart}
    - {name: t25, shell: "echo n >> {{ own }}/tries; wc -l < {{ own }}/tries", register: tries, until: tries.stdout | int >= 3, retries: 5, delay: 0}
    - {name: t26, shell: "echo tries {{ tries.attempts }} >> {{ log }}"}
    - {name: t27, copy: {dest: "{{ own }}/c", content: "{{ hostvars['one'].first.stdout }}"}}
    - {name: t28, command: "cp {{ own }}/c {{ own }}/d", changed_when: true, notify: reload}
    - {name: t29, lineinfile: {path: "{{ own }}/d", line: end}}
    - {name: t30, shell: "echo last >> {{ log }}", notify: [restart, stamp]}
"""
MORE = """
- {name: m1, shell: "echo more {{ word }} >> {{ log }}"}
- {name: m2, lineinfile: {path: "{{ own }}/b", line: "{{ word }}"}}
"""


def made(folder: Path) -> Path:
    (folder / "here").mkdir(parents=True)
    (folder / "ansible.cfg").write_text("")
    (folder / "hosts").write_text("".join(f"{host} ansible_connection=local ansible_python_interpreter=/usr/bin/python3\n" for host in HOSTS))
    (folder / "site.yml").write_text(BOOK)
    (folder / "more.yml").write_text(MORE)
    (folder / "t.j2").write_text("{{ inventory_hostname }} {{ mine }} {{ items.results | map(attribute='rc') | sum }}\n")
    return folder


def words(project: Path) -> list[str]:
    return ["run", "site.yml", "-i", "hosts", "-e", f"here={project}/here"]


def resumed(project: Path, *more: str) -> Answer:
    return engine("resume", "-e", f"here={project}/here", *more, cwd=project)


def left(project: Path) -> dict[str, tuple[int, str]]:
    """Path → mode and content (a link: where it leads) of all that the run has made; logs in their order."""
    found = {}
    for path in sorted((project / "here").rglob("*")):
        about = path.lstat()
        text = "" if path.is_dir() else path.read_text() if not path.is_symlink() else str(path.readlink())
        found[str(path.relative_to(project))] = (about.st_mode, text.replace(str(project), "PROJECT"))
    return found


def recorded(project: Path) -> Counter[tuple[str, str, str]]:
    """(resource, task, digest after) of each record, and how often."""
    database = sqlite3.connect(project / ".engine" / "state.db")
    records = [json.loads(data) for (data,) in database.execute("SELECT data FROM records")]
    database.close()
    return Counter(
        ("/".join(each["address"]).replace(str(project), "PROJECT"), each["task"], str((each["after"] or {}).get("digest", "")))
        for each in records
    )


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, tuple[int, str]], Counter[tuple[str, str, str]], float]:
    """What a run leaves that nobody kills, its records, and the seconds from its first effect to its end."""
    project = made(tmp_path_factory.mktemp("undisturbed") / "project")
    process = started(project)
    begun = wait_for_work(project, process)
    assert process.wait() == 0
    return left(project), recorded(project), time.monotonic() - begun


def started(project: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "engine", *words(project)], cwd=project, env=environment(), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )


def wait_for_work(project: Path, process: subprocess.Popen[bytes]) -> float:
    until = time.monotonic() + 60
    while not any((project / "here").iterdir()) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.002)
    return time.monotonic()


def moments() -> Iterable[float]:
    """Shares of a run's time, at random and the same each time."""
    chance = random.Random(SEED)
    return [chance.random() for _ in range(MOMENTS)]


def test_an_undisturbed_run_has_each_handler_as_often_as_it_was_notified(undisturbed):
    files, records, _ = undisturbed
    for host in HOSTS:
        log = files[f"here/log.{host}"][1].split("\n")
        assert Counter(log) >= Counter(restart=2, reload=2, after=2) and log.count("restart") == 2, log
    assert sum(records.values()) > 30 * len(HOSTS)


@pytest.mark.nightly
@pytest.mark.parametrize("share", moments())
def test_a_run_of_thirty_tasks_ends_as_if_it_had_not_been_killed(share, undisturbed, tmp_path):
    files, records, seconds = undisturbed
    project = made(tmp_path / "project")
    process = started(project)
    wait_for_work(project, process)
    time.sleep(share * seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()
    answer = resumed(project)
    doubts = 0
    while "in-doubt" in answer.err and doubts <= len(HOSTS):  # noted that it begins, and killed before it was sent: nothing was done
        doubts += 1
        answer = resumed(project, "--rerun")
    assert answer.code == 0 or "nothing-to-resume" in answer.err, answer
    assert left(project) == files, answer
    assert recorded(project) == records, answer
    print(f"killed after {share * seconds:.2f} s of {seconds:.2f}, {doubts} in doubt")
