"""Rule `handler-not-found`: `notify` names what no handler of the play can ever answer to."""
from __future__ import annotations

from collections.abc import Iterator

from engine.lint.subject import Subject
from engine.model.problem import Problem
from engine.model.source import Span
from engine.model.values import TemplateText, Value
from engine.model.words import did_you_mean
from engine.plan.graph import PlayPlan
from engine.plan.step import Step
from engine.playbook.context import has_template


def check(subject: Subject) -> Iterator[Problem]:
    for play in subject.graph.plays:
        notifying = [step for plan, step in subject.leaves if plan is play and step.keywords.get("notify")]
        if not notifying or any(subject.is_closed(step) for plan, step in subject.leaves if plan is play):
            continue  # an include that nobody has looked into may bring any handler
        names = names_of(subject, play)
        if names is None:
            continue
        for step in notifying:
            for name in step.keywords["notify"]:
                if isinstance(name, str) and not has_template(name) and str(name) not in names:
                    yield missing(name, step, names)


def names_of(subject: Subject, play: PlayPlan) -> set[str] | None:
    """Everything that handlers answer to; None where a template decides about it."""
    found: set[str] = set()
    for step in (*play.handlers, *(leaf for block in subject.included.handlers.get(play.index, ()) for leaf in block.walk())):
        task = step.task
        if task is None:
            continue
        found.update(str(topic) for topic in task.listen)
        if task.name is None:
            continue
        if has_template(task.name):
            return None
        found.add(str(task.name))
        if step.around.role is not None:
            found.add(f"{step.around.role.name} : {task.name}")
    return found


def missing(name: Value, step: Step, names: set[str]) -> Problem:
    return Problem(
        code="handler-not-found", summary="There is no such handler", detail=f"no handler of this play answers to `{name}`",
        span=span_of(name, step), hint=did_you_mean(str(name), names),
    )


def span_of(name: Value, step: Step) -> Span:
    if isinstance(name, TemplateText) and name.span.line:
        return name.span
    return step.task.spans.get("notify", step.span) if step.task is not None else step.span
