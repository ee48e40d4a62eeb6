"""Which handlers are due. They run in the order they are defined, not notified: playbooks rely on "stop" standing before "start".

Source: playbooks_handlers in Ansible's manual; checked against ansible-core by tests/conformance/handlers.md.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from engine.model.values import TemplateText
from engine.plan.step import Step

Names = Callable[[Step], str]
"""A handler's rendered name: a static name is itself; one that cannot be rendered yet is empty."""


def answering(handlers: Sequence[Step], notification: str, name_of: Names) -> list[Step]:
    """The handlers that a notification means: the one of that name, and those that listen to it, of one name only one.

    A name may be given as `role : name`. The play's own handlers win over those of roles, a later role's over an
    earlier one's; among handlers of one place the first of a name counts.
    """
    found: list[Step] = []
    for place in reversed(places(handlers)):
        named = next((step for step in place if notification in titles(step, name_of(step))), None)
        if named is not None:
            found.append(named)
            break
    found.extend(step for step in listening(handlers, notification, name_of) if step not in found)
    return found


def listening(handlers: Sequence[Step], topic: str, name_of: Names) -> list[Step]:
    """The handlers that listen to a topic, in the order of definition. Those without a name all count."""
    chosen: set[int] = set()
    names: set[str] = set()
    for place in reversed(places(handlers)):
        for step in place:
            if step.task is None or not any(topic in titles(step, str(each)) for each in step.task.listen):
                continue
            name = name_of(step)
            if not name or name not in names:
                chosen.add(id(step))
                names.add(name)
    return [step for step in handlers if id(step) in chosen]


def places(handlers: Sequence[Step]) -> list[list[Step]]:
    """The handlers by where they were defined: each role's together, the play's own together, in order."""
    found: list[list[Step]] = []
    for step in handlers:
        if not found or found[-1][-1].around.role is not step.around.role:
            found.append([])
        found[-1].append(step)
    return found


def titles(step: Step, name: str) -> tuple[str, ...]:
    """What a handler answers to by a name or topic: that alone, and behind its role's name, with or without the collection."""
    role = step.around.role
    if not name:
        return ()
    return (name, f"{role.name} : {name}", f"{role.name.rpartition('.')[2]} : {name}") if role is not None else (name,)


def due(handlers: Sequence[Step], notifications: Collection[str], name_of: Names) -> list[Step]:
    """The handlers to run now, each once, in the order of definition."""
    if not notifications:
        return []
    wanted = {id(step) for notification in notifications for step in answering(handlers, notification, name_of)}
    return [step for step in handlers if id(step) in wanted]


def is_templated(text: str | None) -> bool:
    return isinstance(text, TemplateText) and "{{" in text
