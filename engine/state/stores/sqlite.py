"""The default store: one SQLite file in WAL mode, written by one thread that commits what has come together.

`synchronous=NORMAL`: what was appended survives the death of the process at any moment; the last commits may be
lost when the machine itself dies.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
import uuid
import zlib
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TypeVar

from engine.errors import StateError
from engine.model.addresses import HostName, RunId
from engine.model.problem import Problem
from engine.state.document import Rewriting, StateDocument, rewriting
from engine.state.encode import (
    FORMAT,
    check_format,
    damaged,
    entry_of,
    entry_text,
    missing,
    record_of,
    record_text,
    run_missing,
    run_of,
    run_text,
)
from engine.state.lock import HeldLock, LockOwner, owner_of, owner_text
from engine.state.record import JournalEntry, RunRecord, StateRecord, counted
from engine.state.snapshot import Snapshot, newest_of
from engine.state.stores.groups import Groups
from engine.state.stores.locking import Locking
from engine.state.withhold import MARKS

Result = TypeVar("Result")
BUSY_SECONDS = 30.0
"""How long another engine's write is waited for."""
OF_SECRETS = " OR ".join(f"instr(data, '{mark}') > 0" for mark in MARKS)
"""Is it a record of which a secret was left out, or kept encrypted? An index of its own answers that, however long the history is."""
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS runs (id TEXT PRIMARY KEY, started REAL NOT NULL, serial INTEGER UNIQUE, data TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS records (number INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL REFERENCES runs (id), data TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS records_of_run ON records (run);
CREATE INDEX IF NOT EXISTS records_of_secrets ON records (number) WHERE {OF_SECRETS};
CREATE TABLE IF NOT EXISTS journal (number INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL REFERENCES runs (id), data TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS journal_of_run ON journal (run);
CREATE TABLE IF NOT EXISTS locks (host TEXT PRIMARY KEY, token TEXT NOT NULL, owner TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS blobs (digest TEXT PRIMARY KEY, data BLOB NOT NULL);
"""
Append = tuple[RunId, Sequence[StateRecord], Mapping[str, bytes], Sequence[JournalEntry]]


class SqliteStore(Locking):
    """Opened when it is first used; the file and its folder are readable by their owner alone."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="state")
        self._database: sqlite3.Connection | None = None
        self._appends: Groups[Append] = Groups(lambda batch: self._write(partial(keep, batch=batch)))

    async def begin(self, run: RunRecord) -> None:
        def write(database: sqlite3.Connection) -> None:
            database.execute("INSERT INTO runs (id, started, data) VALUES (?, ?, ?)", (run.id, run.started, run_text(run)))

        await self._write(write)

    async def append(
        self, run: RunId, records: Sequence[StateRecord], blobs: Mapping[str, bytes], entries: Sequence[JournalEntry] = ()
    ) -> None:
        await self._appends.add((run, records, blobs, entries))

    async def finish(self, run: RunId, exit_code: int, at: float) -> int:
        def write(database: sqlite3.Connection) -> int:
            serial: int = database.execute("SELECT COALESCE(MAX(serial), 0) + 1 FROM runs").fetchone()[0]
            changed: int = database.execute("SELECT COUNT(*) FROM records WHERE run = ?", (run,)).fetchone()[0]
            begun = find_run(database, run)
            if begun is None:
                raise run_missing(run)
            done = counted(replace(begun, serial=serial, exit_code=exit_code, finished=at), changed)
            database.execute("UPDATE runs SET serial = ?, data = ? WHERE id = ?", (serial, run_text(done), run))
            if exit_code == 0 and (undone := find_run(database, done.rolls_back)) is not None:
                database.execute("UPDATE runs SET data = ? WHERE id = ?", (run_text(replace(undone, rolled_back_by=run)), undone.id))
            return serial

        return await self._write(write)

    async def forget(self, run: RunId) -> None:
        def write(database: sqlite3.Connection) -> None:
            database.execute("DELETE FROM journal WHERE run = ?", (run,))

        await self._write(write)

    async def read(self, serial: int | None = None) -> Snapshot:
        def look(database: sqlite3.Connection) -> Snapshot:
            lineage = lineage_of(database)
            latest = database.execute("SELECT COALESCE(MAX(serial), 0) FROM runs").fetchone()[0]
            limit = "" if serial is None else "WHERE runs.serial <= ?"
            rows = database.execute(
                f"SELECT records.number, records.data FROM records JOIN runs ON runs.id = records.run {limit} ORDER BY records.number",
                () if serial is None else (serial,),
            )
            newest = newest_of(record_of(data, number) for number, data in rows)
            return Snapshot(lineage=lineage, serial=latest if serial is None else serial, newest=newest)

        return await self._call(look)

    async def any_withheld(self) -> bool:
        query = f"SELECT EXISTS (SELECT 1 FROM records WHERE {OF_SECRETS})"
        return bool(await self._call(lambda database: database.execute(query).fetchone()[0]))

    async def runs(self) -> AsyncIterator[RunRecord]:
        query = "SELECT data, (SELECT COUNT(*) FROM records WHERE run = runs.id) FROM runs ORDER BY started DESC, id DESC"
        rows = await self._call(lambda database: database.execute(query).fetchall())
        for data, changed in rows:
            run = run_of(data)
            yield counted(run, changed)

    async def records(self, *, after: int = 0, run: RunId | None = None) -> AsyncIterator[StateRecord]:
        if run is not None:
            query, values = "SELECT number, data FROM records WHERE run = ? ORDER BY number", (run,)
        else:
            query, values = (
                "SELECT records.number, records.data FROM records JOIN runs ON runs.id = records.run WHERE runs.serial > ?"
                " ORDER BY records.number",
                (str(after),),
            )
        rows = await self._call(lambda database: database.execute(query, values).fetchall())
        for number, data in rows:
            yield record_of(data, number)

    async def journal(self, run: RunId) -> AsyncIterator[JournalEntry]:
        query = "SELECT number, data FROM journal WHERE run = ? ORDER BY number"
        for number, data in await self._call(lambda database: database.execute(query, (run,)).fetchall()):
            yield entry_of(data, number)

    async def blob(self, digest: str) -> bytes:
        row = await self._call(lambda database: database.execute("SELECT data FROM blobs WHERE digest = ?", (digest,)).fetchone())
        if row is None:
            raise missing(digest)
        try:
            return zlib.decompress(row[0])
        except (zlib.error, TypeError) as error:
            raise damaged(f"{self.path}: the content {digest}: {error}") from error

    async def rewrite(self, change: Callable[[StateDocument], StateDocument | None]) -> None:
        def write(database: sqlite3.Connection) -> bool:
            old = document_in(database)
            new = change(old)
            if new is not None:
                rewrite_rows(database, rewriting(old, new))
            return new is not None

        if await self._write(write):
            await self._call(lambda database: database.execute("VACUUM"))

    async def try_lock(self, hosts: Collection[HostName], owner: LockOwner) -> list[HeldLock]:
        def take(database: sqlite3.Connection) -> list[HeldLock]:
            held = [each for each in locks_in(database) if each.host in hosts and each.owner.token != owner.token]
            if not held:
                text = owner_text(owner)
                rows = [(host, owner.token, text) for host in hosts]
                database.executemany("INSERT OR REPLACE INTO locks (host, token, owner) VALUES (?, ?, ?)", rows)
            return held

        return await self._write(take)

    async def release(self, owner: LockOwner) -> None:
        await self._write(lambda database: database.execute("DELETE FROM locks WHERE token = ?", (owner.token,)))

    async def locks(self) -> list[HeldLock]:
        return await self._call(locks_in)

    async def unlock(self, hosts: Collection[HostName] | None = None) -> list[HeldLock]:
        def take_away(database: sqlite3.Connection) -> list[HeldLock]:
            found = [each for each in locks_in(database) if hosts is None or each.host in hosts]
            database.executemany("DELETE FROM locks WHERE host = ?", [(each.host,) for each in found])
            return found

        return await self._write(take_away)

    async def close(self) -> None:
        await self._appends.drained()
        database, self._database = self._database, None
        if database is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, database.close)
        self._thread.shutdown(wait=True)

    async def _write(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        def transaction(database: sqlite3.Connection) -> Result:
            database.execute("BEGIN IMMEDIATE")
            try:
                result = work(database)
            except BaseException:
                database.execute("ROLLBACK")
                raise
            database.execute("COMMIT")
            return result

        return await self._call(transaction)

    async def _call(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        def on_thread() -> Result:
            try:
                return work(self._opened())
            except (sqlite3.Error, OSError) as error:
                summary = "The state cannot be read or written"
                raise StateError(Problem(code="state-unwritable", summary=summary, detail=f"{self.path}: {error}")) from error

        return await asyncio.get_running_loop().run_in_executor(self._thread, on_thread)

    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            database = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=BUSY_SECONDS)
            try:
                prepare(database)
            except BaseException:
                database.close()
                raise
            self._database = database
        return self._database


def prepare(database: sqlite3.Connection) -> None:
    """Make the tables where there are none. StateError `state-format` where a newer engine has made them."""
    write_ahead(database)
    database.execute("PRAGMA synchronous = NORMAL")
    database.executescript(SCHEMA)
    database.execute("INSERT OR IGNORE INTO meta VALUES ('lineage', ?)", (uuid.uuid4().hex,))
    database.execute("INSERT OR IGNORE INTO meta VALUES ('format', ?)", (str(FORMAT),))
    found = str(database.execute("SELECT value FROM meta WHERE key = 'format'").fetchone()[0])
    check_format(int(found) if found.isdigit() else found)


def write_ahead(database: sqlite3.Connection) -> None:
    """Switch to WAL. SQLite does not wait here for another process that switches at the same time: it is asked again.

    Raises sqlite3.OperationalError after BUSY_SECONDS.
    """
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.02)


def keep(database: sqlite3.Connection, batch: Sequence[Append]) -> None:
    for run, records, blobs, entries in batch:
        database.executemany(
            "INSERT OR IGNORE INTO blobs VALUES (?, ?)", [(digest, zlib.compress(data, 1)) for digest, data in blobs.items()]
        )
        if database.execute("SELECT 1 FROM runs WHERE id = ?", (run,)).fetchone() is None:
            raise run_missing(run)
        database.executemany("INSERT INTO records (run, data) VALUES (?, ?)", [(run, record_text(record)) for record in records])
        database.executemany("INSERT INTO journal (run, data) VALUES (?, ?)", [(run, entry_text(entry)) for entry in entries])


def document_in(database: sqlite3.Connection) -> StateDocument:
    """StateError `state-damaged` where a content cannot be unpacked, too."""
    runs = [run_of(data) for (data,) in database.execute("SELECT data FROM runs ORDER BY started, id")]
    records = [record_of(data, number) for number, data in database.execute("SELECT number, data FROM records ORDER BY number")]
    noted = database.execute("SELECT number, run, data FROM journal ORDER BY number")
    journal = [(run, entry_of(data, number)) for number, run, data in noted]
    try:
        blobs = {digest: zlib.decompress(data) for digest, data in database.execute("SELECT digest, data FROM blobs")}
    except (zlib.error, TypeError) as error:
        raise damaged(f"a content: {error}") from error
    return StateDocument(
        lineage=lineage_of(database), runs=tuple(runs), records=tuple(records), journal=tuple(journal), blobs=blobs
    )


def rewrite_rows(database: sqlite3.Connection, new: Rewriting) -> None:
    database.execute("UPDATE meta SET value = ? WHERE key = 'lineage'", (new.lineage,))
    changing = [*new.gone_runs, *(run[0] for run in new.runs)]
    database.executemany("UPDATE runs SET serial = NULL WHERE id = ?", [(each,) for each in changing])  # serials may change places
    database.executemany("INSERT OR REPLACE INTO runs (id, started, serial, data) VALUES (?, ?, ?, ?)", new.runs)
    for table, rows, gone in (("records", new.records, new.gone_records), ("journal", new.journal, new.gone_journal)):
        database.executemany(f"INSERT OR REPLACE INTO {table} (number, run, data) VALUES (?, ?, ?)", rows)
        database.executemany(f"DELETE FROM {table} WHERE number = ?", [(each,) for each in gone])
    database.executemany("DELETE FROM runs WHERE id = ?", [(each,) for each in new.gone_runs])
    database.executemany("INSERT OR IGNORE INTO blobs VALUES (?, ?)", [(digest, zlib.compress(data, 1)) for digest, data in new.blobs])
    database.executemany("DELETE FROM blobs WHERE digest = ?", [(each,) for each in new.gone_blobs])


def locks_in(database: sqlite3.Connection) -> list[HeldLock]:
    try:
        return [HeldLock(host=host, owner=owner_of(text)) for host, text in database.execute("SELECT host, owner FROM locks ORDER BY host")]
    except (ValueError, KeyError, TypeError) as error:
        raise damaged(f"a lock without its owner: {error}") from error


def find_run(database: sqlite3.Connection, run: RunId | None) -> RunRecord | None:
    row = database.execute("SELECT data FROM runs WHERE id = ?", (run,)).fetchone()
    return None if row is None else run_of(row[0])


def lineage_of(database: sqlite3.Connection) -> str:
    found = dict(database.execute("SELECT key, value FROM meta"))
    if "lineage" not in found:
        raise damaged("it has lost its lineage")
    return str(found["lineage"])
