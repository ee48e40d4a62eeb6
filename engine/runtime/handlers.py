"""Which handlers are due. They run in the order they are defined, not notified: playbooks rely on "stop" standing before "start".

Source: playbooks_handlers in Ansible's manual; checked against ansible-core by tests/conformance/handlers.md.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from engine.model.values import TemplateText
from engine.plan.step import Step
from engine.playbook.tree import Role

Names = Callable[[Step], str]
"""A handler's rendered name: a static name is itself; one that cannot be rendered yet is empty."""


@dataclass(slots=True)
class Place:
    """The handlers of one place (a role, or the play itself), found by what they answer to; each with its position among all."""

    named: dict[str, tuple[int, Step]] = field(default_factory=dict)
    """By each title of a name that is no template: the first of the place."""
    templated: list[tuple[int, Step]] = field(default_factory=list)
    """Those whose names have to be rendered, in order."""
    topics: dict[str, list[tuple[int, Step]]] = field(default_factory=dict)
    """By each title of what they listen to, in order."""


@dataclass(slots=True)
class Roster:
    """A play's handlers, made ready to be asked: once for a list of handlers, not for each notification."""

    handlers: Sequence[Step]
    """In the order of definition; made anew by `current` when it is another list by then."""
    places: list[Place] = field(default_factory=list)
    members: set[int] = field(default_factory=set)
    """Ids of the handlers."""

    @classmethod
    def of(cls, handlers: Sequence[Step]) -> Roster:
        made = cls(list(handlers), members={id(step) for step in handlers})
        role: Role | None = None
        for position, step in enumerate(handlers):
            if not made.places or role is not step.around.role:
                made.places.append(Place())
                role = step.around.role
            enter(made.places[-1], position, step)
        return made

    def current(self, handlers: Sequence[Step]) -> Roster:
        """Itself, as long as these are its handlers (they are compared by identity, which is quick)."""
        return self if self.handlers == handlers else Roster.of(handlers)

    def answering(self, notification: str, name_of: Names) -> list[Step]:
        """The handlers that a notification means: the one of that name, and those that listen to it, of one name only one.

        A name may be given as `role : name`. The play's own handlers win over those of roles, a later role's over an
        earlier one's; among handlers of one place the first of a name counts.
        """
        found: list[Step] = []
        for place in reversed(self.places):
            named = first_named(place, notification, name_of)
            if named is not None:
                found.append(named)
                break
        found.extend(step for step in self.listening(notification, name_of) if step not in found)
        return found

    def listening(self, topic: str, name_of: Names) -> list[Step]:
        """The handlers that listen to a topic, in the order of definition. Those without a name all count."""
        chosen: list[tuple[int, Step]] = []
        names: set[str] = set()
        for place in reversed(self.places):
            for position, step in place.topics.get(topic, ()):
                name = name_of(step)
                if not name or name not in names:
                    chosen.append((position, step))
                    names.add(name)
        return [step for _, step in sorted(chosen, key=lambda each: each[0])]


def enter(place: Place, position: int, step: Step) -> None:
    """Put a handler where `Place` says."""
    task = step.task
    name = task.name if task is not None else None
    if is_templated(name):
        place.templated.append((position, step))
    else:
        for title in titles(step, str(name or "")):
            place.named.setdefault(title, (position, step))
    for topic in dict.fromkeys(title for each in (task.listen if task is not None else ()) for title in titles(step, str(each))):
        place.topics.setdefault(topic, []).append((position, step))


def first_named(place: Place, notification: str, name_of: Names) -> Step | None:
    """The first handler of a place that has this name. Names are rendered only as far as it takes."""
    position, found = place.named.get(notification, (None, None))
    for before, step in place.templated:
        if position is not None and before > position:
            break
        if notification in titles(step, name_of(step)):
            return step
    return found


def answering(handlers: Sequence[Step], notification: str, name_of: Names) -> list[Step]:
    """As `Roster.answering`, of handlers that are asked only once."""
    return Roster.of(handlers).answering(notification, name_of)


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
    roster = Roster.of(handlers)
    wanted = {id(step) for notification in notifications for step in roster.answering(notification, name_of)}
    return [step for step in handlers if id(step) in wanted]


def is_templated(text: str | None) -> bool:
    return isinstance(text, TemplateText) and "{{" in text
