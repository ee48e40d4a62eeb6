"""`--list-hosts`, `--list-tasks`, `--list-tags` and `--syntax-check`, in ansible-playbook's form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.inventory.patterns import select
from engine.plan.graph import PlayPlan
from engine.plan.step import Step, StepKind

if TYPE_CHECKING:
    from engine.engine import Engine, Prepared


def listing(made: Engine, prepared: Prepared, playbooks: Sequence[str], wanted: Sequence[str]) -> str:
    lines: list[str] = []
    number = 0
    for name, playbook in zip(playbooks, prepared.graph.playbooks, strict=True):
        lines += ["", f"playbook: {name}"]
        for plan in prepared.graph.plays[number : number + len(playbook.plays)]:
            if wanted:
                lines += ["", *play_lines(prepared, plan, wanted)]
        number += len(playbook.plays)
    return "\n".join(lines) + "\n"


def play_lines(prepared: Prepared, plan: PlayPlan, wanted: Sequence[str]) -> list[str]:
    play = plan.play
    words = [str(each) for each in play.hosts] if isinstance(play.hosts, list | tuple) else [str(play.hosts)]
    tags = sorted(str(tag) for tag in play.keywords.get("tags") or ())
    name = str(play.name) if play.name else ",".join(words)
    lines = [f"  play #{plan.index + 1} ({','.join(words)}): {name}\tTAGS: [{','.join(tags)}]"]
    if "list_hosts" in wanted:
        hosts = select(prepared.inventory, words).hosts
        hosts = [host for host in hosts if prepared.limit is None or host in prepared.limit]
        lines += [f"    pattern: {words}", f"    hosts ({len(hosts)}):", *(f"      {host}" for host in hosts)]
    leaves = [step for step in steps_of(plan) if step.task is not None and not step.task.origin]
    if "list_tasks" in wanted:
        lines.append("    tasks:")
        lines += [f"      {title(step)}\tTAGS: [{', '.join(sorted(step.tags))}]" for step in leaves]
    if "list_tags" in wanted:
        lines.append(f"      TASK TAGS: [{', '.join(sorted({tag for step in leaves for tag in step.tags}))}]")
    return lines


def steps_of(plan: PlayPlan) -> list[Step]:
    return [step for top in plan.body for step in top.walk() if step.kind is not StepKind.BLOCK]


def title(step: Step) -> str:
    assert step.task is not None
    name = str(step.task.name or step.task.action)
    role = step.around.role
    return f"{role.name} : {name}" if role is not None else name
