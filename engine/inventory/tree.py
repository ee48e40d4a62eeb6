"""Hosts and groups as the sources describe them, frozen: who belongs where, in which order, and which variables each brings.

Nothing is merged per host. Every group and every host has one mapping per kind of source, shared by all who see
it; `Inventory.layers` only puts them in order.
"""
from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from itertools import pairwise
from types import MappingProxyType
from typing import TypeAlias

from engine.errors import ParseError
from engine.inventory.group_names import KEPT, GroupNames
from engine.inventory.vars_files import NO_VARS_FILES, VarsFiles
from engine.model.addresses import HostName
from engine.model.frozen import frozen
from engine.model.hash_merging import put_over
from engine.model.problem import Problem
from engine.model.source import NOWHERE, Span
from engine.model.values import TemplateText, Value
from engine.model.variables import Variables

LayerName: TypeAlias = str
"""The name of a `scopes.layers.Layer` (that room lies above this one): `INVENTORY_HOST`."""

GroupName: TypeAlias = str
EMPTY: Mapping[str, Value] = MappingProxyType({})
SPECIAL = ("all", "ungrouped")
"""Groups that are always there; which hosts stand in them follows from the others."""
LOCALHOSTS = ("localhost", "127.0.0.1", "::1")


@frozen(kw_only=True)
class Host:
    name: HostName
    vars: Mapping[str, Value] = field(default_factory=dict, repr=False)
    """From inventory files, scripts and add_host; not those of host_vars/."""
    source: str = ""
    """The first source that names it: a path, a host list, or empty for add_host."""
    directory: str = ""
    """Of that source, absolute: the variable `inventory_dir`. Empty for host lists and add_host."""
    implicit: bool = False
    """A localhost that no source names."""


@frozen(kw_only=True)
class Group:
    name: GroupName
    hosts: tuple[HostName, ...] = ()
    """Those named in the group itself, in order."""
    children: tuple[GroupName, ...] = ()
    vars: Mapping[str, Value] = field(default_factory=dict, repr=False)
    """From inventory files and scripts; not those of group_vars/."""
    depth: int = 1
    """Of the longest way from `all`, which has 0."""
    priority: int = 1
    """`ansible_group_priority`: among groups of one depth the higher one wins."""

    @property
    def rank(self) -> tuple[int, int, str]:
        """Groups in this order; the variables of a later one win."""
        return (self.depth, self.priority, self.name)


class Inventory:
    """Immutable; a change gives a new one. What is computed from it is computed once."""

    __slots__ = (
        "_group_map", "_groups_of", "_layers", "_mapped", "_members", "_parents", "_places", "groups", "hosts", "naming", "vars_files",
    )  # fmt: skip

    def __init__(
        self,
        hosts: Mapping[HostName, Host],
        groups: Mapping[GroupName, Group],
        vars_files: VarsFiles = NO_VARS_FILES,
        naming: GroupNames = KEPT,
    ) -> None:
        """`groups` must hold `all` and `ungrouped`, children before nobody, and no cycle: see `arranged`."""
        self.hosts: Mapping[HostName, Host] = hosts
        """In the order in which the sources name them; without an implicit localhost."""
        self.groups: Mapping[GroupName, Group] = groups
        self.vars_files = vars_files
        self.naming = naming
        """For the groups that a run adds."""
        self._groups_of: dict[HostName, tuple[Group, ...]] = {}
        self._group_map: dict[GroupName, list[HostName]] = {}
        self._mapped = False
        self._places: dict[tuple[str, str], Mapping[str, Value]] = {}
        self._members: dict[GroupName, tuple[HostName, ...]] = {}
        self._layers: dict[HostName, tuple[tuple[LayerName, Mapping[str, Value]], ...]] = {}
        self._parents: tuple[dict[GroupName, list[GroupName]], dict[HostName, list[GroupName]]] | None = None

    def get(self, name: HostName) -> Host | None:
        """The host of that name; the implicit one for a `localhost` that no source names; else None."""
        host = self.hosts.get(name)
        if host is None and name in LOCALHOSTS:
            return implicit_localhost(name)
        return host

    def members(self, group: GroupName) -> tuple[HostName, ...]:
        """Every host in the group and below, each once: the group's own first, then its children's, level by level. KeyError."""
        found = self._members.get(group)
        if found is None:
            names: dict[HostName, None] = {}
            for name in self.descendants(group):
                names.update(dict.fromkeys(self.groups[name].hosts))
            found = self._members[group] = tuple(names)
        return found

    def descendants(self, group: GroupName) -> tuple[GroupName, ...]:
        """The group and all groups below it, level by level, each once."""
        seen = {group: None}
        level = [group]
        while level:
            level = [child for name in level for child in self.groups[name].children if child not in seen]
            level = list(dict.fromkeys(level))
            seen.update(dict.fromkeys(level))
        return tuple(seen)

    def groups_of(self, host: HostName) -> tuple[Group, ...]:
        """Every group the host is in, directly or not, `all` included, in the order of `Group.rank`."""
        found = self._groups_of.get(host)
        if found is None:
            above, direct = self._links()
            names = {"all": None}
            waiting = list(direct.get(host, ()))
            while waiting:
                name = waiting.pop()
                if name not in names:
                    names[name] = None
                    waiting.extend(above.get(name, ()))
            found = self._groups_of[host] = tuple(sorted((self.groups[name] for name in names), key=lambda group: group.rank))
        return found

    def group_names(self, host: HostName) -> list[GroupName]:
        """The magic variable: all of them but `all`, by name."""
        return sorted(group.name for group in self.groups_of(host) if group.name != "all")

    def group_map(self) -> Mapping[GroupName, list[HostName]]:
        """The magic variable `groups`; made once, to be read only."""
        if not self._mapped:
            known = self._group_map
            self._group_map = {name: known[name] if name in known else list(self.members(name)) for name in self.groups}
            self._mapped = True
        return self._group_map

    def layers(self, host: HostName) -> tuple[tuple[LayerName, Mapping[str, Value]], ...]:
        """The host's variables by layer, the winner first; every mapping is shared, none is empty.

        A host that no source names (a task may be delegated to one) has what is given to `all`, and its own host_vars files.
        Files in group_vars/ and host_vars/ are read when a host first needs them, so that an encrypted file of
        another group asks for no password.

        Raises:
            ParseError, VaultError: such a file cannot be read.
        """
        found = self._layers.get(host)
        if found is None:
            found = self._layers[host] = tuple(self._layers_of(self.get(host) or Host(name=host, implicit=True)))
        return found

    def _layers_of(self, host: Host) -> Iterable[tuple[LayerName, Mapping[str, Value]]]:
        files = self.vars_files
        groups = self.groups_of(host.name)[::-1]
        others = [group.name for group in groups if group.name != "all"]
        ordered: list[tuple[LayerName, Mapping[str, Value]]] = [
            ("PLAYBOOK_HOST_FILES", files.of_host(host.name, playbook=True)),
            ("INVENTORY_HOST_FILES", files.of_host(host.name)),
            ("INVENTORY_HOST", host.vars),
            ("INVENTORY_HOST", self._place_of(host)),
            *(("PLAYBOOK_GROUP_FILES", files.of_group(name, playbook=True)) for name in others),
            *(("INVENTORY_GROUP_FILES", files.of_group(name)) for name in others),
            ("PLAYBOOK_GROUP_ALL", files.of_group("all", playbook=True)),
            ("INVENTORY_GROUP_ALL", files.of_group("all")),
            *(("INVENTORY_GROUP", group.vars) for group in groups),
        ]
        return ((name, mapping) for name, mapping in ordered if mapping)

    def _place_of(self, host: Host) -> Mapping[str, Value]:
        """`inventory_dir` and `inventory_file`: plain text, and one mapping for all hosts of a source."""
        if host.implicit:
            return EMPTY
        key = (host.source, host.directory)
        found = self._places.get(key)
        if found is None:
            path = os.path.join(host.directory, os.path.basename(host.source)) if host.directory else host.source
            found = self._places[key] = {"inventory_dir": host.directory or None, "inventory_file": path or None}
        return found

    def with_host(self, name: HostName, groups: Sequence[GroupName] = (), vars: Mapping[str, Value] = EMPTY) -> Inventory:
        """`add_host`: the host in `groups` (made where missing), its variables over those it has."""
        known = self.hosts.get(name)
        groups = [self.naming.of(group) for group in groups]
        if known is None and all(group in self.groups and group not in SPECIAL for group in groups):
            own = Variables()
            put_over(own, vars, merging=self.vars_files.merging)
            return self._grown({**self.hosts, name: Host(name=name, vars=own)}, [name], ("all", *(groups or ("ungrouped",))))
        together = Variables(known.vars) if known else Variables()
        put_over(together, vars, merging=self.vars_files.merging)
        host = replace(known, vars=together) if known else Host(name=name, vars=together)
        hosts = {**self.hosts, name: host}
        drafts = dict(self.groups)
        if known is None:
            drafts["all"] = joined(drafts["all"], name)
        for group in groups:
            drafts[group] = joined(drafts.get(group) or Group(name=group), name)
        return Inventory(hosts, arranged(hosts, drafts), self.vars_files, self.naming)

    def with_group(self, name: GroupName, hosts: Sequence[HostName] = (), parents: Sequence[GroupName] = ("all",)) -> Inventory:
        """`group_by`: the group below `parents` (made where missing), with `hosts` added. ParseError `group-cycle`."""
        name, parents = self.naming.of(name), [self.naming.of(parent) for parent in parents]
        placed = parents and name not in SPECIAL and all(above in self.groups and above != "ungrouped" for above in parents)
        if placed and name not in self.groups and name not in parents:
            return self._below(name, parents)._grown(self.hosts, hosts, (name,))
        if placed and name in self.groups and all(name in self.groups[above].children for above in parents):
            return self._grown(self.hosts, hosts, (name,))
        drafts = dict(self.groups)
        group = drafts.get(name) or Group(name=name)
        drafts[name] = replace(group, hosts=tuple(dict.fromkeys((*group.hosts, *hosts))))
        for parent in parents:
            above = drafts.get(parent) or Group(name=parent)
            if name not in above.children and parent != name:
                drafts[parent] = replace(above, children=(*above.children, name))
        return Inventory(self.hosts, arranged(self.hosts, drafts), self.vars_files, self.naming)

    def _below(self, name: GroupName, parents: Sequence[GroupName]) -> Inventory:
        """With a new, empty group below groups that are there: none has to be arranged anew."""
        groups = dict(self.groups)
        for parent in parents:
            groups[parent] = replace(groups[parent], children=tuple(dict.fromkeys((*groups[parent].children, name))))
        groups[name] = Group(name=name, depth=max(groups[parent].depth for parent in parents) + 1)
        made = Inventory(self.hosts, groups, self.vars_files, self.naming)
        above, direct = self._links()
        made._parents = ({**above, name: list(dict.fromkeys(parents))}, direct)
        made._places, made._layers = self._places, dict(self._layers)
        made._members, made._group_map = dict(self._members), dict(self._group_map)
        return made

    def _grown(self, hosts: Mapping[HostName, Host], names: Sequence[HostName], into: Sequence[GroupName]) -> Inventory:
        """With `names` in the groups `into`, which are there already. What is known of other hosts and groups is kept.

        The same as arranging everything anew, which costs as much as the inventory is large: `add_host` in a loop and
        `group_by` on many hosts do this for each.
        """
        groups = dict(self.groups)
        for group in into:
            groups[group] = replace(groups[group], hosts=tuple(dict.fromkeys((*groups[group].hosts, *names))))
        changed = set(into)
        if any(group not in SPECIAL for group in into) and not set(names).isdisjoint(groups["ungrouped"].hosts):
            groups["ungrouped"] = replace(groups["ungrouped"], hosts=tuple(h for h in groups["ungrouped"].hosts if h not in names))
            changed.add("ungrouped")
        made = Inventory(hosts, groups, self.vars_files, self.naming)
        above, direct = self._links()
        direct = dict(direct)
        for host in names:
            direct[host] = [group for group in dict.fromkeys((*direct.get(host, ()), *into)) if host in groups[group].hosts]
        made._parents = (above, direct)
        stale, waiting = set(changed), list(changed)
        while waiting:
            for group in above.get(waiting.pop(), ()):
                if group not in stale:
                    stale.add(group)
                    waiting.append(group)
        made._places = self._places
        made._layers = {host: layers for host, layers in self._layers.items() if host not in names}
        made._members = {group: members for group, members in self._members.items() if group not in stale}
        made._group_map = {group: members for group, members in self._group_map.items() if group not in stale}
        return made

    def with_vars_files(self, vars_files: VarsFiles) -> Inventory:
        """The same hosts with other group_vars/ and host_vars/: each playbook's folder has its own."""
        return Inventory(self.hosts, self.groups, vars_files, self.naming)

    def with_playbook_dir(self, playbook_dir: str) -> Inventory:
        """The same hosts seen from another playbook's folder."""
        return self.with_vars_files(self.vars_files.beside_playbook(playbook_dir))

    def _links(self) -> tuple[dict[GroupName, list[GroupName]], dict[HostName, list[GroupName]]]:
        if self._parents is None:
            direct: dict[HostName, list[GroupName]] = {}
            for group in self.groups.values():
                for host in group.hosts:
                    direct.setdefault(host, []).append(group.name)
            self._parents = (parents_of(self.groups), direct)
        return self._parents


def implicit_localhost(name: HostName) -> Host:
    """A localhost that no source names: this machine and this Python; patterns find it by its name only."""
    return Host(
        name=name,
        implicit=True,
        vars={
            "ansible_connection": TemplateText.read("local"),
            "ansible_python_interpreter": TemplateText.read("{{ ansible_playbook_python }}"),
        },
    )


def joined(group: Group, host: HostName) -> Group:
    return group if host in group.hosts else replace(group, hosts=(*group.hosts, host))


def parents_of(groups: Mapping[GroupName, Group]) -> dict[GroupName, list[GroupName]]:
    above: dict[GroupName, list[GroupName]] = {}
    for group in groups.values():
        for child in group.children:
            above.setdefault(child, []).append(group.name)
    return above


def arranged(
    hosts: Mapping[HostName, Host],
    groups: Mapping[GroupName, Group],
    spans: Mapping[tuple[GroupName, GroupName], Span] | None = None,
) -> dict[GroupName, Group]:
    """The groups as Ansible completes them: orphans below `all`, `ungrouped` first, hosts of no group in it, depths counted.

    Args:
        spans: Where (parent, child) is written, for the problem.

    Raises:
        ParseError: `group-cycle`, with the whole way round.
    """
    done = {"all": groups.get("all") or Group(name="all"), "ungrouped": groups.get("ungrouped") or Group(name="ungrouped"), **groups}
    grouped = {host for group in done.values() if group.name not in ("all", "ungrouped") for host in group.hosts}
    loose = [host for host in done["ungrouped"].hosts if host not in grouped]
    loose += [host for host in hosts if host not in grouped]
    done["ungrouped"] = replace(done["ungrouped"], hosts=tuple(dict.fromkeys(loose)))
    above = parents_of(done)
    orphans = [name for name in done if name not in ("all", "ungrouped") and name not in above]
    first = [] if "ungrouped" in above and "ungrouped" not in done["all"].children else ["ungrouped"]
    done["all"] = replace(done["all"], children=tuple(dict.fromkeys((*first, *done["all"].children, *orphans))))
    for name, depth in depths(done, spans or {}).items():
        if done[name].depth != depth:
            done[name] = replace(done[name], depth=depth)
    return done


def depths(groups: Mapping[GroupName, Group], spans: Mapping[tuple[GroupName, GroupName], Span]) -> dict[GroupName, int]:
    """The longest way from `all` to each group. ParseError `group-cycle`."""
    order: list[GroupName] = []
    state: dict[GroupName, bool] = {}   # False: on the way; True: done

    for root in ("all", *groups):
        if root in state:
            continue
        way: list[tuple[GroupName, list[GroupName]]] = [(root, list(groups[root].children))]
        state[root] = False
        while way:
            name, left = way[-1]
            if not left:
                state[name] = True
                order.append(name)
                way.pop()
                continue
            child = left.pop(0)
            if state.get(child) is False:
                raise ParseError(cycle([each for each, _ in way], child, spans))
            if child not in state:
                state[child] = False
                way.append((child, list(groups[child].children)))
    depth = dict.fromkeys(groups, 0)
    for name in reversed(order):
        for child in groups[name].children:
            depth[child] = max(depth[child], depth[name] + 1)
    return depth


def cycle(way: list[GroupName], child: GroupName, spans: Mapping[tuple[GroupName, GroupName], Span]) -> Problem:
    path = [*way[way.index(child):], child]
    return Problem(
        code="group-cycle",
        summary="A group contains itself",
        detail=" > ".join(path),
        span=spans.get((path[-2], child), NOWHERE) if spans else None,
        notes=tuple(f"{spans[pair]}: `{pair[1]}` is a child of `{pair[0]}`" for pair in pairwise(path) if pair in spans),
        hint="take one of these children out of its parent",
    )
