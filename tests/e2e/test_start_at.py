"""`engine run --start-at FILE:LINE`: the run begins at the task that stands there, wherever it is brought from."""
from __future__ import annotations

from pathlib import Path

import pytest
from command import Answer
from command import engine_here as engine

SITE = """\
- hosts: one
  gather_facts: false
  tasks:
    - {name: first play, debug: {msg: 1}}
- hosts: all
  gather_facts: false
  tasks:
    - name: before
      debug:
        msg: 1
    - include_tasks: more.yml
    - name: block
      block:
        - {name: in block, debug: {msg: 1}}
      always:
        - {name: in always, debug: {msg: 1}}
    - include_role: {name: site}
      when: inventory_hostname != 'two'
    - name: looped
      block:
        - {name: of a loop, debug: {msg: 1}}
        - {name: behind it in the loop, debug: {msg: 1}}
      loop: [a, b]
    - include_tasks: "{{ which }}.yml"
    - {name: last, debug: {msg: 1}}
  handlers:
    - {name: told, debug: {msg: 1}}
"""
FILES = {
    "site.yml": SITE,
    "hosts": "one ansible_connection=local\ntwo ansible_connection=local\n",
    "more.yml": "- {name: more one, debug: {msg: 1}}\n- {name: more two, debug: {msg: 1}}\n- include_tasks: deep.yml\n",
    "deep.yml": "- {name: deep one, debug: {msg: 1}}\n- {name: deep two, debug: {msg: 1}}\n",
    "chosen.yml": "- {name: chosen one, debug: {msg: 1}}\n- {name: chosen two, debug: {msg: 1}}\n",
    "unused.yml": "- {name: unused, debug: {msg: 1}}\n",
    "roles/site/tasks/main.yml": "- {name: of role, debug: {msg: 1}}\n- import_tasks: imported.yml\n- {name: end of role, debug: {msg: 1}}\n",
    "roles/site/tasks/imported.yml": "- {name: imported one, debug: {msg: 1}}\n- {name: imported two, debug: {msg: 1}}\n",
}
LOOP = ["of a loop", "behind it in the loop"]
END = [*LOOP, *LOOP, "chosen one", "chosen two", "last"]
ROLE = ["of role", "imported one", "imported two", "end of role"]
WHOLE = ["before", "more one", "more two", "deep one", "deep two", "in block", "in always", *ROLE, *END]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "engine.toml").touch()
    return tmp_path


def run(project: Path, place: str, *more: str) -> Answer:
    return engine("run", "site.yml", "-i", "hosts", "-e", "which=chosen", "--start-at", place, *more, cwd=project)


def begun(answer: Answer) -> list[str]:
    """The names of tasks, as they were begun."""
    names = [line.partition("[")[2].partition("]")[0].removeprefix("site : ") for line in answer.out.splitlines() if line.startswith("TASK")]
    return [name for name in names if not name.startswith("include_") and name != "looped"]


CASES = [
    # where                                 what runs
    ("site.yml:4",                          ["first play", *WHOLE]),
    ("site.yml:8",                          WHOLE),
    ("site.yml:10",                         WHOLE),
    ("site.yml:16",                         ["in always", *ROLE, *END]),
    ("site.yml:25",                         ["last"]),
    ("more.yml:2",                          WHOLE[2:]),
    ("deep.yml:2",                          WHOLE[4:]),
    ("roles/site/tasks/main.yml:3",         ["end of role", *END]),
    ("roles/site/tasks/imported.yml:2",     ["imported two", "end of role", *END]),
    ("site.yml:22",                         ["behind it in the loop", *END[2:]]),
    ("chosen.yml:2",                        ["chosen two", "last"]),
]  # fmt: skip


@pytest.mark.parametrize(("place", "expected"), CASES, ids=[place for place, _ in CASES])
@pytest.mark.parametrize("strategy", ["linear", "free"])
def test_it_begins_there(project: Path, place: str, expected: list[str], strategy: str) -> None:
    (project / "site.yml").write_text(SITE.replace("gather_facts: false", f"gather_facts: false\n  strategy: {strategy}") if strategy == "free" else SITE)
    if strategy == "free" and place.startswith("site.yml"):
        name, _, line = place.partition(":")
        place = f"{name}:{int(line) + (1 if int(line) < 6 else 2)}"
    answer = run(project, place, *(["--limit", "one"] if strategy == "free" else []))
    assert answer.code == 0 and begun(answer) == expected, answer


def test_a_host_that_does_not_come_there_does_what_stands_behind(project: Path) -> None:
    answer = run(project, "roles/site/tasks/main.yml:3")
    assert answer.recap["one"]["ok"] == 12 and answer.recap["two"]["ok"] == 10, answer


MISTAKES = [
    # what                                  place              code             said
    ("no line",                             "site.yml",        "bad-place",     "FILE:LINE"),
    ("no such file",                        "none.yml:3",      "bad-place",     "none.yml"),
    ("no task at that line",                "site.yml:6",      "no-task-here",  "8 (before)"),
    ("a handler",                           "site.yml:27",     "no-task-here",  "25 (last)"),
    ("no task in a file that is included",  "more.yml:9",      "no-task-here",  "2 (more two)"),
    ("a file that nothing brings",          "unused.yml:1",    "no-task-here",  "never reached"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "place", "code", "said"), MISTAKES, ids=[each[0] for each in MISTAKES])
def test_what_is_no_place_to_begin_at(project: Path, what: str, place: str, code: str, said: str) -> None:
    answer = run(project, place)
    assert answer.code == 1 and code in answer.err and said in answer.err and "Traceback" not in answer.err, answer
    assert begun(answer) == []


def test_both_ways_to_say_it_are_one_too_many(project: Path) -> None:
    answer = run(project, "site.yml:8", "--start-at-task", "last")
    assert answer.code == 1 and "bad-place" in answer.err, answer
