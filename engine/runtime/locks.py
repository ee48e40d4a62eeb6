"""A run holds the hosts that it is going to change: those of its plays, after --limit. Added hosts and delegates are not held."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager

from engine.errors import EngineError
from engine.inventory.patterns import select
from engine.inventory.tree import Inventory
from engine.model.addresses import HostName, RunId
from engine.model.event import ProblemFound
from engine.model.problem import Problem, Severity
from engine.model.values import Value
from engine.plan.graph import PlanGraph
from engine.playbook.tree import Play
from engine.runtime.context import RunContext
from engine.settings.settings import Settings
from engine.state.lock import HeldLock, told_of
from engine.state.process import is_dead, this_owner
from engine.state.stores.base import StateStore


@asynccontextmanager
async def locked(
    run: RunContext, graph: PlanGraph, store: Callable[[], StateStore], *, heir_to: Collection[RunId] = ()
) -> AsyncIterator[None]:
    """Hold the run's hosts while the block goes on.

    Args:
        heir_to: The runs that this one takes back or goes on with: what they hold is given back if their process is dead.

    Raises:
        StateError: `state-locked`, where others hold some of the hosts for too long.
    """
    if not wanted(run.settings):
        yield
        return
    state, kept = run.settings.state, store()
    hosts = hosts_of(graph, run.ledger.inventory, run.limit, run.options.render)
    owner = this_owner(run.run, run.clock.now())

    def tell(code: str, summary: str, held: Sequence[HeldLock], severity: Severity) -> None:
        problem = Problem(code=code, summary=summary, detail=told_of(held, owner.since), severity=severity)
        run.events.publish(ProblemFound(problem=problem))

    removed = await kept.unlock(hosts) if state.force_unlock else await left_by(heir_to, kept)
    if removed:
        tell("lock-taken-away", "A lock was taken away from its owner", removed, Severity.WARNING)

    def waiting(held: Sequence[HeldLock]) -> None:
        tell("lock-waiting", "Waiting for hosts that somebody else holds", held, Severity.NOTICE)

    async with kept.lock(hosts, owner, wait=state.lock_timeout, waiting=waiting):
        yield


async def left_by(dead: Collection[RunId], store: StateStore) -> list[HeldLock]:
    """The locks of runs whose process has died, given back."""
    found = [each for each in await store.locks() if each.owner.run in dead and is_dead(each.owner.process)] if dead else []
    for owner in {each.owner for each in found}:
        await store.release(owner)
    return found


def wanted(settings: Settings) -> bool:
    """Not under Ansible's names: its users run several playbooks at once over the same hosts today."""
    return settings.state.lock and not settings.run.check and settings.run.compat != "ansible"


def hosts_of(
    graph: PlanGraph, inventory: Inventory, limit: frozenset[HostName] | None, render: Callable[[Play, Value], Value]
) -> frozenset[HostName]:
    """Every host that a play of the plan names. A pattern that only the run itself can know (prompts) may mean any."""
    found: set[HostName] = set()
    for plan in graph.plays:
        try:
            pattern = render(plan.play, plan.play.hosts)
            words = [str(each) for each in pattern] if isinstance(pattern, list | tuple) else [str(pattern)]
            found.update(select(inventory, words).hosts)
        except EngineError:
            found.update(inventory.hosts)
    return frozenset(found if limit is None else found & limit)
