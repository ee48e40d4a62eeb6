"""The only code that changes a run's state. It applies effects: variables, the inventory, notified handlers, stats.

Hosts' positions are the runner's (cursors); what hosts know and what is to be told is here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from engine.clock import Clock
from engine.inventory.tree import Inventory
from engine.model.addresses import HostName
from engine.model.effect import (
    AddHost,
    ClearFacts,
    Effect,
    IncludeVariables,
    JoinGroup,
    NamedFacts,
    Notify,
    Register,
    SetFacts,
    SetStats,
    SetVariables,
)
from engine.model.problem import Problem
from engine.model.values import Value
from engine.runtime.fact_cache import FactCache, NoCache, cache_of
from engine.scopes.store import VariableStore
from engine.settings.settings import FactSettings


@dataclass(slots=True)
class RunLedger:
    inventory: Inventory
    variables: VariableStore
    notified: dict[HostName, dict[str, None]] = field(default_factory=dict)
    """Handler names as rendered, per host, in the order of notification, until the handlers have run."""
    stats: dict[str, dict[str, Value]] = field(default_factory=dict)
    """set_stats: `_run` for all, else by host."""
    cache: FactCache = field(default_factory=NoCache)
    """Keeps facts for later runs."""
    inventory_changed: list[Callable[[], None]] = field(default_factory=list)
    """Called when add_host or group_by changed the inventory."""

    @classmethod
    def begun(
        cls, inventory: Inventory, facts: FactSettings, clock: Clock, warn: Callable[[Problem], None], *, merging: bool = False
    ) -> RunLedger:
        """What a run knows when it begins: the inventory, and facts of earlier runs where they are kept."""
        cache = cache_of(facts, clock, warn)
        for host in inventory.hosts if facts.flush else ():
            cache.forget(host)
        return cls(inventory, VariableStore(inject_facts=facts.inject, recall=cache.read, merging=merging), cache=cache)

    def apply(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            self._apply(effect)

    def _apply(self, effect: Effect) -> None:
        host = effect.host
        match effect:
            case Register(name=name, value=value, role=role):
                self.variables.assign(host, {name: value}, role)
            case SetVariables(variables=values, cacheable=cacheable, role=role):
                self.variables.assign(host, values, role)
                if cacheable:
                    self.variables.keep(host, values)
                    self._keep(host)
            case NamedFacts(facts=facts):
                self.variables.name_facts(host, facts)
            case SetFacts(facts=facts):
                self.variables.set_facts(host, facts)
                self._keep(host)
            case IncludeVariables(variables=values, role=role):
                self.variables.include(host, values, role)
            case Notify(handler=handler):
                self.notified.setdefault(host, {})[handler] = None
            case ClearFacts():
                self.variables.clear_facts(host)
                self.cache.forget(host)
            case AddHost(name=name, groups=groups, variables=values):
                self.replace_inventory(self.inventory.with_host(name, list(groups), values))
            case JoinGroup(group=group, parents=parents):
                self.replace_inventory(self.inventory.with_group(group, [host], list(parents) or ["all"]))
            case SetStats(data=data, per_host=per_host, aggregate=aggregate):
                self._add_stats(host if per_host else "_run", dict(data), aggregate)

    def _keep(self, host: HostName) -> None:
        """For later runs."""
        if not isinstance(self.cache, NoCache):
            self.cache.write(host, self.variables.remembered(host))

    def replace_inventory(self, inventory: Inventory) -> None:
        self.inventory = inventory
        for tell in self.inventory_changed:
            tell()

    def _add_stats(self, owner: str, data: dict[str, Value], aggregate: bool) -> None:
        """Aggregated values of one type are added up: numbers, lists, texts; dicts are merged, deeply. One of another type is dropped."""
        own = self.stats.setdefault(owner, {})
        for name, value in data.items():
            old = own.get(name)
            if not aggregate or name not in own:
                own[name] = value
            elif type(old) is type(value) and old is not None:
                own[name] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else old + value


def merged(old: dict[str, Value], new: dict[str, Value]) -> dict[str, Value]:
    """Both, deeply; where they meet, the new one counts."""
    found = dict(old)
    for name, value in new.items():
        known = found.get(name)
        found[name] = merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return found
