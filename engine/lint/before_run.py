"""The rules that are cheap enough to be asked before each run: names of filters, tests, lookups, handlers and variables."""
from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from engine.errors import PlanError
from engine.lint import handlers
from engine.lint.definers import add_groups, add_hosts, definers_of
from engine.lint.findings import heeded, warned
from engine.lint.glance import unknown_tokens, worth_parsing
from engine.lint.subject import SCHEMA_NAMES, Subject
from engine.lint.uses import uses_of, uses_of_variables
from engine.model.problem import Problem, Severity
from engine.playbook.roles import CHECKED


def check_names(subject: Subject, warn: Callable[[Problem], None]) -> None:
    """Warn of names that nothing answers to. Raises PlanError with all of those that the run would surely come to and fail at."""
    found = problems_before_run(subject)
    errors = [problem for problem in found if problem.severity is Severity.ERROR]
    for problem in found:
        if problem.severity is not Severity.ERROR:
            warn(problem)
    if errors:
        raise PlanError(*errors)


def problems_before_run(subject: Subject) -> list[Problem]:
    """What is wrong with the names of a plan. Errors are what the run would surely come to; all else is a warning."""
    return heeded((*names(subject), *map(warned, handlers.check(subject))), subject.files)


def names(subject: Subject) -> Iterator[Problem]:
    definers = definers_of(subject)
    uses = [*uses_of(subject), *uses_of_variables(add_groups(definers, subject))]
    unknown = unknown_tokens(uses, definers.may_define)
    if any(token[0] == "$" for token in unknown):  # perhaps a variable of a single host: then all their files are read, earlier than else
        uses += uses_of_variables(add_hosts(definers, subject))
        unknown = unknown_tokens(uses, definers.may_define)
    if unknown:
        from engine.lint import undefined, unknown_names  # they load Jinja

        suspects = worth_parsing(uses, unknown)
        yield from unknown_names.check(subject, suspects)
        yield from map(warned, undefined.check(subject, suspects, definers))
    if has_types(subject):
        from engine.lint import typed

        yield from typed.check(subject)


def has_types(subject: Subject) -> bool:
    """Whether anything says which types variables have; most playbooks say nothing."""
    folders = {os.path.dirname(play.play.path) for play in subject.graph.plays} | set(subject.inventory.vars_files.inventory_dirs)
    if any(subject.files.is_file(os.path.join(folder, name)) for folder in folders for name in SCHEMA_NAMES):
        return True
    return any(step.task is not None and step.task.origin == CHECKED for _, step in subject.leaves)
