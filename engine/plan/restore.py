"""A rollback as a plan like any other: one play, a body of `restore` steps for each host, run by the same runner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.model.addresses import HostName, StepAddress
from engine.model.source import Span
from engine.model.values import TemplateText, Value
from engine.plan.build import BODY
from engine.plan.graph import PlanGraph, PlayPlan
from engine.plan.step import Step, StepKind
from engine.playbook.tree import Play, Playbook, Task

NAME = "restore {0} {1}"


def restore_plan(title: str, project: str, steps: Mapping[HostName, Sequence[Mapping[str, Any]]]) -> PlanGraph:
    """The plan.

    Args:
        steps: Per inventory host, in the order of doing: kind, identity, machine, module, args, before, after, become, connection, force.
    """
    span = Span(project, 0)
    bodies: dict[HostName, tuple[Step, ...]] = {}
    number = 0
    for host, wanted in steps.items():
        made: list[Step] = []
        for each in wanted:
            keywords = keywords_of(host, each)
            name = TemplateText.read(NAME.format(each["kind"], each["identity"]).replace("{{", "{ {"))
            task = Task(action="restore", name=name, args={"request": each}, keywords=keywords, span=span, origin="restore")
            made.append(Step(address=StepAddress((0, BODY, number)), kind=StepKind.TASK, task=task, keywords=keywords))
            number += 1
        bodies[host] = tuple(made)
    play = Play(hosts=list(steps), name=TemplateText.read(title), keywords={"strategy": "free"}, path=f"{project}/rollback")
    return PlanGraph(
        plays=(PlayPlan(index=0, play=play, body=(), bodies=bodies),), playbooks=(Playbook(path=play.path, plays=(play,)),), title=title
    )


def keywords_of(host: HostName, request: Mapping[str, Any]) -> dict[str, Value]:
    keywords: dict[str, Value] = {}
    become = request.get("become") or {}
    if become:
        keywords |= {"become": True, "become_method": become.get("method"), "become_user": become.get("user")}
    else:
        keywords["become"] = False
    if request.get("connection"):
        keywords["connection"] = request["connection"]
    if request.get("machine") and request["machine"] != host:
        keywords["delegate_to"] = request["machine"]
    return keywords
