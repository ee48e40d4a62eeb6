"""`engine drift` over SSH: accounts, crontabs, services and packages of a booted host, other users, machines of delegates; and back."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import Answer, engine
from testbed import Machine

pytestmark = [pytest.mark.hosts, pytest.mark.system]

PLAYBOOK = """
- hosts: main
  gather_facts: false
  tasks:
    - group: {name: crew, gid: 4700}
    - user: {name: alice, uid: 4701, groups: [crew], shell: /bin/sh}
    - user: {name: bert, password: "$6$salt$SECRETSECRETSECRETSECRETSECRETSECRETSECRETSECRETSECRETSECRETSECRETSECRETSECRETSECRETSE"}
    - user: {name: carol}
    - user: {name: dora}
    - cron: {name: nightly, user: alice, hour: "2", minute: "5", job: /bin/true}
    - cron: {name: rotate, cron_file: rotate, user: root, special_time: daily, job: /bin/true}
    - lineinfile: {path: /etc/login.defs, regexp: "^UMASK", line: "UMASK 027"}
    - copy:
        dest: /etc/systemd/system/toy.service
        content: |
          [Service]
          ExecStart=/bin/sleep infinity
          [Install]
          WantedBy=multi-user.target
    - systemd_service: {name: toy, enabled: true, daemon_reload: true}
    - service: {name: toy, state: started}
    - cron: {name: own, job: /bin/true}
      become: true
      become_user: carol
    - cron: {name: own, job: /bin/false}
    - copy: {content: "of another\\n", dest: /root/of-another}
      delegate_to: web
"""
RECORDED = 12


class Site:
    """A project that has run on two machines."""

    def __init__(self, folder: Path, main: Machine, web: Machine) -> None:
        self.folder, self.main, self.web = folder, main, web
        folder.mkdir()
        login = f"ansible_user=root ansible_ssh_private_key_file={main.bed.key} ansible_python_interpreter=/usr/bin/python3"
        options = "ansible_ssh_common_args='-F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null'"
        lines = [f"{name} ansible_host={machine.address} {login} {options}\n" for name, machine in (("main", main), ("web", web))]
        (folder / "hosts.ini").write_text("".join(lines))
        (folder / "engine.toml").write_text("")
        (folder / "site.yml").write_text(PLAYBOOK)

    def __call__(self, words: str) -> Answer:
        return engine(*shlex.split(words), cwd=self.folder, env={"HOME": str(self.folder), "SSH_AUTH_SOCK": ""})

    def verdicts(self, words: str = "") -> dict[str, str]:
        """Of what is not in sync."""
        answer = self(f"drift --json {words}")
        document = json.loads(answer.out)
        assert document["exit_code"] == answer.code, answer
        return {each["resource"]: each["verdict"] for each in document["resources"] if each["verdict"] != "in_sync"}


@pytest.fixture(scope="module")
def site(hosts, system_host, tmp_path_factory) -> Iterator[Site]:
    [web] = hosts(1)
    system_host.reset()
    made = Site(tmp_path_factory.mktemp("drift") / "site", system_host, web)
    answer = made("run site.yml -i hosts.ini")
    assert answer.code == 0, answer
    yield made
    system_host.reset()


HAPPENS: list[tuple[str, dict[str, str], str]] = [
    # what is done on the machine, the verdicts, what is shown
    ("true", {}, f"{RECORDED} in sync"),
    ("groupmod -g 4710 crew", {"main/group/crew": "changed"}, "-gid: 4700"),
    ("usermod -G '' alice", {"main/user/alice": "changed"}, "-groups: crew"),
    ("usermod -s /bin/bash alice", {"main/user/alice": "changed"}, "+shell: /bin/bash"),
    ("usermod -L bert", {"main/user/bert": "changed"}, "+password: (another secret)"),
    ("userdel bert", {"main/user/bert": "missing"}, "- main/user/bert"),
    ("userdel dora", {"main/user/dora": "missing"}, "- main/user/dora"),
    ("userdel -r dora", {"main/user/dora": "missing"}, "- main/user/dora"),
    ("groupdel crew", {"main/group/crew": "missing", "main/user/alice": "changed"}, ""),
    ("echo '1 1 * * * /bin/false' | crontab -u alice -", {"main/cron/crontab of alice": "changed"}, "+1 1 * * * /bin/false"),
    ("crontab -u alice -r", {"main/cron/crontab of alice": "missing"}, ""),
    ("rm /etc/cron.d/rotate", {"main/cron//etc/cron.d/rotate": "missing"}, ""),
    ("crontab -r", {"main/cron/crontab of ": "missing"}, ""),
    ("sed -i s/^UMASK.*/UMASK\\\\t077/ /etc/login.defs", {"main/file//etc/login.defs": "changed"}, "-UMASK 027"),
    ("systemctl stop toy", {"main/service/toy": "changed"}, "+active: False"),
    ("systemctl disable toy", {"main/service/toy": "changed"}, "+enabled: False"),
    (
        "systemctl stop toy; rm /etc/systemd/system/toy.service; systemctl daemon-reload",
        {"main/service/toy": "missing", "main/file//etc/systemd/system/toy.service": "missing"}, "",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("happens", "verdicts", "shown"), HAPPENS, ids=[each[0] for each in HAPPENS])
def test_what_happened_is_found_and_put_back(site: Site, happens: str, verdicts: dict[str, str], shown: str) -> None:
    site.main.run(happens)
    answer = site("drift")
    assert answer.code == (2 if verdicts else 0) and shown in answer.out, answer
    assert site.verdicts() == verdicts
    assert "SECRET" not in answer.out + site("drift --json").out
    fixed = site("drift --fix --yes")
    if happens in ("usermod -L bert", "userdel bert"):
        assert fixed.code == 2 and "it holds a secret, which was not kept" in fixed.out, fixed
        site.main.run("userdel bert 2>/dev/null; rm -rf /home/bert; true")
        assert site("run site.yml -i hosts.ini").code == 0
    else:
        assert fixed.code == 0, fixed
    assert site.verdicts() == {}


def test_the_delegates_machine_is_asked(site: Site) -> None:
    there = site.web.root / "root/of-another"
    there.write_text("changed\n")
    assert site.verdicts() == {"web/file//root/of-another": "changed"}
    assert site.verdicts("--host main") == {}
    assert site("drift --fix --yes --host web").code == 0
    assert there.read_text() == "of another\n"


def test_crontabs_of_two_users_are_two(site: Site) -> None:
    """Their address is the same: whoever ran the task."""
    site.main.run("crontab -u carol -l | grep -v true | crontab -u carol -")
    assert "main/cron/crontab of " in site.verdicts()
    assert site("drift --fix --yes").code == 0
    assert site.verdicts() == {}


def test_a_host_that_is_cut_off(site: Site) -> None:
    site.web.cut()
    try:
        answer = site("drift -T 3")
    finally:
        site.web.heal()
    assert answer.code == 4 and "? web: 1 unknown" in answer.out and f"{RECORDED - 1} in sync" in answer.out, answer
