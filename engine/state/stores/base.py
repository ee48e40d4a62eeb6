"""The seam under the state: where runs and records are kept. One contract test for every store (tests/contracts)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from engine.model.addresses import HostName, RunId
from engine.model.values import Value
from engine.state.document import StateDocument
from engine.state.lock import HeldLock, LockOwner
from engine.state.record import JournalEntry, RunRecord, StateRecord
from engine.state.snapshot import Snapshot
from engine.state.stores.locking import Waiting, told_nobody


class StateStore(Protocol):
    """StateError, and nothing else, where something cannot be read or written."""

    seals: bool
    """Whether secrets are kept encrypted; else a digest stands for them."""

    def hidden(self, value: str | bytes) -> Value:
        """What stands for a secret in what is appended."""

    async def begin(self, run: RunRecord) -> None:
        """A run starts. Kept at once: an unfinished run is seen, too."""

    async def append(
        self, run: RunId, records: Sequence[StateRecord], blobs: Mapping[str, bytes], entries: Sequence[JournalEntry] = ()
    ) -> None:
        """Keep records, journal entries and what they refer to (sha256 hex → bytes): all of it or nothing.

        Kept when it returns, whatever happens to this process.
        """

    async def finish(self, run: RunId, exit_code: int, at: float) -> int:
        """The run is over; its serial, assigned here: 1, 2, 3… in the order of finishing.

        Marks the run that it rolled back, if all went well.
        """

    async def forget(self, run: RunId) -> None:
        """Drop the run's journal: it went well, and nobody will go on with it."""

    async def read(self, serial: int | None = None) -> Snapshot:
        """The newest record of every resource, up to `serial`."""

    async def any_withheld(self) -> bool:
        """May there be a record of which a secret was left out, or kept encrypted? Cheaper than reading them."""

    def runs(self) -> AsyncIterator[RunRecord]:
        """Newest first, unfinished ones too."""

    def records(self, *, after: int = 0, run: RunId | None = None) -> AsyncIterator[StateRecord]:
        """Oldest first: of one run, or of all finished runs with a serial above `after`."""

    def journal(self, run: RunId) -> AsyncIterator[JournalEntry]:
        """What was noted of a run, oldest first."""

    async def blob(self, digest: str) -> bytes:
        """StateError `blob-missing` where it is not kept."""

    async def rewrite(self, change: Callable[[StateDocument], StateDocument | None]) -> None:
        """Put the whole state through `change`, while nobody else writes: what it returns is the state from now on, None leaves it.

        Records and entries keep their numbers. What `change` raises leaves the state as it was. Locks are no part of it.
        """

    def lock(
        self, hosts: Collection[HostName], owner: LockOwner, *, wait: float = 0.0, waiting: Waiting = told_nobody
    ) -> AbstractAsyncContextManager[None]:
        """Hold `hosts`, all of them or none, until the block ends. Other processes see it.

        Args:
            wait: Seconds for which others may go on holding some of them. A dead owner is not waited for.
            waiting: Told once, before the first pause, what stands in the way.

        Raises:
            StateError: `state-locked`, with who holds what.
        """

    async def try_lock(self, hosts: Collection[HostName], owner: LockOwner) -> list[HeldLock]:
        """Take all of `hosts`, or none and say what stands in the way; nothing stands in the way of who has them: an empty list."""

    async def release(self, owner: LockOwner) -> None:
        """Give back what is held with the owner's token. What somebody has taken away meanwhile is left alone."""

    async def locks(self) -> list[HeldLock]:
        """All that are held, by host."""

    async def unlock(self, hosts: Collection[HostName] | None = None) -> list[HeldLock]:
        """Take locks away, whosever they are: of `hosts`, or all. Those that there were."""

    async def close(self) -> None: ...
