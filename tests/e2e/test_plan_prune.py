"""`engine plan --prune`: what the playbook declares no more is removed when the plan is applied; what any text of it could mean is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Answer
from command import engine_here as engine

HEAD = "- hosts: all\n  gather_facts: false\n  vars: {root: %s}\n  tasks:\n"
OLD = """
    - copy: {dest: "%(root)s/old.conf", content: old}
    - copy: {dest: "%(root)s/kept.conf", content: kept}
    - command: touch %(root)s/app.db
      args: {creates: "%(root)s/app.db"}
      resource: database/app
      rollback: rm %(root)s/app.db
"""
KEPT = '    - copy: {dest: "%(root)s/kept.conf", content: kept}\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "engine.toml").touch()
    (tmp_path / "was.conf").write_text("was here\n")
    write(tmp_path, OLD + '    - lineinfile: {path: "%(root)s/was.conf", line: more}\n')
    go(tmp_path, "run", "site.yml", "-i", "web1,", "-c", "local")
    return tmp_path


def write(project: Path, tasks: str) -> None:
    (project / "site.yml").write_text(HEAD % project + tasks % {"root": project})


def go(project: Path, *words: str, code: int = 0) -> Answer:
    done = engine(*words, cwd=project)
    assert done.code == code, done
    assert "Traceback" not in done.err
    return done


def document(project: Path, *words: str) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = json.loads(
        go(project, "plan", "site.yml", "-i", "web1,", "-c", "local", "--prune", "--json", *words).out
    )
    return found


def pruned(project: Path, *words: str) -> list[str]:
    gone = [each["resource"] for each in document(project, *words)["changes"] if each["action"] == "delete"]
    return [each.partition("/")[2].replace(f"{project}/", "") for each in gone]


def test_what_is_declared_no_more_is_shown_and_removed(project: Path) -> None:
    write(project, KEPT)
    said = go(project, "plan", "site.yml", "-i", "web1,", "-c", "local", "--prune", "-o", "plan.bin").out
    assert f"- file {project}/old.conf" in said and "- database app" in said and "0 to change, 2 to destroy" in said
    assert (project / "old.conf").exists()
    go(project, "apply", "plan.bin", "--yes")
    assert not (project / "old.conf").exists() and not (project / "app.db").exists()
    assert (project / "kept.conf").exists() and (project / "was.conf").read_text() == "was here\nmore\n"
    assert pruned(project) == []
    go(project, "rollback", "--yes", code=2)  # a removal is a run like any other; what the command took back stays gone
    assert (project / "old.conf").read_text() == "old"


def test_without_the_option_nothing_is_removed(project: Path) -> None:
    write(project, KEPT)
    assert "destroy" not in go(project, "plan", "site.yml", "-i", "web1,", "-c", "local", "-o", "plan.bin").out.replace("0 to destroy", "")
    go(project, "apply", "plan.bin", "--yes")
    assert (project / "old.conf").exists()


STILL = [
    # what                                  the playbook now                                                                  removed
    ("as it was",                           OLD,                                                                              []),
    ("a condition that does not hold",      OLD.replace('old}', 'old}\n      when: false'),                                   []),
    ("a tag that nobody asked for",         OLD.replace('old}', 'old}\n      tags: [never]'),                                 []),
    ("a loop that is not known",            KEPT + '    - copy: {dest: "{{ item }}", content: x}\n      loop: "{{ later }}"\n      when: false\n', ["database/app"]),
    ("a name with a template",              KEPT + '    - file: {path: "%(root)s/{{ name | default(1) }}.conf", state: absent}\n      when: false\n', ["database/app"]),
    ("another name with a template",        KEPT + '    - file: {path: "{{ root }}/new-{{ root }}", state: touch}\n      when: false\n', ["database/app", "file/old.conf"]),
    ("a folder it may go into",             KEPT + '    - copy: {dest: "%(root)s", src: x}\n      when: false\n',             ["database/app"]),
    ("a task of another kind names it",     KEPT + '    - command: cat %(root)s/old.conf\n',                                  ["database/app"]),
    ("a command writes it",                 KEPT + '    - shell: date > {{ root }}/old.conf\n      when: false\n',            ["database/app"]),
    ("a command with a template",           KEPT + '    - shell: echo {{ root }}\n      when: false\n',                       ["database/app", "file/old.conf"]),
    ("a module that is not ours",           KEPT + '    - acme: {path: "{{ root }}/old.conf"}\n      when: false\n',         ["database/app"]),
    ("one of which nothing can be told",    KEPT + '    - acme: {path: "{{ root }}"}\n      when: false\n',                  []),
    ("a rescue",                            KEPT + '    - block: [{debug: {msg: x}}]\n      rescue: [{file: {path: "%(root)s/old.conf", state: touch}}]\n', ["database/app"]),
    ("a handler",                           KEPT + '  handlers:\n    - {name: h, file: {path: "%(root)s/old.conf", state: touch}}\n', ["database/app"]),
    ("a looped block",                      KEPT + '    - block: [{file: {path: "%(root)s/{{ item }}.conf", state: touch}, when: false}]\n      loop: [1]\n', ["database/app"]),
    ("an include in a looped block",        KEPT + '    - block: [{include_tasks: more.yml, when: false}]\n      loop: [1]\n', []),
    ("an include that is not known",        KEPT + '    - include_tasks: "{{ later }}.yml"\n      when: false\n',             []),
    ("an include that is not there",        KEPT + '    - include_tasks: nowhere.yml\n      when: false\n',                   []),
    ("what an include holds",               KEPT + '    - include_tasks: more.yml\n      when: false\n',                      ["database/app"]),
    ("a resource with a template",          KEPT + "    - command: 'true'\n      resource: database/{{ x }}\n      when: false\n", ["file/old.conf"]),
    ("a variable that says the same",       KEPT + "    - command: 'true'\n      vars: {engine_resource: database/app}\n      when: false\n", ["file/old.conf"]),
    ("an alias",                            KEPT + '    - file: {dest: "%(root)s/old.conf", state: touch}\n      when: false\n', ["database/app"]),
    ("arguments of a template",             KEPT + '    - file: "{{ later }}"\n      when: false\n',                          ["database/app"]),
    ("free text",                           KEPT + '    - file: path=%(root)s/old.conf state=touch\n      when: false\n',      ["database/app"]),
    ("slashes too many",                    KEPT + '    - file: {path: "%(root)s//old.conf", state: touch}\n      when: false\n', ["database/app"]),
]  # fmt: skip


@pytest.mark.parametrize(("what", "tasks", "removed"), STILL, ids=[each[0] for each in STILL])
def test_what_may_still_be_meant_stays(project: Path, what: str, tasks: str, removed: list[str]) -> None:
    (project / "library").mkdir()
    (project / "library" / "acme").write_text("#!/bin/sh\necho '{}'\n")
    (project / "more.yml").write_text(f"- copy: {{dest: {project}/old.conf, content: x}}\n")
    write(project, tasks)
    assert sorted(pruned(project)) == removed


def test_a_file_that_a_task_manages_through_a_link_stays(project: Path) -> None:
    (project / "link").symlink_to("old.conf")
    write(project, KEPT + '    - lineinfile: {path: "%(root)s/link", line: old}\n')
    assert pruned(project) == ["database/app"]


def test_what_is_in_a_folder_that_is_declared_no_more_keeps_the_folder(project: Path) -> None:
    folder = '    - file: {path: "%(root)s/app", state: directory}\n'
    write(project, KEPT + folder)
    go(project, "run", "site.yml", "-i", "web1,", "-c", "local")
    write(project, KEPT + '    - copy: {dest: "%(root)s/app/x.conf", content: x}\n')
    assert "file/app" not in pruned(project)
    write(project, KEPT)
    assert "file/app" in pruned(project)


def test_only_what_runs_of_this_playbook_made_on_hosts_that_are_meant(project: Path) -> None:
    (project / "other.yml").write_text(HEAD % project + f"    - copy: {{dest: {project}/other.conf, content: x}}\n")
    go(project, "run", "other.yml", "-i", "web1,", "-c", "local")
    write(project, KEPT)
    assert sorted(pruned(project)) == ["database/app", "file/old.conf"]
    (project / "hosts").write_text("web1\nweb2\n")
    plan = go(project, "plan", "site.yml", "-i", "hosts", "-c", "local", "--prune", "--json", "--limit", "web2").out
    assert [each for each in json.loads(plan)["changes"] if each["action"] == "delete"] == []


def test_what_somebody_else_changed_stays_and_is_told(project: Path) -> None:
    write(project, KEPT)
    (project / "old.conf").write_text("mine now")
    assert pruned(project) == ["database/app"]
    said = go(project, "plan", "site.yml", "-i", "web1,", "-c", "local", "--prune").out
    assert f"file/{project}/old.conf — somebody else has changed it: content" in said


def test_what_was_taken_out_of_the_state_stays(project: Path) -> None:
    write(project, KEPT)
    go(project, "state", "rm", f"web1/file/{project}/old.conf")
    assert pruned(project) == ["database/app"]


def test_a_plan_that_does_not_hold_any_more_is_refused(project: Path) -> None:
    write(project, KEPT)
    go(project, "plan", "site.yml", "-i", "web1,", "-c", "local", "--prune", "-o", "plan.bin")
    (project / "old.conf").write_text("mine now")
    assert "error[plan-stale]" in go(project, "apply", "plan.bin", "--yes", code=1).err
    assert (project / "old.conf").read_text() == "mine now" and (project / "app.db").exists()
