"""`engine drift` as a user has it, on files of this machine: each answer, each exit code, the way back, and what other programs read."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command import Answer, engine, environment, tree

PLAYBOOK = """
- hosts: all
  gather_facts: false
  vars: {d: "{{ playbook_dir }}/out"}
  tasks:
    - file: {path: "{{ d }}/sub/deep", state: directory, mode: "0755"}
    - copy: {content: "one\\ntwo\\n", dest: "{{ d }}/edited", mode: "0644"}
    - lineinfile: {path: "{{ d }}/edited", line: three}
    - file: {path: "{{ d }}/edited", mode: "0600"}
    - copy: {content: "kept\\n", dest: "{{ d }}/copied", mode: "0640"}
    - file: {path: "{{ d }}/link", state: link, src: copied}
    - file: {path: "{{ d }}/touched", state: touch, mode: "0644"}
    - copy: {content: "gone\\n", dest: "{{ d }}/gone"}
    - file: {path: "{{ d }}/gone", state: absent}
    - copy: {content: "a secret text\\n", dest: "{{ d }}/secret", mode: "0600"}
      no_log: true
    - command: "true"
"""
UNREACHABLE = "{} ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=1 ansible_user=nobody\n"
RECORDED = {"", "/sub", "/sub/deep", "/edited", "/copied", "/link", "/touched", "/gone", "/secret"}


class Project:
    """A folder with a playbook that has run, on web1, which is this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.out = folder / "out"
        (folder / "engine.toml").write_text("")
        (folder / "hosts.ini").write_text("[web]\nweb1 ansible_connection=local\n")
        (folder / "site.yml").write_text(PLAYBOOK)

    def __call__(self, *words: str, **env: str) -> Answer:
        return engine(*words, cwd=self.folder, env=env)

    def found(self, *words: str) -> dict[str, dict[str, Any]]:
        """What --json says of each resource, by its path below the folder `out`."""
        answer = self("drift", "--json", *words)
        document = json.loads(answer.out)
        assert document["exit_code"] == answer.code, answer
        return {each["identity"].removeprefix(str(self.out)): each for each in document["resources"]}

    def verdicts(self, *words: str) -> dict[str, str]:
        """Of what is not in sync."""
        return {path: each["verdict"] for path, each in self.found(*words).items() if each["verdict"] != "in_sync"}


@pytest.fixture(scope="module")
def converged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("converged") / "project"
    folder.mkdir()
    project = Project(folder)
    assert project("run", "site.yml", "-i", "hosts.ini").code == 0
    return folder


@pytest.fixture
def project(converged: Path) -> Project:
    """As the run left it: the same folder each time, since the state has its path."""
    kept = converged.parent / "kept"
    if not kept.exists():
        shutil.copytree(converged, kept, symlinks=True)
    shutil.rmtree(converged)
    shutil.copytree(kept, converged, symlinks=True)
    return Project(converged)


def test_all_is_in_sync(project: Project) -> None:
    answer = project("drift")
    assert (answer.code, answer.out) == (0, f"Drift: 0 changed, 0 missing, 0 unknown, {len(RECORDED)} in sync.\n"), answer
    assert set(project.found()) == RECORDED
    assert f"= web1/file/{project.out}/copied: in sync" in project("drift", "-v").out


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def replace_by_link(path: Path) -> None:
    path.rename(path.with_suffix(".moved"))
    path.symlink_to(path.with_suffix(".moved"))


DRIFTS: list[tuple[str, Callable[[Path], Any], dict[str, str], str]] = [
    # what happens to the folder, the verdicts, what is shown
    ("a line more",             lambda out: append(out / "edited", "four\n"),             {"/edited": "changed"}, "+four"),
    ("a content",               lambda out: (out / "copied").write_text("other\n"),       {"/copied": "changed"}, "-kept"),
    ("a mode",                  lambda out: (out / "edited").chmod(0o666),                {"/edited": "changed"}, "+mode: 0666"),
    ("a folder's mode",         lambda out: (out / "sub/deep").chmod(0o700),              {"/sub/deep": "changed"}, "-mode: 0755"),
    ("removed",                 lambda out: (out / "copied").unlink(),                    {"/copied": "missing"}, "- web1/file"),
    ("a folder removed",        lambda out: shutil.rmtree(out / "sub"),                   {"/sub": "missing", "/sub/deep": "missing"}, ""),
    ("all of it removed",       shutil.rmtree,                                            dict.fromkeys(RECORDED - {"/gone"}, "missing"), ""),
    ("a link elsewhere",        lambda out: ((out / "link").unlink(), (out / "link").symlink_to("edited")), {"/link": "changed"}, "+target: edited"),
    ("a folder in its place",   lambda out: replace_by_folder(out / "edited"),            {"/edited": "changed"}, "+type: directory"),
    ("a link to the same text", lambda out: replace_by_link(out / "edited"),              {"/edited": "changed"}, "+type: link"),
    ("there again",             lambda out: (out / "gone").write_text(""),                {"/gone": "changed"}, "+type: file"),
    ("another secret",          lambda out: (out / "secret").write_text("your secret\n"), {"/secret": "changed"}, "they hold a secret"),
    ("written to, as meant",    lambda out: (out / "touched").write_text("data"),         {}, "9 in sync"),
    ("read, and beside it",     lambda out: ((out / "copied").read_text(), (out / "new").write_text("")), {}, "9 in sync"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "happens", "verdicts", "shown"), DRIFTS, ids=[each[0] for each in DRIFTS])
def test_what_differs_is_found_and_shown(
    project: Project, what: str, happens: Callable[[Path], Any], verdicts: dict[str, str], shown: str
) -> None:
    happens(project.out)
    before = tree(project.out)
    answer = project("drift")
    assert answer.code == (2 if verdicts else 0) and shown in answer.out, answer
    assert project.verdicts() == verdicts
    assert "your secret" not in answer.out + project("drift", "--json").out
    assert tree(project.out) == before, "nothing was changed by looking"


def test_the_way_back(project: Project) -> None:
    """Shown first, asked for, a run like any other: in sync afterwards, and taken back by a rollback."""
    as_left = tree(project.out)
    append(project.out / "edited", "four\n")
    (project.out / "copied").unlink()
    shutil.rmtree(project.out / "sub")
    (project.out / "gone").write_text("again\n")
    drifted = tree(project.out)

    planned = project("drift", "--fix", "--dry-run")
    assert planned.code == 2 and "Way back: 5 to put back, 0 cannot be put back." in planned.out, planned
    assert f"- web1/file/{project.out}/gone: to be removed" in planned.out
    refused = project("drift", "--fix")
    assert refused.code == 1 and "error[not-confirmed]" in refused.err, refused
    assert tree(project.out) == drifted

    fixed = project("drift", "--fix", "--yes")
    assert fixed.code == 0, fixed
    assert tree(project.out) == as_left
    assert project.verdicts() == {}
    assert project("drift", "--fix", "--yes").code == 0, "nothing is to be done"

    runs = json.loads(project("state", "list", "--runs", "--json").out)
    assert [Path(run["playbooks"][0]).name for run in runs] == ["drift", "site.yml"]
    back = project("rollback", "--yes")
    assert back.code == 0, back
    assert tree(project.out) == drifted


def test_what_cannot_be_put_back_is_told_and_the_rest_is_done(project: Project) -> None:
    (project.out / "secret").unlink()
    (project.out / "touched").unlink()
    append(project.out / "edited", "four\n")
    answer = project("drift", "--fix", "--yes")
    assert answer.code == 2, answer
    assert "Cannot be put back (1)" in answer.out and "/secret: it holds a secret, which was not kept" in answer.out
    assert project.verdicts() == {"/secret": "missing"}


def test_a_part_of_all(project: Project) -> None:
    shutil.rmtree(project.out)
    assert set(project.found("--resource", f"web1/file/{project.out}/copied")) == {"/copied"}
    assert set(project.found("--resource", "file/*/sub*")) == {"/sub", "/sub/deep"}
    assert set(project.found("--host", "web", "--host", "!db")) == RECORDED


MISTAKES = [
    # words                                 what is said
    (("--hots", "web1"),                    "No such option"),
    (("web1",),                             "unexpected extra argument"),
    (("--host", "web9"),                    "error[no-hosts-left]"),
    (("--resource", "web1/file//nowhere"),  "error[resource-not-found]"),
    (("-i", "nowhere.ini"),                 "error[inventory-missing]"),
    (("-e", "@nowhere.yml"),                "error["),
    (("--every", "soon"),                   "Invalid value for '--every'"),
    (("--every", "0"),                      "Invalid value for '--every'"),
    (("--yes",),                            "belong to --fix"),
    (("--dry-run",),                        "belong to --fix"),
    (("--fix", "--every", "1h"),            "cannot be combined"),
    (("--prometheus", "/nowhere/at/all"),   "error[output-file]"),
    (("--junit", "/nowhere/at/all"),        "error[output-file]"),
    (("--vault-password-file", "/nowhere"), "error["),
]  # fmt: skip


@pytest.mark.parametrize(("words", "said"), MISTAKES, ids=[" ".join(each[0]) for each in MISTAKES])
def test_a_mistake_never_reads_as_drift(project: Project, words: tuple[str, ...], said: str) -> None:
    (project.out / "copied").unlink()
    answer = project("drift", *words)
    assert answer.code == 1 and said in answer.err and "Traceback" not in answer.err, answer


def test_hosts_that_cannot_be_asked(project: Project) -> None:
    """Unreachable, or in no inventory any more: unknown, and 4; what has drifted elsewhere is 2 all the same."""
    (project.folder / "hosts.ini").write_text(UNREACHABLE.format("web1"))
    answer = project("drift")
    assert answer.code == 4 and f"? web1: {len(RECORDED)} unknown (" in answer.out, answer
    assert set(project.verdicts().values()) == {"unknown"}
    (project.folder / "hosts.ini").write_text("web2 ansible_connection=local\n")
    answer = project("drift")
    assert answer.code == 4 and "in the inventory no more" in answer.out, answer
    assert project("drift", "--host", "web1").code == 4, "it is named by what is recorded"
    assert project("drift", "--host", "web2").code == 0, "it is there, and nothing is recorded of it"
    assert project("drift", "-i", "web1,", "-c", "local").code == 0, "another inventory"
    (project.folder / "hosts.ini").write_text("[web1\n")
    answer = project("drift")
    assert answer.code == 4 and "warning[inventory-syntax]" in answer.err, answer


def test_one_host_drifted_another_not_reached(tmp_path: Path) -> None:
    project = Project(tmp_path)
    (tmp_path / "hosts.ini").write_text("web1 ansible_connection=local\nweb2 ansible_connection=local\n")
    (tmp_path / "site.yml").write_text(
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - copy: {content: x, dest: '{{ playbook_dir }}/{{ inventory_hostname }}'}\n"
    )
    assert project("run", "site.yml", "-i", "hosts.ini").code == 0
    (tmp_path / "web1").write_text("y")
    (tmp_path / "hosts.ini").write_text("web1 ansible_connection=local\n" + UNREACHABLE.format("web2"))
    assert project("drift").code == 2
    assert project("drift", "--host", "web2").code == 4
    assert project("drift", "--fix", "--yes").code == 4, "what could be put back was, but not all could be looked at"
    assert (tmp_path / "web1").read_text() == "x"


def test_a_variable_of_the_connection_that_cannot_be_rendered(project: Project) -> None:
    (project.folder / "hosts.ini").write_text("web1 ansible_connection='{{ how }}'\n")
    answer = project("drift")
    assert answer.code == 4 and "how" in answer.out, answer
    assert project("drift", "-e", "how=local").code == 0


def test_what_a_later_task_did_in_a_copied_tree(tmp_path: Path) -> None:
    project = Project(tmp_path)
    (tmp_path / "from").mkdir()
    for name in ("a", "b"):
        (tmp_path / "from" / name).write_text(f"{name}\n")
    (tmp_path / "site.yml").write_text("""
- hosts: all
  gather_facts: false
  tasks:
    - copy: {src: "{{ playbook_dir }}/from/", dest: "{{ playbook_dir }}/out/", remote_src: true}
    - lineinfile: {path: "{{ playbook_dir }}/out/a", line: more}
    - copy: {content: "c\\n", dest: "{{ playbook_dir }}/out/c"}
    - file: {path: "{{ playbook_dir }}/out/b", mode: "0600"}
""")
    assert project("run", "site.yml", "-i", "hosts.ini").code == 0
    assert project.verdicts() == {}
    (project.out / "b").write_text("other\n")
    (project.out / "extra").write_text("came from somewhere\n")
    (project.out / "c").unlink()
    assert project.verdicts() == {"": "changed", "/c": "missing"}
    assert project("drift", "--fix", "--yes").code == 0
    assert project.verdicts() == {}
    assert {path.name: path.read_text() for path in project.out.iterdir()} == {"a": "a\nmore\n", "b": "b\n", "c": "c\n"}


def test_runs_that_were_killed_count(project: Project) -> None:
    """What they changed they recorded; it is no drift."""
    (project.folder / "second.yml").write_text("""
- hosts: all
  gather_facts: false
  tasks:
    - copy: {content: newer, dest: "{{ playbook_dir }}/out/copied"}
    - pause: {seconds: 100}
""")
    command = [sys.executable, "-m", "engine", "run", "second.yml", "-i", "hosts.ini"]
    running = subprocess.Popen(command, cwd=project.folder, env=environment(), stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    assert running.stdout is not None
    assert any("TASK [pause]" in line for line in running.stdout)
    running.send_signal(signal.SIGKILL)
    running.wait()
    running.stdout.close()
    assert (project.out / "copied").read_text() == "newer"
    assert project.verdicts() == {}


# ---- for other programs


def test_the_files_for_other_programs(project: Project) -> None:
    (project.out / "copied").unlink()
    append(project.out / "edited", "<four> \x07\n")
    answer = project("drift", "--prometheus", "drift.prom", "--junit", "drift.xml")
    assert answer.code == 2, answer
    gauges = dict(line.rsplit(" ", 1) for line in (project.folder / "drift.prom").read_text().splitlines() if line[0] != "#")
    counts = {"in_sync": "7", "changed": "1", "missing": "1", "unknown": "0"}
    for verdict, count in counts.items():
        assert gauges[f'engine_drift_resources{{host="web1",verdict="{verdict}"}}'] == count
    assert gauges['engine_drift_reached{host="web1"}'] == "1" and float(gauges["engine_drift_checked_timestamp_seconds"]) > 1e9
    assert (project.folder / "drift.prom").stat().st_mode & 0o777 == 0o644
    suites = ElementTree.parse(project.folder / "drift.xml").getroot()
    assert (suites.get("tests"), suites.get("failures"), suites.get("errors")) == ("9", "2", "0")
    [edited] = [each for each in suites.iter("testcase") if str(each.get("name")).endswith("/edited")]
    failure = edited.find("failure")
    assert failure is not None and "+<four> ?" in str(failure.text)
    assert not [path for path in project.folder.iterdir() if path.name.startswith(".drift")], "no drafts are left"


def test_a_service_looks_again_and_again_and_stops_when_told(project: Project) -> None:
    command = [sys.executable, "-m", "engine", "drift", "--every", "1s", "--prometheus", "drift.prom"]
    running = subprocess.Popen(command, cwd=project.folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert running.stdout is not None and running.stderr is not None
    first = running.stdout.readline()
    (project.out / "copied").unlink()
    while "1 missing" not in (line := running.stdout.readline()):
        assert "9 in sync" in line
    for path in (project.folder / ".engine").iterdir():
        path.write_bytes(b"no state")
    assert "this round failed" in running.stderr.readline()
    running.send_signal(signal.SIGINT)
    _, err = running.communicate()
    assert running.returncode == 0 and "Traceback" not in err
    assert first.endswith("Drift: 0 changed, 0 missing, 0 unknown, 9 in sync.\n") and line.endswith("/copied\n")


def test_the_library(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    import engine as library

    monkeypatch.chdir(project.folder)
    for name in [name for name in os.environ if name.startswith("ANSIBLE_")]:
        monkeypatch.delenv(name)
    (project.out / "copied").unlink()
    report = library.drift(".", hosts="web1")
    assert [str(each.address) for each in report.drifts if each.verdict.value == "missing"] == [f"web1/file/{project.out}/copied"]
    assert report.exit_code == 2
