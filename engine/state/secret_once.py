"""Resources that held a secret when they were last recorded: what is found there later is not kept either.

The next run may know other secrets by then: a password that was changed is still in the file which the run finds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.model.addresses import ResourceAddress
from engine.model.values import Value
from engine.state.encode import Withheld
from engine.state.record import HOLDS_SECRET, StateRecord
from engine.state.stores.base import StateStore
from engine.state.withhold import is_withheld, like, withheld

EDITS = frozenset(f"engine.modules.builtin.{name}" for name in ("lineinfile", "blockinfile", "replace", "file"))
"""Modules that leave part of a content as it was. Others write all of it: what is secret in that is known."""


@dataclass(slots=True)
class SecretOnce:
    """Address → how it was left, with digests where secrets were."""

    _left: dict[ResourceAddress, Value] = field(default_factory=dict)
    _sealed: set[ResourceAddress] = field(default_factory=set)
    """Whose content is kept encrypted since it holds one."""

    @classmethod
    async def read(cls, store: StateStore) -> SecretOnce:
        """Where secrets are kept encrypted they are opened, and thereby known, and nothing has to be left out for them."""
        if not await store.any_withheld():
            return cls()
        made = cls()
        for record in (await store.read()).newest.values():
            made.add(record, seals=store.seals)
        return made

    def add(self, record: StateRecord, *, seals: bool) -> None:
        """How it is left."""
        self._left.pop(record.address, None)
        self._sealed.discard(record.address)
        if seals and record.reason == HOLDS_SECRET:
            self._sealed.add(record.address)
        elif not seals and (holds_withheld(record.after) or record.reason == HOLDS_SECRET):
            self._left[record.address] = record.after

    def stays_secret(self, address: ResourceAddress, module: str) -> bool:
        """Does its content still hold one, though this run may not know it?"""
        return address in self._sealed and module in EDITS

    def kept(self, address: ResourceAddress, module: str, before: Value, after: Value) -> tuple[Value, Value]:
        """The states of a change as they may be kept."""
        left = self._left.get(address)
        if left is None:
            return before, after
        return like(left, before), like(left, after) if module in EDITS else without_same(left, after)


def holds_withheld(state: Value) -> bool:
    if isinstance(state, Mapping):
        return is_withheld(state) or any(map(holds_withheld, state.values()))
    return isinstance(state, list) and any(map(holds_withheld, state))


def without_same(left: Value, now: Value) -> Value:
    """`now`, without the very secrets that are `left`."""
    if isinstance(now, Withheld):
        return now
    if is_withheld(left) and isinstance(now, str | bytes):
        made = withheld(now)
        return made if made == left else now
    if isinstance(left, Mapping) and isinstance(now, Mapping):
        others: Mapping[str, Any] = left
        return {key: without_same(others.get(key), each) for key, each in now.items()}
    return now
