"""Who is left of a batch. Asked at every step and by templates, so it is worked out anew only when a host fell or came back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.model.addresses import HostName
from engine.runtime.cursor import Fate, HostCursor


@dataclass(slots=True, kw_only=True)
class Standing:
    """The lists are shared: to be read only."""

    hosts: Sequence[HostName]
    """Of the batch, in order."""
    cursors: Mapping[HostName, HostCursor]
    _alive: list[HostName] = field(default_factory=list)
    _left: list[HostName] = field(default_factory=list)
    """Without those that were lost once, whatever they are still to do."""
    _going: list[HostName] = field(default_factory=list)
    _stale: bool = True
    _at_step: list[HostName] | None = None

    def changed(self) -> None:
        """A host fell, ended or came back."""
        self._stale = True

    def alive(self) -> list[HostName]:
        """Hosts of the batch that have not failed."""
        self._current()
        return self._alive

    def begin(self) -> None:
        """A step begins that all hosts do together: until `end` none of them sees another fail."""
        self._current()
        self._at_step = self._going

    def end(self) -> None:
        self._at_step = None

    def seen(self) -> list[HostName]:
        """The hosts that are left, as a step's templates see them: within a common step those that began it and were not ended."""
        self._current()
        return self._left if self._at_step is None else self._at_step

    def _current(self) -> None:
        if self._stale:
            self._stale = False
            self._renewed()

    def _renewed(self) -> None:
        self._alive = [host for host in self.hosts if not self.cursors[host].down]
        self._left = [host for host in self._alive if not self.cursors[host].removed]
        self._going = [host for host in self._left if self.cursors[host].fate is not Fate.ENDED]
        if self._at_step is not None:  # `meta: end_host` is done by one host after the other: each sees who has ended
            self._at_step = [host for host in self._at_step if self.cursors[host].fate is not Fate.ENDED]
