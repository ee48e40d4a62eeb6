"""free: every host goes on as soon as it can."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

from engine.model.addresses import HostName
from engine.plan.step import Step
from engine.runtime.cursor import HostCursor


class Free:
    lockstep = False
    debugs = False

    def ready(self, cursors: Mapping[HostName, HostCursor], busy: Set[HostName]) -> Iterable[tuple[HostName, Step]]:
        return [(host, step) for host, cursor in cursors.items() if host not in busy and (step := cursor.next()) is not None]
