"""A task's consequences as data. Computed by runtime/effects.py, applied by runtime/ledger.py alone, and journalled."""
from __future__ import annotations

from collections.abc import Mapping

from engine.model.addresses import HostName
from engine.model.frozen import frozen
from engine.model.values import Value


@frozen
class Effect:
    host: HostName


@frozen
class Register(Effect):
    name: str
    value: Value
    role: str = ""
    """The path of the lexical role that keeps it to itself; empty: everybody sees it."""


@frozen
class SetFacts(Effect):
    """Facts as gathering and `ansible_facts` results bring them."""

    facts: Mapping[str, Value]


@frozen
class NamedFacts(SetFacts):
    """Of facts that a module written for Ansible brings, those that are variables under their own names, without a prefix."""


@frozen
class SetVariables(Effect):
    """`set_fact`: host variables of the set_facts layer."""

    variables: Mapping[str, Value]
    cacheable: bool = False
    role: str = ""
    """As of Register. What is cacheable is a fact too, and everybody sees facts."""


@frozen
class IncludeVariables(Effect):
    """`include_vars`: host variables of the include_vars layer."""

    variables: Mapping[str, Value]
    role: str = ""
    """As of Register."""


@frozen
class Notify(Effect):
    handler: str
    perhaps: bool = False
    """In check mode: whether the task changes anything is not known, and so not whether the handler runs."""


@frozen
class AddHost(Effect):
    """`add_host`: `host` is who ran it."""

    name: HostName
    groups: tuple[str, ...]
    variables: Mapping[str, Value]


@frozen
class JoinGroup(Effect):
    """`group_by`."""

    group: str
    parents: tuple[str, ...]


@frozen
class SetStats(Effect):
    data: Mapping[str, Value]
    per_host: bool
    aggregate: bool


@frozen
class MarkFailed(Effect):
    unreachable: bool = False


@frozen
class MarkRescued(Effect):
    pass


@frozen
class ClearFacts(Effect):
    pass


@frozen
class ClearErrors(Effect):
    """`meta: clear_host_errors`: every host of the play may go on."""


@frozen
class EndHost(Effect):
    pass


@frozen
class EndBatch(Effect):
    pass


@frozen
class EndPlay(Effect):
    pass


@frozen
class EndRole(Effect):
    pass
