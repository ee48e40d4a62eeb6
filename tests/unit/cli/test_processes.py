"""The command as a process: exit codes, readers that go away, full disks, Ctrl-C. Local hosts only."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PLAYBOOKS = {
    "ok.yml": "- {hosts: all, gather_facts: false, tasks: [{debug: {msg: hello}}]}\n",
    "fails.yml": "- {hosts: all, gather_facts: false, tasks: [{fail: {msg: no}, when: inventory_hostname == 'one'}]}\n",
    "lost.yml": "- {hosts: all, gather_facts: false, tasks: [{ping: }]}\n",
    "mistake.yml": "- {hosts: all, gather_facts: false, tasks: [{debug: {msg: '{{ nobody }}'}}]}\n",
    "kept.yml": """
- hosts: all
  gather_facts: false
  tasks:
    - {debug: {msg: "{{ 'x' * 100000 }}"}}
    - {copy: {content: done, dest: "{{ playbook_dir }}/done"}}
""",
    "slow.yml": """
- hosts: all
  gather_facts: false
  tasks:
    - {name: first, copy: {content: done, dest: "{{ playbook_dir }}/done"}}
    - {name: wait, command: sleep 60}
    - {name: never, copy: {content: never, dest: "{{ playbook_dir }}/never"}}
""",
    "hosts": "one ansible_connection=local\ntwo ansible_connection=local\n",
    "far": "one ansible_connection=local\nfar ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=1\n",
    "only": "one ansible_connection=local\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in PLAYBOOKS.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def started(folder: Path, *words: str, **given: object) -> subprocess.Popen[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHONUNBUFFERED"))}
    command = [sys.executable, "-m", "engine", *words]
    made: dict[str, object] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **given}
    return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
        command, cwd=folder, env={**environ, "PYTHONPATH": str(ROOT), "HOME": str(folder)}, text=True, **made
    )


def ran(folder: Path, *words: str) -> tuple[int, str, str]:
    process = started(folder, *words)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


CODES = [
    # what                                   the command line                                code
    ("all went well",                        "run ok.yml -i hosts",                          0),
    ("a host failed",                        "run fails.yml -i hosts",                       2),
    ("a host was unreachable",               "run lost.yml -i far",                          4),
    ("unreachable wins over failed",         "run fails.yml lost.yml -i far",                4),
    ("a mistake that only a run can find",   "run mistake.yml -i only",                      2),
    ("a mistake before the run",             "run nobody.yml -i only",                       1),
    ("a mistake on the command line",        "run --nonsense",                               1),
    ("the version",                          "--version",                                    0),
    ("no hosts matched",                     "run ok.yml -i only --limit nobody",            1),
]  # fmt: skip


@pytest.mark.parametrize(("what", "words", "code"), CODES, ids=[each[0] for each in CODES])
def test_exit_codes(project: Path, what: str, words: str, code: int) -> None:
    found, _, err = ran(project, *words.split())
    assert found == code, err
    assert "Traceback" not in err


def test_the_version_is_told_without_loading_anything() -> None:
    program = "import sys; sys.argv = ['engine', '--version']\nfrom engine.cli.app import main\ntry: main()\nexcept SystemExit: pass\n"
    program += "print([name for name in ('asyncssh', 'jinja2', 'networkx', 'cryptography', 'click', 'asyncio', 'yaml') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True)
    version, loaded = done.stdout.splitlines()
    assert version.startswith("engine 0.") and loaded == "[]"


@pytest.mark.parametrize("output", ["default", "json"])
def test_a_reader_that_goes_away_does_not_stop_the_run(project: Path, output: str) -> None:
    """As with ansible-playbook: hosts are not left half-way because somebody typed `| head`."""
    process = started(project, "run", "kept.yml", "-i", "only", "--output", output)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert (process.wait(60), err) == (0, "")
    assert (project / "done").read_text() == "done"


@pytest.mark.parametrize("words", ["graph ok.yml", "run ok.yml -i only --list-tasks", "--help"])
def test_a_reader_that_goes_away_at_once(project: Path, words: str) -> None:
    read, write = os.pipe()
    os.close(read)
    process = started(project, *words.split(), stdout=write)
    os.close(write)
    _, err = process.communicate(timeout=60)
    assert "Traceback" not in err and "BrokenPipe" not in err


def test_output_that_finds_no_room_is_told_and_the_run_goes_on(project: Path) -> None:
    with open("/dev/full", "w") as full:
        process = started(project, "run", "kept.yml", "-i", "only", stdout=full)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0 and err.count("error[output-lost]") == 1 and "Traceback" not in err
    assert (project / "done").is_file()
    with open("/dev/full", "w") as full:
        process = started(project, "graph", "ok.yml", stdout=full)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1 and "error[output-lost]" in err


def test_a_pipe_is_told_what_happens_as_it_happens(project: Path) -> None:
    process = started(project, "run", "slow.yml", "-i", "only")
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("TASK [wait]"):
            break
    else:
        pytest.fail("the task's banner was not told while it ran")
    process.kill()
    process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_the_run_and_completes_its_record(project: Path, number: int) -> None:
    process = started(project, "run", "slow.yml", "-i", "only", "--output", "json")
    assert process.stdout is not None
    events = []
    for line in process.stdout:
        events.append(json.loads(line))
        if events[-1]["event"] == "TaskStarted" and events[-1]["name"] == "wait":
            break
    began = time.monotonic()
    process.send_signal(number)
    rest, err = process.communicate(timeout=30)
    events += [json.loads(line) for line in rest.splitlines()]
    assert process.returncode == 99 and time.monotonic() - began < 10
    assert "Traceback" not in err and "interrupted" in err
    assert (events[-1]["event"], events[-1]["interrupted"], events[-1]["exit_code"]) == ("RunFinished", True, 99)
    assert (project / "done").is_file() and not (project / "never").exists()
    _, runs, _ = ran(project, "state", "list", "--runs", "--json")
    assert [(run["exit_code"], run["changed"]) for run in json.loads(runs)] == [(99, 1)]


def test_a_killed_run_can_be_taken_back(project: Path) -> None:
    process = started(project, "run", "slow.yml", "-i", "only")
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("TASK [wait]"):
            break
    process.kill()
    process.communicate()
    assert (project / "done").is_file()
    code, out, err = ran(project, "rollback", "--yes")
    assert code == 0, err
    assert not (project / "done").exists() and "1 to restore" in out
    assert "This run has not finished" in out, "it may also be at work still"


def test_names_that_the_terminal_cannot_show_are_shown_as_far_as_it_can(project: Path) -> None:
    (project / "names.yml").write_text("- {name: 'ü ☃', hosts: all, gather_facts: false, tasks: [{debug: {msg: '☃'}}]}\n")
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii", "HOME": str(project)}
    command = [sys.executable, "-m", "engine", "run", "names.yml", "-i", "only"]
    done = subprocess.run(command, cwd=project, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0 and "PLAY [? ?]" in done.stdout and "Traceback" not in done.stderr
