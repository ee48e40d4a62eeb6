"""A project over real hosts, run and taken back in this process; and everything of a host that a rollback has to bring back, as one text."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "e2e"))

from command import Answer, engine_here
from testbed import Machine

ROOTS = ("etc", "home", "root", "opt", "srv", "var/spool/cron", "usr/local", "var/mail")
"""What is compared; with the list of packages and the accounts, which are files of /etc."""
EXCEPTIONS = {
    "etc/passwd-": "the account tools keep what was before each change of theirs",
    "etc/shadow-": "as passwd-",
    "etc/group-": "as passwd-",
    "etc/gshadow-": "as passwd-",
    "etc/subuid-": "as passwd-",
    "etc/subgid-": "as passwd-",
    "etc/ld.so.cache": "ldconfig writes it anew whenever a package changes; it follows from the libraries that are there",
    "etc/.pwd.lock": "made when accounts are locked the first time; empty",
    "root/.ansible": "where an agent keeps what is to outlive it",
    "root/.ssh": "made by the bed's own key",
    "root/.cache": "programs' own",
}
"""What may differ after a rollback, and why."""
ANY_ORDER = ("etc/passwd", "etc/shadow", "etc/group", "etc/gshadow", "etc/subuid", "etc/subgid")
"""Tools append what was in the middle before: these are compared as sets of lines."""
CRONTABS, DATED = "var/spool/cron/crontabs/", (b"# DO NOT EDIT", b"# (- installed on", b"# (Cron version")
"""crontab(1) puts the date on top of what it installs."""
NOT_TIMES = {"etc/shadow": 2}
"""Column that says when a password was set last: a day, which differs around midnight."""


@dataclass(frozen=True, slots=True)
class SetUp:
    project: Path
    machines: Sequence[Machine]

    @property
    def machine(self) -> Machine:
        return self.machines[0]

    def run(self, playbook: str, *, code: int | None = 0) -> Answer:
        (self.project / "site.yml").write_text(playbook)
        done = engine_here("run", "site.yml", "-i", "hosts", cwd=self.project)
        assert code is None or done.code == code, f"{playbook}\n{done}"
        return done

    def back(self, *words: str, code: int | None = 0, yes: bool = True) -> Answer:
        done = engine_here("rollback", *words, *(["--yes"] if yes else []), cwd=self.project)
        assert code is None or done.code == code, done
        return done

    def runs(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(engine_here("state", "list", "--runs", "--json", cwd=self.project).out)
        return found


def set_up(folder: Path, machines: Sequence[Machine]) -> SetUp:
    """A project folder with an inventory of the machines."""
    (folder / "engine.toml").write_text("[ssh]\nhost_key_checking = false\n")
    (folder / "ansible.cfg").write_text("[defaults]\nhost_key_checking = False\n")
    key = machines[0].bed.key
    lines = [f"{each.name} ansible_host={each.address} ansible_user=root ansible_ssh_private_key_file={key}" for each in machines]
    (folder / "hosts").write_text("\n".join(lines) + "\n")
    return SetUp(folder, machines)


def fingerprint(machine: Machine) -> dict[str, str]:
    """Path → type, mode, owner and content; packages by name, with version and mark. Times of files are left out."""
    found = {name: text for root in ROOTS for name, text in below(machine.root, root)}
    found["packages"] = packages(machine.root)
    return found


def below(base: Path, root: str) -> Iterator[tuple[str, str]]:
    stack = [root]
    while stack:
        name = stack.pop()
        if name in EXCEPTIONS:
            continue
        path = base / name
        try:
            about = path.lstat()
        except FileNotFoundError:
            continue
        text = f"{about.st_mode:o} {about.st_uid}:{about.st_gid}"
        if stat.S_ISLNK(about.st_mode):
            text += f" -> {os.readlink(path)}"
        elif stat.S_ISDIR(about.st_mode):
            stack.extend(f"{name}/{each}" for each in os.listdir(path))
        elif stat.S_ISREG(about.st_mode):
            text += f" {content(name, path.read_bytes())}"
        yield name, text


def content(name: str, data: bytes) -> str:
    if name in ANY_ORDER:
        lines = data.decode().splitlines()
        column = NOT_TIMES.get(name)
        if column is not None:
            lines = [":".join("" if number == column else part for number, part in enumerate(line.split(":"))) for line in lines]
        return "\n".join(sorted(lines))
    if name.startswith(CRONTABS):
        data = b"".join(line for line in data.splitlines(True) if not line.startswith(DATED))
    return hashlib.sha256(data).hexdigest()[:16]


def packages(base: Path) -> str:
    """name=version of what is installed, and which came by themselves."""
    lines = []
    for stanza in (base / "var/lib/dpkg/status").read_text().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in stanza.splitlines() if ": " in line and not line.startswith(" "))
        if fields and fields["Status"].split()[-1] != "not-installed":
            lines.append(f"{fields['Package']}={fields.get('Version', '')} {fields['Status']}")
    marks = base / "var/lib/apt/extended_states"
    states = marks.read_text().split("\n\n") if marks.exists() else []
    automatic = [stanza.splitlines()[0].partition(": ")[2] for stanza in states if "Auto-Installed: 1" in stanza]
    return "\n".join([*sorted(lines), "automatic: " + " ".join(sorted(automatic))])


def differing(before: dict[str, str], after: dict[str, str]) -> dict[str, tuple[str | None, str | None]]:
    """Where both are not the same; of texts of many lines only the lines that one of them has."""
    found: dict[str, tuple[str | None, str | None]] = {}
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if old is not None and new is not None and "\n" in old:
            mine, its = old.splitlines(), new.splitlines()
            old, new = "\n".join(line for line in mine if line not in its), "\n".join(line for line in its if line not in mine)
        found[name] = (old, new)
    return found
