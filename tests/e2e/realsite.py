"""The realistic site of tests/e2e/site on the hosts of a test bed: a copy with an inventory of its own, and the trees that it manages."""
from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from command import Answer, engine, tree
from testbed import Machine

SOURCE = Path(__file__).with_name("site")
PASSWORD = "site-password\n"
"""Opens inventory/group_vars/all/vault.yml."""
MANAGED = ("etc", "home", "root", "srv", "usr/local", "var/www", "var/spool/cron", "var/lib/courier", "opt/site")
"""Folders of a host in which everything is compared."""
VOLATILE = (
    "*/etc/resolv.conf", "*/etc/machine-id", "*/etc/hostname",  # the bed's own
    "*/etc/*.lock", "*/etc/.pwd.lock",  # left by every tool that edits accounts
    "*/etc/passwd-", "*/etc/shadow-", "*/etc/group-", "*/etc/gshadow-", "*/etc/subuid-", "*/etc/subgid-",  # their own copies from before
    "*/root/.ansible*", "*/home/*/.ansible*", "*/root/.cache*", "*/home/deploy/.sudo_as_admin_successful",  # of whoever logs in
    "*/etc/ld.so.cache",
)
"""What changes without anybody's wish; for each a reason beside it."""


@dataclass(frozen=True, slots=True)
class Site:
    """A copy of the site, with hosts."""

    folder: Path
    machines: Mapping[str, Machine]

    @property
    def common(self) -> tuple[str | Path, ...]:
        """What every run of it needs."""
        return "-i", self.folder / "inventory", "--vault-password-file", self.folder / "password"

    def run(self, playbook: str, *more: str) -> Answer:
        return engine("run", playbook, *self.common, *more, cwd=self.folder)

    def rollback(self, *more: str) -> Answer:
        return engine("rollback", "--yes", "--vault-password-file", self.folder / "password", *more, cwd=self.folder)

    def trees(self) -> dict[str, dict[str, str]]:
        """By host: everything in MANAGED, seen past SSH. Paths are the host's own."""
        return {name: tree_of(machine) for name, machine in self.machines.items()}

    def path(self, host: str, path: str) -> Path:
        """A file of a host as seen from here."""
        return self.machines[host].root / path.lstrip("/")


def tree_of(machine: Machine) -> dict[str, str]:
    root = str(machine.root)
    found = tree(*(machine.root / folder for folder in MANAGED), but=VOLATILE)
    return {path[len(root) :]: text for path, text in found.items()}


def over_ssh(machine: Machine, command: str) -> str:
    """What a command prints to whoever logs in as root with OpenSSH: the way in is still open."""
    options = ("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "BatchMode=yes")
    login = ["ssh", "-F", "none", "-i", str(machine.bed.key), *options, f"root@{machine.address}", command]
    return subprocess.run(login, check=True, text=True, capture_output=True, timeout=30).stdout


def site_on(folder: Path, machines: Mapping[str, Machine]) -> Site:
    """A copy of the site in `folder`, for machines by the names web1, web2, proxy1 and main."""
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns(".engine"))
    (folder / "password").write_text(PASSWORD)
    bed = next(iter(machines.values())).bed
    lines = ["[site]", *(f"{name} ansible_host={machine.address}" for name, machine in machines.items())]
    lines += ["", "[site:vars]", "ansible_user=deploy", f"ansible_ssh_private_key_file={bed.key}"]
    lines += ["ansible_python_interpreter=/usr/bin/python3"]
    lines += ["ansible_ssh_common_args=-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR", ""]
    (folder / "inventory" / "hosts.ini").write_text("\n".join(lines))
    return Site(folder, machines)
