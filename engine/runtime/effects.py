"""What follows from an outcome, as data. Decides only; the ledger acts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.model.addresses import HostName
from engine.model.effect import AddHost, Effect, IncludeVariables, JoinGroup, Notify, Register, SetFacts, SetVariables
from engine.model.outcome import Status, TaskOutcome
from engine.model.variables import only
from engine.playbook.tree import Block
from engine.runtime.unknown import value_of
from engine.scopes.lexical import home_of, is_private


def effects_of(
    outcome: TaskOutcome, *, register: str = "", notify: Sequence[str] = (), acted: Sequence[Effect] = (), facts_to: HostName | None = None
) -> list[Effect]:
    """Everything that follows, in the order it must be applied.

    Args:
        register: the name under which the outcome is registered; empty: it is not.
        notify: handlers, by name or topic, for a change.
        acted: what the action itself decided (set_fact, add_host…); where the task was
            judged to have failed, forgiven or not, only hosts and groups are left of it, as in ansible-core.
        facts_to: who gets the facts: the delegate under delegate_facts (of a loop's items each its own), else the host.
    """
    effects: list[Effect] = []
    if outcome.status is Status.FAILED:
        effects.extend(effect for effect in acted if isinstance(effect, AddHost | JoinGroup))
    else:
        effects.extend(acted)
        for one in outcome.items or (outcome,):
            if one.result.facts and one.status in (Status.OK, Status.CHANGED):
                owner = one.delegated_to if facts_to and outcome.items else facts_to
                effects.append(SetFacts(owner or outcome.host, one.result.facts))
    if register:
        effects.append(Register(outcome.host, register, value_of(outcome)))
    if outcome.status in (Status.CHANGED, Status.UNKNOWN):
        perhaps = outcome.status is Status.UNKNOWN and not outcome.result.changed
        effects.extend(Notify(outcome.host, name, perhaps=perhaps) for name in notify)
    return effects


def kept(effects: list[Effect], blocks: Sequence[Block]) -> list[Effect]:
    """The effects of a task within `blocks`: what it gives to variables of a lexical role is that role's own, unless it is exported."""
    if not is_private(blocks):
        return effects
    found: list[Effect] = []
    for effect in effects:
        if isinstance(effect, Register):
            found.append(replace(effect, role=home_of(effect.name, blocks)))
        elif isinstance(effect, SetVariables | IncludeVariables):
            homes: dict[str, list[str]] = {}
            for name in effect.variables:
                homes.setdefault(home_of(name, blocks), []).append(name)
            found.extend(replace(effect, variables=only(effect.variables, frozenset(names)), role=role) for role, names in homes.items())
        else:
            found.append(effect)
    return found


def shared(effects: Sequence[Effect], hosts: Sequence[HostName], owner: HostName, *, facts: bool = True) -> list[Effect]:
    """The effects of a run_once task for every host of the batch: what it registered and set is theirs too.

    Args:
        owner: the host that ran it.
        facts: False under delegate_facts: what it set is the delegate's alone, even where that is the host itself.
    """
    everybodys = Register | SetFacts | SetVariables | IncludeVariables if facts else Register
    found: list[Effect] = []
    for effect in effects:
        if isinstance(effect, everybodys) and effect.host == owner:
            found.extend(replace(effect, host=host) for host in hosts)
        else:
            found.append(effect)
    return found
