"""Which connections are begun before anything runs: only those that the first step surely needs."""

from __future__ import annotations

import pytest

from engine.engine import Engine
from engine.files import MemoryFiles
from engine.outside import ClosedOutside
from engine.runtime.early import early_targets
from engine.settings.settings import InventorySettings, RunSettings, Settings

HOSTS = """
web1 ansible_host=10.0.0.1
web2 ansible_host=10.0.0.2 ansible_port=2222
odd ansible_host="{{ address }}"
[all:vars]
ansible_user=root
"""


def early(playbook: str, *, limit: str = "", forks: int = 10) -> list[tuple[str, str, int | None, str | None]]:
    files = MemoryFiles({"/p/site.yml": playbook, "/p/hosts": HOSTS})
    settings = Settings(run=RunSettings(forks=forks), inventory=InventorySettings(sources=("/p/hosts",), limit=limit))
    prepared = Engine(settings=settings, cwd="/p", files=files, outside=ClosedOutside()).prepare("site.yml")
    found = early_targets(prepared.graph, prepared.inventory, prepared.limit, prepared.extra_vars, settings)
    return [(target.host, target.address, target.port, target.user) for target in found]


WEB1, WEB2 = ("web1", "10.0.0.1", None, "root"), ("web2", "10.0.0.2", 2222, "root")
CASES = [
    # what                                      playbook                                                                        targets
    ("facts are gathered",                      "- hosts: all\n",                                                                [WEB1, WEB2]),
    ("the first task reaches them",             "- hosts: all\n  gather_facts: false\n  tasks: [{ping: }]",                      [WEB1, WEB2]),
    ("in a block too",                          "- hosts: all\n  gather_facts: false\n  tasks: [{block: [{ping: }]}]",           [WEB1, WEB2]),
    ("become does not matter",                  "- hosts: web1\n  become: true\n",                                               [WEB1]),
    ("the play's user",                         "- hosts: web1\n  vars: {ansible_user: me}\n",                                   [(*WEB1[:3], "me")]),
    ("a task of the controller",                "- hosts: all\n  gather_facts: false\n  tasks: [{debug: }, {ping: }]",           []),
    ("a condition",                             "- hosts: all\n  gather_facts: false\n  tasks: [{ping: , when: x}]",             []),
    ("a delegate",                              "- hosts: all\n  gather_facts: false\n  tasks: [{ping: , delegate_to: web2}]",   []),
    ("an include",                              "- hosts: all\n  gather_facts: false\n  tasks: [{include_tasks: x.yml}]",        []),
    ("another connection",                      "- hosts: all\n  connection: local\n",                                           []),
    ("hosts that need a template",              "- hosts: '{{ which }}'\n",                                                      []),
    ("no play",                                 "- hosts: nobody\n",                                                             []),
]


@pytest.mark.parametrize(("what", "playbook", "targets"), CASES, ids=[row[0] for row in CASES])
def test_what_is_begun_early(what, playbook, targets):
    assert early(playbook) == targets


def test_limits_are_kept():
    assert early("- hosts: all\n", limit="web2") == [WEB2]
    assert early("- hosts: all\n", forks=1) == [WEB1]


async def test_a_failed_login_is_told_to_the_first_who_asks_and_then_tried_again():
    from engine.connections.pool import Pool
    from engine.connections.target import ExecutionTarget
    from engine.errors import ConnectError
    from engine.model.problem import Problem

    tries: list[str] = []

    class Refusing:
        name = "refusing"

        async def open(self, target, command):
            tries.append(target.host)
            raise ConnectError(Problem(code="login-refused", summary="No"))

        async def close(self):
            pass

    pool = Pool({"refusing": Refusing()})
    target = ExecutionTarget(host="web1", transport="refusing")
    pool.expect(target)
    pool.expect(target)
    for count in (1, 2):
        with pytest.raises(ConnectError):
            async with pool.session(target):
                pass
        assert len(tries) == count
    await pool.close()
