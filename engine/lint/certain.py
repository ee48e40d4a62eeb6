"""Which tasks surely run, so that what is wrong in them surely stops the run: the few that nothing can pass by.

Wherever that is not plain from the text the answer is no: a playbook that works must never be refused.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.lint.subject import Subject
from engine.plan.graph import PlayPlan
from engine.plan.step import Step, StepKind

ENDINGS = ("end_play", "end_batch", "end_host", "end_role", "noop", "refresh_inventory", "clear_host_errors")


def reached_steps(subject: Subject) -> frozenset[int]:
    """Ids of the steps that some host comes to whatever happens, and whose failure counts. Their `when` may still pass them by."""
    found: set[int] = set()
    for play in subject.graph.plays:
        if play.bodies or not subject.hosts_of(play.play):
            continue
        if not any(leads_away(step) for step in play.handlers):
            found.update(id(step) for step in unavoidable(play))
        if any(changes_hosts(step) for plan, step in subject.leaves if step.kind is StepKind.META and plan is play):
            break
    return frozenset(found)


def unavoidable(play: PlayPlan) -> Iterator[Step]:
    for step in straight(play.body):
        if not forgiven(step):
            yield step
        if leads_away(step):
            return


def straight(steps: Sequence[Step]) -> Iterator[Step]:
    """The leaves in order, without those whose failure is rescued and those that come after a rescue may have happened."""
    for step in steps:
        if step.kind is not StepKind.BLOCK:
            yield step
        elif step.rescue:
            yield from (leaf for leaf in step.walk() if leads_away(leaf))
        else:
            yield from straight(step.body)
            yield from (leaf for part in step.always for leaf in part.walk() if leads_away(leaf))


def leads_away(step: Step) -> bool:
    """After it nothing is sure in this play: it may end it, or bring a task that does."""
    if step.kind is StepKind.INCLUDE:
        return True
    return step.kind is StepKind.META and step.task is not None and str(step.task.args.get("_raw_params")) in ENDINGS


def changes_hosts(step: Step) -> bool:
    return step.kind is StepKind.META and step.task is not None and step.task.args.get("_raw_params") == "refresh_inventory"


def forgiven(step: Step) -> bool:
    """It may have no item to run for, or its failure does not count."""
    assert step.task is not None
    given = (step.keywords.get("ignore_errors"), step.keywords.get("ignore_unreachable"))
    return step.task.loop is not None or any(each not in (None, False) for each in given)
