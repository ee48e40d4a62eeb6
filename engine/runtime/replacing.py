"""Tasks that make a tainted resource anew: what is there is taken away first, as `engine destroy` would. A service is restarted."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from engine.actions.base import ActionCall
from engine.actions.own_way import taken_back
from engine.agent.sdk import identity
from engine.model.addresses import HostName, ResourceAddress
from engine.model.change import Change
from engine.model.outcome import ModuleResult
from engine.model.values import Value
from engine.runtime.dispatch import Handler
from engine.state.encode import with_bytes
from engine.state.rollback import Restore
from engine.state.tainted import SERVICE, WHY, Replacement

if TYPE_CHECKING:
    from engine.runtime.undoing import Declared


AGAIN = "it was made anew, since it was tainted: what was there before cannot be made again"


@dataclass(slots=True)
class Tainted:
    """Of one run: what is to be replaced, each by the first task that can make it."""

    known: dict[ResourceAddress, Replacement] = field(default_factory=dict)
    done: set[ResourceAddress] = field(default_factory=set)

    def handler(self, handler: Handler, call: ActionCall, said: Declared | None, machine: HostName) -> Handler:
        """The task's handler, or one that takes away first what the task makes."""
        address = address_of(handler, call, said, machine)
        found = self.known.get(address) if address is not None else None
        if address is None or found is None or (found.made_by and handler.module != found.made_by):
            return handler
        del self.known[address]
        if found.why_not:
            return replace(handler, run=_warning(handler, found.why_not))
        self.done.add(address)
        return replace(handler, run=_replacing(handler, found))


def address_of(handler: Handler, call: ActionCall, said: Declared | None, machine: HostName) -> ResourceAddress | None:
    """What the task is about, as far as the controller can tell; None where only the host can."""
    if said is not None and said.name:
        return ResourceAddress(machine, said.kind, said.name)
    if not handler.module:
        return None
    module = importlib.import_module(handler.module)
    if not getattr(module, "RESOURCE", "") or not hasattr(module, "IDENTITY"):
        return None
    try:
        name = identity(module, dict(call.invocation.args))
    except (KeyError, TypeError, AttributeError):
        return None
    return ResourceAddress(machine, module.RESOURCE, name.rstrip("/") or name)


def _warning(handler: Handler, why: str) -> Any:
    async def run(call: ActionCall) -> ModuleResult:
        result = await handler.run(call)
        return replace(result, warnings=(*result.warnings, why))

    return run


def _replacing(handler: Handler, found: Replacement) -> Any:
    once = iter((True,))

    async def run(call: ActionCall) -> ModuleResult:
        if next(once, False) is False:
            return await handler.run(call)  # `until` tries again: it is gone already
        if call.invocation.check:
            return await foreseen(handler, call, found)
        if found.record.address.kind == SERVICE:
            return await restarted(handler, call, found)
        gone: list[Change] = []
        for each in found.gone:
            result = await removed(call, each)
            gone.extend(result.changes)
            if result.failed or result.unreachable:
                return replace(result, changes=tuple(gone))
        made = await handler.run(call)
        return replace(made, changed=True, changes=(*gone, *made.changes))

    return run


async def foreseen(handler: Handler, call: ActionCall, found: Replacement) -> ModuleResult:
    """In check mode: what the task makes where nothing is, and that it is made anew."""
    about, record = found.record.address, found.record
    if found.made_by:
        now = await call.remote.inspect(record.module, with_bytes(record.args, {}))
        call.remote.foresee(Change(kind=about.kind, identity=about.identity, before=now, after=None))
    result = await handler.run(call)
    if result.failed:
        return result
    marked = tuple(replace(each, replaced=WHY) for each in result.changes or (kept(about, record.after),))
    return replace(result, changed=True, skipped=False, changes=marked)


def kept(address: ResourceAddress, state: Value) -> Change:
    """It is as it was."""
    return Change(kind=address.kind, identity=address.identity, before=state, after=state, host=address.host, module="engine.modules.")


async def restarted(handler: Handler, call: ActionCall, found: Replacement) -> ModuleResult:
    """A service is no thing that could be taken away. One that is to be stopped has nothing to restart."""
    given, record = call.invocation.args, found.record
    state = "stopped" if given.get("state") == "stopped" else "restarted"
    result = await handler.run(replace(call, invocation=replace(call.invocation, args={**given, "state": state})))
    if result.failed:
        return result
    was = with_bytes(record.after, {})
    about, args = record.address, with_bytes(record.args, {})
    again = Change(kind=about.kind, identity=about.identity, before=was, after=was, module=record.module, args=args)
    return replace(result, changed=True, changes=result.changes or (call.remote.located(again),))


async def removed(call: ActionCall, restore: Restore) -> ModuleResult:
    """By what the task gave, or by the module that keeps it."""
    record = restore.record
    if record.undo:
        request = {
            "kind": record.address.kind, "identity": record.address.identity, "before": restore.before, "after": restore.after,
            "undo": with_bytes(record.undo, {}), "reason": AGAIN,
        }  # fmt: skip
        return await taken_back(call, request, None)
    args = with_bytes(record.args, {})
    now = await call.remote.inspect(record.module, args)
    if now is None:
        return ModuleResult()
    noted = restore.after.get("noted") if isinstance(restore.after, Mapping) else None
    was = {**now, "noted": with_bytes(noted, {})} if noted is not None and isinstance(now, Mapping) else now
    return await call.remote.restore(record.module, args, was, restore.before)
