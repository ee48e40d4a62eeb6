"""`ansible_failed_task` and `ansible_failed_result`: what a `rescue` knows about the failure that led to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.errors import EngineError
from engine.model.keywords import KEYWORDS, Rendering, Where, keywords_of
from engine.model.outcome import TaskOutcome
from engine.model.values import Value
from engine.plan.step import Step
from engine.playbook.names import short
from engine.templating.renderer import Renderer

LISTS: tuple[str, ...] = ("collections", "environment", "module_defaults", "tags", "when", "changed_when", "failed_when", "until")
DEFAULTS: Mapping[str, Value] = {
    "any_errors_fatal": False, "async": 0, "become": False, "become_method": "sudo", "check_mode": False, "delay": 5.0, "diff": False,
    "ignore_errors": False, "ignore_unreachable": False, "no_log": False, "poll": 15, "retries": None, "throttle": 0, "timeout": 0,
}  # fmt: skip
"""What Ansible shows for keywords that are not given; for all others null, or an empty list."""
CONTROL: Mapping[str, Value] = {
    "break_when": [], "extended": None, "extended_allitems": True, "index_var": None, "label": None, "loop_var": "item", "pause": 0.0,
}  # fmt: skip


def failed_variables(step: Step, outcome: TaskOutcome, renderer: Renderer) -> dict[str, Value]:
    """Both, for rescue and always."""
    return {"ansible_failed_task": about(step, outcome, renderer), "ansible_failed_result": dict(outcome.registered)}


def about(step: Step, outcome: TaskOutcome, renderer: Renderer) -> dict[str, Value]:
    """The task with all its keywords. A looped task's arguments stay as written: they need the item."""
    task = step.task
    assert task is not None
    made: dict[str, Value] = {}
    for name, keyword in keywords_of(Where.TASK).items():
        if name in ("local_action", "loop_with", "loop", "action", "args", "name", "vars"):
            continue
        given = step.keywords.get(name)
        if given is None:
            made[name] = [] if name in LISTS else DEFAULTS.get(name)
        else:
            made[name] = given if keyword.rendering is Rendering.EXPRESSION else rendered(given, renderer)
    looped = task.loop is not None
    made |= {
        "_resolved_action": task.action if "." in task.action else f"ansible.builtin.{short(task.action)}",
        "action": task.action,
        "args": {name: value if looped else rendered(value, renderer) for name, value in task.args.items()},
        "connection": connection_shown(made["connection"], renderer),
        "async_val": made["async"],
        "loop": task.loop.terms if task.loop is not None else None,
        "loop_control": control_shown(step),
        "loop_with": (task.loop.lookup or None) if task.loop is not None else None,
        "name": shown_name(step, outcome),
        "register": {step.keywords["register"]: "_task.polymorphic_result"} if step.keywords.get("register") else None,
        "tags": sorted(step.tags),
        "vars": dict(task.vars),
    }
    return made


def connection_shown(keyword: Value, renderer: Renderer) -> str:
    """The variable wins over the keyword."""
    name = renderer.name("ansible_connection") if "ansible_connection" in renderer.scope else keyword or "ssh"
    return str(name) if "." in str(name) else f"ansible.builtin.{name}"


def control_shown(step: Step) -> Value:
    given = step.keywords.get("loop_control")
    if isinstance(given, Mapping):
        return {**CONTROL, **given}
    return dict(CONTROL)


def shown_name(step: Step, outcome: TaskOutcome) -> str:
    """Rendered, without the role; empty for a task without a name."""
    task = step.task
    if task is None or task.name is None:
        return ""
    role = step.around.role
    return outcome.task_name.removeprefix(f"{role.name} : ") if role is not None else outcome.task_name


def rendered(value: Value, renderer: Renderer) -> Any:
    """Its value; what cannot be rendered stays as written, so that it fails only where it is used."""
    try:
        return renderer.render(value)
    except EngineError:
        return value


assert set(DEFAULTS) <= set(KEYWORDS)
