"""Thirty tasks on five hosts, for tests that kill their run: the playbook, the run, and what it leaves on hosts and in the state."""
from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from command import Answer, engine, environment

HOSTS = ("one", "two", "three", "four", "five")
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
TEMPLATE = "{{ inventory_hostname }} {{ mine }} {{ items.results | map(attribute='rc') | sum }}\n"
MORE = """
- {name: m1, shell: "echo more {{ word }} >> {{ log }}"}
- {name: m2, lineinfile: {path: "{{ own }}/b", line: "{{ word }}"}}
"""


@dataclass(frozen=True)
class Site:
    """A project, the folder in which its tasks work on a host, and the same folder of each machine as it is found from here."""

    project: Path
    here: str
    folders: Mapping[str, Path]

    def made(self, inventory: str) -> Site:
        for name, text in (("ansible.cfg", ""), ("hosts", inventory), ("site.yml", BOOK), ("more.yml", MORE), ("t.j2", TEMPLATE)):
            (self.project / name).write_text(text)
        return self

    def started(self) -> subprocess.Popen[bytes]:
        """A run that has had its first effect."""
        words = [sys.executable, "-m", "engine", "run", "site.yml", "-i", "hosts", "-e", f"here={self.here}"]
        none = subprocess.DEVNULL
        process = subprocess.Popen(words, cwd=self.project, env=environment(), stdin=none, stdout=none, stderr=none)
        until = time.monotonic() + 60
        while not any(folder.exists() and any(folder.iterdir()) for folder in self.folders.values()):
            assert process.poll() is None and time.monotonic() < until, process.poll()
            time.sleep(0.002)
        return process

    def killed_after(self, seconds: float) -> None:
        process = self.started()
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def resumed(self) -> tuple[Answer, int]:
        """The last answer of `engine resume`, and how many of its answers named a step that is in doubt."""
        words, doubts = ("resume", "-e", f"here={self.here}"), 0
        answer = engine(*words, cwd=self.project)
        while "in-doubt" in answer.err and doubts <= len(HOSTS):  # noted that it begins, and killed before it was sent: nothing was done
            doubts += 1
            answer = engine(*words, "--rerun", cwd=self.project)
        return answer, doubts

    def left(self) -> dict[str, tuple[int, str]]:
        """Machine and path → mode and content (a link: where it leads) of all that the run has made; logs in their order."""
        found = {}
        for machine, folder in self.folders.items():
            for path in sorted(folder.rglob("*")):
                about = path.lstat()
                text = "" if path.is_dir() else path.read_text() if not path.is_symlink() else str(path.readlink())
                found[f"{machine}:{path.relative_to(folder)}"] = (about.st_mode, text.replace(self.here, "HERE"))
        return found

    def log(self, host: str) -> list[str]:
        (text,) = (path.read_text() for path in (folder / f"log.{host}" for folder in self.folders.values()) if path.exists())
        return text.splitlines()

    def recorded(self) -> Counter[tuple[str, str, str]]:
        """(resource, task, digest after) of each record, and how often."""
        database = sqlite3.connect(self.project / ".engine" / "state.db")
        records = [json.loads(data) for (data,) in database.execute("SELECT data FROM records")]
        database.close()
        return Counter(
            ("/".join(each["address"]).replace(self.here, "HERE"), each["task"], str((each["after"] or {}).get("digest", "")))
            for each in records
        )


@dataclass(frozen=True)
class Undisturbed:
    """What a run leaves that nobody kills, its records, and the seconds from its first effect to its end."""

    files: dict[str, tuple[int, str]]
    records: Counter[tuple[str, str, str]]
    seconds: float


def undisturbed(site: Site) -> Undisturbed:
    process = site.started()
    begun = time.monotonic()
    assert process.wait() == 0
    for host in HOSTS:  # each handler as often as it was notified
        log = site.log(host)
        assert Counter(log) >= Counter(restart=2, reload=2, after=2) and log.count("restart") == 2, log
    whole = Undisturbed(site.left(), site.recorded(), time.monotonic() - begun)
    assert sum(whole.records.values()) > 30 * len(HOSTS)
    return whole


def assert_ends_as_if_undisturbed(site: Site, share: float, whole: Undisturbed) -> None:
    """Kill a run after a share of its time, and resume it: neither hosts nor records tell it from a run that was not killed."""
    site.killed_after(share * whole.seconds)
    answer, doubts = site.resumed()
    assert answer.code == 0 or "nothing-to-resume" in answer.err, answer
    assert site.left() == whole.files, answer
    assert site.recorded() == whole.records, answer
    print(f"killed after {share * whole.seconds:.2f} s of {whole.seconds:.2f}, {doubts} in doubt")


def moments(count: int) -> list[float]:
    """Shares of a run's time, at random and the same each time."""
    chance = random.Random(SEED)
    return [chance.random() for _ in range(count)]
