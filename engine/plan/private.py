"""Reads of names that a lexical role keeps to itself, found in the text before the run; and exports of names that no role has.

Only what is certain is told: a name that some lexical role has, that the reading place does not see, and that nothing else
known defines. Where more may come while the play runs (include_vars, vars_files, plays before), nothing is told; then the run
says it, with the same hint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from engine.errors import EngineError, TemplateError
from engine.inventory.patterns import select
from engine.inventory.tree import Inventory
from engine.model.problem import Problem, Severity
from engine.model.source import Span
from engine.model.values import TemplateText, Value
from engine.model.words import did_you_mean
from engine.plan.graph import PlanGraph, PlayPlan
from engine.plan.setters import Setter, setters
from engine.plan.step import Step, StepKind
from engine.playbook.names import short
from engine.playbook.scoping import EXPORTS, LEXICAL, SCOPING, names_of, scoping_within
from engine.playbook.tree import BlockKind, Role
from engine.scopes.build import dependencies_of
from engine.scopes.layers import Layer
from engine.scopes.lexical import exports_of, home_of, is_private, owners_seen, places_inside
from engine.scopes.magic import TABLE
from engine.templating.failures import place_of
from engine.templating.names import Named, named_in, texts_in

CONDITIONS = ("when", "until", "changed_when", "failed_when")
NOT_READ = frozenset((*CONDITIONS, "register", "tags", "loop_control"))
UNFORESEEN = frozenset(("include_vars", "include_tasks", "include_role", "set_fact"))
"""Tasks that may bring names that do not stand in the text (set_fact where a name is a template)."""


def private_reads(graph: PlanGraph, inventory: Inventory, extra_vars: Mapping[str, Value]) -> list[Problem]:
    """A warning for each place that reads what a lexical role keeps to itself, and for each export of a name that the role has not."""
    found: list[Problem] = []
    for plan in graph.plays:
        if plan.private:
            found.extend(Reads(plan=plan, inventory=inventory, extra_vars=extra_vars).problems())
            found.extend(unknown_exports(plan))
    return list(dict.fromkeys(found))


@dataclass(slots=True, kw_only=True)
class Reads:
    """One play."""

    plan: PlayPlan
    inventory: Inventory
    extra_vars: Mapping[str, Value]
    keepers: dict[str, dict[str, str]] = field(default_factory=dict)
    """Name → path → name of the lexical roles that have it."""
    public: set[str] = field(default_factory=set)
    """Names that tasks give to everybody."""

    def problems(self) -> Iterator[Problem]:
        plan = self.plan
        self._learn()
        if plan.play.vars_files or any(self._opens(step) for step in plan.steps()):
            return
        for step in plan.steps():
            for text, named in reads_of(step):
                for name in sorted(named.variables - named.guarded):
                    if name in self.keepers and not self._is_seen(name, step) and not self._is_guarded(name, step):
                        yield told(name, list(self.keepers[name].values()), text)

    def _learn(self) -> None:
        for role in self.plan.private:
            for name in (*role.defaults, *role.vars):
                self.keepers.setdefault(name, {})[role.path] = role.name
        names = {role.path: role.name for role in self.plan.private}
        for setter in setters(self.plan):
            if setter.runs:
                home = home_of(setter.name, setter.step.around.blocks)
                if home:
                    self.keepers.setdefault(setter.name, {})[home] = names.get(home, home)
                else:
                    self.public.add(setter.name)

    def _opens(self, step: Step) -> bool:
        """Whether the step may give everybody names that do not stand in the text. A lexical include_role gives what it exports."""
        if not brings_unforeseen(step) or is_private(step.around.blocks):
            return False
        task = step.task
        if task is None or short(task.action) != "include_role":
            return True
        scoping = task.args.get("scoping") or task.vars.get(SCOPING) or scoping_within(step.around.blocks, self.plan.play)
        exports = names_of(task.args.get("exports", task.vars.get(EXPORTS)))
        self.public.update(exports or ())
        return scoping != LEXICAL or exports is None

    def _is_seen(self, name: str, step: Step) -> bool:
        """Whether something the step sees defines the name, or may: facts and what the engine itself sets are left out."""
        blocks, play = step.around.blocks, self.plan.play
        if name in self.public or name in TABLE or name.startswith("ansible_") or name in self.extra_vars or name in play.vars:
            return True
        if set(owners_seen(blocks)) & self.keepers[name].keys() or name in loop_names(step):
            return True
        inside = places_inside(blocks)
        roles = [*step.around.roles, *(role for role in self.plan.roles if role.within in inside)]
        roles += [dependency for role in step.around.roles for dependency in dependencies_of(role)]
        held = [mapping for role in roles for mapping in (role.defaults, role.vars)]
        held += [mapping for block in blocks for mapping in (block.params, block.vars)]
        held += [step.task.vars] if step.task is not None else []
        if any(name in mapping for mapping in held) or any(prompt.name == name for prompt in play.vars_prompt):
            return True
        return self._in_inventory(name)

    def _in_inventory(self, name: str) -> bool:
        """Whether a host of the play has it; where that cannot be told, it may."""
        hosts = self.plan.play.hosts
        patterns = [str(each) for each in hosts] if isinstance(hosts, list | tuple) else [str(hosts)]
        try:
            chosen = list(self.inventory.hosts) if any("{{" in each for each in patterns) else select(self.inventory, patterns).hosts
            return any(name in mapping for host in chosen for _, mapping in self.inventory.layers(host))
        except (EngineError, KeyError):
            return True

    def _is_guarded(self, name: str, step: Step) -> bool:
        """The step asks somewhere whether it is defined, perhaps in its condition."""
        return any(name in named.guarded for _, named in reads_of(step))


def told(name: str, keepers: Sequence[str], text: TemplateText) -> Problem:
    shown = " and ".join(f"`{keeper}`" for keeper in dict.fromkeys(keepers))
    line = next((number for number, each in enumerate(str(text).split("\n"), 1) if name in each), 1)
    return Problem(
        code="private-variable", summary="A variable is read outside of the role that keeps it to itself", severity=Severity.WARNING,
        detail=f"`{name}` is the own variable of the role {shown}", span=place_of(text, line, name),
        hint=f"`exports: [{name}]` where the role is used, or in its meta/engine.yml, lets others see it",
    )  # fmt: skip


def reads_of(step: Step) -> Iterator[tuple[TemplateText, Named]]:
    """Each text that is rendered for the step, and what it names; a text that cannot be parsed is a mistake told elsewhere."""
    values: list[Value] = []
    conditions: list[Value] = []
    if step.block is not None:
        values += [step.block.params, step.block.vars] if step.block.kind is BlockKind.ROLE else []
    task = step.task
    if task is not None:
        values += [task.args, task.vars, task.loop.terms if task.loop else None, task.name]
        values += [value for name, value in step.keywords.items() if name not in NOT_READ]
        conditions += [step.keywords.get(name) for name in CONDITIONS]
        if short(task.action) == "assert":
            conditions.append(task.args.get("that"))
    for expression, each in ((False, values), (True, conditions)):
        for text in (text for value in each for text in texts_in(value)):
            try:
                yield text, named_in(text, expression=expression)
            except TemplateError:
                continue


def loop_names(step: Step) -> frozenset[str]:
    control = step.keywords.get("loop_control")
    given = control if isinstance(control, Mapping) else {}
    return frozenset(("item", str(given.get("loop_var") or "item"), str(given.get("index_var") or "item")))


def brings_unforeseen(step: Step) -> bool:
    task = step.task
    if task is None or short(task.action) not in UNFORESEEN:
        return False
    return short(task.action) != "set_fact" or "_args" in task.args or any(isinstance(name, TemplateText) for name in task.args)


def unknown_exports(plan: PlayPlan) -> Iterator[Problem]:
    """Exports that give nothing: likely typing errors."""
    for step in plan.steps():
        block = step.block
        if step.kind is not StepKind.BLOCK or block is None or not block.lexical or block.role is None:
            continue
        inside = step.walk()
        if any(brings_unforeseen(each) for each in inside):
            continue
        has = all_names(block.role, [setter for setter in setters(plan) if setter.step in inside])
        for name in sorted(exports_of(block) - has):
            yield Problem(
                code="unknown-export", summary="A role has no such variable to export", severity=Severity.WARNING,
                detail=f"the role `{block.role.name}` neither defines nor sets `{name}`", span=place_of_export(step, name),
                hint=did_you_mean(name, has),
            )  # fmt: skip


def all_names(role: Role, made: Sequence[Setter]) -> set[str]:
    held = [role, *dependencies_of(role)]
    return {name for each in held for name in (*each.defaults, *each.vars)} | {
        setter.name for setter in made if setter.layer in (Layer.SET_FACT, Layer.ROLE, Layer.ROLE_DEFAULTS)
    }


def place_of_export(step: Step, name: str) -> Span:
    block = step.block
    assert block is not None
    spans: Callable[[str], Span | None] = block.spans.get
    return spans("exports") or spans("args.exports") or block.span
