"""What `Engine` does for a rollback: records of the store → what is to be restored → a plan that the runner carries out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from engine.model.addresses import HostName, RunId
from engine.plan.restore import restore_plan
from engine.prepared import ExtraVars, Names, Prepared, listed
from engine.state.encode import blobs_in, with_bytes
from engine.state.rollback import RollbackPlan, choose, plan_rollback
from engine.state.walkers import walkers_of

if TYPE_CHECKING:
    from engine.engine import Engine


async def plan(engine: Engine, project: str, run: RunId | None = None) -> RollbackPlan:
    """What taking back a run means; the newest that changed something, unless one is named. Touches no host."""
    store = engine.store(project)
    chosen = choose([each async for each in store.runs()], run)
    return plan_rollback(chosen, [each async for each in store.records(run=chosen.id)])


async def prepared(engine: Engine, plan: RollbackPlan, project: str, *, inventory: Names, extra_vars: ExtraVars, force: bool) -> Prepared:
    """A rollback as a plan like any other. Hosts are those of the run's own inventory, unless another is given."""
    store = engine.store(project)
    sources = listed(inventory) or plan.run.inventory
    folder = os.path.dirname(plan.run.playbooks[0]) if plan.run.playbooks else project
    hosts, problems = engine.inventory(sources, folder)
    for problem in problems:
        engine.tell(problem)
    walkers = walkers_of(plan, hosts)
    steps: dict[HostName, list[dict[str, Any]]] = {}
    for restore in plan.restores:
        record = restore.record
        blobs = {digest: await store.blob(digest) for digest in blobs_in([restore.before, restore.after])}
        steps.setdefault(walkers[record.address.host], []).append(
            {
                "kind": record.address.kind,
                "identity": record.address.identity,
                "machine": record.address.host,
                "module": record.module,
                "args": with_bytes(record.args, {}),
                "before": with_bytes(restore.before, blobs),
                "after": with_bytes(restore.after, blobs),
                "become": dict(record.become),
                "connection": record.connection,
                "force": force,
            }
        )
    return Prepared(
        graph=restore_plan(f"ROLLBACK OF {plan.run.id}", project, steps),
        inventory=hosts,
        limit=None,
        extra_vars=engine.extra_vars(extra_vars),
        sources=sources,
        project=project,
        rolls_back=plan.run.id,
    )
