"""What a run begins with: a plan, hosts and variables; and how callers may name playbooks and variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, TypeAlias

from engine.bridge.content import Content
from engine.inventory.tree import Inventory
from engine.model.addresses import HostName, RunId
from engine.model.frozen import frozen
from engine.model.problem import Problem
from engine.model.values import Value
from engine.plan.graph import PlanGraph

if TYPE_CHECKING:
    from engine.runtime.replay import Replay
    from engine.runtime.starting import Start

Names: TypeAlias = str | Sequence[str]
"""One path, or several."""
ExtraVars: TypeAlias = Mapping[str, Value] | Sequence[str | Mapping[str, Value]]
"""A mapping, or a list of mappings and of texts as `-e` takes them; a later one wins."""


@frozen(kw_only=True)
class Prepared:
    """A plan with the hosts and variables that it will run with. Files were read for it; no host was touched."""

    graph: PlanGraph
    inventory: Inventory
    limit: frozenset[HostName] | None
    extra_vars: Mapping[str, Value]
    project: str
    sources: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    rolls_back: RunId | None = None
    options: Mapping[str, Value] = field(default_factory=dict)
    """What is recorded of the run beside its command line's options."""
    resumes: Replay | None = None
    """The run that it goes on with, and what of it was over."""
    starts: Start | None = None
    """Where it begins, if an include brings that task."""
    looks: bool = False
    """It only looks at hosts: nothing is recorded, and nobody is told but who asked."""
    content: Content | None = None
    """Modules and plugins that the engine did not bring."""


def listed(names: Names) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)
