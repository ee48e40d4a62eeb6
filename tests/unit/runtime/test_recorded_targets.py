"""Where a record is asked about: its machine, as whom it was, with what the inventory says of it now."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from making import record_of_file, trusted

from engine.connections.target import ExecutionTarget
from engine.files import MemoryFiles
from engine.inventory.merge import load_inventory
from engine.outside import ClosedOutside
from engine.runtime.recorded_targets import RecordedTargets
from engine.runtime.redact import Redactor
from engine.scopes.store import VariableStore
from engine.settings.settings import BecomeSettings, Settings, SshSettings
from engine.state.record import StateRecord
from engine.templating.environment import Templates

HOSTS = """
web1 ansible_host=10.0.0.1 ansible_user=deploy
web2 ansible_host="{{ 'ten.' ~ inventory_hostname }}" ansible_port="{{ hostvars.web1.port }}"
web3 ansible_connection=local
[all:vars]
port=2222
"""


def places(settings: Settings | None = None, **extra: Any) -> RecordedTargets:
    files = MemoryFiles({"/p/hosts": HOSTS})
    inventory, _ = load_inventory(["/p/hosts"], files, ClosedOutside(), playbook_dir="/p")
    return RecordedTargets(
        inventory=inventory, folder="/p", extra_vars={name: trusted(value) for name, value in extra.items()}, variables=VariableStore(),
        settings=settings or Settings(), templates=Templates(files=files, outside=ClosedOutside()), redactor=Redactor(), constant={},
    )  # fmt: skip


def target(record: StateRecord, settings: Settings | None = None, **extra: Any) -> ExecutionTarget:
    found = places(settings, **extra).target(record)
    assert found is not None
    return found


ROOT = {"method": "sudo", "user": "root"}
WITH_B = Settings(become=BecomeSettings(become=True))
CRON = record_of_file("crontab of ", kind="cron", args={"user": None, "cron_file": None})


def test_the_inventory_decides() -> None:
    found = target(record_of_file())
    assert (found.host, found.address, found.user, found.transport, found.become) == ("web1", "10.0.0.1", "deploy", "ssh", None)
    found = target(record_of_file(host="web2"))
    assert (found.address, found.port) == ("ten.web2", 2222), "templates, and other hosts' variables"
    found = target(record_of_file(host="web3"))
    assert (found.transport, found.folder) == ("local", "/p")
    assert target(record_of_file(), ansible_user="other").user == "other", "-e"
    assert target(record_of_file(), Settings(ssh=SshSettings(user="x"))).user == "deploy" and target(
        record_of_file(host="web2"), Settings(ssh=SshSettings(user="x"))
    ).user == "x", "-u, where nothing says otherwise"


def test_a_delegate() -> None:
    assert target(record_of_file(host="web2", inventory_host="web1")).host == "web2"
    assert target(record_of_file(host="elsewhere", inventory_host="web1")).address == "elsewhere", "an inventory need not know it"
    assert places().target(record_of_file(host="elsewhere")) is None
    assert places().target(record_of_file(host="elsewhere", inventory_host="gone")) is None


AS_WHOM: list[tuple[str, StateRecord, Settings | None, str | None]] = [
    ("nobody else", record_of_file(), None, None),
    ("root, as recorded", record_of_file(become=ROOT), None, "root"),
    ("another, as recorded", record_of_file(become={"method": "su", "user": "al"}), WITH_B, "al"),
    ("root, as asked for now", record_of_file(), WITH_B, "root"),
    ("whose crontab it is", CRON, WITH_B, None),
    ("whose crontab it is, as recorded", replace(CRON, become={"method": "sudo", "user": "al"}), WITH_B, "al"),
    ("anybody, where it is named", replace(CRON, args={"user": "al"}), WITH_B, "root"),
]


@pytest.mark.parametrize(("what", "record", "settings", "user"), AS_WHOM, ids=[each[0] for each in AS_WHOM])
def test_as_whom(what: str, record: StateRecord, settings: Settings | None, user: str | None) -> None:
    become = target(record, settings).become
    assert (become.user if become else None) == user


def test_the_controller() -> None:
    """`connection: local` of a task is recorded; the inventory does not know of it."""
    assert target(record_of_file(connection="local")).transport == "local"


def test_passwords_are_learned() -> None:
    found = places(ansible_password="s3cret-pass", ansible_become_password="s3cret-too")
    found.target(record_of_file())
    assert found.redactor.text("s3cret-pass s3cret-too") == "******** ********"
