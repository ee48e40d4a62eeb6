"""Passwords of logins, of become and of accounts, on a real host over SSH: no process, file or output shows one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "e2e"))

from command import Answer, engine
from sentinels import Sentinels, Watch
from testbed import Machine

from engine.vault.secrets import Secret, Secrets

pytestmark = pytest.mark.hosts

BOOK = """
- hosts: all
  gather_facts: false
  become: true
  tasks:
    - {command: id -un, register: who, changed_when: false}
    - {assert: {that: who.stdout == 'root'}}
    - {user: {name: made, password: "{{ account | password_hash('sha512', 'saltsalt') }}"}}
    - {copy: {dest: /root/secret, content: "x={{ account }}", mode: "0600"}}
    - {shell: "cat >/dev/null; sleep 0.5", args: {stdin: "{{ account }}"}}
    - {command: sleep 0.5, become: false}
    - {command: id -un, become_method: su, become_user: root, vars: {ansible_become_password: "{{ of_root }}"}, changed_when: false}
    - {user: {name: made, password: "!"}}
"""


@pytest.fixture
def machine(hosts: Callable[[int], list[Machine]]) -> Iterator[Machine]:
    """As new before and after: it gets other passwords."""
    found = hosts(1)[0]
    found.reset()
    yield found
    found.reset()


@pytest.mark.parametrize("encrypt", [False, True], ids=["plain", "encrypted"])
def test_passwords_are_seen_nowhere(machine: Machine, tmp_path: Path, encrypt: bool) -> None:
    sown = Sentinels()
    machine.run("rm -f /etc/sudoers.d/deploy; echo 'deploy ALL=(ALL) ALL' > /etc/sudoers.d/deploy")
    machine.run(f"printf 'deploy:%s\\nroot:%s\\n' {sown.word('login')} {sown.word('root')} | chpasswd")
    settings = f"[ssh]\nhost_key_checking = false\n[state]\nencrypt = {str(encrypt).lower()}\n[paths]\nlog_path = \"{tmp_path}/log\"\n"
    vault = Secrets([Secret("default", b"word")])
    inventory = f"{machine.name} ansible_host={machine.address} ansible_user=deploy ansible_python_interpreter=/usr/bin/python3\n"
    secret = f"ansible_password: {sown.word('login')}\nansible_become_password: {sown.word('login')}\n"
    secret += f"of_root: {sown.word('root')}\naccount: {sown.word('account')}\n"
    for name, text in {"engine.toml": settings, "password": "word", "hosts": inventory, "site.yml": BOOK}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "group_vars" / "all").mkdir(parents=True)
    (tmp_path / "group_vars" / "all" / "vault.yml").write_text(vault.close(secret.encode()))

    def looked_at(*words: str, code: int = 0) -> Answer:
        kept = [tmp_path / name for name in (".engine", "log")]
        theirs = [machine.root / name for name in ("tmp", "var/tmp", "var/log", "home/deploy/.ansible", "root/.ansible", "dev/shm")]
        with Watch(sown, (*kept, *theirs)).going() as watch:
            answer = engine(*words, "--vault-password-file", "password", cwd=tmp_path, env={"SSH_AUTH_SOCK": ""})
        assert answer.code == code, answer
        assert not sown.within(f"{answer.out}{answer.err}".encode()), answer
        assert not watch.seen and watch.looks > 2, watch.seen
        assert not sown.below(*kept, *theirs), words
        return answer

    looked_at("plan", "site.yml", "-i", "hosts", "-o", "plan.bin")
    answer = looked_at("run", "site.yml", "-i", "hosts", "-vvvv", "--diff")
    assert sown.word("account") in (machine.root / "root/secret").read_text(), answer
    looked_at("drift", "-v", "--json")
    looked_at("rollback", "--yes", "-v", code=2)  # commands do not come back
    assert not (machine.root / "root/secret").exists()
