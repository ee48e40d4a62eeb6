"""What one include reads, read once: a loop over many items names the same file or role again and again.

Kept only while one include is carried out, when no task can run that would change a file; the next one reads anew.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from engine.model.problem import Problem
from engine.playbook.context import ParseContext
from engine.playbook.tree import Node, Role

Read = TypeVar("Read")


@dataclass(slots=True)
class Readings:
    context: ParseContext
    """How files are read. What is warned of is warned of each time: such a file is not kept."""
    _tasks: dict[Hashable, Sequence[Node]] = field(default_factory=dict)
    _roles: dict[Hashable, Role] = field(default_factory=dict)

    def forget(self) -> None:
        """Another include begins."""
        self._tasks.clear()
        self._roles.clear()

    def tasks(self, path: str, read: Callable[[ParseContext], Sequence[Node]]) -> Sequence[Node]:
        """The tasks of a file, by `read` or as it gave them before. ParseError, each time."""
        return self._kept(self._tasks, path, read)

    def role(self, about: Hashable, read: Callable[[ParseContext], Role]) -> Role:
        """As `tasks`, for a role; each inclusion has one of its own, since what ran of it is remembered by its identity."""
        return replace(self._kept(self._roles, about, read))

    def _kept(self, known: dict[Hashable, Read], key: Hashable, read: Callable[[ParseContext], Read]) -> Read:
        if key in known:
            return known[key]
        warned: list[Problem] = []

        def warn(problem: Problem) -> None:
            warned.append(problem)
            self.context.warn(problem)

        found = read(replace(self.context, warn=warn))
        if not warned:
            known[key] = found
        return found
