"""What only a store on a server can do: be away, lose a connection, refuse a password. And what it never shows."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from database import Server
from making import record_of_file

from engine.errors import EngineError, StateError, UsageError
from engine.state.encode import digest_of
from engine.state.lock import LockOwner
from engine.state.process import this_owner
from engine.state.record import JournalEntry, RunRecord
from engine.state.stores import open_store
from engine.state.stores.base import StateStore

ROOT = Path(__file__).parents[2]
Open = Callable[[], StateStore]


@pytest.fixture
def workspace() -> str:
    return f"t{secrets.token_hex(8)}"


@pytest.fixture
def again(postgres: Server, workspace: str) -> Open:
    """The same state, by a connection of its own."""
    return lambda: open_store("postgres", "", workspace=workspace, dsn=postgres.dsn)


def ask(postgres: Server, workspace: str, statement: str) -> list[Any]:
    """Behind the store's back."""
    with psycopg.connect(postgres.dsn, autocommit=True) as database:
        database.execute(f"SET search_path TO engine_{workspace}")  # type: ignore[call-overload]  # a test's own text
        cursor = database.execute(statement)  # type: ignore[call-overload]  # a test's own text
        return cursor.fetchall() if cursor.description else []


async def filled(store: StateStore) -> None:
    for run in ("run-a", "run-b"):
        await store.begin(RunRecord(id=run, playbooks=("/p/site.yml",), started=1.0))
        entry = JournalEntry(host="web1", step="0", kind="done")
        await store.append(run, [record_of_file(f"/{run}", run=run)], {digest_of(run.encode()): run.encode()}, [entry])
    await store.finish("run-a", 0, 2.0)


async def test_all_of_it_is_there_by_another_connection(again: Open) -> None:
    one, other = again(), again()
    await filled(one)
    assert await one.read() == await other.read() and (await other.read()).serial == 1
    assert await other.blob(digest_of(b"run-b")) == b"run-b" and len([each async for each in other.journal("run-a")]) == 1
    await one.close()
    assert await other.finish("run-b", 0, 9.0) == 2
    await other.close()


async def test_workspaces_know_nothing_of_each_other(postgres: Server) -> None:
    stores = [open_store("postgres", "", workspace=f"t{secrets.token_hex(8)}", dsn=postgres.dsn) for _ in range(2)]
    await filled(stores[0])
    assert (await stores[1].read()).newest == {} and (await stores[0].read()).lineage != (await stores[1].read()).lineage
    async with stores[0].lock(("web1",), this_owner("run-a", 1.0)):
        assert await stores[1].locks() == []
    for store in stores:
        await store.close()


async def test_many_that_are_the_first_make_the_tables_once(again: Open) -> None:
    stores = [again() for _ in range(8)]
    lineages = [(await each).lineage for each in [asyncio.create_task(store.read()) for store in stores]]
    assert len(set(lineages)) == 1
    for store in stores:
        await store.close()


async def test_a_lost_connection_is_told_and_the_next_call_makes_another(postgres: Server, workspace: str, again: Open) -> None:
    store = again()
    await filled(store)
    ask(postgres, workspace, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'engine'")
    with pytest.raises(StateError) as caught:
        await store.append("run-b", [record_of_file("/lost", run="run-b")], {})
    assert caught.value.problem.code == "state-unwritable" and caught.value.problem.detail.startswith("PostgreSQL: ")
    await store.append("run-b", [record_of_file("/kept", run="run-b")], {})
    assert [each.address.identity async for each in store.records(run="run-b")] == ["/run-b", "/kept"]
    await store.close()


DAMAGE = [
    # what                       the statement that does it                               the question that meets it               what it is called
    ("a record that is none",    "UPDATE records SET data = '[]'",                        lambda store: store.finish("run-b", 0, 1.0), None),
    ("a record with no fields",  "UPDATE records SET data = '{\"format\": 1}'",           lambda store: store.read(),              "state-damaged"),
    ("a run that is none",       "UPDATE runs SET data = '5'",                            lambda store: store.finish("run-b", 0, 1.0), "state-damaged"),
    ("content that is none",     "UPDATE blobs SET data = '\\x00'",                       lambda store: store.blob(digest_of(b"run-a")), "state-damaged"),
    ("a lock that is none",      "INSERT INTO locks VALUES ('web1', 't', '{}')",          lambda store: store.locks(),             "state-damaged"),
    ("no table",                 "DROP TABLE records",                                    lambda store: store.read(),              "state-unwritable"),
    ("no lineage",               "DELETE FROM meta",                                      lambda store: store.read(),              "state-damaged"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "statement", "question", "code"), DAMAGE, ids=[each[0] for each in DAMAGE])
async def test_damage_is_told(
    what: str, statement: str, question: Any, code: str | None, postgres: Server, workspace: str, again: Open
) -> None:
    store = again()
    await filled(store)
    ask(postgres, workspace, statement)
    try:
        await question(store)
        assert code is None, "a record's own damage is nothing to whoever only counts it"
    except StateError as error:
        assert error.problem.code == code
    await store.close()


async def test_a_state_of_a_newer_engine_is_told(postgres: Server, workspace: str, again: Open) -> None:
    store = again()
    await filled(store)
    ask(postgres, workspace, "UPDATE meta SET value = '2' WHERE key = 'format'")
    with pytest.raises(StateError) as caught:
        await again().read()
    assert caught.value.problem.code == "state-format"
    await store.close()


async def test_a_killed_writer_leaves_whole_appends(workspace: str, postgres: Server, again: Open) -> None:
    """What append returned is there."""
    program = (
        f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'tests')!r}]\n"
        "import asyncio\nfrom making import record_of_file\nfrom engine.state.record import RunRecord\nfrom engine.state.stores import open_store\n"
        "async def go():\n"
        f"    store = open_store('postgres', '', workspace={workspace!r}, dsn=sys.stdin.readline())\n"
        "    await store.begin(RunRecord(id='run-a', playbooks=(), started=1.0))\n"
        "    for number in range(1000000):\n"
        "        await store.append('run-a', [record_of_file(f'/{number}')], {f'{number:064d}': b'x'})\n"
        "        print(number, flush=True)\n"
        "asyncio.run(go())\n"
    )
    kept = await asyncio.to_thread(last_before_a_kill, program, postgres.dsn)
    store = again()
    found = [each.address.identity async for each in store.records(run="run-a")]
    assert found[: kept + 1] == [f"/{number}" for number in range(kept + 1)] and len(found) <= kept + 2
    assert await store.blob(f"{kept:064d}") == b"x"
    await store.close()


def last_before_a_kill(program: str, dsn: str) -> int:
    """What the program, killed after some appends, has said last."""
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(dsn + "\n")
        process.stdin.flush()
        while int(process.stdout.readline()) < 30:
            pass
        process.kill()
        rest = process.communicate()[0].split()
    return int(rest[-1]) if rest else 30


async def test_hosts_of_strange_names_are_held_too(again: Open) -> None:
    store = again()
    names = ("ü ☃", "a'; DROP TABLE locks; --", "{x}", "%s")
    async with store.lock(names, this_owner("run-a", 1.0)):
        assert {each.host for each in await store.locks()} == set(names)
    with pytest.raises(StateError) as caught:
        await store.try_lock(("half \udcff of it",), this_owner("run-a", 1.0))
    assert caught.value.problem.code == "state-unwritable"
    assert await store.locks() == []
    await store.close()


async def test_a_lock_is_renewed_by_whoever_has_it(again: Open) -> None:
    store = again()
    mine: LockOwner = this_owner("run-a", 1.0)
    assert await store.try_lock(("web1",), mine) == []
    assert await store.try_lock(("web1", "web2"), replace(mine, since=5.0)) == []
    assert [(each.host, each.owner.since) for each in await store.locks()] == [("web1", 5.0), ("web2", 5.0)]
    await store.close()


# -- where it cannot be reached, and what is never shown

UNUSABLE: list[tuple[str, Callable[[Server], str]]] = [
    ("a wrong password",        lambda server: server.dsn.replace(server.password, "sentinel-secret")),
    ("a server that is away",   lambda server: server.dsn.replace(str(server.port), "1").replace(server.password, "sentinel-secret")),
    ("a database that is not",  lambda server: server.dsn.replace("dbname=postgres", "dbname=nowhere")),
    ("no DSN at all",           lambda server: "sentinel-secret"),
    ("a word that is none",     lambda server: "hots=x password=sentinel-secret"),
    ("a URI that is none",      lambda server: "postgresql://engine:sentinel-secret@[::1/state"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "dsn"), UNUSABLE, ids=[each[0] for each in UNUSABLE])
async def test_a_database_that_cannot_be_used_is_told_without_its_password(what: str, dsn: Callable[[Server], str], postgres: Server) -> None:
    store = open_store("postgres", "", dsn=dsn(postgres))
    with pytest.raises(StateError) as caught:
        await store.read()
    shown = f"{caught.value} {caught.value.problem}"
    assert caught.value.problem.code == "state-unwritable"
    assert "sentinel-secret" not in shown and postgres.password not in shown
    await store.close()


def test_without_psycopg_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "engine.state.stores.postgres", raising=False)
    with pytest.raises(UsageError) as caught:
        open_store("postgres", "", dsn="")
    assert caught.value.problem.code == "postgres-missing" and "[postgres]" in caught.value.problem.hint
    monkeypatch.undo()
    importlib.import_module("engine.state.stores.postgres")


@pytest.mark.parametrize("name", ("Big", "../up", "a b", "x" * 41, "-a", "a;b"))
def test_a_name_that_is_no_workspace(name: str, tmp_path: Path) -> None:
    for kind in ("sqlite", "json", "postgres"):
        with pytest.raises(EngineError) as caught:
            open_store(kind, str(tmp_path), workspace=name)
        assert caught.value.problem.code == "bad-workspace"


def test_a_project_whose_state_is_in_postgres(postgres: Server, workspace: str, tmp_path: Path) -> None:
    """By the program: engine.toml names the store, the environment brings the DSN, nothing shows it."""
    (tmp_path / "engine.toml").write_text(f'[state]\nstore = "postgres"\nworkspace = "{workspace}"\n')
    (tmp_path / "site.yml").write_text(f"- {{hosts: all, gather_facts: false, tasks: [copy: {{content: x, dest: {tmp_path}/out}}]}}\n")
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "ENGINE_STATE_DSN": postgres.dsn, "HOME": str(tmp_path)}
    said: list[str] = []

    def engine(*words: str) -> str:
        done = subprocess.run([sys.executable, "-m", "engine", *words], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=120)
        said.append(done.stdout + done.stderr)
        assert done.returncode == 0, done.stderr
        return done.stdout

    engine("state", "workspace", "new", workspace)
    engine("run", "site.yml", "-i", "web1,", "-c", "local", "-vvv")
    assert json.loads(engine("state", "list", "--json"))["resources"] == [f"web1/file/{tmp_path}/out"]
    assert "***" in engine("explain", "setting", "state.dsn")
    engine("rollback", "--yes", "-c", "local")
    assert not (tmp_path / "out").exists() and [each.name for each in (tmp_path / ".engine").iterdir()] == ["workspace"]
    assert not [each for each in said if postgres.password in each]
