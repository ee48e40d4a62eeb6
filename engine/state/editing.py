"""Changes to the state itself, by hand: each is a run with a note, whose records are marks. No host is touched."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine.errors import StateError
from engine.model.addresses import ResourceAddress, RunId
from engine.model.problem import Problem
from engine.model.values import Value
from engine.state.lock import LockOwner
from engine.state.marks import MOVED, REMOVED, TAINTED, effective
from engine.state.process import this_owner
from engine.state.record import RunRecord, StateRecord, run_id
from engine.state.stores.base import StateStore

NOTHING: Mapping[str, bytes] = {}


async def remove(store: StateStore, address: ResourceAddress, now: float) -> RunId:
    """Forget a resource: it is listed no more, nor looked at. It stays on its host."""
    newest = (await of_resource(store, address))[-1]
    return await written(store, f"rm {address}", [marked(newest, REMOVED, now)], now)


async def taint(store: StateStore, address: ResourceAddress, now: float) -> RunId:
    """Have it made anew by the next plan."""
    newest = (await of_resource(store, address))[-1]
    return await written(store, f"taint {address}", [marked(newest, TAINTED, now)], now)


async def move(store: StateStore, old: ResourceAddress, new: ResourceAddress, now: float) -> RunId:
    """Give a resource another address: its host has another name by now, or it was renamed on the host by hand.

    Raises:
        StateError: `cannot-move`.
    """
    records = await of_resource(store, old)
    if new.kind != old.kind:
        raise cannot_move(f"{old} is a {old.kind}, {new} would be a {new.kind}")
    if (await store.read()).newest.get(new) is not None:
        raise cannot_move(f"{new} is there already")
    copies = [moved(each, new, now) for each in records]
    return await written(store, f"mv {old} {new}", [marked(records[-1], REMOVED, now, f"it is now {new}"), *copies], now)


async def of_resource(store: StateStore, address: ResourceAddress) -> list[StateRecord]:
    """All records of it that count, oldest first; at least one. StateError `resource-not-found`."""
    found = [each for each in effective(await all_records(store)) if each.address == address]
    if not found:
        hint = "engine state list shows the addresses"
        raise StateError(Problem(code="resource-not-found", summary="The state holds no such resource", detail=str(address), hint=hint))
    return found


async def all_records(store: StateStore) -> list[StateRecord]:
    """Of unfinished runs too, oldest first."""
    found = [each async for each in store.records()]
    for run in [each async for each in store.runs() if each.serial is None]:
        found += [each async for each in store.records(run=run.id)]
    return sorted(found, key=lambda record: record.number)


def marked(record: StateRecord, mark: str, now: float, reason: str = "") -> StateRecord:
    """A record that nothing changed, but for the mark."""
    reason = reason or f"{mark} by hand"
    return replace(
        record, mark=mark, before=record.after, task=f"state {mark}", action="state", reversible=False, reason=reason, handlers=(), at=now,
        undo={},
    )


def moved(record: StateRecord, new: ResourceAddress, now: float) -> StateRecord:
    """The record as one of the new address, arguments included."""
    old = record.address
    args = {**record.args}
    if new.identity != old.identity and (record.module or not record.undo):
        names = [name for name in identity_of(record.module) if args.get(name) == old.identity]
        if len(names) != 1:
            raise cannot_move(f"the name of a {old.kind} is made of several arguments: only its host can be another")
        args[names[0]] = new.identity
    return replace(
        record,
        address=new,
        args=args,
        inventory_host=new.host if record.inventory_host == old.host else record.inventory_host,
        mark=MOVED,
        at=now,
    )


def identity_of(module: str) -> tuple[str, ...]:
    """The arguments that name what a native module manages; none where it computes the name."""
    if not module.startswith("engine.modules."):
        return ()
    try:
        names: Value = getattr(importlib.import_module(module), "IDENTITY", ())
    except ImportError:
        return ()
    return tuple(map(str, names)) if isinstance(names, tuple | list) else ()


def cannot_move(detail: str) -> StateError:
    return StateError(Problem(code="cannot-move", summary="The resource cannot go by that address", detail=detail))


async def written(
    store: StateStore, note: str, records: Sequence[StateRecord], now: float, *, blobs: Mapping[str, bytes] = NOTHING,
    inventory: tuple[str, ...] = (),
) -> RunId:
    """Keep them as a run of their own, whose hosts nobody else changes meanwhile. StateError `state-locked`.

    Args:
        blobs: The contents that they refer to.
        inventory: Where their hosts were found, if hosts were asked.
    """
    run = run_id(now)
    owner: LockOwner = this_owner(run, now)
    async with store.lock({each.address.host for each in records}, owner):
        await store.begin(RunRecord(id=run, playbooks=(), inventory=inventory, started=now, note=f"state {note}"))
        await store.append(run, [replace(each, run=run) for each in records], blobs)
        await store.finish(run, 0, now)
    return run
