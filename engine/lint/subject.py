"""What the rules look at: a plan with its hosts, variables and files; and what several rules need of it, made once."""
from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
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


SCHEMA_NAMES = ("vars_schema.yml", "vars_schema.yaml")
"""Files that give variables types, beside a playbook or an inventory."""


class Included:
    """What run-time includes bring, as far as they were opened (lint/opened.py)."""

    def __init__(self) -> None:
        self.blocks: dict[int, list[Step]] = {}
        """By play."""
        self.handlers: dict[int, list[Step]] = {}
        self.roles: list[Role] = []
        self.closed: set[int] = set()
        """Ids of include steps of which nobody knows before the run what they bring."""
        self.problems: list[Problem] = []
        """Found while they were opened."""


class Subject:
    """Read only for the rules. Nothing in it was rendered."""

    def __init__(
        self, *, graph: PlanGraph, inventory: Inventory, files: Files, templates: Callable[[], Templates],
        limit: frozenset[HostName] | None = None, extra_vars: Mapping[str, Value] | None = None, facts_are_kept: bool = False,
        included: Included | None = None,
    ) -> None:
        """
        Args:
            templates: Called when a rule first needs it: loading Jinja takes as long as planning hundreds of tasks.
            facts_are_kept: Facts of earlier runs are variables of this one.
            included: None: includes were not looked into; each may bring anything.
        """
        self.graph = graph
        self.inventory = inventory
        self.files = files
        self.templates = templates
        self.limit = limit
        self.extra_vars = extra_vars or {}
        self.facts_are_kept = facts_are_kept
        self.opened = included is not None
        self.included = included or Included()

    def with_included(self, included: Included) -> Subject:
        return Subject(
            graph=self.graph, inventory=self.inventory, files=self.files, templates=self.templates, limit=self.limit,
            extra_vars=self.extra_vars, facts_are_kept=self.facts_are_kept, included=included,
        )

    @cached_property
    def leaves(self) -> tuple[tuple[PlayPlan, Step], ...]:
        """Every task, include and handler with its play, included ones too, in the order of the plan."""
        return tuple((play, step) for play in self.graph.plays for step in self.steps_of(play) if step.kind is not StepKind.BLOCK)

    def steps_of(self, play: PlayPlan) -> Iterator[Step]:
        """Of the plan, and of what its includes bring."""
        yield from play.steps()
        for block in (*self.included.blocks.get(play.index, ()), *self.included.handlers.get(play.index, ())):
            yield from block.walk()

    def is_closed(self, step: Step) -> bool:
        """An include that may bring anything."""
        return step.kind is StepKind.INCLUDE and (not self.opened or id(step) in self.included.closed)

    @cached_property
    def roles(self) -> tuple[Role, ...]:
        """Every role that a step stands in, or that is there for its handlers, each once."""
        found: dict[int, Role] = {}
        for play in self.graph.plays:
            found.update((id(role), role) for role in play.roles)
            for step in self.steps_of(play):
                found.update((id(role), role) for role in step.around.roles)
        found.update((id(role), role) for role in self.included.roles)
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
            action=step.task.action if step.task is not None else "",
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
