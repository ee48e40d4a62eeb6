"""A plan is true: check mode changes nothing, and says of each task what the run that follows says; or that it cannot know."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from backing import SetUp, differing, fingerprint, set_up
from command import engine_here
from hypothesis import given, settings
from playbooks_at_random import PREPARATION, playbooks
from test_rollback_property_hosts import BOUNDLESS

pytestmark = pytest.mark.hosts
MANY = int(os.environ.get("PLAN_PLAYBOOKS", "300"))
TOLD = re.compile(r"^(ok|changed|skipping|unknown|fatal|failed): \[")
COUNTED = {"tasks": 0, "unknown": 0}
"""Over all playbooks; printed by `pytest -s`."""


@pytest.fixture(scope="module")
def prepared(hosts, tmp_path_factory: pytest.TempPathFactory) -> SetUp:
    folder: Path = tmp_path_factory.mktemp("plan")
    found = set_up(folder, [hosts(1)[0]])
    (folder / "text.j2").write_text("{{ inventory_hostname }}\nport {{ 1 + 1 }}")
    anew(found)
    return found


def anew(site: SetUp) -> None:
    site.machine.reset()
    site.machine.run(PREPARATION)


def verdicts(out: str) -> list[str]:
    """The word of each line that tells one, in order: items and tasks."""
    return [found[1] for line in out.splitlines() if (found := TOLD.match(line))]


def check(site: SetUp, playbook: str) -> None:
    (site.project / "site.yml").write_text(playbook)
    before = fingerprint(site.machine)
    foretold = engine_here("run", "site.yml", "-i", "hosts", "--check", cwd=site.project)
    moved = differing(before, fingerprint(site.machine))
    done = engine_here("run", "site.yml", "-i", "hosts", cwd=site.project)
    anew(site)
    assert not moved, f"check mode changed something: {moved}\n{playbook}\n{foretold}"
    said, came = verdicts(foretold.out), verdicts(done.out)
    COUNTED["tasks"] += len(said)
    COUNTED["unknown"] += said.count("unknown")
    about = f"{said}\n{came}\n{playbook}\n{foretold}\n{done}"
    wrong = [at for at, (one, other) in enumerate(zip(said, came, strict=False)) if one not in ("unknown", other)]
    assert not wrong and (len(said) == len(came) or "unknown" in said), about
    if "unknown" not in said:
        assert foretold.recap == done.recap and foretold.code == done.code, about


FOUND = {
    "the mode of what a link leads to, twice": """
- {file: {path: /srv/new.conf, state: link, src: plain.conf}}
- {file: {path: /srv/new.conf, state: link, src: plain.conf, mode: "0600"}}
- {file: {path: /srv/new.conf, state: link, src: plain.conf, mode: "0600"}}
- {file: {path: /srv/plain.conf, mode: "0600"}}
""",
    "owner and mode of a whole tree, twice": """
- {file: {path: /srv/tree/deep, state: directory, recurse: true, mode: "4755", group: staff}}
- {file: {path: /srv/tree/deep, state: directory, recurse: true, mode: "4755", group: staff}}
- {file: {path: /srv/tree, state: directory, recurse: true, owner: deploy}}
- {file: {path: /srv/tree/deep, owner: deploy}}
- {lineinfile: {path: /srv/tree/deep/file, line: more}}
- {file: {path: /srv/tree, state: directory, recurse: true, owner: deploy}}
""",
    "a crontab of somebody who is to go": """
- {user: {name: bob, state: absent, remove: true}}
- {cron: {name: one, user: bob, job: "true"}, ignore_errors: true}
- {cron: {name: two, user: nobody-of-that-name, job: "true"}, ignore_errors: true}
- {user: {name: bob}}
- {cron: {name: one, user: bob, job: "true"}}
""",
    "a hard link of a file that is written anew": """
- {template: {dest: /srv/plain.conf, mode: "0600", src: text.j2}}
- {file: {path: /srv/tree/hard, state: hard, src: /srv/plain.conf}, ignore_errors: true}
- {file: {path: /srv/tree/hard, state: hard, src: /srv/plain.conf, force: true}}
- {file: {path: /srv/tree/hard, state: hard, src: /srv/plain.conf}}
""",
    "a hard link over a new file, twice": """
- {copy: {dest: /srv/new.conf, content: ""}}
- {file: {state: hard, src: /srv/plain.conf, path: /srv/new.conf, force: true}}
- {file: {state: hard, src: /srv/plain.conf, path: /srv/new.conf, force: true}}
- {copy: {dest: /srv/plain.conf, content: another file}}
- {file: {state: hard, src: /srv/plain.conf, path: /srv/new.conf, force: true}}
""",
    "an owner that is to go": """
- {copy: {dest: /srv/of-bob.conf, content: "", owner: bob}}
- {user: {state: absent, name: bob}}
- {copy: {dest: /srv/new.conf, content: "", owner: bob}, ignore_errors: true}
- {file: {path: /srv/of-bob.conf, mode: "0600"}}
- {file: {path: /srv/of-bob.conf, owner: bob}, ignore_errors: true}
""",
    "a group that goes takes its members along": """
- {group: {name: band, state: absent}}
- {user: {name: bob, comment: other, append: true}}
- {group: {name: band}}
- {user: {name: bob, groups: [band], append: true}}
- {user: {name: bob, groups: [band], append: true}}
- {group: {name: audio, state: absent}}
- {user: {name: bob, comment: another}}
""",
    "an account that gets another home": """
- {user: {name: bob, home: /srv/homes/there}}
- {user: {name: bob, home: /srv/homes/there}}
- {copy: {dest: /srv/homes/there/file, content: text}}
- {user: {name: bob, home: /srv/homes/other, move_home: true}}
- {user: {name: bob, home: /srv/homes/other, move_home: true}}
""",
}
"""What random playbooks found, made small."""


@pytest.mark.parametrize("tasks", FOUND.values(), ids=FOUND.keys())
def test_what_was_found(prepared: SetUp, tasks: str) -> None:
    check(prepared, "- hosts: all\n  gather_facts: false\n  tasks:" + tasks.replace("\n", "\n    "))


@settings(max_examples=40, derandomize=True, **BOUNDLESS)
@given(playbooks())
def test_forty_plans(prepared: SetUp, playbook: str) -> None:
    check(prepared, playbook)


@pytest.mark.nightly
@settings(max_examples=MANY, **BOUNDLESS)
@given(playbooks())
def test_three_hundred_plans(prepared: SetUp, playbook: str) -> None:
    check(prepared, playbook)
