"""Whether what is done to one resource may show in another: a folder and what is in it, a user and a group.

Such resources go back in exactly the order in which they changed, and can only be judged when it is their turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from engine.model.addresses import HostName, ResourceAddress
from engine.state.record import StateRecord

AFFECTS = {
    "user": frozenset(("group", "user", "file", "cron")),
    "group": frozenset(("user", "group", "file")),
    "file": frozenset(("service",)),
}
"""Kind → the kinds that it may show in; a package, and what is not listed here as either, in all."""
EVERYTHING = frozenset(("package",))


def overlap(one: ResourceAddress, other: ResourceAddress) -> bool:
    """May one of them show in the other, on the same machine?"""
    if one.host != other.host:
        return False
    if one == other or shows(one, other) or shows(other, one):
        return True
    return one.kind == other.kind == "file" and (within(one.identity, other.identity) or within(other.identity, one.identity))


def shows(one: ResourceAddress, other: ResourceAddress) -> bool:
    return one.kind in EVERYTHING or other.kind in AFFECTS.get(one.kind, ())


def within(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip("/") + "/")


def between(older: StateRecord, newer: StateRecord, records: Sequence[StateRecord]) -> bool:
    """Did something change between the two (of one resource) that may show in it?"""
    return any(
        older.number < each.number < newer.number and each.address != newer.address and overlap(each.address, newer.address)
        for each in records
    )


@dataclass(slots=True)
class Newer:
    """What changes before a resource has its turn; `add` in the order of doing, and ask between.

    Here it counts what the change shows in, and not what it may be disturbed by.
    """

    _addresses: set[ResourceAddress] = field(default_factory=set)
    _kinds: set[tuple[HostName, str]] = field(default_factory=set)
    _paths: set[tuple[HostName, str]] = field(default_factory=set)
    """Of files, and of the folders above them."""
    _exact: set[tuple[HostName, str]] = field(default_factory=set)
    _packages: set[tuple[HostName, str]] = field(default_factory=set)

    def add(self, record: StateRecord) -> None:
        address = record.address
        self._addresses.add(address)
        self._kinds.add((address.host, address.kind))
        if address.kind == "file":
            self._exact.add((address.host, address.identity))
            self._paths.update((address.host, each) for each in folders(address.identity))
        if address.kind in EVERYTHING:
            self._packages.update((address.host, name) for name in names_of(record))

    def touches(self, record: StateRecord) -> bool:
        """Does one of them show in it?"""
        address = record.address
        host = address.host
        if address in self._addresses:
            return True
        if address.kind in EVERYTHING:
            return any((host, name) in self._packages for name in names_of(record))
        if any((host, kind) in self._kinds for kind in EVERYTHING):
            return True
        if any((host, kind) in self._kinds for kind, shown in AFFECTS.items() if address.kind in shown):
            return True
        if address.kind != "file":
            return False
        return (host, address.identity) in self._paths or any((host, each) in self._exact for each in folders(address.identity))


def names_of(record: StateRecord) -> set[str]:
    """Of a change of packages: which."""
    return {name for state in (record.before, record.after) if isinstance(state, Mapping) for name in state} - {"noted"}


def folders(path: str) -> Iterable[str]:
    """The folders above a path."""
    at = path.rstrip("/").rpartition("/")[0]
    while at:
        yield at
        at = at.rpartition("/")[0]
