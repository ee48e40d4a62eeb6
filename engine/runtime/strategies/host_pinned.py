"""host_pinned: as free, but a host that has begun goes to its end before another takes its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

from engine.model.addresses import HostName
from engine.plan.step import Step
from engine.runtime.cursor import HostCursor


class HostPinned:
    lockstep = False
    debugs = False

    def __init__(self, forks: int) -> None:
        self._forks = forks
        self._begun: dict[HostName, None] = {}

    def ready(self, cursors: Mapping[HostName, HostCursor], busy: Set[HostName]) -> Iterable[tuple[HostName, Step]]:
        running = {host: step for host, cursor in cursors.items() if (step := cursor.next()) is not None}
        self._begun = {host: None for host in self._begun if host in running}
        for host in running:
            if len(self._begun) >= self._forks:
                break
            self._begun[host] = None
        return [(host, running[host]) for host in self._begun if host not in busy]
