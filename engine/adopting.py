"""`engine state import`: something that is on a host already becomes known, as it is now. Changes the state alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from engine.drifting import Places, Wanted, must_exist
from engine.engine import Engine
from engine.errors import ConnectError, StateError
from engine.inventory.patterns import split_patterns
from engine.model.addresses import ResourceAddress, RunId
from engine.model.problem import Problem
from engine.model.values import Value
from engine.runtime.dispatch import BLANK, validated
from engine.runtime.reinspect import reinspect
from engine.state.adopting import WAYS, Question, closer, question
from engine.state.drift import Answer
from engine.state.editing import written
from engine.state.encode import digest_of, with_blobs
from engine.state.marks import IMPORTED
from engine.state.record import StateRecord
from engine.state.rollback import absent
from engine.state.standing import Standing


async def adopt(engine: Engine, project: str, wanted: Wanted, address: ResourceAddress, *, force: bool = False) -> RunId:
    """Look at the resource, and record it: before is as it is now, so that drift watches it and no rollback has anything to undo.

    Args:
        force: Also one that is recorded already; what is there now counts from now on.

    Raises:
        StateError: `cannot-import`: nothing can look at it, or it is not there; `already-recorded`.
        ConnectError: `unreachable`.
    """
    first = question(address)
    if first is None:
        kinds = ", ".join(sorted(WAYS))
        raise cannot(address, f"nothing can look at a {address.kind}", hint=f"kinds that can be looked at: {kinds}")
    must_exist(engine, wanted.inventory)
    store = engine.store(project)
    if not force and engine.has_state(project) and address in (await store.read()).newest:
        detail, hint = str(address), "--force records it as it is now"
        raise StateError(Problem(code="already-recorded", summary="The state knows this resource already", detail=detail, hint=hint))
    places = await places_of(engine, project, wanted)
    record = blank(address, first, engine)
    state = await looked(engine, places, record)
    second = closer(address, state)
    if second is not None:
        record = replace(record, module=second.module, args=second.args)
        state = await looked(engine, places, record)
    if absent(state):
        raise cannot(address, "it is not there")
    blobs: dict[str, bytes] = {}

    def keep(data: bytes) -> None:
        blobs[digest_of(data)] = data

    kept: Value = with_blobs(state, keep)
    found = replace(record, before=kept, after=kept, at=engine.clock.now())
    return await written(store, f"import {address}", [found], engine.clock.now(), blobs=blobs, inventory=sources_of(engine, places))


def blank(address: ResourceAddress, asked: Question, engine: Engine) -> StateRecord:
    """The record, as far as it is known without a look."""
    become = engine.settings.become
    args = asked.args if address.kind == "file" else validated(asked.module, asked.args, BLANK)  # as records of tasks have them
    return StateRecord(
        address=address, run="", step="", task="state import", action="state", module=asked.module, args=args, before=None, after=None,
        reversible=True, inventory_host=address.host, mark=IMPORTED,
        connection="local" if engine.settings.ssh.connection == "local" else "",
        become={"method": become.method, "user": become.user} if become.become else {},
    )  # fmt: skip


async def places_of(engine: Engine, project: str, wanted: Wanted) -> Places:
    """By the inventory that is named, else that of the newest run, else that of the settings."""
    runs = {run.id: run async for run in engine.store(project).runs()} if engine.has_state(project) else {}
    if not wanted.inventory and not any(run.playbooks for run in runs.values()):
        wanted = replace(wanted, inventory=tuple(engine.settings.inventory.sources))
    return Places(engine, project, wanted, runs)


async def looked(engine: Engine, places: Places, record: StateRecord) -> Value:
    """The state now; contents are bytes, secrets are withheld."""
    if places.of("").inventory.get(record.address.host) is None:
        raise cannot(record.address, f"{record.address.host} is not in the inventory", hint="-i names another inventory")
    target = places.target(record)
    if not isinstance(target, Answer):
        asked = Standing(record=record, parts=frozenset())
        answers = await reinspect(engine.pool, {target: [asked]}, engine.redactor, forks=1)
        target = answers[target][0]
    if not target.error:
        return target.state
    if not target.asked:
        detail = f"{record.address.host}: {target.error}"
        raise Unreached(Problem(code="unreachable", summary="The host cannot be reached", detail=detail))
    raise cannot(record.address, target.error)


class Unreached(ConnectError):
    exit_code = 4


def sources_of(engine: Engine, places: Places) -> tuple[str, ...]:
    """As runs have them: absolute, but for lists of hosts."""
    sources, _ = places.named("")
    return tuple(each if "," in each else os.path.join(engine.cwd, each) for each in sources)


def address_of(host: str, resource: str | None) -> ResourceAddress:
    """`web1 file//etc/motd`, or both in one: `web1/file//etc/motd`. StateError `cannot-import` where that is no address."""
    text = f"{host}/{resource}" if resource is not None else host
    try:
        found = ResourceAddress.parse(text)
        if found.host and found.kind and found.identity and split_patterns(found.host) == [found.host]:
            return found
    except ValueError:
        pass
    raise cannot(text, "this is no address: HOST/KIND/NAME")


def cannot(address: ResourceAddress | str, why: str, hint: str = "") -> StateError:
    summary = "This cannot be made known to the state"
    return StateError(Problem(code="cannot-import", summary=summary, detail=f"{address}: {why}", hint=hint))


def as_document(run: RunId, address: ResourceAddress) -> Mapping[str, Any]:
    return {"run": run, "resource": str(address)}
