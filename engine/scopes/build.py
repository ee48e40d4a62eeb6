"""Lines up the layers for one host at one step, top to bottom, and copies nothing.

A step's own layers are the same for all hosts and made once per step; a host's are made once per host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

from engine.model.addresses import HostName
from engine.model.merging import Merging
from engine.model.values import Value
from engine.model.variables import only
from engine.scopes.layers import Layer
from engine.scopes.lexical import owners_seen, places_inside
from engine.scopes.magic import HostMagic, Magic, PlayFacts
from engine.scopes.scope import Scope
from engine.scopes.store import HostVariables, VariableStore

if TYPE_CHECKING:
    from engine.plan.step import Step
    from engine.playbook.tree import Block, Play, Role

Layered = tuple[tuple[Layer, Mapping[str, Value]], ...]


@dataclass(slots=True)
class StepLayers:
    """The layers that a step brings along, in three groups by rank."""

    params: Layered
    """Above what hosts have assigned: include and role params."""
    text: Layered
    """Task, blocks, role vars: below include_vars, above the play's."""
    defaults: Layered
    roles: tuple[Role, ...]
    owners: tuple[str, ...] = ()
    """Paths of lexical roles whose own assigned variables it sees, nearest first."""


@dataclass(slots=True, kw_only=True)
class ScopeBuilder:
    """Makes scopes for one batch of a play."""

    play: Play
    facts: PlayFacts
    store: VariableStore
    inventory_layers: Callable[[HostName], Layered]
    """Highest first, of one host; shared mappings."""
    extra_vars: Mapping[str, Value]
    prompts: Mapping[str, Value] = field(default_factory=dict)
    play_files: Callable[[HostName], Sequence[Mapping[str, Value]]] = lambda host: ()
    """vars_files that were read for a host, last one first."""
    public_roles: Callable[[], Sequence[Role]] = tuple
    """Roles whose variables the rest of the play sees, in order of use; of lexical ones what they export."""
    private_roles: Callable[[], Sequence[Role]] = tuple
    """Lexical roles met so far: whose names are not seen from outside."""
    merging: bool = False
    """`hash_behaviour: merge`."""
    _steps: dict[int, tuple[Step, StepLayers]] = field(default_factory=dict)
    _hosts: dict[HostName, Layered] = field(default_factory=dict)

    def scope_for(self, step: Step | None, host: HostName, loop: Mapping[str, Value] | None = None) -> Scope:
        """The scope of `host` at `step`; None for a view from outside the play's steps (hostvars, play keywords)."""
        variables = self.store.of(host)
        of_step = self._of_step(step)
        magic = Magic(self.facts, host, of_step.roles)
        layers: list[tuple[Layer, Mapping[str, Value]]] = [(Layer.MAGIC, magic)]
        if loop:
            layers.append((Layer.LOOP, loop))
        if self.extra_vars:
            layers.append((Layer.EXTRA, self.extra_vars))
        layers.extend(of_step.params)
        if of_step.owners:
            layers.extend((Layer.SET_FACT, variables.own(role).assigned) for role in of_step.owners)
        layers.append((Layer.SET_FACT, variables.assigned))
        if of_step.owners:
            layers.extend((Layer.INCLUDE_VARS, variables.own(role).included) for role in of_step.owners)
        if variables.included:
            layers.append((Layer.INCLUDE_VARS, variables.included))
        layers.extend(of_step.text)
        layers.extend(self._of_play(host))
        layers.append((Layer.FACTS, variables.injected))
        if variables.added:
            layers.append((Layer.INVENTORY_HOST, variables.added))
        layers.extend(self._of_host(host))
        layers.extend(of_step.defaults)
        keeper_of = partial(self._keeper_of, variables) if variables.private or self.private_roles() else None
        return Scope(layers, keeper_of, merging=self.merging)

    def seen_from_outside(self, host: HostName) -> Scope:
        """What `hostvars[host]` shows: nothing of the play and its steps."""
        variables = self.store.of(host)
        layers: list[tuple[Layer, Mapping[str, Value]]] = [(Layer.MAGIC, HostMagic(self.facts, host))]
        if self.extra_vars:
            layers.append((Layer.EXTRA, self.extra_vars))
        layers.append((Layer.SET_FACT, variables.assigned))
        layers.append((Layer.INCLUDE_VARS, variables.included))
        layers.append((Layer.FACTS, variables.injected))
        layers.append((Layer.INVENTORY_HOST, variables.added))
        layers.extend(self._of_host(host))
        return Scope(layers, merging=self.merging)

    def delegated(self, host: HostName, delegate: HostName) -> Scope:
        """`ansible_delegated_vars[delegate]` for a task of `host`: the delegate's in this play, under the name of the host."""
        last: Mapping[str, Value] = {"ansible_host": delegate, "ansible_port": None, "ansible_user": None}
        named: Mapping[str, Value] = {"inventory_hostname": host}
        layers = ((Layer.MAGIC, named), *self.scope_for(None, delegate).layers, (Layer.CONNECTION, last))
        return Scope(layers, merging=self.merging)

    def _keeper_of(self, variables: HostVariables, name: str) -> str:
        """Which lexical role has `name` for itself, as a hint; empty for none."""
        roles = self.private_roles()
        keepers = [role.name for role in roles if name in role.defaults or name in role.vars]
        names = {role.path: role.name for role in roles}
        setting = [path for path, own in variables.private.items() if name in own.assigned or name in own.included]
        keepers += [names.get(path, path.rpartition("/")[2]) for path in setting]
        shown = " and ".join(f"`{keeper}`" for keeper in dict.fromkeys(keepers))
        return f"the role {shown} keeps it to itself: `exports: [{name}]` where the role is used lets others see it" if keepers else ""

    def forget_steps(self) -> None:
        """A role became public: what steps see of other roles is stale."""
        self._steps.clear()

    def forget_hosts(self) -> None:
        """The inventory changed."""
        self._hosts.clear()

    def _of_host(self, host: HostName) -> Layered:
        layers = self._hosts.get(host)
        if layers is None:
            layers = self._hosts[host] = self.inventory_layers(host)
        return layers

    def _of_play(self, host: HostName) -> Iterable[tuple[Layer, Mapping[str, Value]]]:
        for mapping in self.play_files(host):
            yield Layer.PLAY_FILES, mapping
        if self.prompts:
            yield Layer.PROMPT, self.prompts
        if self.play.vars:
            yield Layer.PLAY, self.play.vars

    def _of_step(self, step: Step | None) -> StepLayers:
        known = self._steps.get(id(step))
        if known is not None:
            return known[1]
        if step is None:
            shown = [role for role in reversed(self.public_roles()) if role.defaults and not role.within]
            return StepLayers((), (), tuple((Layer.ROLE_DEFAULTS, role.defaults) for role in shown), ())
        made = self._made(step)
        self._steps[id(step)] = (step, made)
        return made

    def _made(self, step: Step) -> StepLayers:
        blocks = step.around.blocks
        needed = needed_by_tasks(blocks)
        params = (
            *((Layer.INCLUDE_PARAMS, block.params) for block in reversed(blocks) if block.params and block.role is None),
            *((Layer.ROLE_PARAMS, block.params) for block in reversed(blocks) if block.params and block.role and block.role.by_task),
            *((Layer.ROLE_PARAMS, block.params) for block in reversed(blocks) if block.params and block.role and not block.role.by_task),
        )
        text: list[tuple[Layer, Mapping[str, Value]]] = []
        if step.task is not None and step.task.vars:
            text.append((Layer.TASK, step.task.vars))
        entries = entries_around(blocks)
        outer = {id(block) for block in (*entries, *needed)}
        text.extend((Layer.BLOCK, block.vars) for block in reversed(blocks) if block.vars and id(block) not in outer)
        text.extend((Layer.BLOCK, block.vars) for block in reversed(needed) if block.vars and all(block is not entry for entry in entries))
        inside = places_inside(blocks)
        roles = roles_seen(step.around.roles, [role for role in self.public_roles() if role.within in inside])
        text.extend((Layer.ROLE, role.vars) for role in roles if role.vars)
        text.extend((Layer.ROLE, block.vars) for block in reversed(entries) if block.vars)
        defaults = tuple((Layer.ROLE_DEFAULTS, role.defaults) for role in roles if role.defaults)
        owners = owners_seen(blocks)
        if self.merging:
            return StepLayers(innermost(params, step), innermost(text, step), defaults, step.around.roles, owners)
        return StepLayers(params, tuple(text), defaults, step.around.roles, owners)


def entries_around(blocks: Sequence[Block]) -> list[Block]:
    """The role entries in whose dependencies a step stands: their `vars` give way there to the vars of the roles around it."""
    return [outer for outer, block in pairwise(blocks) if outer.role and block.role and not (outer.role.by_task or block.role.by_task)]


def needed_by_tasks(blocks: Sequence[Block]) -> list[Block]:
    """The entries of roles that a role depends on which a task uses: their `vars` give way to those of that task and its blocks."""
    found: list[Block] = []
    for outer, block in pairwise(blocks):
        if outer.role and block.role and not block.role.by_task and (outer.role.by_task or (found and found[-1] is outer)):
            found.append(block)
    return found


def innermost(layers: Iterable[tuple[Layer, Mapping[str, Value]]], step: Step) -> Layered:
    """The layers, highest first, as `hash_behaviour: merge` has them: blocks and includes around a task replace each other even so.

    What an include is given hides what the blocks around it say; roles are not among them, their variables are merged.
    """
    of_roles = {id(block.vars) for block in step.around.blocks if block.role is not None}
    outside = {id(block.vars): block for block in step.around.blocks}
    found: list[tuple[Layer, Mapping[str, Value]]] = []
    seen: set[str] = set()
    given = includes_inside(step)
    for layer, mapping in layers:
        if layer not in (Layer.TASK, Layer.BLOCK, Layer.INCLUDE_PARAMS) or id(mapping) in of_roles:
            found.append((layer, mapping))
            continue
        hidden = seen | given.get(id(outside.get(id(mapping))), frozenset())
        found.append((layer, only(mapping, mapping.keys() - hidden)))
        seen.update(hiding(mapping))
    return tuple(found)


def includes_inside(step: Step) -> dict[int, frozenset[str]]:
    """Of each block around the step, by id: the names that includes further in are given."""
    found: dict[int, frozenset[str]] = {}
    names: frozenset[str] = frozenset()
    for block in reversed(step.around.blocks):
        found[id(block)] = names
        if block.role is None:
            names |= hiding(block.params)
    return found


def hiding(mapping: Mapping[str, Value]) -> frozenset[str]:
    """The names that hide what stands further out: all but those tagged `!merge`."""
    return frozenset(name for name, value in mapping.items() if not isinstance(value, Merging))


def roles_seen(inside: Sequence[Role], public: Sequence[Role]) -> list[Role]:
    """The roles whose variables a step sees, strongest first: its own, that one's dependencies, its parents, the play's others."""
    found: list[Role] = []
    for role in reversed(inside):
        found.append(role)
        found.extend(reversed(dependencies_of(role)))
    found.extend(reversed(public))
    return list(dict.fromkeys(found))  # roles are compared by identity


def dependencies_of(role: Role) -> list[Role]:
    found: list[Role] = []
    for block in role.dependencies:
        if block.role is not None:
            found.extend(dependencies_of(block.role))
            found.append(block.role)
    return found
