"""What is looked at between the plan and the run, where a playbook gives reason to; the rest of the time nothing is loaded for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from engine.model.problem import Problem
from engine.model.values import Value
from engine.plan.graph import PlanGraph

if TYPE_CHECKING:
    from engine.inventory.tree import Inventory


def warnings(graph: PlanGraph, inventory: Inventory, extra_vars: Mapping[str, Value]) -> list[Problem]:
    """Warnings about the plan as a whole."""
    if not any(plan.private for plan in graph.plays):
        return []
    from engine.plan.private import private_reads

    return private_reads(graph, inventory, extra_vars)
