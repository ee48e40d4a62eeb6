"""A store in PostgreSQL, for several controllers that share one state. A workspace is a schema of its own.

Appends that arrive while a commit is under way share the next one. Serials and locks are given out by whoever holds the row
`format` of the table `meta`.
"""

from __future__ import annotations

import asyncio
import uuid
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, LiteralString, TypeAlias, TypeVar, cast

from engine.errors import StateError, UsageError
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
from engine.state.stores import no_workspace
from engine.state.stores.groups import Groups
from engine.state.stores.locking import Locking
from engine.state.withhold import MARKS

try:
    import psycopg
    from psycopg import sql
    from psycopg.conninfo import conninfo_to_dict
except ImportError as error:
    raise UsageError(
        Problem(
            code="postgres-missing",
            summary="The PostgreSQL store needs psycopg",
            detail=str(error),
            hint="pip install 'engine-automation[postgres]'",
        )
    ) from error

Connection: TypeAlias = "psycopg.AsyncConnection[tuple[Any, ...]]"
Append = tuple[RunId, Sequence[StateRecord], Mapping[str, bytes], Sequence[JournalEntry]]
Result = TypeVar("Result")
PATIENCE = 10
"""Seconds until a server that does not answer counts as away, unless the DSN says otherwise."""
OF_SECRETS: LiteralString = " OR ".join(f"strpos(data, '{mark}') > 0" for mark in MARKS)
"""As in sqlite.py: which records an index of its own is about."""
SCHEMA: tuple[LiteralString, ...] = (
    "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS runs (id TEXT PRIMARY KEY, started DOUBLE PRECISION NOT NULL, serial BIGINT UNIQUE, data TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS records (number BIGSERIAL PRIMARY KEY, run TEXT NOT NULL REFERENCES runs (id), data TEXT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS records_of_run ON records (run)",
    f"CREATE INDEX IF NOT EXISTS records_of_secrets ON records (number) WHERE {OF_SECRETS}",
    "CREATE TABLE IF NOT EXISTS journal (number BIGSERIAL PRIMARY KEY, run TEXT NOT NULL REFERENCES runs (id), data TEXT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS journal_of_run ON journal (run)",
    "CREATE TABLE IF NOT EXISTS blobs (digest TEXT PRIMARY KEY, data BYTEA NOT NULL)",
    "CREATE TABLE IF NOT EXISTS locks (host TEXT PRIMARY KEY, token TEXT NOT NULL, owner TEXT NOT NULL)",
)
PUT_RUN: LiteralString = (
    "INSERT INTO runs (id, started, serial, data) VALUES (%s, %s, %s, %s)"
    " ON CONFLICT (id) DO UPDATE SET started = excluded.started, serial = excluded.serial, data = excluded.data"
)
PUT_RECORD: LiteralString = (
    "INSERT INTO records (number, run, data) VALUES (%s, %s, %s)"
    " ON CONFLICT (number) DO UPDATE SET run = excluded.run, data = excluded.data"
)
PUT_ENTRY: LiteralString = (
    "INSERT INTO journal (number, run, data) VALUES (%s, %s, %s)"
    " ON CONFLICT (number) DO UPDATE SET run = excluded.run, data = excluded.data"
)
PUT_BLOB: LiteralString = "INSERT INTO blobs (digest, data) VALUES (%s, %s) ON CONFLICT DO NOTHING"
ONE_AT_A_TIME: LiteralString = "SELECT value FROM meta WHERE key = 'format' FOR UPDATE"


class PostgresStore(Locking):
    """Connected when it is first used; again after a connection was lost."""

    def __init__(self, dsn: str, workspace: str, *, new: bool = True) -> None:
        """`dsn`: as libpq knows it, `host=db dbname=state` or `postgresql://db/state`. What it leaves out are libpq's own defaults."""
        self.schema = "engine" if workspace == "default" else f"engine_{workspace}"
        self._dsn = dsn
        self._workspace, self._new = workspace, new
        self._connection: Connection | None = None
        self._turn = asyncio.Lock()
        self._appends: Groups[Append] = Groups(lambda batch: self._transaction(lambda database: keep(database, batch)))

    async def begin(self, run: RunRecord) -> None:
        async def write(database: Connection) -> None:
            row = (run.id, run.started, run_text(run))
            await database.execute("INSERT INTO runs (id, started, data) VALUES (%s, %s, %s)", row)

        await self._transaction(write)

    async def append(
        self, run: RunId, records: Sequence[StateRecord], blobs: Mapping[str, bytes], entries: Sequence[JournalEntry] = ()
    ) -> None:
        await self._appends.add((run, records, blobs, entries))

    async def finish(self, run: RunId, exit_code: int, at: float) -> int:
        async def write(database: Connection) -> int:
            await database.execute(ONE_AT_A_TIME)
            begun = await find_run(database, run)
            if begun is None:
                raise run_missing(run)
            serial: int = await value(database, "SELECT COALESCE(MAX(serial), 0) + 1 FROM runs")
            changed: int = await value(database, "SELECT COUNT(*) FROM records WHERE run = %s", run)
            done = counted(replace(begun, serial=serial, exit_code=exit_code, finished=at), changed)
            await database.execute("UPDATE runs SET serial = %s, data = %s WHERE id = %s", (serial, run_text(done), run))
            if exit_code == 0 and (undone := await find_run(database, done.rolls_back)) is not None:
                text = run_text(replace(undone, rolled_back_by=run))
                await database.execute("UPDATE runs SET data = %s WHERE id = %s", (text, undone.id))
            return serial

        return await self._transaction(write)

    async def forget(self, run: RunId) -> None:
        async def write(database: Connection) -> None:
            await database.execute("DELETE FROM journal WHERE run = %s", (run,))

        await self._transaction(write)

    async def read(self, serial: int | None = None) -> Snapshot:
        async def look(database: Connection) -> Snapshot:
            lineage = await lineage_of(database)
            latest: int = await value(database, "SELECT COALESCE(MAX(serial), 0) FROM runs")
            found = await rows(
                database,
                "SELECT records.number, records.data FROM records JOIN runs ON runs.id = records.run"
                " WHERE %s::bigint IS NULL OR runs.serial <= %s::bigint ORDER BY records.number",
                serial,
                serial,
            )
            newest = newest_of(record_of(data, number) for number, data in found)
            return Snapshot(lineage=lineage, serial=latest if serial is None else serial, newest=newest)

        return await self._transaction(look)

    async def any_withheld(self) -> bool:
        query: LiteralString = f"SELECT EXISTS (SELECT 1 FROM records WHERE {OF_SECRETS})"
        return bool(await self._transaction(lambda database: value(database, query)))

    async def runs(self) -> AsyncIterator[RunRecord]:
        query: LiteralString = (
            "SELECT data, (SELECT COUNT(*) FROM records WHERE run = runs.id) FROM runs ORDER BY started DESC, id COLLATE \"C\" DESC"
        )
        for data, changed in await self._transaction(lambda database: rows(database, query)):
            run = run_of(data)
            yield counted(run, changed)

    async def records(self, *, after: int = 0, run: RunId | None = None) -> AsyncIterator[StateRecord]:
        def look(database: Connection) -> Awaitable[list[tuple[Any, ...]]]:
            if run is not None:
                return rows(database, "SELECT number, data FROM records WHERE run = %s ORDER BY number", run)
            query: LiteralString = (
                "SELECT records.number, records.data FROM records JOIN runs ON runs.id = records.run WHERE runs.serial > %s"
                " ORDER BY records.number"
            )
            return rows(database, query, after)

        for number, data in await self._transaction(look):
            yield record_of(data, number)

    async def journal(self, run: RunId) -> AsyncIterator[JournalEntry]:
        query: LiteralString = "SELECT number, data FROM journal WHERE run = %s ORDER BY number"
        for number, data in await self._transaction(lambda database: rows(database, query, run)):
            yield entry_of(data, number)

    async def blob(self, digest: str) -> bytes:
        query: LiteralString = "SELECT data FROM blobs WHERE digest = %s"
        found = await self._transaction(lambda database: value(database, query, digest))
        if found is None:
            raise missing(digest)
        try:
            return zlib.decompress(found)
        except zlib.error as error:
            raise damaged(f"{self.schema}: the content {digest}: {error}") from error

    async def rewrite(self, change: Callable[[StateDocument], StateDocument | None]) -> None:
        async def write(database: Connection) -> None:
            await database.execute("LOCK TABLE runs, records, journal, blobs IN SHARE ROW EXCLUSIVE MODE")
            old = await document_in(database)
            new = change(old)
            if new is not None:
                await rewrite_rows(database, rewriting(old, new))

        await self._transaction(write)

    async def try_lock(self, hosts: Collection[HostName], owner: LockOwner) -> list[HeldLock]:
        async def take(database: Connection) -> list[HeldLock]:
            await database.execute(ONE_AT_A_TIME)
            held = [each for each in await locks_in(database) if each.host in hosts and each.owner.token != owner.token]
            if not held:
                text = owner_text(owner)
                query: LiteralString = (
                    "INSERT INTO locks (host, token, owner) SELECT unnest(%s::text[]), %s, %s"
                    " ON CONFLICT (host) DO UPDATE SET owner = EXCLUDED.owner"
                )
                await database.execute(query, (sorted(set(hosts)), owner.token, text))
            return held

        return await self._transaction(take)

    async def release(self, owner: LockOwner) -> None:
        await self._transaction(lambda database: database.execute("DELETE FROM locks WHERE token = %s", (owner.token,)))

    async def locks(self) -> list[HeldLock]:
        return await self._transaction(locks_in)

    async def unlock(self, hosts: Collection[HostName] | None = None) -> list[HeldLock]:
        async def take_away(database: Connection) -> list[HeldLock]:
            await database.execute(ONE_AT_A_TIME)
            found = [each for each in await locks_in(database) if hosts is None or each.host in hosts]
            await database.execute("DELETE FROM locks WHERE host = ANY(%s)", ([each.host for each in found],))
            return found

        return await self._transaction(take_away)

    async def workspaces(self) -> list[str]:
        """Of the database, whichever this is one of."""
        query: LiteralString = (
            "SELECT table_schema FROM information_schema.tables WHERE table_name = 'meta'"
            " AND (table_schema = 'engine' OR starts_with(table_schema, 'engine_'))"
        )
        found = await self._transaction(lambda database: rows(database, query))
        return ["default" if schema == "engine" else str(schema).removeprefix("engine_") for (schema,) in found]

    async def drop(self) -> None:
        """The whole workspace."""
        statement = sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(self.schema))
        await self._transaction(lambda database: database.execute(statement))

    async def close(self) -> None:
        await self._appends.drained()
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _transaction(self, work: Callable[[Connection], Awaitable[Result]]) -> Result:
        """What `work` makes of the database, committed when it returns. One at a time: there is one connection."""
        async with self._turn:
            try:
                database = await self._connected()
                async with database.transaction():
                    return await work(database)
            except (psycopg.Error, UnicodeError) as error:
                raise self._unusable(error) from error

    async def _connected(self) -> Connection:
        if self._connection is not None and not self._connection.closed:
            return self._connection
        words = conninfo_to_dict(self._dsn)
        words.setdefault("connect_timeout", PATIENCE)
        words.setdefault("application_name", "engine")
        made = await psycopg.AsyncConnection.connect(**cast("dict[str, Any]", words), autocommit=True)
        try:
            await prepare(made, self.schema, None if self._new else self._workspace)
        except BaseException:
            await made.close()
            raise
        self._connection = made
        return made

    def _unusable(self, error: Exception) -> StateError:
        """The server's own words; a DSN that cannot be read is not repeated, since there may be a password in it."""
        try:
            words = conninfo_to_dict(self._dsn)
        except psycopg.Error:
            detail = "state.dsn is no DSN: `host=… dbname=… user=…` or `postgresql://user@host/dbname`"
        else:
            detail = str(error).strip()
            if words.get("password"):
                detail = detail.replace(str(words["password"]), "***")
        return StateError(Problem(code="state-unwritable", summary="The state cannot be read or written", detail=f"PostgreSQL: {detail}"))


async def prepare(database: Connection, schema: str, must_exist: str | None) -> None:
    """Make the schema and its tables where there are none.

    Args:
        must_exist: The workspace, where it is to be there already.

    Raises:
        StateError: `state-format`, a newer engine has made them.
        UsageError: `no-workspace`.
    """
    name = sql.Identifier(schema)
    await database.execute(sql.SQL("SET search_path TO {}").format(name))
    if await value(database, "SELECT to_regclass('locks')") is None:
        if must_exist is not None:
            raise no_workspace(must_exist)
        async with database.transaction():
            await database.execute("SELECT pg_advisory_xact_lock(hashtext('engine state'))")  # IF NOT EXISTS alone is no lock
            await database.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(name))
            for statement in SCHEMA:
                await database.execute(statement)
            for row in (("lineage", uuid.uuid4().hex), ("format", str(FORMAT))):
                await database.execute("INSERT INTO meta (key, value) VALUES (%s, %s) ON CONFLICT DO NOTHING", row)
    found = str(await value(database, "SELECT value FROM meta WHERE key = 'format'"))
    check_format(int(found) if found.isdigit() else found)


async def keep(database: Connection, batch: Sequence[Append]) -> None:
    async with database.cursor() as cursor:
        for run, records, blobs, entries in batch:
            if await find_run(database, run) is None:
                raise run_missing(run)
            packed = [(digest, zlib.compress(data, 1)) for digest, data in sorted(blobs.items())]
            if packed:
                await cursor.executemany(PUT_BLOB, packed)
            if records:
                await cursor.executemany("INSERT INTO records (run, data) VALUES (%s, %s)", [(run, record_text(each)) for each in records])
            if entries:
                await cursor.executemany("INSERT INTO journal (run, data) VALUES (%s, %s)", [(run, entry_text(each)) for each in entries])


async def find_run(database: Connection, run: RunId | None) -> RunRecord | None:
    found = await value(database, "SELECT data FROM runs WHERE id = %s", run)
    return None if found is None else run_of(found)


async def document_in(database: Connection) -> StateDocument:
    """StateError `state-damaged` where a content cannot be unpacked, too."""
    runs = [run_of(data) for (data,) in await rows(database, "SELECT data FROM runs ORDER BY started, id COLLATE \"C\"")]
    records = [record_of(data, number) for number, data in await rows(database, "SELECT number, data FROM records ORDER BY number")]
    noted = await rows(database, "SELECT number, run, data FROM journal ORDER BY number")
    try:
        blobs = {digest: zlib.decompress(data) for digest, data in await rows(database, "SELECT digest, data FROM blobs")}
    except zlib.error as error:
        raise damaged(f"a content: {error}") from error
    return StateDocument(
        lineage=await lineage_of(database),
        runs=tuple(runs),
        records=tuple(records),
        journal=tuple((run, entry_of(data, number)) for number, run, data in noted),
        blobs=blobs,
    )


async def rewrite_rows(database: Connection, new: Rewriting) -> None:
    await database.execute("UPDATE meta SET value = %s WHERE key = 'lineage'", (new.lineage,))
    changing = [*new.gone_runs, *(run[0] for run in new.runs)]
    await database.execute("UPDATE runs SET serial = NULL WHERE id = ANY(%s)", (changing,))  # serials may change places
    async with database.cursor() as cursor:
        for query, values in (
            (PUT_RUN, new.runs),
            (PUT_RECORD, new.records),
            (PUT_ENTRY, new.journal),
            (PUT_BLOB, [(digest, zlib.compress(data, 1)) for digest, data in new.blobs]),
        ):
            if values:
                await cursor.executemany(query, values)
    await database.execute("DELETE FROM records WHERE number = ANY(%s)", (new.gone_records,))
    await database.execute("DELETE FROM journal WHERE number = ANY(%s)", (new.gone_journal,))
    await database.execute("DELETE FROM runs WHERE id = ANY(%s)", (new.gone_runs,))
    await database.execute("DELETE FROM blobs WHERE digest = ANY(%s)", (new.gone_blobs,))
    for sequence in ("records", "journal"):  # numbers that came with the rows are not counted by themselves
        counting = sql.SQL("SELECT setval(pg_get_serial_sequence({0}, 'number'), GREATEST((SELECT MAX(number) FROM {1}), nextval({2})))")
        names = sql.Literal(sequence), sql.Identifier(sequence), sql.Literal(f"{sequence}_number_seq")
        await database.execute(counting.format(*names))


async def lineage_of(database: Connection) -> str:
    found = await value(database, "SELECT value FROM meta WHERE key = 'lineage'")
    if found is None:
        raise damaged("it has lost its lineage")
    return str(found)


async def locks_in(database: Connection) -> list[HeldLock]:
    try:
        found = await rows(database, "SELECT host, owner FROM locks ORDER BY host COLLATE \"C\"")
        return [HeldLock(host=host, owner=owner_of(text)) for host, text in found]
    except (ValueError, KeyError, TypeError) as error:
        raise damaged(f"a lock without its owner: {error}") from error


async def rows(database: Connection, query: LiteralString, *values: Any) -> list[tuple[Any, ...]]:
    return await (await database.execute(query, values)).fetchall()


async def value(database: Connection, query: LiteralString, *values: Any) -> Any:
    """The first column of the first row; None where there is none."""
    row = await (await database.execute(query, values)).fetchone()
    return None if row is None else row[0]
