"""Back means back: whatever a playbook did to a host, `engine rollback` leaves the host as it was, but for a written list."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from backing import SetUp, differing, fingerprint, set_up
from hypothesis import HealthCheck, Phase, given, settings
from playbooks_at_random import PREPARATION, playbooks

pytestmark = pytest.mark.hosts
MANY = int(os.environ.get("ROLLBACK_PLAYBOOKS", "300"))


@pytest.fixture(scope="module")
def prepared(hosts, tmp_path_factory: pytest.TempPathFactory) -> SetUp:
    folder: Path = tmp_path_factory.mktemp("back")
    machine = hosts(1)[0]
    found = set_up(folder, [machine])
    (folder / "text.j2").write_text("{{ inventory_hostname }}\nport {{ 1 + 1 }}")
    anew(found)
    return found


def anew(site: SetUp) -> None:
    """The host as new, and prepared."""
    site.machine.reset()
    site.machine.run(PREPARATION)


def check(site: SetUp, playbook: str) -> None:
    shutil.rmtree(site.project / ".engine", ignore_errors=True)
    before = fingerprint(site.machine)
    done = site.run(playbook, code=None)
    assert done.code in (0, 2), done
    back = site.back(code=None)
    left = differing(before, fingerprint(site.machine))
    if left or not (back.code == 0 or "nothing-to-roll-back" in back.err):
        anew(site)
    assert not left, f"{left}\n{playbook}\n{done}\n{back}"
    assert back.code == 0 or "nothing-to-roll-back" in back.err, f"{playbook}\n{done}\n{back}"


BOUNDLESS = {"phases": (Phase.generate,), "deadline": None, "suppress_health_check": list(HealthCheck), "database": None, "print_blob": False}


FOUND = {
    "a second name of a file that is changed by its first": """
- {file: {path: /srv/new.conf, state: hard, src: /srv/plain.conf}}
- {file: {path: /srv/tree, state: directory, group: staff, recurse: true}}
""",
    "an account that comes and goes leaves no home": """
- {user: {name: other, uid: 5151, home: /srv/homes/there}}
- {user: {name: other, state: absent}}
""",
    "and none that it has been moved to": """
- {user: {name: other, home: /srv/homes/there}}
- {user: {name: other, home: /srv/moved, move_home: true}}
- {user: {name: other, state: absent}}
""",
    "a home with something in it goes with it": """
- {user: {name: other, home: /srv/homes/there}}
- {copy: {dest: /srv/homes/there/file, content: text}}
- {user: {name: other, state: absent}}
""",
    "an account with a password that comes and goes around its group": """
- {user: {name: other, home: /srv/homes/there, password: "$5$salt$0123456789012345678901234567890123456789012"}}
- {group: {name: crew}}
- {user: {name: other, state: absent}}
""",
    "an account whose home cannot be moved, and is made later": """
- {user: {name: bob, home: /srv/homes/there, groups: [], comment: "", move_home: true}, ignore_errors: true}
- {user: {name: bob, home: /srv/homes/there, move_home: true, shell: /bin/bash}}
""",
    "an account whose home cannot be moved, and changes later": """
- {user: {name: bob, home: /srv/homes/there, groups: [], comment: "", move_home: true}, ignore_errors: true}
- {user: {name: bob, home: /srv/homes/there, move_home: true, shell: /bin/bash}}
- {file: {state: link, src: plain.conf, path: /srv/new.conf}}
- {user: {name: bob, shell: /bin/sh, uid: 5151}}
""",
}
"""What random playbooks found, made small."""


@pytest.mark.parametrize("tasks", FOUND.values(), ids=FOUND.keys())
def test_what_was_found(prepared: SetUp, tasks: str) -> None:
    check(prepared, "- hosts: all\n  gather_facts: false\n  tasks:" + tasks.replace("\n", "\n    "))


@settings(max_examples=40, derandomize=True, **BOUNDLESS)
@given(playbooks())
def test_forty_playbooks(prepared: SetUp, playbook: str) -> None:
    check(prepared, playbook)


@pytest.mark.nightly
@settings(max_examples=MANY, **BOUNDLESS)
@given(playbooks())
def test_three_hundred_playbooks(prepared: SetUp, playbook: str) -> None:
    check(prepared, playbook)
