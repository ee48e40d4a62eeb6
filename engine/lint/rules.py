"""All rules over one playbook: what `engine lint` says."""
from __future__ import annotations

from collections.abc import Iterator

from engine.lint import handlers, leaks, typed, undefined, unknown_names, unused
from engine.lint.definers import add_groups, add_hosts, definers_of
from engine.lint.findings import heeded
from engine.lint.glance import unknown_tokens, worth_parsing
from engine.lint.subject import Subject
from engine.lint.uses import uses_of, uses_of_variables
from engine.model.problem import Problem


def findings(subject: Subject) -> list[Problem]:
    """Everything that is found, in the order of the places. `subject`: with its includes opened."""
    return heeded(all_of(subject), subject.files)


def all_of(subject: Subject) -> Iterator[Problem]:
    definers = definers_of(subject)
    of_inventory = [*add_groups(definers, subject), *add_hosts(definers, subject)]
    uses = [*uses_of(subject), *uses_of_variables(of_inventory)]
    suspects = worth_parsing(uses, unknown_tokens(uses, definers.may_define))
    yield from subject.included.problems
    yield from unknown_names.check(subject, suspects)
    yield from undefined.check(subject, suspects, definers)
    yield from typed.check(subject)
    yield from handlers.check(subject)
    yield from leaks.check(subject, uses, of_inventory)
    yield from unused.check(subject, uses)
