"""The seam of strategies: given where every host stands, who may start what?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import Protocol

from engine.model.addresses import HostName
from engine.plan.step import Step
from engine.runtime.cursor import HostCursor


class Strategy(Protocol):
    lockstep: bool
    """All hosts finish a step before any begins the next."""
    debugs: bool
    """Tasks that fail start the debugger, unless they say otherwise."""

    def ready(self, cursors: Mapping[HostName, HostCursor], busy: Set[HostName]) -> Iterable[tuple[HostName, Step]]: ...
