"""A store in one JSON file: readable, diffable, for small projects. Written whole, atomically, after every append.

Several processes may write it: each reads what the others have written before it adds its own. `state.json.lock` beside it is held
while that goes on (flock), and names the hosts that runs hold. `state.json.backup` is the state as it was before the last run.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.errors import StateError
from engine.model.addresses import HostName, RunId
from engine.model.problem import Problem
from engine.state.document import StateDocument, document_of, document_text
from engine.state.encode import damaged
from engine.state.lock import HeldLock, LockOwner, owner_of, owner_text
from engine.state.record import JournalEntry, RunRecord, StateRecord
from engine.state.snapshot import Snapshot
from engine.state.stores.memory import MemoryStore, given_back, listed, taken, taken_away

Stamp = tuple[int, int, int]
"""What changes when somebody else writes the file: its number, time and size."""


class JsonFileStore(MemoryStore):
    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        self._stamp: Stamp | None = None

    async def begin(self, run: RunRecord) -> None:
        with self._guarded():
            self._back_up()
            await super().begin(run)
            self._save()

    async def append(
        self, run: RunId, records: Sequence[StateRecord], blobs: Mapping[str, bytes], entries: Sequence[JournalEntry] = ()
    ) -> None:
        with self._guarded():
            await super().append(run, records, blobs, entries)
            self._save()

    async def finish(self, run: RunId, exit_code: int, at: float) -> int:
        with self._guarded():
            serial = await super().finish(run, exit_code, at)
            self._save()
        return serial

    async def forget(self, run: RunId) -> None:
        with self._guarded():
            await super().forget(run)
            self._save()

    async def read(self, serial: int | None = None) -> Snapshot:
        self._fresh()
        return await super().read(serial)

    async def runs(self) -> AsyncIterator[RunRecord]:
        self._fresh()
        async for run in super().runs():
            yield run

    async def records(self, *, after: int = 0, run: RunId | None = None) -> AsyncIterator[StateRecord]:
        self._fresh()
        async for record in super().records(after=after, run=run):
            yield record

    async def journal(self, run: RunId) -> AsyncIterator[JournalEntry]:
        self._fresh()
        async for entry in super().journal(run):
            yield entry

    async def blob(self, digest: str) -> bytes:
        self._fresh()
        return await super().blob(digest)

    async def rewrite(self, change: Callable[[StateDocument], StateDocument | None]) -> None:
        with self._guarded():
            new = change(self._document())
            if new is not None:
                self._back_up()
                self._take(new)
                self._save()

    async def try_lock(self, hosts: Collection[HostName], owner: LockOwner) -> list[HeldLock]:
        with self._lock_file() as (locks, write):
            held = taken(locks, hosts, owner)
            write(not held)
        return held

    async def release(self, owner: LockOwner) -> None:
        with self._lock_file() as (locks, write):
            given_back(locks, owner)
            write(True)

    async def locks(self) -> list[HeldLock]:
        with self._lock_file() as (locks, _):
            return listed(locks)

    async def unlock(self, hosts: Collection[HostName] | None = None) -> list[HeldLock]:
        with self._lock_file(damaged_is_empty=hosts is None) as (locks, write):
            found = taken_away(locks, hosts)
            write(True)
        return found

    def _fresh(self) -> None:
        """What is in memory is what the file says now."""
        stamp = stamp_of(self.path)
        if stamp == self._stamp:
            return
        if stamp is None:
            self._runs, self._records, self._journal, self._blobs = {}, [], [], {}
        else:
            self._load()
        self._stamp = stamp

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        """One process at a time. What could not be written is forgotten, so that memory never says more than the file."""
        with self._lock_handle():
            self._fresh()
            try:
                yield
            except BaseException:
                self._stamp = (0, 0, 0)
                raise

    @contextlib.contextmanager
    def _lock_handle(self) -> Iterator[int]:
        try:
            os.makedirs(os.path.dirname(os.path.abspath(self.path)), mode=0o700, exist_ok=True)
            handle = os.open(self.path + ".lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield handle
        except OSError as error:
            raise self._unwritable(error) from error
        finally:
            os.close(handle)

    @contextlib.contextmanager
    def _lock_file(self, *, damaged_is_empty: bool = False) -> Iterator[tuple[dict[HostName, LockOwner], Any]]:
        """The held locks, and what writes them back if it is told so."""
        with self._lock_handle() as handle:
            text = os.pread(handle, os.fstat(handle).st_size, 0)
            try:
                locks = locks_of(text)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                if not damaged_is_empty:
                    raise damaged(f"{self.path}.lock: {error}; engine state unlock --all makes it anew") from error
                locks = {}

            def write(changed: bool) -> None:
                if changed:
                    new = locks_text(locks)
                    os.pwrite(handle, new, 0)
                    os.ftruncate(handle, len(new))

            yield locks, write

    def _load(self) -> None:
        try:
            with open(self.path, encoding="utf-8") as file:
                document = document_of(file.read())
        except StateError as error:
            raise StateError(replace(error.problem, detail=f"{self.path}: {error.problem.detail}")) from error
        except (OSError, ValueError) as error:
            raise damaged(f"{self.path}: {error}") from error
        self._take(document)

    def _save(self) -> None:
        self._replace(self.path, document_text(self._document()).encode())
        self._stamp = stamp_of(self.path)

    def _back_up(self) -> None:
        with contextlib.suppress(FileNotFoundError), open(self.path, "rb") as file:
            self._replace(self.path + ".backup", file.read())

    def _replace(self, path: str, content: bytes) -> None:
        """The whole file or none of it, on the disk when this returns."""
        temporary = ""
        try:
            handle, temporary = tempfile.mkstemp(prefix=".state", dir=os.path.dirname(os.path.abspath(path)))
            with open(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> StateError:
        detail = f"{self.path}: {error}"
        return StateError(Problem(code="state-unwritable", summary="The state cannot be written", detail=detail))


def stamp_of(path: str) -> Stamp | None:
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def locks_text(locks: Mapping[HostName, LockOwner]) -> bytes:
    """Owners with their hosts; nothing at all where nobody holds any."""
    hosts: dict[str, list[HostName]] = {}
    for host, owner in sorted(locks.items()):
        hosts.setdefault(owner.token, []).append(host)
    owners = {owner.token: owner for owner in locks.values()}
    data = [{"owner": json.loads(owner_text(owners[token])), "hosts": each} for token, each in hosts.items()]
    return json.dumps(data, indent=1).encode() if data else b""


def locks_of(text: bytes) -> dict[HostName, LockOwner]:
    """ValueError, KeyError, TypeError or AttributeError where it is no such file."""
    found: dict[HostName, LockOwner] = {}
    for each in json.loads(text or b"[]"):
        found.update(dict.fromkeys(map(str, each["hosts"]), owner_of(json.dumps(each["owner"]))))
    return found
