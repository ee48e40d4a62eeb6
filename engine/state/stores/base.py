"""The seam under the state: where runs and records are kept. One contract test for every store (tests/contracts)."""
from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from engine.model.addresses import HostName, RunId
from engine.model.effect import Effect
from engine.state.record import RunRecord, StateRecord
from engine.state.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class LockOwner:
    run: RunId
    who: str
    """`user@machine, pid 123`."""
    since: float


class StateStore(Protocol):
    async def begin(self, run: RunRecord) -> None: ...

    async def append(self, run: RunId, effects: Sequence[Effect], records: Sequence[StateRecord], blobs: dict[str, bytes] | None = None) -> None:
        """The journal; durable when it returns. `blobs`: sha256 hex → bytes that the records refer to."""

    async def finish(self, run: RunId, exit_code: int = 0) -> int:
        """The serial, assigned in the store."""

    async def read(self, serial: int | None = None) -> Snapshot: ...

    def runs(self) -> AsyncIterator[RunRecord]:
        """Newest first, unfinished ones too."""

    def records(self, *, after: int = 0, run: RunId | None = None) -> AsyncIterator[StateRecord]:
        """Oldest first."""

    def effects(self, run: RunId) -> AsyncIterator[Effect]: ...

    async def blob(self, digest: str) -> bytes:
        """StateError `blob-missing` where it is not kept."""

    def lock(self, hosts: Collection[HostName], owner: LockOwner) -> AbstractAsyncContextManager[None]: ...

    async def close(self) -> None: ...
