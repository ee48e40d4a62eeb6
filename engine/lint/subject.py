"""What the rules look at: a plan with its hosts, variables and files; and what several rules need of it, made once."""
from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from engine.errors import EngineError
from engine.files import Files
from engine.inventory.patterns import select
from engine.inventory.tree import Inventory
from engine.model.addresses import HostName
from engine.model.problem import Problem
from engine.model.values import Value
from engine.plan.graph import PlanGraph, PlayPlan
from engine.plan.step import Step, StepKind
from engine.playbook.context import has_template
from engine.playbook.tree import Play, Role
from engine.search import Search

if TYPE_CHECKING:
    from engine.templating.environment import Templates


@dataclass(kw_only=True)
class Subject:
    """Read only for the rules. Nothing in it was rendered."""

    graph: PlanGraph
    inventory: Inventory
    files: Files
    templates: Callable[[], Templates]
    """Made when a rule first needs it: loading Jinja takes as long as planning hundreds of tasks."""
    limit: frozenset[HostName] | None = None
    extra_vars: Mapping[str, Value] = field(default_factory=dict)
    facts_are_kept: bool = False
    """Facts of earlier runs are variables of this one."""
    included: Mapping[int, tuple[Step, ...]] = field(default_factory=dict)
    """By play: blocks that run-time includes bring, as far as they were opened (lint/opened.py)."""
    included_handlers: Mapping[int, tuple[Step, ...]] = field(default_factory=dict)
    included_roles: tuple[Role, ...] = ()
    closed: frozenset[int] = frozenset()
    """Ids of include steps of which nobody knows before the run what they bring."""
    opened: bool = False
    """Includes were looked into, those that are `closed` excepted. If not, every include may bring anything."""
    problems: tuple[Problem, ...] = ()
    """Found while includes were opened."""

    @cached_property
    def leaves(self) -> tuple[tuple[PlayPlan, Step], ...]:
        """Every task, include and handler with its play, included ones too, in the order of the plan."""
        return tuple((play, step) for play in self.graph.plays for step in self.steps_of(play) if step.kind is not StepKind.BLOCK)

    def steps_of(self, play: PlayPlan) -> Iterator[Step]:
        """Of the plan, and of what its includes bring."""
        yield from play.steps()
        for block in (*self.included.get(play.index, ()), *self.included_handlers.get(play.index, ())):
            yield from block.walk()

    def is_closed(self, step: Step) -> bool:
        """An include that may bring anything."""
        return step.kind is StepKind.INCLUDE and (not self.opened or id(step) in self.closed)

    @cached_property
    def roles(self) -> tuple[Role, ...]:
        """Every role that a step stands in, or that is there for its handlers, each once."""
        found: dict[int, Role] = {}
        for play in self.graph.plays:
            found.update((id(role), role) for role in play.roles)
            for step in self.steps_of(play):
                found.update((id(role), role) for role in step.around.roles)
        found.update((id(role), role) for role in self.included_roles)
        return tuple(found.values())

    def hosts_of(self, play: Play) -> tuple[HostName, ...] | None:
        """The hosts of a play, after --limit; None where its pattern needs rendering or cannot be read."""
        patterns = list(play.hosts) if isinstance(play.hosts, list | tuple) else [play.hosts]
        if not all(isinstance(each, str) and not has_template(each) for each in patterns):
            return None
        try:
            found = select(self.inventory, patterns).hosts
        except (EngineError, KeyError, ValueError):
            return None
        return tuple(host for host in found if self.limit is None or host in self.limit)

    def search(self, play: PlayPlan, step: Step) -> Search:
        """Where a task looks for its files, as runtime/context.py has it."""
        return Search.of(
            self.files, role_paths=[role.path for role in reversed(step.around.roles)],
            task_dir=os.path.dirname(step.span.path), playbook_dir=os.path.dirname(play.play.path),
        )

    @cached_property
    def idle(self) -> frozenset[int]:
        """Ids of the steps of plays that have no host in this inventory; of none where there is no inventory at all."""
        empty = {play.index for play in self.graph.plays if self.inventory.hosts and self.hosts_of(play.play) == ()}
        return frozenset(id(step) for play, step in self.leaves if play.index in empty)

    @cached_property
    def hosts(self) -> tuple[HostName, ...]:
        """Every host that a play may run on."""
        found: dict[HostName, None] = {}
        for play in self.graph.plays:
            hosts = self.hosts_of(play.play)
            found.update(dict.fromkeys(tuple(self.inventory.hosts) if hosts is None else hosts))
        return tuple(found)
