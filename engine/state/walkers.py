"""Who takes a run back: the hosts whose cursors walk through the steps of a rollback."""

from __future__ import annotations

from engine.errors import StateError
from engine.inventory.tree import Inventory
from engine.model.addresses import HostName
from engine.model.problem import Problem
from engine.state.rollback import RollbackPlan


def walkers_of(plan: RollbackPlan, inventory: Inventory) -> dict[HostName, HostName]:
    """Machine → the host that walks through its steps. One for each machine, since what is on it goes back in order.

    The machine itself where the inventory knows it; else one whose tasks were delegated there.

    Raises:
        StateError: `host-not-in-inventory`, with all such hosts: nothing is taken back from only some of the hosts unasked.
    """
    found: dict[HostName, HostName] = {}
    for restore in plan.restores:
        machine, owner = restore.record.address.host, restore.record.inventory_host
        found.setdefault(machine, machine if inventory.get(machine) is not None else owner)
    unknown = sorted(host for host in set(found.values()) if inventory.get(host) is None)
    if unknown:
        raise StateError(
            Problem(
                code="host-not-in-inventory",
                summary="A host of the run is not in the inventory",
                detail=f"{', '.join(unknown)} changed in {plan.run.id}",
                hint="-i names another inventory, --limit takes back the rest alone",
            )
        )
    return found
