"""A store in memory: for tests, for `--state memory`, and as the inside of the JSON file."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import replace

from engine.model.addresses import HostName, RunId
from engine.state.document import StateDocument
from engine.state.encode import missing, run_missing
from engine.state.lock import HeldLock, LockOwner
from engine.state.record import JournalEntry, RunRecord, StateRecord, counted
from engine.state.snapshot import Snapshot, newest_of
from engine.state.stores.locking import Locking


class MemoryStore(Locking):
    def __init__(self) -> None:
        self.lineage = uuid.uuid4().hex
        self._runs: dict[RunId, RunRecord] = {}
        self._records: list[StateRecord] = []
        self._journal: list[tuple[RunId, JournalEntry]] = []
        self._blobs: dict[str, bytes] = {}
        self._locks: dict[HostName, LockOwner] = {}

    async def begin(self, run: RunRecord) -> None:
        self._runs[run.id] = run

    async def append(
        self, run: RunId, records: Sequence[StateRecord], blobs: Mapping[str, bytes], entries: Sequence[JournalEntry] = ()
    ) -> None:
        self._known(run)
        self._blobs.update(blobs)
        for record in records:
            self._records.append(replace(record, number=self._records[-1].number + 1 if self._records else 1))
        for entry in entries:
            self._journal.append((run, replace(entry, number=self._journal[-1][1].number + 1 if self._journal else 1)))
        if not self._runs[run].note:
            self._runs[run] = replace(self._runs[run], changed=self._runs[run].changed + len(records))

    async def finish(self, run: RunId, exit_code: int, at: float) -> int:
        serial = max((each.serial or 0 for each in self._runs.values()), default=0) + 1
        done = self._runs[run] = replace(self._known(run), serial=serial, exit_code=exit_code, finished=at)
        if done.rolls_back in self._runs and exit_code == 0 and done.rolls_back is not None:
            self._runs[done.rolls_back] = replace(self._runs[done.rolls_back], rolled_back_by=run)
        return serial

    async def forget(self, run: RunId) -> None:
        self._journal = [(of, entry) for of, entry in self._journal if of != run]

    async def read(self, serial: int | None = None) -> Snapshot:
        latest = max((each.serial or 0 for each in self._runs.values()), default=0)
        upto = latest if serial is None else serial
        chosen = [each for each in self._records if serial is None or (self._runs[each.run].serial or upto + 1) <= upto]
        return Snapshot(lineage=self.lineage, serial=upto, newest=newest_of(chosen))

    async def any_withheld(self) -> bool:
        return bool(self._records)

    async def runs(self) -> AsyncIterator[RunRecord]:
        for run in sorted(self._runs.values(), key=lambda each: (each.started, each.id), reverse=True):
            yield run

    async def records(self, *, after: int = 0, run: RunId | None = None) -> AsyncIterator[StateRecord]:
        for record in list(self._records):
            serial = self._runs[record.run].serial
            if record.run == run or (run is None and serial is not None and serial > after):
                yield record

    async def journal(self, run: RunId) -> AsyncIterator[JournalEntry]:
        for of, entry in list(self._journal):
            if of == run:
                yield entry

    async def blob(self, digest: str) -> bytes:
        if digest not in self._blobs:
            raise missing(digest)
        return self._blobs[digest]

    async def rewrite(self, change: Callable[[StateDocument], StateDocument | None]) -> None:
        new = change(self._document())
        if new is not None:
            self._take(new)

    def _document(self) -> StateDocument:
        return StateDocument(
            lineage=self.lineage,
            runs=tuple(self._runs.values()),
            records=tuple(self._records),
            journal=tuple(self._journal),
            blobs=dict(self._blobs),
        )

    def _take(self, document: StateDocument) -> None:
        self.lineage = document.lineage
        numbers = Counter(each.run for each in document.records)
        self._runs = {run.id: counted(run, numbers[run.id]) for run in document.runs}
        self._records, self._journal = list(document.records), list(document.journal)
        self._blobs = dict(document.blobs)

    async def try_lock(self, hosts: Collection[HostName], owner: LockOwner) -> list[HeldLock]:
        return taken(self._locks, hosts, owner)

    async def release(self, owner: LockOwner) -> None:
        given_back(self._locks, owner)

    async def locks(self) -> list[HeldLock]:
        return listed(self._locks)

    async def unlock(self, hosts: Collection[HostName] | None = None) -> list[HeldLock]:
        return taken_away(self._locks, hosts)

    def _known(self, run: RunId) -> RunRecord:
        if run not in self._runs:
            raise run_missing(run)
        return self._runs[run]

    async def close(self) -> None:
        """Nothing is held open."""


def taken(locks: dict[HostName, LockOwner], hosts: Collection[HostName], owner: LockOwner) -> list[HeldLock]:
    """`try_lock` on a mapping."""
    held = [HeldLock(host=host, owner=locks[host]) for host in sorted(hosts) if host in locks and locks[host].token != owner.token]
    if not held:
        locks.update(dict.fromkeys(hosts, owner))
    return held


def given_back(locks: dict[HostName, LockOwner], owner: LockOwner) -> None:
    for host in [host for host, each in locks.items() if each.token == owner.token]:
        del locks[host]


def listed(locks: Mapping[HostName, LockOwner]) -> list[HeldLock]:
    return [HeldLock(host=host, owner=owner) for host, owner in sorted(locks.items())]


def taken_away(locks: dict[HostName, LockOwner], hosts: Collection[HostName] | None) -> list[HeldLock]:
    """`unlock` on a mapping."""
    found = [each for each in listed(locks) if hosts is None or each.host in hosts]
    for each in found:
        del locks[each.host]
    return found
