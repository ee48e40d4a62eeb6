"""Taking back, as a user has it: which run, what part of it, what stands in the way, and a host that is whole or as before."""

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
    - {copy: {dest: "{{ playbook_dir }}/{{ inventory_hostname }}.conf", content: "port 1\\n"}, notify: reload}
    - {lineinfile: {path: "{{ playbook_dir }}/{{ inventory_hostname }}.conf", line: "port 2"}, notify: [reload, publish]}
    - {copy: {dest: "{{ playbook_dir }}/{{ inventory_hostname }}.more", content: more}}
  handlers:
    - {name: reload, command: {cmd: "sh -c 'echo reloaded {{ inventory_hostname }} >> reloads'", chdir: "{{ playbook_dir }}"}}
    - {name: publish, template: {src: nowhere.j2, dest: /nowhere}, when: false}
"""
CHANGE = """
- hosts: all
  gather_facts: false
  tasks:
    - {copy: {dest: "{{ playbook_dir }}/{{ inventory_hostname }}.conf", content: "%s"}}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "engine.toml").touch()
    (tmp_path / "site.yml").write_text(SITE)
    return tmp_path


def play(project: Path, name: str = "site.yml", hosts: str = "web1,web2,") -> Answer:
    done = engine("run", name, "-i", hosts, "-c", "local", cwd=project)
    assert done.code == 0, done
    return done


def change(project: Path, content: str) -> None:
    (project / "change.yml").write_text(CHANGE % content)
    play(project, "change.yml")


def back(project: Path, *words: str, code: int = 0) -> Answer:
    done = engine("rollback", *words, cwd=project)
    assert done.code == code, done
    assert "Traceback" not in done.err
    return done


def files(project: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(project.glob("web*"))}


def serials(project: Path) -> dict[int, str]:
    runs = json.loads(engine("state", "list", "--runs", "--json", cwd=project).out)
    return {run["serial"]: run["id"] for run in runs}


def test_repeated_it_goes_further_back(project: Path) -> None:
    play(project)
    first = files(project)
    change(project, "second")
    second = files(project)
    change(project, "third")
    back(project, "--yes")
    assert files(project) == second
    back(project, "--yes")
    assert files(project) == first
    back(project, "--yes", code=2)  # the handler was a command: what it did is not known
    assert files(project) == {}
    assert "nothing-to-roll-back" in back(project, "--yes", code=1).err


def test_a_rollback_can_be_rolled_back_and_the_run_then_stands_again(project: Path) -> None:
    play(project)
    before = files(project)
    change(project, "new")
    back(project, "--yes")
    back(project, serials(project)[3], "--yes")
    assert set(files(project).values()) == {"new", "more"}
    back(project, "--yes")
    assert files(project) == before
    assert "run-rolled-back" in back(project, serials(project)[2], "--yes", code=1).err


MOMENTS = [
    # what                     the moment → what is in the files then
    ("a serial",               "1",    "port 1\nport 2\n"),
    ("that of a rollback",     "3",    "port 1\nport 2\n"),
    ("before a rollback",      "2",    "second"),
    ("before everything",      "0",    None),
    ("a run",                  "#2",   "second"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "moment", "content"), MOMENTS, ids=[each[0] for each in MOMENTS])
def test_the_state_right_after(project: Path, what: str, moment: str, content: str | None) -> None:
    play(project)
    change(project, "second")
    back(project, "--yes")
    change(project, "fourth")
    named = serials(project)[int(moment[1:])] if moment.startswith("#") else moment
    back(project, "--to", named, "--yes", code=0 if content else 2)
    assert files(project).get("web1.conf") == content
    if content:
        back(project, "--dry-run")  # older runs are there to be taken back


def test_of_several_runs_each_thing_goes_back_in_one_step(project: Path) -> None:
    play(project)
    for content in ("second", "third", "fourth"):
        change(project, content)
    said = back(project, "--to", "1", "--yes").out
    assert said.count("TASK [restore file") == 2 and "Rollback of 3 runs" in said
    assert files(project)["web2.conf"] == "port 1\nport 2\n"


def test_part_of_a_run_and_then_the_rest(project: Path) -> None:
    play(project)
    back(project, "--host", "web1", "--yes", code=2)
    assert sorted(files(project)) == ["web2.conf", "web2.more"]
    back(project, "--resource", "file/*.more", "--yes")
    assert sorted(files(project)) == ["web2.conf"]
    assert "1 to restore" in back(project, "--yes", code=2).out
    assert files(project) == {}
    assert "nothing-to-roll-back" in back(project, "--yes", code=1).err


MISTAKES = [
    (["--to", "99"],                       "no-such-moment"),
    (["--to", "2020-01-01T00:00", "x"],    "run-and-moment"),
    (["--to", "nobody"],                   "run-not-found"),
    (["nobody"],                           "run-not-found"),
    (["--resource", "file//nowhere"],      "resource-not-found"),
    (["--host", "web9"],                   "no-hosts-left"),
    ([],                                   "not-confirmed"),
]  # fmt: skip


def test_mistakes_change_nothing(project: Path) -> None:
    play(project)
    before = files(project)
    for words, code in MISTAKES:
        assert f"error[{code}]" in back(project, *words, code=1).err, words
    assert files(project) == before


def test_what_somebody_changed_since_is_found_before_anything_is_done(project: Path) -> None:
    play(project)
    (project / "web2.conf").write_text("mine")
    (project / "web1.more").unlink()
    before = files(project)
    for words in (["--dry-run"], ["--yes"]):
        refused = back(project, *words, code=1)
        assert "changed-since" in refused.err and "web2.conf — content" in refused.out
        assert files(project) == before
    said = json.loads(back(project, "--dry-run", "--json", code=1).out)
    assert [each["changed"] for each in said["conflicts"]] == ["content"]
    assert [each.rpartition("/")[2] for each in said["already"]] == ["web1.more"]
    back(project, "--yes", "--force", code=2)
    assert files(project) == {}


def test_handlers_are_notified_again_once_for_each_host(project: Path) -> None:
    play(project)
    reloads = project / "reloads"
    assert sorted(reloads.read_text().split()) == ["reloaded", "reloaded", "web1", "web2"]
    said = back(project, "--yes", code=2).out
    assert "* web1: notify reload" in said and "! web1: publish" in said
    assert sorted(reloads.read_text().split()) == ["reloaded"] * 4 + ["web1"] * 2 + ["web2"] * 2
    play(project)
    back(project, "--yes", "--no-handlers", code=2)
    assert len(reloads.read_text().splitlines()) == 6


def test_a_handler_that_fails_fails_its_host_alone(project: Path) -> None:
    (project / "site.yml").write_text(SITE.replace("sh -c '", "sh -c 'test ! -e {{ playbook_dir }}/deny-{{ inventory_hostname }} && "))
    play(project)
    (project / "deny-web1").touch()
    done = back(project, "--yes", code=2)
    assert done.recap["web1"]["failed"] == 1 and done.recap["web2"]["failed"] == 0
    assert files(project) == {}


def test_a_host_is_back_whole_or_as_it_was(project: Path) -> None:
    """One resource of web1 cannot be restored: its folder is a file by now. What was restored there before is undone; web2 goes back."""
    (project / "deep.yml").write_text(
        "- hosts: all\n  gather_facts: false\n  tasks:\n"
        '    - {file: {path: "{{ playbook_dir }}/dir-{{ inventory_hostname }}/{{ item }}", state: absent}, loop: [a]}\n'
        '    - {copy: {dest: "{{ playbook_dir }}/{{ inventory_hostname }}.one", content: one}}\n'
        '    - {copy: {dest: "{{ playbook_dir }}/{{ inventory_hostname }}.two", content: two}}\n'
    )
    for host in ("web1", "web2"):
        (project / f"dir-{host}").mkdir()
        (project / f"dir-{host}" / "a").write_text(host)
    play(project, "deep.yml")
    (project / "dir-web1").rmdir()
    (project / "dir-web1").write_text("in the way")
    before = {name: text for name, text in files(project).items() if name.startswith("web1")}
    done = back(project, "--yes", code=2)
    assert "the host is as it was found" in done.out
    assert files(project) == before
    assert (project / "dir-web2" / "a").read_text() == "web2"
    (project / "dir-web1").unlink()
    (project / "dir-web1").mkdir()
    again = back(project, "--yes")
    assert "3 to restore" in again.out, "what went back on web2 is not touched again"
    assert files(project) == {} and (project / "dir-web1" / "a").read_text() == "web1"


def test_a_destroy_removes_what_was_made_and_nothing_else(project: Path) -> None:
    (project / "web1.conf").write_text("was here\n")
    play(project)
    done = engine("destroy", cwd=project)
    assert done.code == 1 and "not-confirmed" in done.err
    dry = engine("destroy", "--dry-run", "--json", cwd=project)
    assert [each["becomes"] for each in json.loads(dry.out)["restore"]] == ["absent"] * 3
    done = engine("destroy", "--yes", cwd=project)
    assert done.code == 0, done
    assert files(project) == {"web1.conf": "port 1\nport 2\n"}
    assert "nothing-to-destroy" in engine("destroy", "--yes", cwd=project).err
    back(project, "--yes")
    assert files(project)["web2.conf"] == "port 1\nport 2\n", "a destroy is a run like any other"


def test_a_command_that_was_run_several_times_is_named_once(project: Path) -> None:
    (project / "loop.yml").write_text("- {hosts: all, gather_facts: false, tasks: [{command: echo on, loop: [1, 2, 3]}]}\n")
    play(project, "loop.yml", "web1,")
    done = back(project, "--yes", code=2)
    (line,) = (line for line in done.out.splitlines() if line.startswith("  ! "))
    assert line == "  ! web1: command echo on — what it did is not known; undo by hand what it did (3 times)"
