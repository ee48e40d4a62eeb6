"""Whether what is done to one resource may show in another: a folder and what is in it, a user and a group.

Such resources go back in exactly the order in which they changed, and can only be judged when it is their turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    """What changes before a resource has its turn; `add` them in the order of doing, and ask between."""

    _addresses: dict[HostName, set[ResourceAddress]] = field(default_factory=dict)
    _kinds: dict[HostName, set[str]] = field(default_factory=dict)
    _paths: dict[HostName, set[str]] = field(default_factory=dict)
    _above: dict[HostName, set[str]] = field(default_factory=dict)

    def add(self, address: ResourceAddress) -> None:
        self._addresses.setdefault(address.host, set()).add(address)
        self._kinds.setdefault(address.host, set()).add(address.kind)
        if address.kind == "file":
            self._paths.setdefault(address.host, set()).add(address.identity)
            self._above.setdefault(address.host, set()).update(folders(address.identity))

    def touches(self, address: ResourceAddress) -> bool:
        """Does one of them overlap with it?"""
        host = address.host
        if address in self._addresses.get(host, ()):
            return True
        kinds = self._kinds.get(host, set())
        if kinds & EVERYTHING or any(address.kind in AFFECTS.get(kind, ()) for kind in kinds):
            return True
        if kinds & AFFECTS.get(address.kind, frozenset()) or (kinds and address.kind in EVERYTHING):
            return True
        if address.kind != "file":
            return False
        inside = any(each in self._paths.get(host, ()) for each in folders(address.identity))
        return inside or address.identity in self._above.get(host, ())


def folders(path: str) -> Iterable[str]:
    """The folders above a path."""
    at = path.rstrip("/").rpartition("/")[0]
    while at:
        yield at
        at = at.rpartition("/")[0]
