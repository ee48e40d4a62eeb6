"""What a run did to one thing, and all that inspecting or undoing it needs."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import field, replace

from engine.model.addresses import HostName, ResourceAddress, RunId
from engine.model.frozen import frozen
from engine.model.values import Value

SECRET = "secret: it was not kept"
HOLDS_SECRET = "its content holds a secret, and is kept encrypted"
"""Of a record that can be taken back: its contents are not to be shown."""
TOO_LARGE = "the file was larger than what is kept"
NOT_KEPT = (SECRET, TOO_LARGE)
"""Reasons that are about what a state was alone: it does not matter where it lies between others of one way back."""


@frozen(kw_only=True)
class Notification:
    """A handler that the change notified, so that a rollback can notify it again."""

    name: str
    action: str = ""
    """Empty where it cannot be run again by what was known then."""
    args: Mapping[str, Value] = field(default_factory=dict)
    """Rendered."""
    become: Mapping[str, Value] = field(default_factory=dict)
    """As a record's."""
    quiet: bool = False
    """`changed_when: false`: it only looks."""
    topic: str = ""
    """What was notified: its name, or what it listens to. Not kept."""


@frozen(kw_only=True)
class StateRecord:
    """What one task did to one resource. `before`/`after` are the kind's shape; contents are `{"$blob": sha256}`."""

    address: ResourceAddress
    run: RunId
    step: str
    """The step's address as text."""
    task: str
    """The task's name, as shown."""
    action: str
    """As the playbook says: `lineinfile`."""
    module: str
    """The native module that inspects and applies: `engine.modules.builtin.lineinfile`."""
    args: Mapping[str, Value]
    """Without secrets."""
    before: Value
    after: Value
    reversible: bool
    reason: str = ""
    inventory_host: HostName = ""
    """Whose task it was; differs from `address.host` under delegate_to."""
    connection: str = ""
    """`local` where it happened on the controller (`connection: local`, -c local); empty: the inventory says how it is reached."""
    become: Mapping[str, Value] = field(default_factory=dict)
    """{"method": "sudo", "user": "root"}; empty without become. No password."""
    handlers: tuple[Notification, ...] = ()
    at: float = 0.0
    number: int = 0
    """Order within the store; assigned by it."""
    undo: Mapping[str, Value] = field(default_factory=dict)
    """How the task itself said that it is taken back: {"action": …, "args": {…}, "environment": {…}, "no_log": true}, rendered."""
    mark: str = ""
    """Empty where a task did it; else what a person did to the state itself: see state/marks.py."""


@frozen(kw_only=True)
class JournalEntry:
    """One thing that happened in a run and that going on after a crash needs to know. The store looks at none of it."""

    host: HostName
    step: str
    """The step's address as text."""
    kind: str
    """What `data` tells of."""
    data: Mapping[str, Value] = field(default_factory=dict)
    """As JSON knows it; contents are `{"$blob": sha256}`, handed over beside it."""
    number: int = 0
    """Order within the store; assigned by it."""


@frozen(kw_only=True)
class RunRecord:
    """One run, finished or not."""

    id: RunId
    playbooks: tuple[str, ...]
    inventory: tuple[str, ...] = ()
    """The sources as given (-i)."""
    started: float = 0.0
    finished: float | None = None
    serial: int | None = None
    """Assigned by the store when the run is finished; None before."""
    exit_code: int | None = None
    changed: int = 0
    """How many resources it changed."""
    rolls_back: RunId | None = None
    """The run that this one undid."""
    rolled_back_by: RunId | None = None
    options: Mapping[str, Value] = field(default_factory=dict)
    """limit, tags, skip_tags…: what is needed to say what it was, and to go on with it. Any JSON value."""
    note: str = ""
    """What a person did to the state itself (`engine state rm`…). Such a run touched no host and counts as having changed nothing."""


def run_id(now: float) -> RunId:
    """Sortable by time, and not the same for two runs of one second."""
    return time.strftime("%Y%m%dT%H%M%S", time.gmtime(now)) + "-" + secrets.token_hex(3)


def counted(run: RunRecord, records: int) -> RunRecord:
    """The run, knowing how many records the store has of it: it may not have finished, or was killed."""
    changed = 0 if run.note else records
    return run if run.changed == changed else replace(run, changed=changed)
