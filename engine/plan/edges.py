"""The edges of a plan: what follows what, what waits for all hosts, what data flows, who notifies whom.

`linear` needs none of them, so they are made when somebody asks: `engine graph`, and algorithms on the graph.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from engine.model.values import TemplateText, Value
from engine.plan.graph import PlanGraph, PlayPlan
from engine.plan.step import Edge, EdgeKind, Step, StepKind
from engine.playbook.names import short
from engine.templating.names import names_in

BARRIERS = frozenset(("flush_handlers", "end_play", "end_batch", "clear_host_errors", "refresh_inventory"))


def with_edges(graph: PlanGraph) -> PlanGraph:
    """The same plan with every edge that can be known without a host."""
    edges: list[Edge] = []
    makers: dict[str, Step] = {}
    last: Step | None = None
    for play in graph.plays:
        leaves = [step for top in play.body for step in top.walk() if step.kind is not StepKind.BLOCK]
        edges.extend(order_edges(leaves, last))
        edges.extend(block_edges(play))
        edges.extend(notify_edges(play, leaves))
        edges.extend(data_edges([*leaves, *play.handlers], makers))
        last = leaves[-1] if leaves else last
    return replace(graph, edges=tuple(dict.fromkeys(edges)))


def order_edges(leaves: Sequence[Step], before: Step | None) -> Iterator[Edge]:
    """Each step after the one before it; a barrier where all hosts must have come so far."""
    previous = before
    for step in leaves:
        if previous is not None:
            wait = step is leaves[0] or is_barrier(previous)
            yield Edge(previous.address, step.address, EdgeKind.BARRIER if wait else EdgeKind.ORDER)
        previous = step


def is_barrier(step: Step) -> bool:
    if step.keywords.get("run_once") is True or step.keywords.get("any_errors_fatal") is True:
        return True
    return step.kind is StepKind.META and step.task is not None and str(step.task.args.get("_raw_params")) in BARRIERS


def block_edges(play: PlayPlan) -> Iterator[Edge]:
    """From a block's tasks to its rescue, and from both to its always."""
    for step in play.steps():
        if step.kind is not StepKind.BLOCK:
            continue
        body, rescue, always = (first_and_last(part) for part in (step.body, step.rescue, step.always))
        if body and rescue:
            yield Edge(body[1].address, rescue[0].address, EdgeKind.RESCUE)
        if always:
            for part in (body, rescue):
                if part:
                    yield Edge(part[1].address, always[0].address, EdgeKind.ALWAYS)


def first_and_last(steps: Sequence[Step]) -> tuple[Step, Step] | None:
    leaves = [leaf for step in steps for leaf in step.walk() if leaf.kind is not StepKind.BLOCK]
    return (leaves[0], leaves[-1]) if leaves else None


def notify_edges(play: PlayPlan, leaves: Sequence[Step]) -> Iterator[Edge]:
    for step in (*leaves, *play.handlers):
        for name in step.keywords.get("notify") or ():
            for handler in play.handlers:
                if answers(handler, str(name)):
                    yield Edge(step.address, handler.address, EdgeKind.NOTIFY, str(name))


def answers(handler: Step, name: str) -> bool:
    task = handler.task
    assert task is not None
    role = handler.around.role
    names = {str(task.name or ""), *(str(topic) for topic in task.listen)}
    return name in names or (role is not None and name == f"{role.name} : {task.name}")


def data_edges(steps: Sequence[Step], makers: dict[str, Step]) -> Iterator[Edge]:
    """From the step that registers or sets a variable to each that reads it, as far as names stand in the text.

    Args:
        makers: variable → who made it last; what a play makes, later plays read.
    """
    for step in steps:
        for name in sorted(read_by(step)):
            maker = makers.get(name)
            if maker is not None and maker is not step:
                yield Edge(maker.address, step.address, EdgeKind.DATA, name)
        for name in made_by(step):
            makers[name] = step


def made_by(step: Step) -> set[str]:
    task = step.task
    assert task is not None
    made = {str(step.keywords["register"])} if step.keywords.get("register") else set()
    if short(task.action) == "set_fact":
        made.update(str(name) for name in task.args if name not in ("cacheable", "_raw_params"))
    return made


def read_by(step: Step) -> set[str]:
    task = step.task
    assert task is not None
    found: set[str] = set()
    for value in (task.args, task.vars, task.loop.terms if task.loop else None, step.keywords):
        found.update(names_of(value))
    for name in ("when", "until", "changed_when", "failed_when"):
        for condition in step.keywords.get(name) or ():
            if isinstance(condition, TemplateText):
                found.update(names_in(condition, expression=True))
    return found


def names_of(value: Value) -> set[str]:
    if isinstance(value, TemplateText):
        return set(names_in(value)) if "{" in value else set()
    if isinstance(value, Mapping):
        return set().union(*(names_of(each) for each in value.values())) if value else set()
    if isinstance(value, list | tuple):
        return set().union(*(names_of(each) for each in value)) if value else set()
    return set()
