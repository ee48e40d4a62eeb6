"""Rule `undefined-variable`: a task reads a variable that nothing can define, wherever one looks.

Only where that can be told: no variables are named by templates, no include and no file is unknown before the run.
A read that may go without (`default`, `is defined`, or a condition or assertion that asks first) never counts.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from engine.errors import TemplateError
from engine.lint.definers import Definers
from engine.lint.subject import Subject
from engine.lint.uses import Use, guards_of, whole_template
from engine.model.problem import Problem
from engine.model.values import TemplateText, Value
from engine.model.words import did_you_mean
from engine.plan.step import Step
from engine.playbook.names import short
from engine.templating.names import place_of_read, reads_in
from engine.templating.reads import Read, Reads


@dataclass(slots=True)
class Check:
    definers: Definers
    asked: frozenset[str]
    """Variables whose presence a task of the playbook sees to."""
    notes: tuple[str, ...] = ()
    seen: set[int] = field(default_factory=set)

    def use(self, use: Use) -> Iterator[Problem]:
        guarded = self.asked | {name for guard in guards_of(use.step) for name in condition(guard).checked}
        yield from self.text(use.text, guarded, (), expression=use.expression)

    def text(self, text: TemplateText, guarded: frozenset[str], through: tuple[str, ...], *, expression: bool = False) -> Iterator[Problem]:
        for read in reads(text, expression=expression).all:
            if read.kind != "variable" or read.optional or read.name in guarded:
                continue
            if not self.definers.knows(read.name):
                yield self.problem(text, read, through)
            elif read.name not in through:
                yield from self.value(self.definers.only_value(read.name), guarded, (*through, read.name))

    def value(self, value: Value, guarded: frozenset[str], through: tuple[str, ...]) -> Iterator[Problem]:
        """What the value of a variable reads in turn: only as a whole, since of a list or mapping a part may be used alone."""
        if isinstance(value, TemplateText) and id(value) not in self.seen:
            self.seen.add(id(value))
            yield from self.text(value, guarded, through)

    def problem(self, text: TemplateText, read: Read, through: tuple[str, ...]) -> Problem:
        return Problem(
            code="undefined-variable", summary="A variable is not defined", detail=f"nothing can define `{read.name}`",
            span=place_of_read(text, read), hint=did_you_mean(read.name, self.known()),
            notes=(*(f"read by the variable `{name}`" for name in reversed(through)), *self.notes),
        )

    def known(self) -> list[str]:
        return [name for name in (*self.definers.written, *self.definers.made) if isinstance(name, str)]


def check(subject: Subject, uses: Iterable[Use], definers: Definers) -> Iterator[Problem]:
    """Every such read that starts at a task. `uses`: texts worth a look, at least all that read what `definers` does not know."""
    if definers.open:
        return
    notes = () if subject.inventory.hosts else ("there is no inventory: -i names one that may define it",)
    checking = Check(definers, seen_to(subject), notes=notes)
    idle = subject.idle
    told: set[tuple[str, int, int]] = set()
    for use in uses:
        if use.variable or use.step is None or harmless(use) or id(use.step) in idle:
            continue
        for problem in checking.use(use):
            place = (problem.span.path, problem.span.line, problem.span.column) if problem.span else ("", 0, 0)
            if place not in told:
                told.add(place)
                yield problem


def harmless(use: Use) -> bool:
    """A variable may be missing there: in a title, in what `debug: var=` shows, and in a task that is switched off."""
    step = use.step
    if step is None or step.task is None:
        return False
    shown = step.task.args.get("var") if short(step.task.action) == "debug" else None
    return use.text is step.task.name or use.text is shown or False in (step.keywords.get("when") or ())


def seen_to(subject: Subject) -> frozenset[str]:
    """Variables that `assert` and `fail` ask for: a playbook that does so expects them from its caller."""
    found: set[str] = set()
    for _, step in subject.leaves:
        assert step.task is not None
        action = short(step.task.action)
        conditions = step.task.args.get("that") if action == "assert" else step.keywords.get("when") if action == "fail" else None
        for each in conditions if isinstance(conditions, list | tuple) else (conditions,):
            if isinstance(each, TemplateText):
                found.update(condition(each).checked)
        found.update(validated(step))
    return frozenset(found)


def validated(step: Step) -> Iterable[str]:
    """What an argument specification names: the role says itself what happens where it is missing."""
    spec = step.task.args.get("argument_spec") if step.task is not None else None
    return map(str, spec) if isinstance(spec, dict) else ()


def reads(text: TemplateText, *, expression: bool) -> Reads:
    try:
        return reads_in(text, expression=expression)
    except TemplateError:
        return Reads()


def condition(text: TemplateText) -> Reads:
    return reads(text, expression=not whole_template(text))
