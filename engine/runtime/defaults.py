"""`module_defaults`: the arguments that a task gets because of its module, or of a group that its module is in."""

from __future__ import annotations

from collections.abc import Mapping

from engine.model.values import TemplateText, Value
from engine.plan.step import Step
from engine.playbook.action_groups import PREFIX, ActionGroups
from engine.templating.renderer import Renderer


def defaults_for(
    name: str, step: Step, renderer: Renderer, groups: ActionGroups, keys: tuple[str, ...] = ()
) -> Mapping[str, Value]:
    """For the module `name`: of what stands around the step the inner ones win; a module's own win over those of its groups.

    Args:
        keys: What else the module is called there, its groups included; empty: a builtin's names.
    """
    stack = step.keywords.get("module_defaults")
    if not stack:
        return {}
    full = set(keys) or {name, f"ansible.builtin.{name}", f"ansible.legacy.{name}"}
    of_groups: dict[str, Mapping[str, Value]] = {}
    own: Mapping[str, Value] = {}
    for each in [stack] if isinstance(stack, Mapping) else stack:
        if isinstance(each, TemplateText):
            each = renderer.render(each)
        if not isinstance(each, Mapping):
            continue
        for key, value in each.items():
            members = groups.members(str(key).removeprefix(PREFIX)) if str(key).startswith(PREFIX) else None
            in_group = members is not None and (key in full or bool(full & members))
            if key not in full and not in_group:
                continue
            value = renderer.render(value) if isinstance(value, TemplateText) else value
            if isinstance(value, Mapping) and in_group:
                of_groups[str(key)] = value
            elif isinstance(value, Mapping):
                own = value
    made: dict[str, Value] = {}
    for value in of_groups.values():
        made.update(value)
    made.update(own)
    return made
