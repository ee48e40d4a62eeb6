"""Values that are known before the run against the types that a vars_schema.yml, or a role's argument_specs, gives them.

Only what surely counts is looked at: the value that wins for a host, where nothing made during the run can stand above it.
"""
from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from engine.errors import EngineError
from engine.inventory.tree import Inventory
from engine.inventory.vars_files import read_vars
from engine.lint.certain import reached_steps
from engine.lint.definers import PREFIXES, definers_of
from engine.lint.places import inventory_files, place_in_files, place_of_value
from engine.lint.schema import Schema, read_schemas
from engine.lint.specs import Mistake, aliases_of, is_plain, mistakes, spec_of
from engine.lint.subject import Subject
from engine.model.addresses import HostName
from engine.model.frozen import frozen
from engine.model.problem import Problem
from engine.model.source import Span
from engine.model.values import UNSET, Value
from engine.plan.graph import PlayPlan
from engine.plan.step import Step
from engine.playbook.context import has_template
from engine.playbook.roles import CHECKED
from engine.scopes.build import roles_seen

SUMMARIES = {
    "variable-type": "A variable has the wrong type",
    "variable-choice": "A variable has none of the values it may have",
    "variable-missing": "A variable that is required is not defined",
    "variable-unknown": "A variable holds what its specification does not know",
}


@frozen
class Given:
    """The value that a host gets, and the files where it may be written, the likeliest first."""

    value: Value = UNSET
    paths: tuple[str, ...] = ()
    start: int = 1
    """The line from which it is looked for."""


@dataclass
class Values:
    """What hosts get in one play, from everything that is known before the run."""

    subject: Subject
    play: PlayPlan

    @cached_property
    def inventory(self) -> Inventory:
        return self.subject.inventory.with_playbook_dir(os.path.dirname(self.play.play.path))

    @cached_property
    def files(self) -> list[tuple[str, Mapping[str, Value]]]:
        """`vars_files`, the last one first."""
        found: list[tuple[str, Mapping[str, Value]]] = []
        for entry in self.play.play.vars_files:
            names = [str(name) for name in (entry if isinstance(entry, list | tuple) else (entry,)) if not has_template(str(name))]
            folder = os.path.dirname(self.play.play.path)
            paths = [os.path.normpath(os.path.join(folder, inner, os.path.expanduser(name))) for name in names for inner in ("", "vars")]
            path = next((path for path in paths if self.subject.files.is_file(path)), None)
            if path is not None:
                found.append((path, read_vars(self.subject.files, path)))
        return found[::-1]

    def of(self, host: HostName, name: str, step: Step | None = None) -> Given:
        """The strongest value; `step` adds what is in force there. Raises EngineError where files cannot be read."""
        if name in self.subject.extra_vars:
            return Given(self.subject.extra_vars[name])
        roles = roles_seen(step.around.roles, self.play.roles) if step is not None else []
        if step is not None:
            assert step.task is not None
            blocks = step.around.blocks[::-1]
            for mapping in (*(block.params for block in blocks), step.task.vars, *(block.vars for block in blocks)):
                if name in mapping:
                    return Given(mapping[name], (step.span.path, self.play.play.path), step.span.line)
            for role in roles:
                if name in role.vars:
                    return Given(role.vars[name], self.of_role(role.path, "vars"))
        for path, mapping in self.files:
            if name in mapping:
                return Given(mapping[name], (path,))
        if name in self.play.play.vars:
            return Given(self.play.play.vars[name], (self.play.play.path,), self.play.play.span.line)
        for _, mapping in self.inventory.layers(host):
            if name in mapping:
                return Given(mapping[name], tuple(inventory_files(self.inventory, host, self.subject.files)))
        found = next((role for role in roles if name in role.defaults), None)
        return Given(found.defaults[name], self.of_role(found.path, "defaults")) if found is not None else Given()

    def of_role(self, path: str, part: str) -> tuple[str, ...]:
        folder = os.path.join(path, part)
        return tuple(os.path.join(folder, name) for name in self.subject.files.list(folder))

    def place(self, name: str, given: Given) -> Span | None:
        return place_of_value(given.value) or place_in_files(name, self.subject.files, given.paths, given.start)


def check(subject: Subject) -> Iterator[Problem]:
    reached: frozenset[int] | None = None
    for play in subject.graph.plays:
        if play.bodies:
            continue
        values = Values(subject, play)
        try:
            for schema in schemas_of(subject, values):
                yield from schema.problems
                yield from of_schema(values, schema)
            checks = [step for step in play.steps() if step.task is not None and step.task.origin == CHECKED and step.around.role]
            if checks and reached is None:
                reached = reached_steps(subject)
            for step in checks:
                if reached is not None and id(step) in reached and not step.keywords.get("when"):
                    yield from of_role(values, step)
        except EngineError:
            continue  # a file that cannot be read is told of when the run comes to it


def schemas_of(subject: Subject, values: Values) -> list[Schema]:
    return read_schemas(subject.files, (os.path.dirname(values.play.play.path), *values.inventory.vars_files.inventory_dirs))


def of_schema(values: Values, schema: Schema) -> Iterator[Problem]:
    """Each wrong value, whether or not the run may set another one later: what is written is to be right."""
    for name, spec in schema.variables.items():
        for host in values.subject.hosts_of(values.play.play) or ():
            given = values.of(host, name)
            if given.value is not UNSET and given.value is not None:
                yield from wrong(values, name, spec, given, f"declared at {schema.spans[name]}")
            elif spec.get("required") is True and not definers_of(values.subject).may_define(name):  # elsewhere than in the inventory
                words = f"`{name}` is required, and nothing defines it for {host}"
                yield problem(Mistake(code="variable-missing", words=words), schema.spans[name], "")
                break


def of_role(values: Values, step: Step) -> Iterable[Problem]:
    """The arguments of a role that surely starts, as the task that checks them will find them."""
    assert step.task is not None and step.around.role is not None
    role = step.around.role.name
    found: list[tuple[str, Problem]] = []
    for name, spec in spec_of(step.task.args.get("argument_spec")).items():
        if not isinstance(name, str) or aliases_of(spec) or name.startswith(PREFIXES):
            continue
        for host in values.subject.hosts_of(values.play.play) or ():
            given = values.of(host, name, step)
            if given.value is not UNSET and given.value is not None:
                note = f"by the argument_specs of the role {role}"
                found += [(name, each) for each in wrong(values, name, spec_of(spec), given, note)]
            elif given.value is UNSET and spec_of(spec).get("required") is True:
                words = f"the role {role} requires `{name}`, and nothing defines it for {host}"
                found.append((name, problem(Mistake(code="variable-missing", words=words), step.span, "")))
                break
    before = definers_of(values.subject, until=step) if found else None
    return (each for name, each in found if before is not None and not before.open and name not in before.made)


def wrong(values: Values, name: str, spec: Mapping[str, Value], given: Given, note: str) -> Iterable[Problem]:
    if not is_plain(given.value):
        return []
    return [problem(mistake, values.place(name, given), note) for mistake in mistakes(name, spec, given.value)]


def problem(mistake: Mistake, span: Span | None, note: str) -> Problem:
    return Problem(code=mistake.code, summary=SUMMARIES[mistake.code], detail=mistake.words, span=span, notes=(note,) if note else ())
