"""What every state store promises, one test for all of them; and what the two that write files promise of the file."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from making import record_of_file

from engine.errors import StateError, UsageError
from engine.state.encode import digest_of
from engine.state.record import Notification, RunRecord, StateRecord
from engine.state.stores import open_store
from engine.state.stores.base import StateStore
from engine.state.stores.memory import MemoryStore

ON_DISK = ("json", "sqlite")
FILES = {"json": "state.json", "sqlite": "state.db"}


def run_record(name: str, **given: Any) -> RunRecord:
    return RunRecord(id=name, playbooks=("/p/site.yml",), inventory=("/p/hosts",), started=given.pop("started", 1.0), **given)


@pytest.fixture(params=ON_DISK)
def kind(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


async def everything(store: StateStore) -> dict[str, Any]:
    """All that a store tells."""
    runs = [run async for run in store.runs()]
    return {
        "runs": runs,
        "records": {run.id: [record async for record in store.records(run=run.id)] for run in runs},
        "snapshot": await store.read(),
    }


async def names_of_runs(store: StateStore) -> list[str]:
    return [run.id async for run in store.runs()]


async def test_an_empty_store(store: StateStore) -> None:
    snapshot = await store.read()
    assert (snapshot.serial, dict(snapshot.newest)) == (0, {}) and len(snapshot.lineage) == 32
    assert await names_of_runs(store) == [] and [each async for each in store.records()] == []


async def test_a_run_from_its_beginning_to_its_end(store: StateStore) -> None:
    await store.begin(run_record("run-a", options={"limit": "web", "tags": ["x"]}))
    (unfinished,) = [run async for run in store.runs()]
    assert (unfinished.serial, unfinished.finished, unfinished.exit_code) == (None, None, None)
    handlers = (Notification(name="restart", action="service", args={"name": "nginx"}),)
    given = record_of_file(handlers=handlers, become={"method": "sudo", "user": "root"}, reason="why", at=2.5)
    await store.append("run-a", [given], {})
    assert await store.finish("run-a", 0, 3.5) == 1
    (run,) = [run async for run in store.runs()]
    expected = run_record("run-a", options={"limit": "web", "tags": ["x"]}, serial=1, exit_code=0, finished=3.5, changed=1)
    assert run == expected
    (kept,) = [record async for record in store.records(run="run-a")]
    assert replace(kept, number=0) == given


async def test_whether_secrets_were_left_out_is_known(store: StateStore) -> None:
    await store.begin(run_record("run-a"))
    await store.append("run-a", [record_of_file()], {})
    before = await store.any_withheld()
    left_out = store.hidden("secret")
    await store.append("run-a", [record_of_file("/etc/other", after={"type": "file", "content": left_out})], {})
    assert await store.any_withheld() and before in (False, isinstance(store, MemoryStore)), "memory knows it by reading"


async def test_side_by_side_runs_get_serials_of_their_own(store: StateStore) -> None:
    """Two runs over disjoint hosts finish in either order; both are kept."""
    for run, host in (("run-a", "web1"), ("run-b", "web2")):
        await store.begin(run_record(run))
        await store.append(run, [record_of_file(host=host, run=run)], {})
    assert await store.finish("run-b", 0, 2.0) + 1 == await store.finish("run-a", 0, 3.0)
    assert {address.host for address in (await store.read()).newest} == {"web1", "web2"}


async def test_numbers_follow_the_order_of_appending_over_all_runs(store: StateStore) -> None:
    for run in ("run-a", "run-b"):
        await store.begin(run_record(run))
    for run, path in (("run-a", "/1"), ("run-b", "/2"), ("run-a", "/3")):
        await store.append(run, [record_of_file(path, run=run), record_of_file(path + "x", run=run)], {})
    numbers = {run: [record.number async for record in store.records(run=run)] for run in ("run-a", "run-b")}
    assert numbers["run-a"] == sorted(numbers["run-a"]) and not set(numbers["run-a"]) & set(numbers["run-b"])
    assert numbers["run-a"][1] < numbers["run-b"][0] < numbers["run-a"][2]


async def test_appends_at_the_same_time_are_all_kept(store: StateStore) -> None:
    await store.begin(run_record("run-a"))
    await asyncio.gather(*(store.append("run-a", [record_of_file(f"/{number}")], {}) for number in range(200)))
    assert {record.address.identity async for record in store.records(run="run-a")} == {f"/{number}" for number in range(200)}


async def test_the_newest_record_of_a_thing_counts_and_those_of_no_thing_do_not(store: StateStore) -> None:
    await store.begin(run_record("run-a"))
    command = record_of_file("make it so", kind="command", reversible=False)
    await store.append("run-a", [record_of_file(after={"v": 1}), command, record_of_file(after={"v": 2})], {})
    snapshot = await store.read()
    assert [(str(address), record.after) for address, record in snapshot.newest.items()] == [("web1/file//etc/motd", {"v": 2})]
    assert len([each async for each in store.records(run="run-a")]) == 3


async def test_the_state_as_it_was_at_a_serial(store: StateStore) -> None:
    for number, run in enumerate(("run-a", "run-b", "run-c"), 1):
        await store.begin(run_record(run, started=float(number)))
        await store.append(run, [record_of_file(run=run, after={"v": number})], {})
        if run != "run-c":
            assert await store.finish(run, 0, 9.0) == number
    seen = {}
    for serial in (0, 1, 2, None):
        snapshot = await store.read(serial)
        seen[serial] = (snapshot.serial, [record.after["v"] for record in snapshot.newest.values()])
    assert seen == {0: (0, []), 1: (1, [1]), 2: (2, [2]), None: (2, [3])}
    assert [record.after["v"] async for record in store.records(after=1)] == [2]
    assert [record.after["v"] async for record in store.records()] == [1, 2]


async def test_runs_are_told_newest_first(store: StateStore) -> None:
    for name, started in (("run-b", 2.0), ("run-c", 3.0), ("run-a", 1.0)):
        await store.begin(run_record(name, started=started))
    assert await names_of_runs(store) == ["run-c", "run-b", "run-a"]


async def test_an_unfinished_run_says_what_it_changed(store: StateStore) -> None:
    """It may have been killed: a rollback must find it."""
    await store.begin(run_record("run-a"))
    await store.append("run-a", [record_of_file("/1"), record_of_file("/2")], {})
    (run,) = [run async for run in store.runs()]
    assert (run.changed, run.finished) == (2, None)


ROLLBACKS = [(0, "run-b"), (2, None), (99, None)]


@pytest.mark.parametrize(("exit_code", "mark"), ROLLBACKS)
async def test_a_rollback_that_went_well_marks_the_run_it_undid(store: StateStore, exit_code: int, mark: str | None) -> None:
    await store.begin(run_record("run-a"))
    await store.finish("run-a", 0, 2.0)
    await store.begin(run_record("run-b", rolls_back="run-a", started=3.0))
    await store.finish("run-b", exit_code, 4.0)
    runs = {run.id: run async for run in store.runs()}
    assert (runs["run-a"].rolled_back_by, runs["run-b"].rolls_back) == (mark, "run-a")


CONTENTS = [b"", b"plain", b"\x00\xff\xfe" * 1000, "ü".encode("latin-1"), b"x" * 2_000_000]


async def test_contents(store: StateStore) -> None:
    await store.begin(run_record("run-a"))
    await store.append("run-a", [record_of_file()], {digest_of(each): each for each in CONTENTS})
    await store.append("run-a", [record_of_file()], {digest_of(CONTENTS[1]): CONTENTS[1]})
    assert [await store.blob(digest_of(each)) for each in CONTENTS] == CONTENTS


async def test_content_that_is_not_kept_is_told(store: StateStore) -> None:
    with pytest.raises(StateError) as caught:
        await store.blob("0" * 64)
    assert caught.value.problem.code == "blob-missing"


STRANGE: list[Any] = ["ü ☃", "half \udcff of it", "line\nbreak\x00", {"$blob": "mine"}, {"$dict": {"a": 1}}, [], {}, 1e300, True, None]


@pytest.mark.parametrize("value", STRANGE, ids=repr)
async def test_strange_values_come_back_as_they_were_handed_over(store: StateStore, value: Any) -> None:
    await store.begin(run_record("run-a"))
    await store.append("run-a", [record_of_file(before={"v": value}, after=[value])], {})
    (kept,) = [record async for record in store.records(run="run-a")]
    assert (kept.before, kept.after) == ({"v": value}, [value])


UNKNOWN: list[tuple[str, Callable[[StateStore], Any]]] = [
    ("append", lambda store: store.append("nobody", [record_of_file(run="nobody")], {})),
    ("finish", lambda store: store.finish("nobody", 0, 1.0)),
]


@pytest.mark.parametrize(("what", "call"), UNKNOWN, ids=[each[0] for each in UNKNOWN])
async def test_a_run_that_never_began(store: StateStore, what: str, call: Callable[[StateStore], Any]) -> None:
    with pytest.raises(StateError) as caught:
        await call(store)
    assert caught.value.problem.code == "run-missing"


async def test_a_record_that_cannot_be_written_is_told_to_whoever_hands_it_over(tmp_path: Path) -> None:
    """It is a bug of the caller; but a caller that waits for ever cannot even say so."""
    for kind in ON_DISK:
        store = open_store(kind, str(tmp_path / kind))
        await store.begin(run_record("run-a"))
        async with asyncio.timeout(10):
            with pytest.raises(TypeError):
                await store.append("run-a", [record_of_file(args={"bad": object()})], {})
        await store.close()


async def test_a_rollback_of_a_run_that_is_not_here_is_finished_all_the_same(store: StateStore) -> None:
    await store.begin(run_record("run-b", rolls_back="elsewhere"))
    assert await store.finish("run-b", 0, 1.0) == 1


def test_a_store_of_unknown_kind_is_a_mistake_of_the_user() -> None:
    with pytest.raises(UsageError) as caught:
        open_store("etcd", "/x")
    assert caught.value.problem.code == "unknown-store"


# -- on disk


async def filled(kind: str, folder: Path) -> dict[str, Any]:
    store = open_store(kind, str(folder))
    for run in ("run-a", "run-b"):
        await store.begin(run_record(run))
        await store.append(run, [record_of_file(f"/{run}", run=run)], {digest_of(run.encode()): run.encode()})
    await store.finish("run-a", 0, 2.0)
    told = await everything(store)
    await store.close()
    return told


async def test_all_of_it_is_there_after_opening_it_again(kind: str, tmp_path: Path) -> None:
    told = await filled(kind, tmp_path / "s")
    again = open_store(kind, str(tmp_path / "s"))
    assert await everything(again) == told
    assert await again.blob(digest_of(b"run-b")) == b"run-b"
    assert await again.finish("run-b", 0, 9.0) == 2
    await again.close()


async def test_only_its_owner_may_read_it(kind: str, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        await filled(kind, tmp_path / "s")
    finally:
        os.umask(before)
    for path in (tmp_path / "s", *(tmp_path / "s").iterdir()):
        assert path.stat().st_mode & 0o077 == 0, path


BROKEN = [
    # what                        of which store   the file's content
    ("empty",                     "json",          b""),
    ("no JSON",                   "json",          b"{nonsense"),
    ("no text",                   "json",          b"\xff\xfe\x00"),
    ("a list",                    "json",          b"[]"),
    ("without runs",              "json",          b'{"format": 1, "lineage": "x", "records": [], "blobs": {}}'),
    ("a run that is none",        "json",          b'{"format": 1, "lineage": "x", "runs": [5], "records": [], "blobs": {}}'),
    ("a run of strange words",    "json",          b'{"format": 1, "lineage": "x", "runs": [{"format": 1}], "records": [], "blobs": {}}'),
    ("contents that are none",    "json",          b'{"format": 1, "lineage": "x", "runs": [], "records": [], "blobs": {"a": "%"}}'),
    ("contents in a list",        "json",          b'{"format": 1, "lineage": "x", "runs": [], "records": [], "blobs": []}'),
    ("of a newer engine",         "json",          b'{"format": 2}'),
    ("no database",               "sqlite",        b"this is no database at all, and it is long enough to be seen as none" * 40),
    ("cut off",                   "sqlite",        b"SQLite format 3\x00" + b"\x10\x00\x01\x01\x00" + b"\x00" * 20),
]  # fmt: skip


@pytest.mark.parametrize(("what", "store_kind", "content"), BROKEN, ids=[f"{each[1]}: {each[0]}" for each in BROKEN])
async def test_a_damaged_file_is_told_and_left_as_it_is(tmp_path: Path, what: str, store_kind: str, content: bytes) -> None:
    path = tmp_path / "s" / FILES[store_kind]
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(StateError) as caught:
        await open_store(store_kind, str(path.parent)).read()
    assert str(path) in caught.value.problem.detail
    assert path.read_bytes() == content


DAMAGE = [
    # what                       the statement that does it                               the question that meets it
    ("a record that is none",    "UPDATE records SET data = '[]'",                        lambda store: store.read()),
    ("a record with no fields",  "UPDATE records SET data = '{\"format\": 1}'",           lambda store: store.read()),
    ("a run that is none",       "UPDATE runs SET data = '5'",                            lambda store: names_of_runs(store)),
    ("content that is none",     "UPDATE blobs SET data = x'00'",                         lambda store: store.blob(digest_of(b"run-a"))),
    ("no table",                 "DROP TABLE records",                                    lambda store: store.finish("run-b", 0, 1.0)),
    ("no lineage",               "DELETE FROM meta",                                      None),
]  # fmt: skip


@pytest.mark.parametrize(("what", "statement", "question"), DAMAGE, ids=[each[0] for each in DAMAGE])
async def test_damage_inside_a_database_is_told(tmp_path: Path, what: str, statement: str, question: Any) -> None:
    await filled("sqlite", tmp_path / "s")
    store = open_store("sqlite", str(tmp_path / "s"))
    await store.read()
    with sqlite3.connect(tmp_path / "s" / "state.db") as database:
        database.execute(statement)
    database.close()
    with pytest.raises(StateError):
        await (question or (lambda store: store.read()))(store)
    await store.close()


async def test_a_database_of_a_newer_engine_is_told(tmp_path: Path) -> None:
    await filled("sqlite", tmp_path / "s")
    with sqlite3.connect(tmp_path / "s" / "state.db") as database:
        database.execute("UPDATE meta SET value = '2' WHERE key = 'format'")
    database.close()
    with pytest.raises(StateError) as caught:
        await open_store("sqlite", str(tmp_path / "s")).read()
    assert caught.value.problem.code == "state-format"


async def test_a_folder_that_cannot_be_made_is_told(kind: str, tmp_path: Path) -> None:
    (tmp_path / "s").write_text("a file stands here")
    with pytest.raises(StateError) as caught:
        await open_store(kind, str(tmp_path / "s")).begin(run_record("run-a"))
    assert caught.value.problem.code == "state-unwritable"


async def test_a_full_disk_leaves_the_json_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await filled("json", tmp_path / "s")
    before = (tmp_path / "s" / "state.json").read_bytes()
    store = open_store("json", str(tmp_path / "s"))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StateError) as caught:
        await store.append("run-b", [record_of_file(run="run-b")], {})
    assert caught.value.problem.code == "state-unwritable" and "No space left" in caught.value.problem.detail
    assert (tmp_path / "s" / "state.json").read_bytes() == before
    assert sorted(each.name for each in (tmp_path / "s").iterdir()) == ["state.json", "state.json.backup", "state.json.lock"]
    monkeypatch.undo()
    assert [record async for record in store.records(run="run-b")] == [record async for record in again(tmp_path).records(run="run-b")]


def again(tmp_path: Path) -> StateStore:
    """The same file, with new eyes."""
    return open_store("json", str(tmp_path / "s"))


async def test_a_full_disk_is_told_by_sqlite_and_what_was_kept_stays(tmp_path: Path) -> None:
    """A page limit is SQLite's own way to be full."""
    await filled("sqlite", tmp_path / "s")
    store = open_store("sqlite", str(tmp_path / "s"))
    told = await everything(store)
    database = store._database  # type: ignore[attr-defined]
    database.execute(f"PRAGMA max_page_count = {database.execute('PRAGMA page_count').fetchone()[0]}")
    data = os.urandom(500_000)
    with pytest.raises(StateError) as caught:
        await store.append("run-b", [record_of_file(run="run-b")], {digest_of(data): data})
    assert "full" in caught.value.problem.detail
    assert await everything(store) == told
    await store.close()


async def test_the_state_of_before_the_last_run_is_kept_beside_the_json_file(tmp_path: Path) -> None:
    await filled("json", tmp_path / "s")
    before = (tmp_path / "s" / "state.json").read_bytes()
    store = open_store("json", str(tmp_path / "s"))
    await store.begin(run_record("run-c", started=3.0))
    for number in range(3):
        await store.append("run-c", [record_of_file(f"/{number}", run="run-c")], {})
    await store.finish("run-c", 0, 4.0)
    assert (tmp_path / "s" / "state.json.backup").read_bytes() == before
    os.replace(tmp_path / "s" / "state.json.backup", tmp_path / "s" / "state.json")
    assert await names_of_runs(store) == await names_of_runs(again(tmp_path)) == ["run-b", "run-a"], "put back, it is the state again"


async def test_a_backup_that_cannot_be_written_stops_the_run_before_it_begins(tmp_path: Path) -> None:
    await filled("json", tmp_path / "s")
    (tmp_path / "s" / "state.json.backup").unlink()
    (tmp_path / "s" / "state.json.backup").mkdir()
    before = (tmp_path / "s" / "state.json").read_bytes()
    with pytest.raises(StateError) as caught:
        await again(tmp_path).begin(run_record("run-c"))
    assert caught.value.problem.code == "state-unwritable" and (tmp_path / "s" / "state.json").read_bytes() == before


# -- other processes

WRITER = """
import asyncio, sys
sys.path[:0] = {paths!r}
from making import record_of_file
from engine.state.stores import open_store
from engine.state.record import RunRecord

async def go(folder, name, count, finish):
    store = open_store("sqlite", folder)
    await store.begin(RunRecord(id=name, playbooks=(), started=1.0))
    for number in range(count):
        await store.append(name, [record_of_file(f"/{{number}}", run=name)], {{f"{{number:064d}}": str(number).encode()}})
        print(number, flush=True)
    if finish:
        print("serial", await store.finish(name, 0, 2.0), flush=True)
    await store.close()

asyncio.run(go(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4] == "finish"))
"""


def writer(folder: Path, name: str, count: int, ending: str) -> subprocess.Popen[str]:
    root = Path(__file__).parents[2]
    program = WRITER.format(paths=[str(root), str(root / "tests")])
    return subprocess.Popen([sys.executable, "-c", program, str(folder), name, str(count), ending], stdout=subprocess.PIPE, text=True)


async def test_two_processes_write_one_database_and_nothing_is_lost(tmp_path: Path) -> None:
    both = [writer(tmp_path / "s", name, 100, "finish") for name in ("run-a", "run-b")]
    said = [each.communicate(timeout=60)[0].split() for each in both]
    assert [each.returncode for each in both] == [0, 0]
    assert {words[-1] for words in said} == {"1", "2"}
    store = open_store("sqlite", str(tmp_path / "s"))
    for name in ("run-a", "run-b"):
        assert [record.address.identity async for record in store.records(run=name)] == [f"/{number}" for number in range(100)]
    assert {run.changed async for run in store.runs()} == {100}
    await store.close()


async def test_what_append_returned_is_there_after_a_kill(tmp_path: Path) -> None:
    process = writer(tmp_path / "s", "run-a", 1_000_000, "never")
    assert process.stdout is not None
    kept = -1
    while kept < 50:
        kept = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    rest = process.communicate()[0].split()
    kept = int(rest[-1]) if rest else kept
    store = open_store("sqlite", str(tmp_path / "s"))
    found = [record async for record in store.records(run="run-a")]
    assert [record.address.identity for record in found[: kept + 1]] == [f"/{number}" for number in range(kept + 1)]
    assert await store.blob(f"{kept:064d}") == str(kept).encode()
    (run,) = [run async for run in store.runs()]
    assert run.finished is None and run.changed == len(found)
    await store.close()


# -- format v1, as it was written once: what old engines have kept is read for ever

GOLDEN = Path(__file__).parent / "state-v1.json"


async def test_format_one_is_read(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_bytes(GOLDEN.read_bytes())
    store = open_store("json", str(tmp_path))
    told = await everything(store)
    assert [run.id for run in told["runs"]] == ["20261121T101504-b00000", "20261121T101503-a00000"]
    assert told["runs"][1] == RunRecord(
        id="20261121T101503-a00000", playbooks=("/p/site.yml",), inventory=("/p/hosts", "web1,"), started=1795256103.5,
        finished=1795256104.0, serial=1, exit_code=0, changed=2, rolled_back_by="20261121T101504-b00000",
        options={"limit": "web", "tags": ["a"]},
    )  # fmt: skip
    first: StateRecord = told["records"]["20261121T101503-a00000"][0]
    assert first.before == {"content": {"$blob": digest_of(b"old\n")}, "mode": 0o644, "type": "file"}
    assert first.handlers == (Notification(name="restart", action="service", args={"name": "nginx"}),)
    assert await store.blob(digest_of(b"old\n")) == b"old\n"
    second: StateRecord = told["records"]["20261121T101503-a00000"][1]
    assert second.after == {"odd": {"$dict": {"$blob": "mine"}}, "secret": {"$withheld": digest_of(b"s3cret")}}


async def test_and_written_as_it_was(tmp_path: Path) -> None:
    """A changed spelling of the file is a new format, with a number of its own."""
    (tmp_path / "state.json").write_bytes(GOLDEN.read_bytes())
    store = open_store("json", str(tmp_path))
    await store.begin(run_record("x"))
    store._runs.pop("x")  # type: ignore[attr-defined]
    store._save()  # type: ignore[attr-defined]
    assert json.loads((tmp_path / "state.json").read_text()) == json.loads(GOLDEN.read_text())
