"""`engine drift --fix`: the way back to the recorded state, as plans like any other, carried out and recorded as runs."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.actions.restore import Journal
from engine.drifting import DriftReport, Places, Wanted, look
from engine.engine import Engine
from engine.errors import StateError
from engine.model.addresses import HostName
from engine.model.frozen import frozen
from engine.model.values import Value
from engine.plan.restore import Work, restore_plan
from engine.prepared import Prepared
from engine.state.encode import blobs_in, with_bytes
from engine.state.standing import is_ones_own
from engine.state.stores.base import StateStore
from engine.state.way_back import NOT_KEPT, BackStep, WayBack, way_back

TITLE = "BACK TO THE RECORDED STATE"
CANNOT = "its module cannot put it back"


@frozen(kw_only=True)
class Fix:
    """What has drifted, and what is to be done about it. No host was changed for it."""

    report: DriftReport
    way: WayBack
    places: Places
    contents: Mapping[str, bytes]
    """What the steps need of the state's contents, by digest."""


async def plan_fix(engine: Engine, project: str, wanted: Wanted) -> Fix:
    """Look, and think. Raises as `Engine.drift`."""
    report, places = await look(engine, project, wanted)
    way = way_back(report.drifts, irreversible)
    contents, lost = await contents_of(engine.store(project), way)
    if lost:
        gone = {step.record.address for step in way.steps if lost & blobs_in(step.goal)}
        unkept = tuple((drift, NOT_KEPT) for drift in report.drifts if drift.address in gone)
        steps = tuple(step for step in way.steps if step.record.address not in gone)
        way = replace(way, steps=steps, impossible=way.impossible + unkept)
    return Fix(report=report, way=way, places=places, contents=contents)


async def contents_of(store: StateStore, way: WayBack) -> tuple[dict[str, bytes], set[str]]:
    """The contents that are needed, by digest; and the digests of those that are not there any more."""
    found: dict[str, bytes] = {}
    lost: set[str] = set()
    for digest in sorted(set().union(*(blobs_in(step.goal) for step in way.steps))):
        try:
            found[digest] = await store.blob(digest)
        except StateError as error:
            if error.problem.code != "blob-missing":
                raise
            lost.add(digest)
    return found, lost


def irreversible(module: str) -> str:
    """Why a module cannot make a recorded state true; "" where it can."""
    native = importlib.import_module(module)
    return "" if getattr(native, "REVERSIBLE", True) else str(getattr(native, "REASON", "")) or CANNOT


def prepare_fix(project: str, fix: Fix) -> list[Prepared]:
    """A plan for each inventory that the resources' runs had; mostly that is one."""
    found: dict[tuple[tuple[str, ...], str], list[BackStep]] = {}
    for step in fix.way.steps:
        found.setdefault(fix.places.named(step.record.run), []).append(step)
    return [prepared(project, fix, steps) for steps in found.values()]


def walker_of(step: BackStep, places: Places) -> HostName:
    """The host that walks through the step: the machine itself, where the inventory knows it; else one whose task it was."""
    machine = step.record.address.host
    return machine if places.of(step.record.run).inventory.get(machine) is not None else step.record.inventory_host


def request_of(step: BackStep, fix: Fix) -> dict[str, Any]:
    """For the action `restore`: `before` is where to go. Who became nobody then may be asked to become someone now (-b)."""
    record, become = step.record, fix.places.engine.settings.become
    goal: Value = with_bytes(step.goal, fix.contents)
    now = {"method": become.method, "user": become.user} if become.become and not is_ones_own(record) else {}
    return {
        "kind": record.address.kind,
        "identity": record.address.identity,
        "machine": record.address.host,
        "module": record.module,
        "args": with_bytes(dict(step.args), {}),
        "before": goal,
        "after": goal,
        "become": dict(record.become) or now,
        "connection": record.connection,
        "force": True,
    }


def prepared(project: str, fix: Fix, steps: Sequence[BackStep]) -> Prepared:
    """The plan of steps that have one inventory."""
    places, run = fix.places, steps[0].record.run
    sources, folder = places.named(run)
    bodies: dict[HostName, list[dict[str, Any]]] = {}
    for step in steps:
        mine = bodies.setdefault(walker_of(step, places), [])
        mine.append({**request_of(step, fix), "number": len(mine)})
    graph = restore_plan(TITLE, folder, {host: Work(restores=each, journal=Journal()) for host, each in bodies.items()})
    return Prepared(
        graph=replace(graph, playbooks=tuple(replace(each, path=f"{folder}/drift") for each in graph.playbooks)),
        inventory=places.of(run).inventory,
        limit=None,
        extra_vars=places.wanted.extra_vars,
        sources=sources,
        project=project,
    )
