"""Records of what tasks say of themselves (`resource`, `rollback`): how often a resource was changed, and how that is taken back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from engine.model.addresses import ResourceAddress
from engine.model.change import Change
from engine.model.own_resources import CHANGES, state_of
from engine.model.values import Value
from engine.runtime.redact import Redactor
from engine.state.editing import all_records
from engine.state.encode import with_blobs
from engine.state.marks import effective
from engine.state.record import SECRET, StateRecord
from engine.state.stores.base import StateStore
from engine.state.withhold import without_secrets


@dataclass(slots=True)
class OwnRecords:
    """Of one run."""

    store: StateStore
    redactor: Redactor
    _changes: dict[ResourceAddress, int] | None = None
    """What the state knows of each: how many changes of it stand."""
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def record(self, bare: StateRecord, change: Change, *, no_log: bool) -> StateRecord:
        """`bare`, the record of a task of which nothing is known, with what the task says of itself."""
        counts = await self._known()
        name = self.redactor.text(change.identity)
        address = ResourceAddress(bare.address.host, change.kind, name) if name else bare.address
        before = counts.get(address, 0)
        counts[address] = before + 1
        undo = self._kept(change.way_back or {}, no_log)
        reversible = bool(undo)
        reason = "" if reversible else SECRET if change.way_back else change.reason
        return replace(
            bare, address=address, before=state_of(before), after=state_of(before + 1), reversible=reversible, reason=reason, undo=undo,
            connection=change.connection, become=change.become,
        )  # fmt: skip

    async def seen(self, record: StateRecord) -> None:
        """What was taken away to be made anew counts no more."""
        if changes_of(record.before):
            (await self._known())[record.address] = changes_of(record.after)

    async def _known(self) -> dict[ResourceAddress, int]:
        """Read when it is first asked for: most runs never do."""
        async with self._reading:
            if self._changes is None:
                records = effective(await all_records(self.store))
                told = (each for each in records if changes_of(each.before) or changes_of(each.after))
                self._changes = {each.address: changes_of(each.after) for each in told}
        return self._changes

    def _kept(self, way: Mapping[str, Value], no_log: bool) -> dict[str, Value]:
        """As it may be kept: sealed where the state seals; else nothing of it where there is a secret in it."""
        if not way:
            return {}
        plain: dict[str, Value] = with_blobs({**way, "no_log": True} if no_log else way, lambda data: None)
        if self.store.seals:
            sealed = without_secrets(plain["args"], lambda key, value: no_log or self.redactor.knows_any(value), self.store.hidden)
            around = without_secrets(plain.get("environment", {}), lambda key, value: True, self.store.hidden)
            return {**plain, "args": sealed, **({"environment": around} if around else {})}
        return {} if no_log or self.redactor.value(plain) != plain else plain


def changes_of(state: Value) -> int:
    return int(state.get(CHANGES, 0)) if isinstance(state, Mapping) and isinstance(state.get(CHANGES), int) else 0
