"""The seam under the state: where runs and records are kept. One contract test for every store (tests/contracts)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from engine.model.addresses import RunId
from engine.state.record import JournalEntry, RunRecord, StateRecord
from engine.state.snapshot import Snapshot


class StateStore(Protocol):
    """StateError, and nothing else, where something cannot be read or written."""

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

    async def read(self, serial: int | None = None) -> Snapshot:
        """The newest record of every resource, up to `serial`."""

    def runs(self) -> AsyncIterator[RunRecord]:
        """Newest first, unfinished ones too."""

    def records(self, *, after: int = 0, run: RunId | None = None) -> AsyncIterator[StateRecord]:
        """Oldest first: of one run, or of all finished runs with a serial above `after`."""

    def journal(self, run: RunId) -> AsyncIterator[JournalEntry]:
        """What was noted of a run, oldest first."""

    async def blob(self, digest: str) -> bytes:
        """StateError `blob-missing` where it is not kept."""

    async def close(self) -> None: ...
