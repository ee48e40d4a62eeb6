"""Faults of hosts, logins and targets: told clearly, the other host goes on, the record is complete.

`bad` has the fault, `good` has none. What is printed is kept in tests/snapshots/bad_input.
"""
from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from command import Answer, engine, environment
from making import check_snapshot
from realsite import over_ssh
from test_bad_input import clear, last_run, plain
from testbed import Machine

pytestmark = pytest.mark.hosts

PING = "- hosts: all\n  gather_facts: false\n  tasks:\n    - name: First\n      ping:\n    - name: Second\n      ping:\n"


@dataclass(frozen=True, slots=True)
class Pair:
    """A project with two real hosts; variables of `bad` can be added to."""

    folder: Path
    bad: Machine
    good: Machine

    def write(self, playbook: str, **variables: str) -> None:
        key = f"ansible_user=root ansible_ssh_private_key_file={self.bad.bed.key} ansible_python_interpreter=/usr/bin/python3"
        usual = {"ansible_host": self.bad.address, **variables}
        own = " ".join(f"{name}='{value}'" for name, value in usual.items())
        lines = [f"good ansible_host={self.good.address} {key}", f"bad {key} {own}", "", "[all:vars]"]
        lines += ["ansible_ssh_common_args=-F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null", ""]
        (self.folder / "hosts.ini").write_text("\n".join(lines))
        (self.folder / "site.yml").write_text(playbook)

    def run(self, *more: str) -> Answer:
        return engine("run", "site.yml", "-i", "hosts.ini", *more, cwd=self.folder, env=self.env)

    @property
    def env(self) -> dict[str, str]:
        return {"HOME": str(self.folder), "SSH_AUTH_SOCK": ""}

    def told(self, name: str, code: str, answer: Answer, *, unreachable: bool = False, exit_code: int | None = None) -> None:
        """The fault was told by `code`, `good` reached its end, and the run is recorded to its end."""
        clear(answer, code)
        bad, good = answer.recap["bad"], answer.recap["good"]
        assert bad["unreachable" if unreachable else "failed"] == 1, answer
        assert good["failed"] == good["unreachable"] == 0 and good["ok"] == 2, answer
        wanted = (4 if unreachable else 2) if exit_code is None else exit_code
        assert answer.code == wanted, answer
        run = last_run(self.folder)
        assert run["finished"] is not None and run["exit_code"] == wanted
        check_snapshot(f"bad_input/{name}.txt", plain(answer, self.folder, self.bad, self.good))


@pytest.fixture
def pair(hosts, tmp_path) -> Iterator[Pair]:
    bad, good = hosts(2)
    folder = tmp_path / "project"
    folder.mkdir()
    yield Pair(folder, bad, good)


@pytest.fixture
def spoiled(pair) -> Iterator[Pair]:
    """For tests that damage `bad`: it is as new before and after."""
    pair.bad.reset()
    yield pair
    pair.bad.reset()


def test_nobody_answers(pair):
    """An address where no machine is."""
    nowhere = pair.bad.address.rpartition(".")[0] + ".254"
    pair.write(PING, ansible_host=nowhere, ansible_timeout="2")
    answer = pair.run()
    answer = Answer(answer.code, *(text.replace(nowhere, "NOWHERE") for text in (answer.out, answer.err)))
    pair.told("unreachable", "unreachable", answer, unreachable=True)


def test_login_refused(pair):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", pair.folder / "stranger"], check=True)
    pair.write(PING, ansible_ssh_private_key_file=str(pair.folder / "stranger"))
    pair.told("login-refused", "login-refused", pair.run(), unreachable=True)


def test_host_key_unknown(pair):
    """Nobody has vouched for the host's key, and nothing was said about not minding."""
    pair.write(PING, ansible_ssh_common_args="-F none", ansible_host_key_checking="true")
    pair.told("host-key-unknown", "host-key-unknown", pair.run(), unreachable=True)


def test_wrong_sudo_password(spoiled):
    over_ssh(spoiled.bad, "useradd -m clerk; mkdir -p ~clerk/.ssh; cp ~/.ssh/authorized_keys ~clerk/.ssh/; chown -R clerk ~clerk/.ssh")
    over_ssh(spoiled.bad, "echo clerk:right | chpasswd; echo 'clerk ALL=(ALL) ALL' > /etc/sudoers.d/clerk")
    becoming = PING.replace("gather_facts", "become: true\n  gather_facts")
    spoiled.write(becoming, ansible_user="clerk", ansible_become_password="wrong-pass-81")
    answer = spoiled.run()
    assert "wrong-pass-81" not in answer.out + answer.err
    spoiled.told("sudo-password-wrong", "become-wrong-password", answer)


def test_no_python(spoiled):
    over_ssh(spoiled.bad, "mkdir /root/away; mv /usr/bin/python3* /root/away/")
    spoiled.write(PING, ansible_python_interpreter="auto")
    spoiled.told("no-python", "no-python", spoiled.run())


def test_named_python_is_missing(pair):
    pair.write(PING, ansible_python_interpreter="/opt/python9/bin/python9")
    pair.told("no-such-python", "no-python", pair.run())


FULL = """
- hosts: all
  gather_facts: false
  tasks:
    - name: A large file
      copy: {src: large, dest: /mnt/large}
    - name: Second
      ping:
"""


def test_disk_full(spoiled):
    """The old file stays as it was, and nothing half-written is left beside it."""
    over_ssh(spoiled.bad, "mount -t tmpfs -o size=64k tmpfs /mnt; echo old > /mnt/large")
    (spoiled.folder / "large").write_bytes(os.urandom(200_000))
    spoiled.write(FULL)
    spoiled.told("disk-full", "task-failed", spoiled.run())
    assert over_ssh(spoiled.bad, "ls -A /mnt; cat /mnt/large") == "large\nold\n"
    spoiled.good.run("rm /mnt/large")


SLEEP = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Write
      copy: {content: "x\\n", dest: "/tmp/wrote-{{ seconds }}"}
    - name: Wait
      command: sleep {{ seconds }}
    - name: Never there
      ping:
      when: seconds != '0'
"""


def started(pair: Pair, *hosts: Machine) -> subprocess.Popen[str]:
    """The engine, at work on a task that sleeps on these hosts."""
    process = subprocess.Popen(
        [sys.executable, "-m", "engine", "run", "site.yml", "-i", "hosts.ini"],
        cwd=pair.folder, env=environment(**pair.env), text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 60
    for host in hosts:
        while not over_ssh(host, "pgrep -x sleep || true").strip():
            assert time.monotonic() < deadline and process.poll() is None, process.communicate()
            time.sleep(0.05)
    return process


def test_agent_killed_in_the_middle_of_a_task(pair):
    pair.write(SLEEP.replace("Never there", "Second").replace("      when: seconds != '0'\n", ""), seconds="600")
    (pair.folder / "hosts.ini").write_text((pair.folder / "hosts.ini").read_text() + "seconds=0\n")
    process = started(pair, pair.bad)
    over_ssh(pair.bad, "pkill -9 -f IBS[c]; pkill -x sleep; true")
    out, err = process.communicate(timeout=60)
    answer = Answer(process.returncode, out, err)
    clear(answer, "agent-lost")
    assert answer.recap["bad"]["failed"] == 1 and answer.recap["good"]["ok"] == 3, answer
    assert answer.code == 2, answer
    run = last_run(pair.folder)
    assert run["finished"] is not None and run["changed"] >= 2
    check_snapshot("bad_input/agent-killed.txt", plain(answer, pair.folder, pair.bad, pair.good))


def test_interrupted(pair):
    """Ctrl-C: the recap is printed, the record is complete, nothing goes on on the hosts, and what was done can be taken back."""
    pair.write(SLEEP, seconds="601")
    (pair.folder / "hosts.ini").write_text((pair.folder / "hosts.ini").read_text() + "seconds=601\n")
    process = started(pair, pair.bad, pair.good)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    answer = Answer(process.returncode, out, err)
    assert answer.code == 99, answer
    assert "Traceback" not in out + err, answer
    assert {host: counts["changed"] for host, counts in answer.recap.items()} == {"bad": 1, "good": 1}, answer
    run = last_run(pair.folder)
    assert run["finished"] is not None and run["exit_code"] == 99 and run["changed"] == 2
    for host in (pair.bad, pair.good):
        deadline = time.monotonic() + 10
        while over_ssh(host, "pgrep -x sleep || true").strip():
            assert time.monotonic() < deadline, "the command still runs"
            time.sleep(0.1)
    back = engine("rollback", "--yes", cwd=pair.folder, env=pair.env)
    assert back.code == 0, back
    assert not any((host.root / "tmp/wrote-601").exists() for host in (pair.bad, pair.good))
    check_snapshot("bad_input/interrupted.txt", plain(answer, pair.folder, pair.bad, pair.good))
