"""Where recorded things are now: a record and the inventory → the target to ask. No play, no task: the host's own variables decide.

As in a run they beat what is recorded (as whom, with which connection), and that beats settings and the command line. What a
playbook itself said of the connection (`remote_user`, `vars`) is not recorded: -u and -e say it again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from engine.connections.target import ExecutionTarget
from engine.inventory.tree import Inventory
from engine.model.addresses import HostName
from engine.model.values import Value
from engine.playbook.tree import Play
from engine.runtime.delegate import connection_values, target_of
from engine.runtime.redact import Redactor
from engine.runtime.views import HostVars
from engine.scopes.build import Layered, ScopeBuilder
from engine.scopes.layers import Layer
from engine.scopes.magic import PlayFacts
from engine.scopes.store import VariableStore
from engine.settings.settings import Settings
from engine.state.record import StateRecord
from engine.state.standing import is_ones_own

if TYPE_CHECKING:
    from engine.templating.environment import Templates

SECRET = ("password", "private_key_passphrase", "become_password")
"""Connection variables that are never shown."""


@dataclass(slots=True, kw_only=True)
class RecordedTargets:
    """For the records whose runs had one inventory."""

    inventory: Inventory
    folder: str
    """The playbook's: its group_vars count, and local connections work there."""
    extra_vars: Mapping[str, Value]
    variables: VariableStore
    """With the facts of earlier runs, where they are kept."""
    settings: Settings
    templates: Templates
    redactor: Redactor
    constant: Mapping[str, Value]
    _builder: ScopeBuilder | None = None
    _values: dict[HostName, Mapping[str, Value]] = field(default_factory=dict)

    def target(self, record: StateRecord) -> ExecutionTarget | None:
        """None where the inventory knows neither the machine nor, under delegate_to, the host whose task it was.

        Raises:
            EngineError: a variable of the connection cannot be rendered.
        """
        machine, owner = record.address.host, record.inventory_host
        if self.inventory.get(machine) is None and (owner == machine or self.inventory.get(owner) is None):
            return None
        return target_of(machine, self.values(machine), self.keywords(record), self.settings.ssh, self.settings.become, self.folder)

    def values(self, machine: HostName) -> Mapping[str, Value]:
        """The connection variables of a machine, rendered once."""
        found = self._values.get(machine)
        if found is None:
            scope = self.builder.scope_for(None, machine)
            found = self._values[machine] = connection_values(scope, self.templates.renderer(scope))
            for name in SECRET:
                if found.get(name) is not None:
                    self.redactor.learn(str(found[name]))
        return found

    def keywords(self, record: StateRecord) -> dict[str, Value]:
        """What is recorded of the connection. Who became nobody then may be asked to become someone now (-b), where that is no matter."""
        found: dict[str, Value] = {"connection": record.connection} if record.connection else {}
        if record.become:
            return found | {"become": True, "become_method": record.become.get("method"), "become_user": record.become.get("user")}
        return found if self.settings.become.become and not is_ones_own(record) else found | {"become": False}

    @property
    def builder(self) -> ScopeBuilder:
        if self._builder is None:
            self._builder = self._made()
        return self._builder

    def _made(self) -> ScopeBuilder:
        hosts = list(self.inventory.hosts)
        facts = PlayFacts(
            groups=lambda: self.inventory, hostvars=MappingProxyType({}), hosts_all=hosts, alive=lambda: hosts, batch=lambda: hosts,
            playbook_dir=self.folder, constant=self.constant,
        )  # fmt: skip
        builder = ScopeBuilder(
            play=Play(hosts="all", path=os.path.join(self.folder, "any")), facts=facts, store=self.variables,
            inventory_layers=self._layers, extra_vars=self.extra_vars, merging=self.variables.merging,
        )  # fmt: skip
        view: Callable[[HostName], Mapping[str, Value]] = lambda host: self.templates.view(  # noqa: E731
            builder.seen_from_outside(host), shown_as="HostVarsVars"
        )
        facts.hostvars = HostVars(lambda: self.inventory.hosts, view)
        return builder

    def _layers(self, host: HostName) -> Layered:
        if self.inventory.get(host) is None:
            return ()
        return tuple((Layer[name], mapping) for name, mapping in self.inventory.layers(host))
