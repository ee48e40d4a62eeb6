"""`engine plan` and `engine apply`: what is shown is what is done, and what nobody can know is said."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command import Answer, engine

LOCAL = "one ansible_connection=local ansible_python_interpreter=/usr/bin/python3\n"

STACKED = """
- hosts: all
  gather_facts: false
  handlers:
    - name: told
      copy: {dest: "{{ here }}/handled", content: yes}
  tasks:
    - file: {path: "{{ here }}/a/b", state: directory, mode: "0750"}
    - copy: {dest: "{{ here }}/a/b/conf", content: "one\\n"}
      notify: told
    - lineinfile: {path: "{{ here }}/a/b/conf", line: two}
    - lineinfile: {path: "{{ here }}/a/b/conf", line: two}
    - blockinfile: {path: "{{ here }}/a/b/conf", block: "three\\nfour"}
    - replace: {path: "{{ here }}/a/b/conf", regexp: "^one", replace: "1"}
    - slurp: {src: "{{ here }}/a/b/conf"}
      register: content
    - assert: {that: ["content.content | b64decode is match('1\\ntwo')"]}
    - file: {src: "{{ here }}/a/b/conf", dest: "{{ here }}/link", state: link}
    - lineinfile: {path: "{{ here }}/link", line: five}
    - file: {path: "{{ here }}/a/b/conf", mode: "0600"}
    - stat: {path: "{{ here }}/link", follow: true}
      register: seen
    - assert: {that: ["seen.stat.mode == '0600'", seen.stat.isreg]}
    - find: {paths: "{{ here }}/a", recurse: true}
      register: found
    - assert: {that: ["found.files | map(attribute='path') | map('basename') == ['conf']"]}
    - command: "true"
      args: {creates: "{{ here }}/a/b/conf"}
    - copy: {src: "{{ here }}/a/b/conf", dest: "{{ here }}/copy", remote_src: true}
    - file: {path: "{{ here }}/a", state: absent}
    - file: {path: "{{ here }}/a", state: absent}
    - stat: {path: "{{ here }}/a/b/conf"}
      register: seen
    - assert: {that: [not seen.stat.exists]}
    - file: {path: "{{ here }}/a", state: directory}
    - file: {path: "{{ here }}/a/b", state: absent}
"""

UNKNOWN = """
- hosts: all
  gather_facts: false
  handlers:
    - name: perhaps
      debug: {msg: handled}
  tasks:
    - command: date
      register: known_not_to_change
      changed_when: false
    - command: date
      register: command
      notify: perhaps
    - debug: {msg: "{{ command.stdout }}"}
    - debug: {msg: shown}
      when: command is defined
    - debug: {msg: skipped}
      when: [command.rc == 0, false]
    - debug: {msg: perhaps}
      when: command.rc == 0
    - set_fact: {derived: "{{ command.stdout }}", plain: 1}
    - copy: {dest: "{{ here }}/derived", content: "{{ derived | default('x') }}"}
    - copy: {dest: "{{ here }}/plain", content: "{{ plain }}"}
    - debug: {msg: "{{ item }}"}
      loop: "{{ command.stdout_lines }}"
    - debug: {msg: "{{ item }}"}
      loop: "{{ command.stdout_lines }}"
      when: false
    - include_tasks: "{{ derived }}.yml"
    - lineinfile: {path: "{{ here }}/made by the command", line: x}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "hosts").write_text(LOCAL)
    (folder / "here").mkdir()
    return folder


def call(project: Path, command: str, *words: str) -> Answer:
    return engine(command, *words, "-e", f"here={project}/here", cwd=project)


def book(project: Path, text: str) -> str:
    (project / "site.yml").write_text(text)
    return "site.yml"


def planned(project: Path, *words: str) -> dict[str, Any]:
    answer = call(project, "plan", "site.yml", "-i", "hosts", "--json", *words)
    found: dict[str, Any] = json.loads(answer.out)
    return found


def told(answer: Answer) -> list[str]:
    return [line for line in answer.out.splitlines() if line.split(":")[0] in ("ok", "changed", "skipping", "unknown", "fatal", "failed")]


def test_check_mode_sees_its_own_plan(project):
    book(project, STACKED)
    check = call(project, "run", "site.yml", "-i", "hosts", "--check")
    assert list((project / "here").iterdir()) == []
    run = call(project, "run", "site.yml", "-i", "hosts")
    assert (check.code, run.code) == (0, 0), f"{check}\n{run}"
    assert told(check) == told(run)
    assert check.recap == run.recap


def test_what_only_a_run_can_tell_is_unknown(project):
    book(project, UNKNOWN)
    answer = call(project, "run", "site.yml", "-i", "hosts", "--check")
    assert answer.code == 0, answer
    words = [line.split(":")[0] for line in told(answer)]
    assert words == [
        "ok", "unknown", "ok", "ok", "skipping", "unknown", "ok", "unknown", "changed", "unknown", "skipping", "unknown", "unknown", "unknown",
    ]
    assert answer.recap["one"]["unknown"] == 7
    found = planned(project)
    assert found["summary"] == {"add": 1, "change": 0, "destroy": 0, "unknown": 7, "failed": 0, "unreachable": 0}


def test_under_ansibles_rules_check_mode_says_what_ansibles_does(project):
    book(project, UNKNOWN)
    compat = {"ENGINE_RUN_COMPAT": "ansible"}
    answer = engine("run", "site.yml", "-i", "hosts", "--check", "-e", f"here={project}/here", cwd=project, env=compat)
    assert "unknown" not in answer.out and answer.code == 2, answer


def test_exit_codes_of_plan(project):
    book(project, "- hosts: all\n  gather_facts: false\n  tasks:\n    - copy: {dest: '{{ here }}/x', content: x}\n")
    arguments = ("plan", "site.yml", "-i", "hosts")
    assert call(project, *arguments).code == 0
    assert call(project, *arguments, "--detailed-exitcode").code == 2
    call(project, "run", "site.yml", "-i", "hosts")
    assert call(project, *arguments, "--detailed-exitcode").code == 0
    assert call(project, "plan", "none.yml", "-i", "hosts").code == 1
    book(project, "- hosts: all\n  gather_facts: false\n  tasks:\n    - fail: {msg: no}\n")
    assert call(project, *arguments).code == 1
    book(project, "- hosts: all\n  gather_facts: false\n  tasks:\n    - ping:\n")
    (project / "gone").write_text("gone ansible_host=127.0.0.1 ansible_port=1\n")
    assert call(project, "plan", "site.yml", "-i", "gone").code == 4


def saved(project: Path) -> None:
    book(project, "- hosts: all\n  gather_facts: false\n  tasks:\n    - copy: {dest: '{{ here }}/x', content: '{{ word }}'}\n")
    (project / "group_vars").mkdir()
    (project / "group_vars" / "all.yml").write_text("word: first\n")
    assert call(project, "plan", "site.yml", "-i", "hosts", "-o", "plan.bin").code == 0


def test_apply_does_what_was_shown(project):
    saved(project)
    assert (project / "plan.bin").stat().st_mode & 0o777 == 0o600
    answer = call(project, "apply", "plan.bin", "--yes")
    assert answer.code == 0 and (project / "here" / "x").read_text() == "first", answer
    assert call(project, "apply", "plan.bin", "--yes").code == 1    # it is done: nothing of it would happen now


def test_apply_asks(project):
    saved(project)
    answer = call(project, "apply", "plan.bin")
    assert answer.code == 1 and "--yes" in answer.err, answer
    assert not (project / "here" / "x").exists()


MOVED = {
    "the playbook": (lambda project: (project / "site.yml").write_text((project / "site.yml").read_text() + "#\n"), "site.yml has changed"),
    "variables": (lambda project: (project / "group_vars" / "all.yml").write_text("word: second\n"), "all.yml has changed"),
    "new variables": (lambda project: (project / "group_vars" / "one.yml").write_text("{}\n"), "group_vars"),
    "the inventory": (lambda project: (project / "hosts").write_text(LOCAL + "two ansible_connection=local\n"), "hosts has changed"),
    "the host": (lambda project: (project / "here" / "x").write_text("mine"), "here/x"),
}


@pytest.mark.parametrize("what", MOVED)
def test_apply_refuses_where_something_has_moved(what, project):
    saved(project)
    move, said = MOVED[what]
    move(project)
    answer = call(project, "apply", "plan.bin", "--yes")
    assert answer.code == 1 and "plan-stale" in answer.err and said in answer.err, answer
    if what != "the host":
        assert not (project / "here" / "x").exists()
    assert call(project, "apply", "plan.bin", "--yes", "--refresh").code == 0
    assert (project / "here" / "x").read_text() == ("second" if what == "variables" else "first")


def test_a_plan_keeps_no_values(project):
    book(project, "- hosts: all\n  gather_facts: false\n  tasks:\n    - copy: {dest: '{{ here }}/x', content: '{{ word }}'}\n")
    answer = engine("plan", "site.yml", "-i", "hosts", "-e", f"here={project}/here", "-e", "word=sentinel-a8f3", "-o", "plan.bin", cwd=project)
    assert answer.code == 0, answer
    import zlib

    data = (project / "plan.bin").read_bytes().partition(b"\n")[2]
    assert b"sentinel-a8f3" not in zlib.decompress(data)
    assert "other-variables" in engine("apply", "plan.bin", "--yes", cwd=project).err
    answer = engine("apply", "plan.bin", "--yes", "-e", f"here={project}/here", "-e", "word=sentinel-a8f3", cwd=project)
    assert answer.code == 0 and (project / "here" / "x").read_text() == "sentinel-a8f3", answer


@pytest.mark.parametrize("content", [b"", b"nonsense", b"engine plan 1\n", b"engine plan 1\nxx", b"engine plan 1\n\x78\x9c\x03\x00\x00\x00\x00\x01"])
def test_what_is_no_plan_is_said_so(content, project):
    (project / "plan.bin").write_bytes(content)
    answer = call(project, "apply", "plan.bin", "--yes")
    assert answer.code == 1 and "no-plan" in answer.err, answer
