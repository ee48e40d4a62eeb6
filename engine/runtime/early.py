"""Connections that a run will surely need, begun before the rest of the engine is loaded: a short run waits mostly for hosts.

Surely means: the first step of the first play reaches every host of it, and where that is stands in plain text.
Whatever needs a template, a condition or a delegate is left to the task itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

from engine.connections.target import ExecutionTarget
from engine.errors import EngineError
from engine.inventory.patterns import select
from engine.inventory.tree import Inventory
from engine.model.addresses import HostName
from engine.model.values import EncryptedText, TemplateText, Value
from engine.plan.graph import PlanGraph
from engine.plan.step import Step, StepKind
from engine.playbook.names import short
from engine.runtime.delegate import FIELDS, NAMES, target_of
from engine.settings.settings import Settings

CONDITIONAL = ("when", "delegate_to", "run_once", "connection")
KEYWORDS = ("remote_user", "port", "become", "become_method", "become_user", "become_exe", "become_flags")


def early_targets(
    graph: PlanGraph, inventory: Inventory, limit: frozenset[HostName] | None, extra_vars: Mapping[str, Value], settings: Settings
) -> list[ExecutionTarget]:
    """Where the first step will run, without become; at most `forks` of them. Never raises: mistakes are told by the step itself."""
    if not graph.plays or graph.plays[0].bodies:
        return []
    play = graph.plays[0].play
    step = first_leaf(graph.plays[0].body)
    if step is None or not reaches_hosts(step) or not all(map(is_plain, (play.hosts, play.keywords.get("serial")))):
        return []
    try:
        patterns = list(play.hosts) if isinstance(play.hosts, list | tuple) else [play.hosts]
        hosts = [host for host in select(inventory, patterns).hosts if limit is None or host in limit]
        folder = os.path.dirname(play.path)
        found = (target_at(step, host, inventory, extra_vars, play.vars, settings, folder) for host in hosts[: settings.run.forks])
        return [target for target in found if target is not None]
    except (EngineError, KeyError, ValueError):
        return []


def first_leaf(steps: Sequence[Step]) -> Step | None:
    """The first step that does something; the flushes between a play's sections do nothing before it."""
    for step in steps:
        if step.kind is StepKind.META and step.task is not None and step.task.origin:
            continue
        if step.kind is not StepKind.BLOCK:
            return step
        found = first_leaf(step.body)
        if found is not None:
            return found
    return None


def reaches_hosts(step: Step) -> bool:
    """Does it surely reach the play's own hosts?"""
    from engine.runtime.dispatch import handler_for

    if step.kind is not StepKind.TASK or step.task is None or any(step.keywords.get(name) for name in CONDITIONAL):
        return False
    handler = handler_for(short(step.task.action))
    return handler is not None and handler.connects and not handler.once and step.task.loop is None


def target_at(
    step: Step,
    host: HostName,
    inventory: Inventory,
    extra_vars: Mapping[str, Value],
    play_vars: Mapping[str, Value],
    settings: Settings,
    folder: str = "",
) -> ExecutionTarget | None:
    """The target, if all that decides about it is plain text. `folder` is the playbook's, where a local one works."""
    values: dict[str, Value] = {}
    ranks: dict[str, int] = {}
    for name in NAMES:
        value = first_of(name, (extra_vars, *texts(step), play_vars, *(mapping for _, mapping in inventory.layers(host))))
        if value is None:
            continue
        if not is_plain(value):
            return None
        field, rank = FIELDS[name]
        if rank < ranks.get(field, len(NAMES)):
            values[field], ranks[field] = value, rank
    keywords = {name: step.keywords[name] for name in KEYWORDS if step.keywords.get(name) is not None}
    if not all(map(is_plain, keywords.values())):
        return None
    return target_of(host, values, keywords, settings.ssh, settings.become, folder).plain()


def texts(step: Step) -> Iterator[Mapping[str, Value]]:
    """Variables that stand with the step itself, strongest first."""
    for block in reversed(step.around.blocks):
        if block.params:
            yield block.params
    if step.task is not None:
        yield step.task.vars
    for block in reversed(step.around.blocks):
        yield block.vars
    for role in reversed(step.around.roles):
        yield role.vars


def first_of(name: str, mappings: Sequence[Mapping[str, Value]]) -> Value:
    return next((mapping[name] for mapping in mappings if name in mapping), None)


def is_plain(value: Value) -> bool:
    if isinstance(value, TemplateText):
        return "{{" not in value and "{%" not in value
    if isinstance(value, list | tuple):
        return all(map(is_plain, value))
    return not isinstance(value, EncryptedText)
