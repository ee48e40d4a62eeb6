"""`engine explain var`: what hosts would see of a variable at a place of a playbook, put together from files alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cache
from types import MappingProxyType

from engine.errors import TemplateError, UsageError
from engine.files import Files
from engine.inventory.patterns import select
from engine.inventory.tree import Inventory
from engine.model.addresses import HostName, StepAddress
from engine.model.frozen import frozen
from engine.model.problem import Problem
from engine.model.values import UNSET, Value
from engine.model.words import did_you_mean
from engine.plan.graph import PlayPlan
from engine.plan.setters import Setter, setters
from engine.plan.step import Step, StepKind
from engine.playbook.tree import Play, Task
from engine.runtime.delegate import ALIASES
from engine.runtime.play_files import PlayFiles
from engine.runtime.runner import LAYERS, pattern_words
from engine.scopes.build import Layered, ScopeBuilder
from engine.scopes.explain import Definition, Secrecy, definitions
from engine.scopes.layers import Layer
from engine.scopes.magic import PlayFacts
from engine.scopes.scope import Scope
from engine.scopes.store import VariableStore
from engine.templating.environment import Templates

PASSWORDS = frozenset(name for field in ("password", "become_password", "private_key_passphrase") for name in ALIASES[field])
ASKED = "(asked for when the play starts)"
LAST = Step(address=StepAddress(()), kind=StepKind.TASK, task=Task(action="debug"))
"""A task of the play itself, behind its roles: it sees what they leave."""
ENVELOPE = b"$ANSIBLE_VAULT;"


@frozen(kw_only=True)
class Seen:
    """What some hosts see, all alike."""

    hosts: tuple[HostName, ...]
    play: Play | None
    step: Step | None
    definitions: tuple[Definition, ...]


@frozen(kw_only=True)
class Elsewhere:
    """A definition that those steps do not see, or not before its task has run."""

    setter: Setter
    value: Value
    """As it may be shown; None for a registered result."""


@frozen(kw_only=True)
class Explained:
    name: str
    seen: tuple[Seen, ...]
    elsewhere: tuple[Elsewhere, ...] = ()


@dataclass(slots=True, kw_only=True)
class Explaining:
    """What an explanation is made from; made by the command from an `Engine`."""

    inventory: Inventory
    plays: Sequence[PlayPlan]
    """None without a playbook: then the inventory and extra variables alone are looked at."""
    extra_vars: Mapping[str, Value]
    constant: Mapping[str, Value]
    files: Files
    """The disk, encrypted files opened as they are read."""
    disk: Files
    templates: Templates
    merging: bool = False
    """`hash_behaviour: merge`."""
    duplicates: str = "warn"
    """What a key is that stands twice in one mapping."""
    names: set[str] = field(default_factory=set)
    """Every name that was met on the way: for "did you mean"."""

    def explain(self, name: str, *, host: HostName | None = None, task: str | None = None) -> Explained:
        """Where `name` is defined and which definition wins, for each host (or `host`), in each play (or at the tasks named `task`).

        Raises:
            UsageError: `variable-not-found`, `host-not-found` or `task-not-found`.
        """
        seen = grouped([one for plan, step in self._places(task) for one in self._at(name, plan, step, host)])
        if host is not None and not seen:
            known = self.inventory.get(host) is not None
            detail = f"no play here runs on `{host}`" if known else f"the inventory has no `{host}`"
            hint = "" if known else did_you_mean(host, self.inventory.hosts)
            raise UsageError(Problem(code="host-not-found", summary="There is no such host", detail=detail, hint=hint))
        shown = {(each.span, each.layer) for one in seen for each in one.definitions}
        elsewhere = tuple(each for each in self._elsewhere(name) if (each.setter.span, each.setter.layer) not in shown)
        if not elsewhere and not any(one.definitions for one in seen):
            detail = f"nothing defines `{name}`"
            raise UsageError(
                Problem(code="variable-not-found", summary="No such variable", detail=detail, hint=did_you_mean(name, self.names))
            )
        return Explained(name=name, seen=seen, elsewhere=elsewhere)

    def _places(self, task: str | None) -> Iterator[tuple[PlayPlan | None, Step | None]]:
        if not self.plays:
            yield None, None
            return
        if task is None:
            yield from ((plan, None) for plan in self.plays)
            return
        leaves = [(plan, step) for plan in self.plays for step in plan.steps() if step.kind is not StepKind.BLOCK]
        found = [(plan, step) for plan, step in leaves if is_named(step, task)]
        if not found:
            known = [str(step.task.name) for _, step in leaves if step.task is not None and step.task.name]
            raise UsageError(
                Problem(code="task-not-found", summary="No task has this name", detail=f"`{task}`", hint=did_you_mean(task, known))
            )
        yield from found

    def _at(self, name: str, plan: PlayPlan | None, step: Step | None, host: HostName | None) -> Iterator[Seen]:
        """One `Seen` for each host of the play."""
        inventory = self.inventory if plan is None else self.inventory.with_playbook_dir(os.path.dirname(plan.play.path))
        hosts = list(inventory.hosts) or ["localhost"]
        if plan is not None:
            layers = ((Layer.MAGIC, self.constant), (Layer.EXTRA, self.extra_vars), (Layer.PLAY, plan.play.vars))
            static = Scope(layers, merging=self.merging)
            try:
                hosts = select(inventory, pattern_words(self.templates.renderer(static).render(plan.play.hosts))).hosts
            except TemplateError:
                hosts = list(inventory.hosts)  # the pattern needs what only a run knows: any host may be meant
        if host is not None:
            hosts = [host] if host in hosts or plan is None else []
        hosts = [each for each in hosts if inventory.get(each) is not None]
        builder = self._builder(plan, inventory, hosts)
        secrecy = Secrecy(names=PASSWORDS, hidden=hidden_in(plan), sealed=self._sealed())
        for each in hosts:
            scope = builder.scope_for(step or LAST, each)
            found = definitions(scope, name, secrecy)
            if not found:
                self.names.update(scope.names())
            yield Seen(hosts=(each,), play=plan.play if plan else None, step=step, definitions=found)

    def _builder(self, plan: PlayPlan | None, inventory: Inventory, hosts: Sequence[HostName]) -> ScopeBuilder:
        play = plan.play if plan is not None else Play(hosts="all")

        def layers(host: HostName) -> Layered:
            return tuple((LAYERS[layer], mapping) for layer, mapping in inventory.layers(host))

        facts = PlayFacts(
            groups=lambda: inventory, hostvars=MappingProxyType({}), hosts_all=hosts, alive=lambda: hosts, batch=lambda: hosts,
            playbook_dir=os.path.dirname(play.path), constant=self.constant,
        )  # fmt: skip
        store = VariableStore(merging=self.merging)
        builder = ScopeBuilder(
            play=play, facts=facts, store=store, inventory_layers=layers, extra_vars=self.extra_vars,
            prompts={prompt.name: ASKED for prompt in play.vars_prompt if prompt.name not in self.extra_vars},
            public_roles=lambda: plan.roles if plan is not None else (), merging=self.merging,
        )  # fmt: skip
        builder.play_files = PlayFiles(
            play=play, files=self.files, store=store, duplicates=self.duplicates,
            render=lambda host, value: self.templates.renderer(builder.scope_for(None, host)).render(value),
        ).of  # fmt: skip
        return builder

    def _elsewhere(self, name: str) -> Iterator[Elsewhere]:
        """Each place of the text once, though a role may be used several times."""
        met: set[tuple[object, Layer]] = set()
        for plan in self.plays:
            secrecy = Secrecy(names=PASSWORDS, hidden=hidden_in(plan), sealed=self._sealed())
            for setter in setters(plan):
                self.names.add(setter.name)
                if setter.name != name or (setter.span, setter.layer) in met:
                    continue
                met.add((setter.span, setter.layer))
                value = None if setter.value is UNSET else secrecy.shown(name, setter.value, setter.span, setter.source)
                yield Elsewhere(setter=setter, value=value)

    def _sealed(self) -> Callable[[str], bool]:
        @cache
        def sealed(path: str) -> bool:
            try:
                return self.disk.is_file(path) and self.disk.read_bytes(path).startswith(ENVELOPE)
            except OSError:
                return True  # it was read a moment ago: what cannot be looked at now is not shown

        return sealed


def is_named(step: Step, wanted: str) -> bool:
    """By its name or `role : name`, wildcards allowed; by file:line too."""
    if step.task is None:
        return False
    names = [str(step.task.name)] if step.task.name else [step.task.action]
    if step.around.role is not None:
        names += [f"{step.around.role.name} : {name}" for name in names]
    span = step.task.span
    names += [f"{span.path}:{span.line}", f"{os.path.basename(span.path)}:{span.line}"]
    return any(name == wanted or fnmatchcase(name, wanted) for name in names)


def hidden_in(plan: PlayPlan | None) -> frozenset[int]:
    """The mappings under no_log, by `id`. A no_log that is a template hides them too."""
    if plan is None:
        return frozenset()
    found: set[int] = set()
    if is_secret(plan.play.keywords):
        found.add(id(plan.play.vars))
    for step in plan.steps():
        if not is_secret(step.keywords):
            continue
        if step.task is not None:
            found.update((id(step.task.vars), id(step.task.args)))
        if step.block is not None:
            found.update((id(step.block.vars), id(step.block.params)))
            if step.block.role is not None:
                found.update((id(step.block.role.defaults), id(step.block.role.vars)))
    return frozenset(found)


def is_secret(keywords: Mapping[str, Value]) -> bool:
    return keywords.get("no_log") not in (None, False)


def grouped(seen: Sequence[Seen]) -> tuple[Seen, ...]:
    """Hosts that see the same at the same place, together."""
    found: dict[object, list[Seen]] = {}
    for one in seen:
        key = (id(one.play), id(one.step), tuple((each.layer, str(each.span), repr(each.value)) for each in one.definitions))
        found.setdefault(key, []).append(one)
    return tuple(replace(alike[0], hosts=tuple(host for one in alike for host in one.hosts)) for alike in found.values())
