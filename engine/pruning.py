"""`engine plan --prune`: what earlier runs of a playbook made and its text declares no more, as something to be removed.

Nothing is removed by guess: what any task of the playbook could mean, whatever its conditions, tags and loops, stays.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.lint.opened import opened
from engine.lint.subject import Subject
from engine.model.addresses import HostName, RunId
from engine.model.frozen import frozen
from engine.model.source import Span
from engine.plan.build import build_plan
from engine.plan.tags import TagFilter
from engine.prepared import Prepared
from engine.restoring import look
from engine.runtime.declarations import Declarations
from engine.runtime.preview import DELETE, Kept, Planned, Preview
from engine.state.editing import all_records
from engine.state.marks import effective
from engine.state.record import StateRecord
from engine.state.rollback import Restore, RollbackPlan, piles_of, plan_destroy, since_made
from engine.state.snapshot import TRANSIENT

if TYPE_CHECKING:
    from engine.engine import Engine

NEVER = frozenset(("package", "cron"))
"""Kinds of which one record tells of several things: a part may still be declared."""
EVERY_TAG = TagFilter.of(("all", "never"), ())
TITLE = "PRUNE"


@frozen(kw_only=True)
class Pruned:
    """A preview with what is to be removed, and the plan that removes it."""

    preview: Preview
    plan: RollbackPlan


async def pruned(engine: Engine, prepared: Prepared, preview: Preview) -> Pruned:
    """Looks at the hosts of what is to be removed; changes nothing."""
    nothing = RollbackPlan(runs=(), destroys=True, title=TITLE)
    if not engine.has_state(prepared.project):
        return Pruned(preview=preview, plan=nothing)
    store = engine.store(prepared.project)
    runs = [each async for each in store.runs()]
    subject = whole(engine, prepared)
    declared = Declarations.of(subject)
    lost = {each.host for each in preview.failures}
    kept: list[Kept] = []
    gone: list[StateRecord] = []
    books = {each.path for each in prepared.graph.playbooks}
    mine = {run.id for run in runs if run.playbooks and set(run.playbooks) <= books and not run.note}
    for life in made_by(effective(await all_records(store)), mine, set(subject.hosts)):
        record = life[0]
        if record.address in preview.about or declared.declares(record):
            continue
        meant = declared.meant_by(life[-1])
        why = meant or ("its host failed" if record.address.host in lost else declared.why_unknown or not_for_us(life))
        if why:
            kept.append(Kept(resource=record.address, why=why, meant=bool(meant)))
        else:
            gone.extend(life)
    plan = replace(plan_destroy(runs, sorted(gone, key=lambda each: each.number)), title=TITLE)
    plan, unsure = await looked(engine, prepared, plan)
    lines = tuple(map(line_of, plan.restores))
    return Pruned(preview=replace(preview, planned=(*preview.planned, *lines), kept=(*kept, *unsure)), plan=plan)


def whole(engine: Engine, prepared: Prepared) -> Subject:
    """All that stands in the playbook: tasks of every tag, and what its includes bring."""
    options = replace(engine._plan_options(prepared.extra_vars), tags=EVERY_TAG)
    graph = build_plan(list(prepared.graph.playbooks), options)
    subject = engine.subject(graph, prepared.inventory, prepared.limit, prepared.extra_vars)
    return opened(subject, engine.parse_context(prepared.extra_vars, prepared.content or engine.content), options)


def made_by(records: Sequence[StateRecord], mine: set[RunId], hosts: set[HostName]) -> list[list[StateRecord]]:
    """Of each thing on these hosts that runs of the playbook made, and nobody else had a hand in, the records since it was made."""
    found: list[list[StateRecord]] = []
    for address, pile in piles_of(records).items():
        life = since_made(pile)
        if life and address.kind not in TRANSIENT and address.host in hosts and all(each.run in mine for each in life):
            found.append(life)
    return found


def not_for_us(life: Sequence[StateRecord]) -> str:
    """Why it is not for a plan to remove it."""
    record = life[0]
    if record.address.kind in NEVER:
        return f"one record of {record.address.kind} may tell of several things"
    if record.action == "tempfile":
        return "a task made its name up"
    if not record.reversible:
        return record.reason or "nothing can remove it"
    return "" if record.inventory_host == record.address.host else f"{record.inventory_host} had it made there"


async def looked(engine: Engine, prepared: Prepared, plan: RollbackPlan) -> tuple[RollbackPlan, list[Kept]]:
    """Without what is gone already, and what somebody else has changed since."""
    found = await look(engine, plan, prepared.project, inventory=prepared.sources, extra_vars=prepared.extra_vars)
    unsure = [Kept(resource=each.restore.address, why=f"somebody else has changed it: {each.why}") for each in found.conflicts]
    unsure += [Kept(resource=each.restore.address, why=each.why) for each in found.unclear]
    unsure += [Kept(resource=each.address, why=each.reason) for each in found.plan.impossible]
    away = {each.resource for each in unsure} | {each.address for each in found.already}
    left = tuple(each for each in found.plan.restores if each.address not in away and each.address.host not in found.unreachable)
    return replace(found.plan, restores=left, impossible=()), unsure


def line_of(restore: Restore) -> Planned:
    record = restore.record
    path, _, line = record.step.partition("@")[2].rpartition(":")
    digest = hashlib.sha256(f"prune {record.address} {record.number}".encode()).hexdigest()
    return Planned(
        host=record.inventory_host, action=DELETE, resource=record.address, task=record.task, module=record.action, step=record.step,
        span=Span(path, int(line) if line.isdigit() else 0), reason="the playbook declares it no more", digest=digest,
    )  # fmt: skip
