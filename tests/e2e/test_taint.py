"""`engine state taint`: what is marked is made anew by the next run that makes it, and by nothing else; plan and drift show it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Answer
from command import engine_here as engine

SITE = """
- hosts: all
  gather_facts: false
  tasks:
    - copy: {dest: "{{ playbook_dir }}/made", content: "made\\n", force: false}
    - lineinfile: {path: "{{ playbook_dir }}/made", line: edited}
    - lineinfile: {path: "{{ playbook_dir }}/there", line: edited}
    - command: touch db
      args: {creates: db, chdir: "{{ playbook_dir }}"}
      resource: database/app
      rollback: rm db && echo dropped >> log
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "engine.toml").touch()
    (tmp_path / "site.yml").write_text(SITE)
    (tmp_path / "there").write_text("before\n")
    go(tmp_path, "run", "site.yml", "-i", "web1,", "-c", "local")
    return tmp_path


def go(project: Path, *words: str, code: int = 0) -> Answer:
    done = engine(*words, cwd=project)
    assert done.code == code, done
    assert "Traceback" not in done.err
    return done


def run(project: Path, *words: str, code: int = 0) -> Answer:
    return go(project, "run", "site.yml", "-i", "web1,", "-c", "local", *words, code=code)


def planned(project: Path) -> list[tuple[str, str, str]]:
    said = json.loads(go(project, "plan", "site.yml", "-i", "web1,", "-c", "local", "--json").out)
    return [(each["action"], each["resource"].partition("/")[2], each.get("reason", "")) for each in said["changes"]]


def drift(project: Path) -> str:
    return go(project, "drift").out


def test_a_file_is_made_anew_and_edited_again(project: Path) -> None:
    name = f"file/{project}/made"
    assert planned(project) == []
    go(project, "state", "taint", f"web1/{name}")
    assert f"↻ web1/{name}: in sync, tainted: to be replaced" in drift(project)
    assert planned(project)[0] == ("replace", name, "it is tainted")
    (project / "made").write_text("somebody's\nedited\n")
    checked = run(project, "--check").recap
    assert run(project).recap == checked
    assert (project / "made").read_text() == "made\nedited\n"
    assert "tainted" not in drift(project)
    assert run(project).recap["web1"]["changed"] == 0


def test_that_run_goes_back_as_any_other(project: Path) -> None:
    (project / "made").chmod(0o600)
    run(project)
    go(project, "state", "taint", f"web1/file/{project}/made")
    run(project)
    assert (project / "made").stat().st_mode & 0o777 == 0o644
    go(project, "rollback", "--yes")
    assert (project / "made").read_text() == "made\nedited\n" and (project / "made").stat().st_mode & 0o777 == 0o600


def test_what_a_command_made_goes_by_its_rollback(project: Path) -> None:
    go(project, "state", "taint", "web1/database/app")
    assert planned(project) == [("replace", "database/app", "it is tainted")]
    assert not (project / "log").exists()
    run(project)
    assert (project / "db").exists() and (project / "log").read_text() == "dropped\n"
    assert "changes=1" in go(project, "state", "show", "web1/database/app").out
    assert run(project).recap["web1"]["changed"] == 0
    assert "it was made anew, since it was tainted" in go(project, "rollback", "--yes", code=2).out
    go(project, "destroy", "--yes")
    assert not (project / "db").exists() and (project / "log").read_text() == "dropped\n" * 2


def test_a_way_back_that_fails_fails_the_task(project: Path) -> None:
    go(project, "state", "taint", "web1/database/app")
    (project / "db").unlink()
    assert run(project, code=2).recap["web1"]["failed"] == 1
    assert "tainted" in drift(project)


def test_what_was_there_before_the_first_run_is_not_removed(project: Path) -> None:
    told = go(project, "state", "taint", f"web1/file/{project}/there")
    assert "warning[not-replaced]" in told.err and "was there before the first run" in told.err
    assert planned(project) == []
    done = run(project)
    assert done.recap["web1"]["changed"] == 0 and "nothing removes it" in done.out + done.err
    assert (project / "there").read_text() == "before\nedited\n"


def test_a_task_that_cannot_make_it_leaves_it_alone(project: Path) -> None:
    go(project, "state", "taint", f"web1/file/{project}/made")
    (project / "site.yml").write_text(SITE.replace('    - copy: {dest: "{{ playbook_dir }}/made", content: "made\\n", force: false}\n', ""))
    assert run(project).recap["web1"]["changed"] == 0
    assert (project / "made").read_text() == "made\nedited\n" and "tainted" in drift(project)


def test_under_ansibles_semantics_nothing_is_replaced(project: Path) -> None:
    go(project, "state", "taint", f"web1/file/{project}/made")
    (project / "engine.toml").write_text('[run]\ncompat = "ansible"\n')
    (project / "site.yml").write_text("".join(SITE.partition("    - command:")[:1]))
    assert run(project).recap["web1"]["changed"] == 0


def test_a_destroy_leaves_alone_what_was_taken_out_of_the_state(project: Path) -> None:
    go(project, "state", "rm", f"web1/file/{project}/made")
    go(project, "destroy", "--yes")
    assert (project / "made").exists() and not (project / "db").exists()
