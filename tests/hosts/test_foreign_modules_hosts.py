"""Unmodified modules of every kind on a real host, over SSH: what they register, by our programs and by ansible-core's."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from foreign_project import registered, written

sys.path.insert(0, str(Path(__file__).parent.parent / "e2e"))
sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))

from command import engine
from real import real_playbook

pytestmark = [pytest.mark.hosts, pytest.mark.oracle]
PROGRAM = real_playbook()


@pytest.mark.skipif(PROGRAM is None, reason="no ansible-playbook: `make oracle` installs one")
@pytest.mark.parametrize("pipelining", ["True", "False"])
def test_registered_results_are_the_real_ones(hosts, tmp_path, pipelining):
    assert PROGRAM is not None
    machine = hosts(1)[0]
    written(tmp_path, machine)
    environ = {**os.environ, "HOME": str(tmp_path), "SSH_AUTH_SOCK": "", "ANSIBLE_PIPELINING": pipelining, "ANSIBLE_NOCOLOR": "1"}
    command = [str(PROGRAM), "-i", "hosts.ini", "-e", "who=real", "site.yml"]
    with tempfile.TemporaryDirectory() as short:  # the path of a socket has 108 bytes at most
        environ["ANSIBLE_SSH_CONTROL_PATH_DIR"] = short
        done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    core = {"ENGINE_PATHS_ANSIBLE_CORE": str(PROGRAM.parent.parent)}
    env = {"HOME": str(tmp_path), "SSH_AUTH_SOCK": "", **core}
    answer = engine("run", "site.yml", "-i", "hosts.ini", "-e", "who=ours", cwd=tmp_path, env=env)
    assert answer.code == 0, answer
    ours, real = registered(tmp_path, "ours"), registered(tmp_path, "real")
    different = {what: (ours[what], real[what]) for what in real if ours[what] != real[what]}
    assert not different
    assert "hidden-word" not in answer.out + answer.err
    left = machine.run("ls -A /home/deploy/.ansible/tmp /root/.ansible/tmp 2>/dev/null | grep '^ansible' || true")
    assert not left.strip(), left
