"""The plan: steps and the edges between them, in plain tuples. Hands a networkx graph to algorithms when one is asked for.

networkx costs 140 ms of CPU to import, so nothing here imports it before `digraph` is called.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from engine.model.addresses import HostName, StepAddress
from engine.plan.step import Edge, Step
from engine.playbook.tree import Play, Playbook, Role

if TYPE_CHECKING:
    import networkx


@dataclass(frozen=True, kw_only=True)
class RoleNames:
    """The names of a play's roles, each as often as it is used."""

    used: tuple[str, ...] = ()
    """In `roles:`, imports and includes, in this order."""
    needed: tuple[str, ...] = ()
    """By those, as dependencies."""

    def met(self, name: str, *, dependency: bool) -> RoleNames:
        return replace(self, needed=(*self.needed, name)) if dependency else replace(self, used=(*self.used, name))


@dataclass(frozen=True, kw_only=True)
class PlayPlan:
    """One play: its steps in order, and its handlers in the order of definition."""

    index: int
    play: Play
    body: tuple[Step, ...]
    handlers: tuple[Step, ...] = ()
    bodies: Mapping[HostName, tuple[Step, ...]] = field(default_factory=dict)
    """Instead of `body`, for hosts that are in it: plans made from records."""
    roles: tuple[Role, ...] = ()
    """Every role known before the run whose variables all of the play sees, in the order of use, dependencies first."""
    names: RoleNames = field(default_factory=RoleNames)
    """The roles known before the run, by name."""
    private: tuple[Role, ...] = ()
    """The roles that keep their names to themselves (`scoping: lexical`)."""

    def steps(self) -> Iterator[Step]:
        for step in (*self.body, *(step for body in self.bodies.values() for step in body), *self.handlers):
            yield from step.walk()


@dataclass(frozen=True, kw_only=True)
class PlanGraph:
    plays: tuple[PlayPlan, ...]
    edges: tuple[Edge, ...] = ()
    playbooks: tuple[Playbook, ...] = ()
    digest: str = ""
    """Fingerprint of every text that it was made from."""
    title: str = ""
    """For plans made from records instead of a playbook."""
    notes: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def steps(self) -> dict[StepAddress, Step]:
        return {step.address: step for play in self.plays for step in play.steps()}

    def digraph(self) -> networkx.MultiDiGraph[StepAddress]:
        """Nodes are addresses (attribute `step`), edges have `kind` and `label`."""
        import networkx

        graph: networkx.MultiDiGraph[StepAddress] = networkx.MultiDiGraph()
        for address, step in self.steps.items():
            graph.add_node(address, step=step)
        for edge in self.edges:
            graph.add_edge(edge.source, edge.target, kind=edge.kind, label=edge.label)
        return graph
