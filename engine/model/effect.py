"""A task's consequences as data. Computed by runtime/effects.py, applied by runtime/ledger.py alone, and journalled."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.model.addresses import HostName
from engine.model.values import Value


@dataclass(frozen=True, slots=True)
class Effect:
    host: HostName


@dataclass(frozen=True, slots=True)
class Register(Effect):
    name: str
    value: Value


@dataclass(frozen=True, slots=True)
class SetFacts(Effect):
    """Facts as gathering and `ansible_facts` results bring them."""

    facts: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class SetVariables(Effect):
    """`set_fact`: host variables of the set_facts layer."""

    variables: Mapping[str, Value]
    cacheable: bool = False


@dataclass(frozen=True, slots=True)
class IncludeVariables(Effect):
    """`include_vars`: host variables of the include_vars layer."""

    variables: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Notify(Effect):
    handler: str


@dataclass(frozen=True, slots=True)
class AddHost(Effect):
    """`add_host`: `host` is who ran it."""

    name: HostName
    groups: tuple[str, ...]
    variables: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class JoinGroup(Effect):
    """`group_by`."""

    group: str
    parents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetStats(Effect):
    data: Mapping[str, Value]
    per_host: bool
    aggregate: bool


@dataclass(frozen=True, slots=True)
class MarkFailed(Effect):
    unreachable: bool = False


@dataclass(frozen=True, slots=True)
class MarkRescued(Effect):
    pass


@dataclass(frozen=True, slots=True)
class ClearFacts(Effect):
    pass


@dataclass(frozen=True, slots=True)
class ClearErrors(Effect):
    """`meta: clear_host_errors`: every host of the play may go on."""


@dataclass(frozen=True, slots=True)
class EndHost(Effect):
    pass


@dataclass(frozen=True, slots=True)
class EndBatch(Effect):
    pass


@dataclass(frozen=True, slots=True)
class EndPlay(Effect):
    pass


@dataclass(frozen=True, slots=True)
class EndRole(Effect):
    pass
