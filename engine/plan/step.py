"""Steps: what a plan is made of. One per task of the text, whatever the number of hosts; hosts are cursors that walk them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import Enum

from engine.model.addresses import OrderKey, StepAddress
from engine.model.frozen import frozen
from engine.model.source import Span
from engine.model.values import Value
from engine.playbook.tree import Block, Role, Task


class StepKind(Enum):
    TASK = "task"
    BLOCK = "block"
    INCLUDE = "include"
    """include_tasks, include_role: becomes a block when it runs."""
    META = "meta"


class EdgeKind(Enum):
    ORDER = "order"
    BARRIER = "barrier"
    """All hosts wait: end of a play or batch, flush_handlers, run_once, any_errors_fatal."""
    DATA = "data"
    """A registered or set variable is read."""
    NOTIFY = "notify"
    RESCUE = "rescue"
    ALWAYS = "always"


@frozen
class Edge:
    source: StepAddress
    target: StepAddress
    kind: EdgeKind
    label: str = ""


@frozen(kw_only=True, eq=False)
class Surroundings:
    """What a step inherits from where it stands; shared by all steps of one block."""

    blocks: tuple[Block, ...] = ()
    """Outermost first: blocks, imports, roles, includes."""
    roles: tuple[Role, ...] = ()
    """Outermost first: the roles it stands in."""

    @property
    def role(self) -> Role | None:
        return self.roles[-1] if self.roles else None


@frozen(kw_only=True, eq=False)
class Step:
    """Compared by identity; named by its address."""

    address: StepAddress
    kind: StepKind
    task: Task | None = None
    block: Block | None = None
    keywords: Mapping[str, Value] = field(default_factory=dict)
    """Effective keywords, inherited ones included, unrendered (playbook/inherit.py)."""
    around: Surroundings = Surroundings()
    body: tuple[Step, ...] = ()
    """Of a looped block (kind INCLUDE): the block once, for those who show plans."""
    rescue: tuple[Step, ...] = ()
    always: tuple[Step, ...] = ()
    tags: frozenset[str] = frozenset()

    @property
    def key(self) -> OrderKey:
        return self.address.key

    @property
    def span(self) -> Span:
        source = self.task or self.block
        assert source is not None
        return source.span

    def walk(self) -> list[Step]:
        """This step and everything below it, in order. What a run-time include brings is not below it."""
        found = [self]
        if self.kind is StepKind.INCLUDE:
            return found
        for part in (self.body, self.rescue, self.always):
            for child in part:
                found.extend(child.walk())
        return found
