"""The state at one serial: the newest record of every resource."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field

from engine.model.addresses import ResourceAddress
from engine.model.frozen import frozen
from engine.state.marks import REMOVED
from engine.state.record import StateRecord


@frozen(kw_only=True)
class Snapshot:
    lineage: str
    """Random, made with the store; two stores never share one."""
    serial: int
    """0 before the first run."""
    newest: Mapping[ResourceAddress, StateRecord] = field(default_factory=dict)


def newest_of(records: Iterable[StateRecord]) -> dict[ResourceAddress, StateRecord]:
    """From records, oldest first. Those of no lasting thing (a command that ran) are left out, and what was taken out of the state."""
    found: dict[ResourceAddress, StateRecord] = {}
    for record in records:
        if record.address.kind not in TRANSIENT:
            found.pop(record.address, None)
            if record.mark != REMOVED:
                found[record.address] = record
    return found


TRANSIENT = frozenset(("command",))
"""Kinds that are kept so that a rollback can name them, and are no resources."""
