"""The run of thirty tasks on five real hosts over SSH, killed at a hundred moments: the agents that it leaves behind are found again."""
from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from testbed import Machine

sys.path.insert(0, str(Path(__file__).parent.parent / "e2e"))

from killing import HOSTS, Site, Undisturbed, assert_ends_as_if_undisturbed, moments, undisturbed

pytestmark = pytest.mark.hosts

OPTIONS = "-F /dev/null -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
Made = Callable[[Path], Site]


@pytest.fixture(scope="module")
def remote(hosts: Callable[[int], list[Machine]]) -> Made:
    machines = dict(zip(HOSTS, hosts(len(HOSTS)), strict=True))

    def make(project: Path) -> Site:
        project.mkdir(parents=True)
        folders = {host: machine.root / "root" / "work" for host, machine in machines.items()}
        for folder in folders.values():
            shutil.rmtree(folder, ignore_errors=True)
        inventory = "".join(
            f"{host} ansible_host={machine.address} ansible_user=root ansible_ssh_private_key_file={machine.bed.key}"
            f" ansible_ssh_common_args='{OPTIONS}'\n"
            for host, machine in machines.items()
        )
        return Site(project, "/root/work", folders).made(inventory)

    return make


@pytest.fixture(scope="module")
def whole(remote: Made, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    return undisturbed(remote(tmp_path_factory.mktemp("undisturbed") / "project"))


@pytest.mark.parametrize("share", [pytest.param(share, marks=[] if at == 4 else [pytest.mark.nightly]) for at, share in enumerate(moments(100))])
def test_a_run_over_ssh_ends_as_if_it_had_not_been_killed(share, whole, remote, tmp_path):
    assert_ends_as_if_undisturbed(remote(tmp_path / "project"), share, whole)
