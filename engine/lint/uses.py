"""Every text of a playbook that is rendered, with what is known of it: where it is used, and whether it surely is."""
from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.errors import EngineError
from engine.lint.certain import reached_steps
from engine.lint.subject import Subject
from engine.model.frozen import frozen
from engine.model.source import Span
from engine.model.values import TemplateText, Value
from engine.plan.graph import PlayPlan
from engine.plan.step import Step
from engine.playbook.context import has_template
from engine.playbook.names import short
from engine.playbook.roles import CHECKED
from engine.playbook.tree import Role

CONDITIONS = frozenset(("when", "until", "changed_when", "failed_when"))
EXPRESSION_ARGUMENTS = {"assert": "that", "debug": "var"}
"""Arguments that are bare expressions."""
NOT_RENDERED = frozenset(("register", "collections"))


@frozen
class Use:
    text: TemplateText
    step: Step | None = None
    sure: bool = False
    """It is rendered whenever the playbook runs."""
    expression: bool = False
    """A bare expression, as `when` has it."""
    variable: str = ""
    """The variable whose value it is, or is part of; empty for text that a task or play uses itself."""
    role: Role | None = None


class Collector:
    """Gathers texts, each once: keywords of a block are those of all its tasks."""

    def __init__(self) -> None:
        self.found: list[Use] = []
        self._seen: set[int] = set()

    def add(
        self, value: Value, step: Step | None, sure: bool = False, expression: bool = False, variable: str = "", role: Role | None = None
    ) -> None:
        """Every text with markers in a nested value; every text at all where they are expressions."""
        kind = type(value)
        if kind is TemplateText:
            if (expression or "{{" in value or "{%" in value) and id(value) not in self._seen:
                self._seen.add(id(value))
                bare = expression and not ("{" in value and whole_template(value))
                self.found.append(Use(value, step, sure, bare, variable, role))
        elif kind is dict:
            for key, each in value.items():
                if type(key) is TemplateText:
                    self.add(key, step, sure, False, variable, role)
                if type(each) in COLLECTED:
                    self.add(each, step, sure, expression, variable, role)
        elif kind is list or kind is tuple:
            for each in value:
                if type(each) in COLLECTED:
                    self.add(each, step, sure, expression, variable, role)

    def variables(self, mapping: Mapping[str, Value], step: Step | None = None, role: Role | None = None) -> None:
        """The values of variables: rendered when they are read, if they are."""
        for name, value in mapping.items():
            if type(value) in COLLECTED:
                self.add(value, step, variable=str(name), role=role)


COLLECTED = frozenset((TemplateText, dict, list, tuple))


def uses_of(subject: Subject) -> list[Use]:
    """The texts of plays, roles, blocks and tasks; those of the inventory come from lint/definers.py."""
    collector = Collector()
    reached = reached_steps(subject)
    blocks: set[int] = set()
    for play, step in subject.leaves:
        add_step(collector, step, id(step) in reached)
        if step.task is not None and short(step.task.action) == "template":
            add_template_file(collector, subject, play, step, id(step) in reached)
        for block in step.around.blocks:
            if id(block) not in blocks:
                blocks.add(id(block))
                collector.variables(block.vars, step, block.role or step.around.role)
                collector.variables(block.params, step, step.around.role)
    for role in subject.roles:
        collector.variables(role.defaults, role=role)
        collector.variables(role.vars, role=role)
    for each in subject.graph.plays:
        collector.variables(each.play.vars)
        for value in (each.play.name, each.play.hosts, each.play.vars_files, each.play.keywords):
            collector.add(value, None)
    return collector.found


def add_template_file(collector: Collector, subject: Subject, play: PlayPlan, step: Step, reached: bool) -> None:
    """The file of a `template` task, where its name is plain text and its delimiters are the usual ones."""
    task = step.task
    assert task is not None
    name = task.args.get("src")
    if not isinstance(name, str) or has_template(name) or any(str(each).endswith("_string") for each in task.args):
        return
    path = subject.search(play, step).find("templates", name).path
    if path is None or not subject.files.is_file(path):
        return
    try:
        text = TemplateText.read(subject.files.read_text(path), Span(path, 1))
    except (EngineError, OSError):
        return  # the task itself tells of it
    if not text.startswith("#jinja2:"):
        sure = reached and not step.keywords.get("when") and task.loop is None
        collector.add(text, step, sure=sure, role=step.around.role)


def add_step(collector: Collector, step: Step, reached: bool) -> None:
    task = step.task
    assert task is not None
    role, keywords, add = step.around.role, step.keywords, collector.add
    conditions = keywords.get("when")
    if conditions and reached:
        add(conditions[0], step, True, True, "", role)
    lazy = EXPRESSION_ARGUMENTS.get(short(task.action))
    runs = reached and not conditions and not (lazy == "var" and "verbosity" in task.args)
    if task.origin != CHECKED:
        for name, value in task.args.items():
            if type(value) in COLLECTED:
                add(value, step, runs, name == lazy, "", role)
    if task.loop is not None:
        add(task.loop.terms, step, False, False, "", role)
    if task.vars:
        collector.variables(task.vars, step, role)
    if task.name is not None:
        add(task.name, step, False, False, "", role)
    for name, value in keywords.items():
        if type(value) in COLLECTED and name not in NOT_RENDERED:
            if name == "loop_control":
                add_control(collector, value, step)
            else:
                add(value, step, False, name in CONDITIONS, "", role)


def add_control(collector: Collector, control: Value, step: Step) -> None:
    for part, each in control.items() if isinstance(control, Mapping) else ():
        collector.add(each, step, False, part == "break_when", "", step.around.role)


def uses_of_variables(mappings: Iterable[Mapping[str, Value]]) -> list[Use]:
    """The texts among the values of variables: those of an inventory."""
    collector = Collector()
    for mapping in mappings:
        collector.variables(mapping)
    return collector.found


def whole_template(text: str) -> bool:
    """A condition that is written as a template, `{{ x == 1 }}`."""
    bare = text.strip()
    return bare.startswith(("{{", "{%")) and bare.endswith(("}}", "%}"))


def guards_of(step: Step | None) -> list[TemplateText]:
    """The conditions under which a step runs at all."""
    found: list[TemplateText] = []
    for condition in (step.keywords.get("when") or ()) if step is not None else ():
        if isinstance(condition, TemplateText):
            found.append(condition)
    return found
