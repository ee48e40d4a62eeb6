"""`--list-hosts`, `--list-tasks`, `--list-tags` and `--syntax-check`, in ansible-playbook's form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from engine.errors import TemplateError
from engine.inventory.patterns import select
from engine.model.values import Value
from engine.plan.graph import PlayPlan
from engine.plan.step import Step
from engine.playbook.names import short
from engine.playbook.tree import Play
from engine.runtime.play_files import PlayFiles
from engine.scopes.store import VariableStore

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.prepared import Prepared

Render = Callable[[Play, Value], Value]


def listing(made: Engine, prepared: Prepared, playbooks: Sequence[str], wanted: Sequence[str]) -> str:
    lines: list[str] = []
    number = 0

    def render(play: Play, value: Value) -> Value:
        """With what is known before any host."""
        return made.templates.renderer(made.static_scope(prepared.extra_vars, play.vars)).render(value)

    for name, playbook in zip(playbooks, prepared.graph.playbooks, strict=True):
        lines += ["", f"playbook: {name}"]
        for plan in prepared.graph.plays[number : number + len(playbook.plays)]:
            read_files(made, plan.play, render)
            if wanted:
                lines += ["", *play_lines(prepared, plan, wanted, render)]
        number += len(playbook.plays)
    return "\n".join(lines) + "\n"


def read_files(made: Engine, play: Play, render: Render) -> None:
    """Read the play's vars_files: one that is broken, or encrypted without a password, is told although no host is touched.

    Raises:
        EngineError: as PlayFiles.read_ahead.
    """
    PlayFiles(
        play=play,
        files=made.reading,
        store=VariableStore(),
        render=lambda host, value: render(play, value),
        duplicates=made.settings.variables.duplicate_key,
        tell=made.tell,
    ).read_ahead()


def play_lines(prepared: Prepared, plan: PlayPlan, wanted: Sequence[str], render: Render) -> list[str]:
    play = plan.play
    pattern = shown(render, play, play.hosts)
    words = [str(each) for each in pattern] if isinstance(pattern, list | tuple) else [str(pattern)]
    tags = sorted(str(tag) for tag in play.keywords.get("tags") or ())
    name = str(shown(render, play, play.name)) if play.name else ",".join(words)
    lines = [f"  play #{plan.index + 1} ({','.join(words)}): {name}\tTAGS: [{','.join(tags)}]"]
    if "list_hosts" in wanted:
        hosts = select(prepared.inventory, words).hosts
        hosts = [host for host in hosts if prepared.limit is None or host in prepared.limit]
        lines += [f"    pattern: {words}", f"    hosts ({len(hosts)}):", *(f"      {host}" for host in hosts)]
    leaves = [step for step in steps_of(plan.body) if step.task is not None and not step.task.origin]
    if "list_tasks" in wanted:
        lines.append("    tasks:")
        lines += [f"      {title(step)}\tTAGS: [{', '.join(sorted(step.tags))}]" for step in leaves]
    if "list_tags" in wanted:
        lines.append(f"      TASK TAGS: [{', '.join(sorted({tag for step in leaves for tag in step.tags}))}]")
    return lines


def shown(render: Render, play: Play, value: Value) -> Value:
    try:
        return render(play, value)
    except TemplateError:
        return value  # it needs what only a host knows: as written


def steps_of(steps: Sequence[Step]) -> list[Step]:
    """What is done if nothing fails: ansible-playbook lists neither `rescue` nor `always`."""
    found: list[Step] = []
    for step in steps:
        found.extend(steps_of(step.body) if step.body else [step])
    return found


def title(step: Step) -> str:
    assert step.task is not None
    if not step.task.name:
        return step.task.action
    role = step.around.role if short(step.task.action) != "include_role" else None  # ansible-core names these without their role
    return f"{role.name} : {step.task.name}" if role is not None else str(step.task.name)
