"""What `Engine` does for `rollback` and `destroy`: records of the store → what is to be restored → a look at the hosts → a plan to run."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any

from engine.actions.restore import CONFLICT, HINDERED, SAME, Journal
from engine.agent.sdk import same
from engine.bridge.content import Content
from engine.inventory.tree import Inventory
from engine.model.addresses import HostName, ResourceAddress, RunId
from engine.model.event import Event, TaskFinished
from engine.model.frozen import frozen
from engine.model.outcome import Status, TaskOutcome
from engine.model.problem import Problem
from engine.model.values import Value
from engine.plan.restore import Work, look_plan, restore_plan
from engine.playbook.names import short
from engine.playbook.tree import Task
from engine.prepared import ExtraVars, Names, Prepared, listed
from engine.runtime import dispatch
from engine.state.choosing import PARTIAL, TAKES_BACK, candidates, choose, nothing, since, takers
from engine.state.encode import blobs_in, with_bytes
from engine.state.marks import effective
from engine.state.overlap import Newer
from engine.state.record import RunRecord, StateRecord
from engine.state.rollback import Again, Restore, RollbackPlan, moved, piles_of, plan_destroy, plan_rollback
from engine.state.stores.base import StateStore
from engine.state.walkers import walkers_of

if TYPE_CHECKING:
    from engine.engine import Engine


@frozen(kw_only=True)
class Conflict:
    """A resource that is not as it was left: somebody else changed it since."""

    restore: Restore
    why: str


@frozen(kw_only=True)
class Looked:
    """A plan, and what the hosts look like before anything is done."""

    plan: RollbackPlan
    """Without what the hosts cannot go back to: that is in its `impossible`, with the reason."""
    conflicts: tuple[Conflict, ...] = ()
    already: tuple[Restore, ...] = ()
    """As before already: nothing is to be done."""
    unreachable: Mapping[HostName, str] = field(default_factory=dict)
    """Host → why."""
    unclear: tuple[Conflict, ...] = ()
    """What could not be looked at."""


SERVICES = frozenset(("service", "systemd", "systemd_service", "sysvinit"))
"""Handlers that may find nothing any more to restart, when packages went."""


# -- what is to be taken back


async def plan(engine: Engine, project: str, run: RunId | None = None, to: str | None = None) -> RollbackPlan:
    """What taking back a run means; the newest that still stands, unless one is named. `to`: all runs after a moment. Touches no host.

    Raises:
        StateError: there is nothing to take back, or no such run or moment.
    """
    store = engine.store(project)
    runs = [each async for each in store.runs()]
    if to is not None:
        chosen = since(runs, to)
        records = [record for each in chosen async for record in store.records(run=each.id)]
        return plan_rollback(chosen, sorted(records, key=lambda record: record.number))
    if run is not None:
        named = choose(runs, run)
        return plan_rollback(named, await left_of(store, runs, named))
    for candidate in candidates(runs):
        left = await left_of(store, runs, candidate)
        found = plan_rollback(candidate, left)
        if found.restores or (found.impossible and not takers(candidate.id, runs)):
            return found
    raise nothing()


async def left_of(store: StateStore, runs: Sequence[RunRecord], run: RunRecord) -> list[StateRecord]:
    """The run's records, oldest first, without those of resources that other runs have taken back: parts of it, or hosts that went well."""
    records = [each async for each in store.records(run=run.id)]
    for taker in takers(run.id, runs):
        standing = piles_of(await left_of(store, runs, taker))
        gone = {address for address, pile in standing.items() if moved(pile)}
        records = [record for record in records if not taken(record, standing, gone)]
    return records


def taken(record: StateRecord, standing: Mapping[ResourceAddress, list[StateRecord]], gone: set[ResourceAddress]) -> bool:
    """Has a rollback taken it back? Changes that tasks themselves undo go one by one, whatever else was done to the resource."""
    if not record.undo:
        return record.address in gone
    return any(same(each.before, record.after) for each in standing.get(record.address, ()))


async def destruction(engine: Engine, project: str) -> RollbackPlan:
    """Everything that was made since the state began and is still there, as what is to be removed. Touches no host."""
    store = engine.store(project)
    runs = [each async for each in store.runs()]
    records = [record for each in runs async for record in store.records(run=each.id)]
    return plan_destroy(runs, effective(sorted(records, key=lambda record: record.number)))


# -- on which hosts, and how


async def work_of(
    engine: Engine, plan: RollbackPlan, project: str, hosts: Inventory, force: bool
) -> tuple[dict[HostName, Work], dict[tuple[HostName, int], Restore]]:
    """What each host has to do; and which restore stands behind the number of a host's step."""
    store = engine.store(project)
    walkers = walkers_of(plan, hosts)
    requests: dict[HostName, list[dict[str, Any]]] = {}
    meant: dict[tuple[HostName, int], Restore] = {}
    for restore in plan.restores:
        walker = walkers[restore.address.host]
        mine = requests.setdefault(walker, [])
        meant[walker, len(mine)] = restore
        mine.append({**await request_of(store, restore), "number": len(mine), "force": force})
    handlers: dict[HostName, list[dict[str, Any]]] = {}
    bare = {restore.address.host for restore in plan.restores if restore.address.kind == "package"}
    for again in plan.handlers:
        request = {**handler_request(again), "lenient": again.action in SERVICES and again.machine in bare}
        handlers.setdefault(walkers[again.machine], []).append(request)
    return {host: Work(restores=each, handlers=handlers.get(host, ()), journal=Journal()) for host, each in requests.items()}, meant


async def request_of(store: StateStore, restore: Restore) -> dict[str, Any]:
    record = restore.record
    blobs = {digest: await store.blob(digest) for digest in blobs_in([restore.before, restore.after, restore.left])}
    return {
        "kind": record.address.kind,
        "identity": record.address.identity,
        "machine": record.address.host,
        "module": record.module,
        "args": with_bytes(record.args, {}),
        "before": with_bytes(restore.before, blobs),
        "after": with_bytes(restore.after, blobs),
        "become": dict(record.become),
        "connection": record.connection,
        **({"left": with_bytes(restore.left, blobs)} if restore.left else {}),
        **({"undo": with_bytes(record.undo, {})} if record.undo else {}),
    }


def handler_request(again: Again) -> dict[str, Any]:
    return {
        "name": again.name,
        "action": again.action,
        "args": with_bytes(again.args, {}),
        "machine": again.host,
        "become": dict(again.become),
        "connection": again.connection,
        "quiet": again.quiet,
    }


def hosts_of(
    engine: Engine, plan: RollbackPlan, project: str, inventory: Names, tell: Callable[[Problem], None]
) -> tuple[Inventory, tuple[str, ...]]:
    """The hosts of the inventory that is given, else of those that the runs had; and its sources."""
    sources = listed(inventory) or plan.sources
    folder = os.path.dirname(plan.run.playbooks[0]) if plan.runs and plan.run.playbooks else project
    hosts, problems = engine.inventory(sources, folder)
    for problem in problems:
        tell(problem)
    return hosts, sources


def content_of(engine: Engine, plan: RollbackPlan) -> Content | None:
    """Modules that the engine did not bring, as the runs' playbooks had them beside them, where a task named one for its way back."""
    if all(dispatch.has(short(str(each.record.undo.get("action", "command")))) for each in plan.restores):
        return None
    content = Content.of(engine.files, engine.settings.paths, engine.tell, dispatch.has)
    for folder in dict.fromkeys(os.path.dirname(path) for run in plan.runs for path in run.playbooks):
        if engine.files.is_dir(folder):
            content.meet(folder, False)
    return content


def with_modules(engine: Engine, plan: RollbackPlan, content: Content | None) -> RollbackPlan:
    """The plan without what was to be taken back by a module that is not there."""
    closed: list[StateRecord] = []
    for each in plan.restores:
        action = str(each.record.undo.get("action", ""))
        modules = content.modules if content is not None else None
        if action and dispatch.handler_of(Task(action=action), modules, engine.settings) is None:
            closed.append(replace(each.record, reversible=False, reason=f"there is no module `{action}` here that could take it back"))
    gone = {each.number for each in closed}
    left = tuple(each for each in plan.restores if each.record.number not in gone)
    return replace(plan, restores=left, impossible=(*plan.impossible, *closed))


async def prepared(
    engine: Engine, plan: RollbackPlan, project: str, *, inventory: Names = (), extra_vars: ExtraVars = (), force: bool = False
) -> Prepared:
    """A rollback as a plan like any other. Hosts are those of the runs' own inventories, unless another is given."""
    hosts, sources = hosts_of(engine, plan, project, inventory, engine.tell)
    content = content_of(engine, plan)
    work, _ = await work_of(engine, plan, project, hosts, force)
    options: dict[str, Value] = {}
    alone = plan.run.id if len(plan.runs) == 1 and not plan.partial and not plan.destroys else None
    if alone is None and not plan.destroys:
        options = {TAKES_BACK: [run.id for run in plan.runs], PARTIAL: plan.partial}
    return Prepared(
        graph=restore_plan(plan.title, project, work),
        inventory=hosts,
        limit=None,
        extra_vars=engine.extra_vars(extra_vars),
        sources=sources,
        project=project,
        rolls_back=alone,
        options=options,
        content=content,
    )


# -- looking before leaping


async def look(
    engine: Engine, plan: RollbackPlan, project: str, *, inventory: Names = (), extra_vars: ExtraVars = ()
) -> Looked:
    """Inspect every resource of the plan on its host; changes nothing, and records nothing."""
    content = content_of(engine, plan)
    plan = with_modules(engine, plan, content)
    if not plan.restores:
        return Looked(plan=plan)
    hosts, sources = hosts_of(engine, plan, project, inventory, lambda problem: None)
    work, meant = await work_of(engine, plan, project, hosts, False)
    graph = look_plan(project, work)
    bodies = graph.plays[0].bodies
    steps = {step.address: (host, number) for host, body in bodies.items() for number, step in enumerate(body)}
    found: dict[int, TaskOutcome] = {}

    def hear(event: Event) -> None:
        if isinstance(event, TaskFinished) and event.outcome.step in steps:
            found[id(meant[steps[event.outcome.step]])] = event.outcome

    looking = Prepared(
        graph=graph, inventory=hosts, limit=None, extra_vars=engine.extra_vars(extra_vars), sources=sources, project=project, looks=True,
        content=content,
    )
    await engine.carry_out(looking, listeners=[hear])
    return judged(plan, found)


def judged(plan: RollbackPlan, found: Mapping[int, TaskOutcome]) -> Looked:
    """What the looks come to. What something newer in the plan may show in is judged when it is its turn."""
    newer = Newer()
    hindered: dict[int, str] = {}
    conflicts: list[Conflict] = []
    unclear: list[Conflict] = []
    already: list[Restore] = []
    unreachable: dict[HostName, str] = {}
    for restore in plan.restores:
        outcome = found.get(id(restore))
        in_turn = newer.touches(restore.record)
        newer.add(restore.record)
        if outcome is None:
            continue
        said = outcome.result.values
        why = str(said.get("why") or said.get("msg") or "")
        if outcome.status is Status.UNREACHABLE:
            unreachable[restore.address.host] = why
        elif in_turn:
            continue
        elif outcome.status is Status.FAILED:
            unclear.append(Conflict(restore=restore, why=why))
        elif said.get("verdict") == CONFLICT:
            conflicts.append(Conflict(restore=restore, why=why))
        elif said.get("verdict") == HINDERED:
            hindered[id(restore)] = why
        elif said.get("verdict") == SAME:
            already.append(restore)
    closed = tuple(replace(each.record, reversible=False, reason=hindered[id(each)]) for each in plan.restores if id(each) in hindered)
    left = tuple(each for each in plan.restores if id(each) not in hindered)
    return Looked(
        plan=replace(plan, restores=left, impossible=(*plan.impossible, *closed)),
        conflicts=tuple(conflicts),
        already=tuple(already),
        unreachable=unreachable,
        unclear=tuple(unclear),
    )
