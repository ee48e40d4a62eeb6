"""How a task is called in what is shown: its name rendered, with the role in front; its action where it has none."""

from __future__ import annotations

from engine.model.values import TemplateText
from engine.plan.step import Step
from engine.playbook.names import short
from engine.playbook.tree import Task
from engine.templating.marked import marked
from engine.templating.renderer import Renderer


def task_name(step: Step, renderer: Renderer) -> str:
    """As shown: `role : name`; the action where the task has no name. What cannot be rendered never decides about the task."""
    task = step.task
    assert task is not None
    if isinstance(task.name, TemplateText) and ("{{" in task.name or "{%" in task.name):
        return with_role(step, marked(task.name, renderer))
    return with_role(step, str(task.name) if task.name else titled(task))


def written_name(step: Step) -> str:
    """As shown where nothing is rendered."""
    task = step.task
    assert task is not None
    return with_role(step, str(task.name) if task.name else titled(task))


def with_role(step: Step, name: str) -> str:
    role = step.around.role if step.task is not None and short(step.task.action) != "include_role" else None
    return (f"{role.name} : {name}" if role is not None else name).strip()


def titled(task: Task) -> str:
    """What stands for the name of a task without one: its action; for an included role with the role as written."""
    role = task.args.get("name") or task.args.get("role") if short(task.action) == "include_role" else None
    return f"{task.action} : {role}" if role else task.action
