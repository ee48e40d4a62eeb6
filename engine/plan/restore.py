"""A rollback as a plan like any other: one play and, for each host, a body of its own, run by the same runner.

A body is a block of `restore` steps, with steps that undo them in its `rescue`: what fails halfway leaves the host as it was.
Behind the block stand the handlers that are notified again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from engine.model.addresses import HostName, OrderKey, StepAddress
from engine.model.frozen import frozen
from engine.model.source import Span
from engine.model.values import TemplateText, Value
from engine.plan.build import BODY
from engine.plan.graph import PlanGraph, PlayPlan
from engine.plan.step import Step, StepKind, Surroundings
from engine.playbook.tree import Block, Play, Playbook, Task

NAME = "restore {0} {1}"
NOTHING_AROUND = Surroundings()
Request = Mapping[str, Any]
"""kind, identity, machine, module, args, before, after, become, connection, force; `number`: its place among those of its host.

`undo` stands for module and args where the task itself said how it is taken back."""


@frozen(kw_only=True)
class Work:
    """What is to be done on one host."""

    restores: Sequence[Request] = ()
    """In the order of doing."""
    handlers: Sequence[Request] = ()
    """name, action, args, machine, become, connection, quiet; `lenient`: what it does may be gone."""
    journal: Any = None
    """What the steps of this host tell each other of: actions/restore.py:Journal."""


def restore_plan(title: str, project: str, work: Mapping[HostName, Work]) -> PlanGraph:
    """The plan that restores and, where a step fails, undoes it on that host."""
    span = Span(project, 0)
    bodies: dict[HostName, tuple[Step, ...]] = {}
    for place, (host, wanted) in enumerate(work.items()):
        steps = [block_of(host, wanted, (0, BODY, place, 0), span)] if wanted.restores else []
        for number, each in enumerate(wanted.handlers):
            steps.append(handler_of(host, each, (0, BODY, place, 1, number), span))
        bodies[host] = tuple(steps)
    return graph_of(title, project, bodies)


def look_plan(project: str, work: Mapping[HostName, Work]) -> PlanGraph:
    """The plan that only looks whether all is as it was left; every step of it is for itself."""
    span = Span(project, 0)
    bodies = {
        host: tuple(
            step_of(task_of(host, {"look": True, **each}, span, ignore_errors=True), (0, BODY, place, number))
            for number, each in enumerate(wanted.restores)
        )
        for place, (host, wanted) in enumerate(work.items())
    }
    return graph_of("look", project, bodies)


def graph_of(title: str, project: str, bodies: Mapping[HostName, tuple[Step, ...]]) -> PlanGraph:
    play = Play(hosts=list(bodies), name=TemplateText.read(title), keywords={"strategy": "free"}, path=f"{project}/rollback")
    return PlanGraph(
        plays=(PlayPlan(index=0, play=play, body=(), bodies=bodies),), playbooks=(Playbook(path=play.path, plays=(play,)),), title=title
    )


def block_of(host: HostName, work: Work, key: OrderKey, span: Span) -> Step:
    """The restores of one host, and the way back if one of them fails."""
    body = [task_of(host, {**each, "journal": work.journal}, span) for each in work.restores]
    rescue = [undoing(host, list(part), work.journal, span) for _, part in groupby(reversed(work.restores), reached)]
    rescue.append(task_of(host, {"gives_up": True, "journal": work.journal}, span, name="nothing is restored on this host"))
    block = Block(body=tuple(body), rescue=tuple(rescue), span=span)
    around = Surroundings(blocks=(block,))
    return Step(
        address=StepAddress(key),
        kind=StepKind.BLOCK,
        block=block,
        around=around,
        body=steps_of(body, (*key, 0), around),
        rescue=steps_of(rescue, (*key, 1), around),
    )


def reached(request: Request) -> tuple[str, str, str]:
    """What decides how the resource is reached: neighbours of one way are undone by one step."""
    return str(request.get("machine")), repr(sorted((request.get("become") or {}).items())), str(request.get("connection"))


def undoing(host: HostName, requests: Sequence[Request], journal: Any, span: Span) -> Task:
    ways = {name: requests[0].get(name) for name in ("machine", "become", "connection")}
    numbers = [each["number"] for each in requests]
    return task_of(host, {**ways, "undoes": numbers, "journal": journal}, span, name="undo what was restored", ignore_errors=True)


def handler_of(host: HostName, request: Request, key: OrderKey, span: Span) -> Step:
    name = quoted(request["name"])
    keywords = keywords_of(host, request)
    if request["quiet"]:
        keywords["changed_when"] = False
    if request["lenient"]:
        keywords["ignore_errors"] = True
    task = Task(action=request["action"], name=name, args=dict(request["args"]), keywords=keywords, span=span)
    return step_of(task, key)


def task_of(host: HostName, request: Request, span: Span, *, name: str = "", **keywords: Value) -> Task:
    shown = quoted(name or NAME.format(request["kind"], request["identity"]))
    return Task(
        action="restore", name=shown, args={"request": dict(request)}, keywords={**keywords_of(host, request), **keywords}, span=span,
        origin="restore",
    )


def quoted(name: str) -> TemplateText:
    """A step's name as it is: no template."""
    return TemplateText.read(name.replace("{{", "{ {").replace("{%", "{ %").replace("{#", "{ #"))


def steps_of(tasks: Iterable[Task], key: OrderKey, around: Surroundings) -> tuple[Step, ...]:
    return tuple(step_of(task, (*key, number), around) for number, task in enumerate(tasks))


def step_of(task: Task, key: OrderKey, around: Surroundings = NOTHING_AROUND) -> Step:
    return Step(address=StepAddress(key), kind=StepKind.TASK, task=task, keywords=task.keywords, around=around)


def keywords_of(host: HostName, request: Mapping[str, Any]) -> dict[str, Value]:
    keywords: dict[str, Value] = {}
    become = request.get("become") or {}
    if become:
        keywords |= {"become": True, "become_method": become.get("method"), "become_user": become.get("user")}
    else:
        keywords["become"] = False
    if request.get("undo") and not request.get("look"):  # a look shows nothing of it
        keywords |= {"environment": [request["undo"].get("environment", {})], "no_log": bool(request["undo"].get("no_log"))}
    if request.get("connection"):
        keywords["connection"] = request["connection"]
    if request.get("machine") and request["machine"] != host:
        keywords["delegate_to"] = request["machine"]
    return keywords
