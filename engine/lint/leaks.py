"""Rule `role-leak`: a variable that a role defines is read outside of it, and no other definition comes before it.

Roles share one space of variables in Ansible: defaults and vars of a role are seen by the rest of the play, what it sets or
registers by everything after it (ansible#15243, #41481, #65851, #66610). Of a role that is used lexically others see what
it exports, which is no leak. Whether a binding wins is told from the text alone:
layers are looked up as at run time (scopes/build.py), steps in the order of the plan, conditions not regarded.
"""
from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from engine.files import Files
from engine.lint.definers import OF_SET_FACT, included_names, loop_names
from engine.lint.findings import lines_of
from engine.lint.subject import Subject
from engine.lint.undefined import reads
from engine.lint.uses import Use, whole_template
from engine.model.frozen import frozen
from engine.model.problem import Problem, Severity
from engine.model.source import Span
from engine.model.values import TemplateText, Value
from engine.plan.graph import PlayPlan
from engine.plan.step import Step
from engine.playbook.context import has_template
from engine.playbook.names import short
from engine.playbook.tree import Role
from engine.scopes.build import roles_seen
from engine.scopes.lexical import home_of, is_private, owners_seen, places_inside
from engine.scopes.magic import TABLE
from engine.templating.names import place_of_read


@frozen
class Source:
    """Where a name's value comes from."""

    role: Role | None
    how: str = ""
    """In words: "is a default of"."""
    value: Value = None
    step: Step | None = None
    """The task that makes it, for what is set or registered."""


ELSEWHERE = Source(None)
"""Not from a role, or from nowhere."""


@dataclass(slots=True)
class Leaks:
    subject: Subject
    inventory: Mapping[str, Value]
    """One value for each name that the inventory defines for any host."""
    files: Mapping[int, frozenset[str]]
    """By play: the names of vars_files."""
    lexical: frozenset[str] = frozenset()
    """Paths of roles that keep their names to themselves."""
    made: dict[tuple[str, str], Source] = field(default_factory=dict)
    """Set or registered so far, by the last task that did; by the path of the lexical role that keeps it, or empty, and name."""
    told: dict[tuple[str, str, str], list[Problem]] = field(default_factory=dict)

    def read(self, play: PlayPlan, step: Step, text: TemplateText, expression: bool, through: tuple[str, ...] = ()) -> None:
        for read in reads(text, expression=expression).all:
            if read.kind != "variable" or read.name in through or read.name.startswith("ansible_") or read.name in TABLE:
                continue
            source = self.source(play, step, read.name)
            reader = step.around.role
            if source.role is not None and (reader is None or reader.path != source.role.path):
                self.tell(source, reader, read.name, place_of_read(text, read))
            elif isinstance(source.value, TemplateText) and has_template(source.value):
                self.read(play, step, source.value, False, (*through, read.name))

    def source(self, play: PlayPlan, step: Step, name: str) -> Source:
        """What a step gets for a name, from the strongest layer to the weakest."""
        blocks, task = step.around.blocks, step.task
        assert task is not None
        if name in self.subject.extra_vars or any(name in block.params for block in blocks):
            return ELSEWHERE
        if task.loop is not None and name in loop_names(step.keywords.get("loop_control")):
            return ELSEWHERE
        for home in (*owners_seen(blocks), ""):
            if (home, name) in self.made:
                return ELSEWHERE if home else self.made[home, name]
        if name in task.vars or any(name in block.vars for block in blocks):
            return ELSEWHERE
        inside = places_inside(blocks)
        roles = roles_seen(step.around.roles, [role for role in self.public(play) if role.within in inside])
        owner = next((role for role in roles if name in role.vars), None)
        if owner is not None:
            return self.defined(owner, "is in the vars of", owner.vars[name])
        if name in play.play.vars:
            return Source(None, "", play.play.vars[name])
        if name in self.files[play.index] or any(prompt.name == name for prompt in play.play.vars_prompt):
            return ELSEWHERE
        if name in self.inventory:
            return Source(None, "", self.inventory[name])
        owner = next((role for role in roles if name in role.defaults), None)
        return self.defined(owner, "is a default of", owner.defaults[name]) if owner is not None else ELSEWHERE

    def defined(self, role: Role, how: str, value: Value) -> Source:
        return Source(None, "", value) if role.path in self.lexical else Source(role, how, value)

    def public(self, play: PlayPlan) -> tuple[Role, ...]:
        return (*play.roles, *(role for role in self.subject.included.roles if role.public))

    def make(self, play: PlayPlan, step: Step) -> None:
        """What a step leaves behind for all that come after it."""
        task = step.task
        assert task is not None
        if step.keywords.get("register"):
            self.give(step, str(step.keywords["register"]), "is registered by")
        action = short(task.action)
        if action == "set_fact":
            for name in task.args:
                if name not in OF_SET_FACT and not has_template(name):
                    self.give(step, str(name), "is set by")
        elif action == "include_vars":
            for name in included_names(self.subject, play, step) or ():
                self.give(step, name, "is included by")

    def give(self, step: Step, name: str, how: str) -> None:
        blocks = step.around.blocks
        self.made[home_of(name, blocks), name] = ELSEWHERE if is_private(blocks) else Source(step.around.role, how, step=step)

    def tell(self, source: Source, reader: Role | None, name: str, place: Span | None) -> None:
        assert source.role is not None
        where = f"the role {reader.name}" if reader is not None else "the play"
        found = Problem(
            code="role-leak", summary="A variable of a role is read outside of it", severity=Severity.WARNING, span=place,
            detail=f"`{name}` {source.how} the role {source.role.name}, and is read by {where}",
            notes=tuple(f"defined at {each}" for each in [definition(source, name, self.subject.files)] if each),
            hint="define it in the play or the inventory, or hand it over as a parameter",
        )
        self.told.setdefault((name, source.role.path, reader.path if reader is not None else ""), []).append(found)


def check(subject: Subject, uses: list[Use], inventory: list[Mapping[str, Value]]) -> Iterator[Problem]:
    """Each variable, role and reader once, at its first place."""
    of_step: dict[int, list[Use]] = {}
    for use in uses:
        if use.step is not None and not use.variable:
            of_step.setdefault(id(use.step), []).append(use)
    flat = {name: value for mapping in inventory for name, value in mapping.items()}
    lexical = {block.role.path for _, step in subject.leaves for block in step.around.blocks if block.lexical and block.role is not None}
    leaks = Leaks(subject, flat, {play.index: file_names(subject, play) for play in subject.graph.plays}, frozenset(lexical))
    for play, step in in_order(subject):
        for use in of_step.get(id(step), ()):
            leaks.read(play, step, use.text, use.expression and not whole_template(use.text))
        leaks.make(play, step)
    for found in leaks.told.values():
        places = list(dict.fromkeys(str(each.span) for each in found))
        yield found[0] if len(places) == 1 else found[0].with_note(f"read at {len(places)} places in all")


def in_order(subject: Subject) -> list[tuple[PlayPlan, Step]]:
    """Tasks as they run, what includes bring in its place; the handlers of a play after all else of it."""
    return sorted(subject.leaves, key=lambda pair: (pair[0].index, pair[1].task is not None and pair[1].task.handler, pair[1].key))


def file_names(subject: Subject, play: PlayPlan) -> frozenset[str]:
    from engine.lint.definers import Definers, add_files

    found = Definers()
    add_files(found, play.play, subject.files)
    return frozenset(found.written)


def definition(source: Source, name: str, files: Files) -> Span | None:
    """Where a variable of a role is written: at the task that makes it, or in its file of vars or defaults."""
    if source.step is not None:
        spans = source.step.task.spans if source.step.task is not None else {}
        return spans.get(f"args.{name}", spans.get("register", source.step.span))
    if isinstance(source.value, TemplateText) and source.value.span.line:
        return source.value.span
    assert source.role is not None
    folder = os.path.join(source.role.path, "defaults" if "default" in source.how else "vars")
    for path in (os.path.join(folder, each) for each in files.list(folder)):
        for number, line in enumerate(lines_of(files, path), 1):
            if line.startswith((f"{name}:", f"{name} :")):
                return Span(path, number, 1, len(name))
    return None
