"""`--start-at-task`: what stands before the named task is left out of the plan. Facts are gathered all the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from engine.errors import PlanError
from engine.model.problem import Problem
from engine.model.words import did_you_mean
from engine.plan.graph import PlanGraph
from engine.plan.step import Step, StepKind


def started_at(graph: PlanGraph, name: str) -> PlanGraph:
    """The plan from the first task of that name on (a wildcard, or `role : name`).

    Raises:
        PlanError: `no-such-task`, with the nearest name.
    """
    leaves = [step for play in graph.plays for step in play.steps() if step.kind is not StepKind.BLOCK]
    first = next((step for step in leaves if is_named(step, name)), None)
    if first is None:
        names = sorted({str(step.task.name) for step in leaves if step.task is not None and step.task.name})
        detail = f'No matching task "{name}" found.'
        raise PlanError(Problem(code="no-such-task", summary="There is no task to start at", detail=detail, hint=did_you_mean(name, names)))
    plays = tuple(replace(play, body=kept(play.body, first)) for play in graph.plays if play.index >= first.key[0])
    return replace(graph, plays=plays)


def is_named(step: Step, name: str) -> bool:
    task = step.task
    if task is None or task.origin or task.handler:
        return False
    own = str(task.name or task.action)
    role = step.around.role
    return any(each == name or fnmatchcase(each, name) for each in (own, f"{role.name} : {own}" if role is not None else own))


def kept(steps: Sequence[Step], first: Step) -> tuple[Step, ...]:
    """The steps that do not stand before `first`; a block keeps what it has from there on."""
    found: list[Step] = []
    for step in steps:
        if step.kind is StepKind.BLOCK:
            inner = replace(step, body=kept(step.body, first), rescue=kept(step.rescue, first), always=kept(step.always, first))
            if inner.body or inner.always:
                found.append(inner)
        elif step.key >= first.key or (step.task is not None and step.task.origin):
            found.append(step)
    return tuple(found)
