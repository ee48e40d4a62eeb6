"""Playbooks at random over a few files, folders, accounts, crontabs, services and packages, so that their tasks meet on the same things."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

FILES = ("/srv/plain.conf", "/srv/no-newline.conf", "/srv/new.conf", "/srv/tree/deep/file", "/srv/tree/tool", "/srv/link", "/etc/motd", "/home/deploy/notes")
FOLDERS = ("/srv/tree", "/srv/tree/deep", "/srv/made", "/srv/made/below", "/home/deploy/box")
ANYWHERE = (*FILES, *FOLDERS)
LINES = ("port 1", "port 2", "# comment", "", "umlaut ü", "key = value")
MODES = ("0600", "0644", "0755", "4755", "u+x,g-r", "a+rX")
OWNERS = ("root", "deploy", "bob", "fresh")
GROUPS = ("band", "users", "staff", "crew")
USERS = ("bob", "fresh", "other")
HASHES = ("$5$salt$0123456789012345678901234567890123456789012", "$6$salt$" + "a" * 86, "*", "!")
PACKAGES = ("cowsay", "jq", "tree", "figlet", "lesser")

PREPARATION = """
set -e
mkdir -p /srv/tree/deep/er; printf 'port 1\\nport 2\\n' > /srv/plain.conf; printf 'port 1\\nlast without end' > /srv/no-newline.conf
printf 'deep\\n' > /srv/tree/deep/file; printf '#!/bin/sh\\n' > /srv/tree/tool; chmod 4755 /srv/tree/tool; chmod 2770 /srv/tree/deep
ln -s plain.conf /srv/link; ln -s ../plain.conf /srv/tree/link; ln -s nowhere /srv/tree/broken; ln /srv/plain.conf /srv/tree/hard; mkfifo /srv/tree/pipe
groupadd -g 5100 band; useradd -m -u 5101 -G band,audio -c 'Bob B' bob; chage -M 90 bob
chown -R bob:band /srv/tree/deep; printf '# kept\\n5 4 * * * true\\n' | crontab -u deploy -; chgrp crontab /var/spool/cron/crontabs/deploy; echo note > /home/deploy/notes; chown deploy: /home/deploy/notes
mkdir -p /etc/cron.d; printf '0 0 * * * root true\\n' > /etc/cron.d/there
apt-get install -y -q figlet >/dev/null
"""
"""What a host has before the first playbook."""


def given(**parts: Any) -> st.SearchStrategy[dict[str, Any]]:
    """A mapping of these values; strategies among them draw one, or leave the key out where it is None."""
    made = {name: each if isinstance(each, st.SearchStrategy) else st.just(each) for name, each in parts.items()}
    return st.fixed_dictionaries(made).map(lambda found: {name: value for name, value in found.items() if value is not None})


def some(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


def maybe(*values: Any) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), st.sampled_from(values))


def task(module: str, **parts: Any) -> st.SearchStrategy[dict[str, Any]]:
    return given(**parts).map(lambda args: {module: args})


OWNING = {"mode": maybe(*MODES), "owner": maybe(*OWNERS), "group": maybe(*GROUPS)}
TEXT = st.lists(some(*LINES), max_size=4).map("\n".join)

FILE_TASKS = [
    task("copy", dest=some(*FILES), content=TEXT, force=maybe(True, False), **OWNING),
    task("template", dest=some(*FILES, "/srv/made/from-template"), src="text.j2", **OWNING),
    task("lineinfile", path=some(*FILES), line=some(*LINES), regexp=maybe("^port", "end$"), create=maybe(True), insertbefore=maybe("BOF"), mode=maybe(*MODES)),
    task("lineinfile", path=some(*FILES), regexp=some("^port", "comment"), state="absent"),
    task("blockinfile", path=some(*FILES), block=TEXT, create=maybe(True), state=maybe("present", "absent"), marker=maybe("# {mark} mine")),
    task("replace", path=some(*FILES), regexp=some("port (\\d)", "^l", "\\n"), replace=some("p\\1", "", "x\n")),
    task("file", path=some(*FOLDERS), state="directory", recurse=maybe(True), **OWNING),
    task("file", path=some(*ANYWHERE), state="absent"),
    task("file", path=some(*FILES), state=some("file", "touch"), **OWNING),
    task("file", path=some("/srv/link", "/srv/tree/link", "/srv/new.conf"), src=some("plain.conf", "/srv/tree/deep/file", "gone"), state="link", force=maybe(True)),
    task("file", path=some("/srv/new.conf", "/srv/tree/hard"), src=some("/srv/plain.conf", "/srv/no-newline.conf"), state="hard", force=maybe(True)),
]
ACCOUNT_TASKS = [
    task(
        "user", name="bob", groups=maybe(["crew"], []), append=maybe(True), comment=maybe("C D", ""), shell=maybe("/bin/bash", "/bin/sh"),
        password=maybe("*", "!"), uid=maybe(5150, 5151), group=maybe("users", "crew"), home=maybe("/srv/homes/there"), move_home=maybe(True),
        expires=maybe(1422403387), password_expire_max=maybe(30),
    ),
    task(
        "user", name=some("fresh", "other"), groups=st.one_of(st.none(), st.lists(some("band", "audio", "crew"), unique=True, max_size=2)),
        append=maybe(True), comment=maybe("C D", ""), shell=maybe("/bin/bash", "/bin/sh"), password=maybe(*HASHES), password_lock=maybe(True, False),
        uid=maybe(5150, 5151), group=maybe("users", "band"), home=maybe("/srv/homes/there"), move_home=maybe(True), create_home=maybe(False),
        system=maybe(True), expires=maybe(1422403387), password_expire_max=maybe(30),
    ),
    task("user", name=some(*USERS), state="absent", remove=maybe(True)),
    task("group", name=some("band", "crew"), gid=maybe(5200, 5201), system=maybe(True)),
    task("group", name=some("band", "crew"), state="absent"),
]
OTHER_TASKS = [
    task("cron", name=some("one", "two"), job=some("true", "echo hi"), user=maybe("deploy", "bob"), minute=maybe("5", "*/2"), disabled=maybe(True)),
    task("cron", name=some("one", "two"), job="true", user="root", cron_file=some("there", "made"), special_time=maybe("daily")),
    task("cron", name=some("one", "two"), state="absent", user=maybe("deploy"), cron_file=maybe("there", "made")),
    task("cron", name=some("PATH", "MAILTO"), env=True, job=some("/bin", "root"), user=maybe("deploy")),
    task("service", name="cron", enabled=maybe(True, False), state=maybe("started", "stopped")).filter(lambda made: len(made["service"]) > 1),
]
PACKAGE_TASKS = [
    task("apt", name=st.lists(some(*PACKAGES), unique=True, min_size=1, max_size=2), state=maybe("present", "absent"), install_recommends=False,
         purge=maybe(True), autoremove=maybe(True)),
]  # fmt: skip


@st.composite
def playbooks(draw: st.DrawFn) -> str:
    """The text of one: up to ten tasks, which may fail; packages in one of eight."""
    kinds = [*FILE_TASKS, *FILE_TASKS, *ACCOUNT_TASKS, *ACCOUNT_TASKS, *OTHER_TASKS]
    tasks: list[Mapping[str, Any]] = draw(st.lists(st.one_of(kinds), min_size=1, max_size=10))
    if draw(st.integers(0, 7)) == 0:
        tasks.insert(draw(st.integers(0, len(tasks))), draw(st.one_of(PACKAGE_TASKS)))
    lines = [f"    - {json.dumps({**each, 'ignore_errors': True}, ensure_ascii=False)}" for each in tasks]
    return "\n".join(["- hosts: all", "  gather_facts: false", "  tasks:", *lines]) + "\n"
