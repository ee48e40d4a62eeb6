"""What a run learns about each host: facts, set_fact, registered variables, include_vars. Written by runtime/ledger.py alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from engine.model.addresses import HostName
from engine.model.hash_merging import put_over
from engine.model.values import Value
from engine.model.variables import Variables


@dataclass(slots=True)
class RoleVariables:
    """What one lexical role has set on one host."""

    assigned: dict[str, Value] = field(default_factory=dict)
    included: Variables = field(default_factory=Variables)


@dataclass(slots=True)
class HostVariables:
    """One host's own layers. The dicts are the layers that scopes look into: changed in place, never replaced."""

    facts: dict[str, Value] = field(default_factory=dict)
    """Without the `ansible_` prefix: what `ansible_facts` holds."""
    injected: dict[str, Value] = field(default_factory=dict)
    """`ansible_facts` itself and, if facts are injected, `ansible_NAME` for each."""
    assigned: dict[str, Value] = field(default_factory=dict)
    """set_fact and register."""
    included: Variables = field(default_factory=Variables)
    """include_vars."""
    added: dict[str, Value] = field(default_factory=dict)
    """Variables that add_host gave it."""
    private: dict[str, RoleVariables] = field(default_factory=dict)
    """What lexical roles have set for themselves, by the role's path."""
    kept: set[str] = field(default_factory=set)
    """Names of facts that set_fact made (`cacheable: true`): variables under just these names."""
    version: int = 0
    """Grows with every change; what was derived from the variables is stale when it has grown."""

    def own(self, role: str) -> RoleVariables:
        """Those of the lexical role at this path, made when they are first asked for."""
        found = self.private.get(role)
        if found is None:
            found = self.private[role] = RoleVariables()
        return found


def nothing_known(host: HostName) -> Mapping[str, Value]:
    return {}


class VariableStore:
    """Per host, made when a host is first asked for."""

    def __init__(
        self,
        *,
        inject_facts: bool = True,
        recall: Callable[[HostName], Mapping[str, Value]] = nothing_known,
        merging: bool = False,
    ) -> None:
        """`recall`: what is known of a host from earlier runs, as `remembered` gives it."""
        self.inject_facts = inject_facts
        self._recall = recall
        self.merging = merging
        """`hash_behaviour: merge`, of what include_vars brings more than once."""
        self._hosts: dict[HostName, HostVariables] = {}

    def of(self, host: HostName) -> HostVariables:
        variables = self._hosts.get(host)
        if variables is None:
            variables = self._hosts[host] = HostVariables()
            variables.injected["ansible_facts"] = variables.facts
            known = self._recall(host)
            if known:
                self.set_facts(host, {name[len(PREFIX) :]: value for name, value in known.items() if name.startswith(PREFIX)})
                self.keep(host, {name: value for name, value in known.items() if not name.startswith(PREFIX)})
        return variables

    def __iter__(self) -> Iterator[HostName]:
        return iter(self._hosts)

    def set_facts(self, host: HostName, facts: Mapping[str, Value]) -> None:
        """Add facts; names come without prefix, and are injected with it unless they are injected as they are."""
        variables = self.of(host)
        variables.facts.update(facts)
        if self.inject_facts:
            for name, value in facts.items():
                variables.injected[injected_name(name)] = value
        variables.version += 1

    def keep(self, host: HostName, values: Mapping[str, Value]) -> None:
        """Facts that are variables under the very same names (set_fact with `cacheable`); `ansible_x` is the fact `x`."""
        variables = self.of(host)
        prefixed = {name.removeprefix(PREFIX): value for name, value in values.items() if name.startswith(PREFIX)}
        if prefixed:
            self.set_facts(host, prefixed)
            values = {name: value for name, value in values.items() if not name.startswith(PREFIX)}
        variables.facts.update(values)
        variables.kept.update(values)
        if self.inject_facts:
            variables.injected.update(values)
        variables.version += 1

    def remembered(self, host: HostName) -> dict[str, Value]:
        """A host's facts for a later run, by the names of their variables."""
        variables = self.of(host)
        return {
            name if name in variables.kept or name in OF_GATHERING else injected_name(name): value
            for name, value in variables.facts.items()
        }

    def name_facts(self, host: HostName, facts: Mapping[str, Value]) -> None:
        """Facts as variables under the names they come with."""
        variables = self.of(host)
        if self.inject_facts:
            variables.injected.update(facts)
        variables.version += 1

    def assign(self, host: HostName, values: Mapping[str, Value], role: str = "") -> None:
        """`role`: the path of the lexical role that keeps them to itself."""
        variables = self.of(host)
        (variables.own(role) if role else variables).assigned.update(values)
        variables.version += 1

    def include(self, host: HostName, values: Mapping[str, Value], role: str = "") -> None:
        variables = self.of(host)
        put_over((variables.own(role) if role else variables).included, values, merging=self.merging)
        variables.version += 1

    def add(self, host: HostName, values: Mapping[str, Value]) -> None:
        variables = self.of(host)
        put_over(variables.added, values, merging=self.merging)
        variables.version += 1

    def clear_facts(self, host: HostName) -> None:
        variables = self.of(host)
        variables.facts.clear()
        variables.kept.clear()
        variables.injected.clear()
        variables.injected["ansible_facts"] = variables.facts
        variables.version += 1


PREFIX = "ansible_"
GATHERED = "_ansible_facts_gathered"
"""The fact that says that facts were gathered."""
OF_GATHERING = ("gather_subset", "module_setup", GATHERED)
AS_THEY_ARE = ("ansible_", "discovered_interpreter_")


def injected_name(name: str) -> str:
    """The variable for a fact: `distribution` → `ansible_distribution`."""
    return name if name.startswith(AS_THEY_ARE) else f"ansible_{name}"
