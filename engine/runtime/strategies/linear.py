"""linear: all hosts do a step before any begins the next. With differing includes: the smallest order key first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

from engine.model.addresses import HostName, OrderKey
from engine.plan.step import Step
from engine.runtime.cursor import HostCursor


class Linear:
    lockstep = True

    def __init__(self, *, debugs: bool = False) -> None:
        self.debugs = debugs

    def ready(self, cursors: Mapping[HostName, HostCursor], busy: Set[HostName]) -> Iterable[tuple[HostName, Step]]:
        if busy:
            return []
        first: tuple[bool, OrderKey] | None = None
        found: list[tuple[HostName, Step]] = []
        for host, cursor in cursors.items():
            step = cursor.next()
            if step is None:
                continue
            rank = cursor.late, step.address.key
            if first is None or rank < first:
                first, found = rank, [(host, step)]
            elif rank == first:
                found.append((host, step))
        return found
