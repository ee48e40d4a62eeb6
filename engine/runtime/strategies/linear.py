"""linear: all hosts do a step before any begins the next. With differing includes: the smallest order key first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

from engine.model.addresses import HostName
from engine.plan.step import Step
from engine.runtime.cursor import HostCursor


class Linear:
    lockstep = True

    def __init__(self, *, debugs: bool = False) -> None:
        self.debugs = debugs

    def ready(self, cursors: Mapping[HostName, HostCursor], busy: Set[HostName]) -> Iterable[tuple[HostName, Step]]:
        if busy:
            return []
        at = [(host, step) for host, cursor in cursors.items() if (step := cursor.next()) is not None]
        if not at:
            return []
        at = [(host, step) for host, step in at if not cursors[host].late] or at
        first = min(step.key for _, step in at)
        return [(host, step) for host, step in at if step.key == first]
