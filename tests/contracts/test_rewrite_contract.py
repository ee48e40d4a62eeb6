"""The state as a whole, for every store: taken out, put in place of another, freed of what it can do without."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from making import record_of_file

from engine.errors import StateError
from engine.state.document import StateDocument, document_of, document_text
from engine.state.encode import digest_of
from engine.state.moving import collected, pushed, whole
from engine.state.process import this_owner
from engine.state.record import JournalEntry, RunRecord
from engine.state.stores import open_store
from engine.state.stores.base import StateStore

GOLDEN = (Path(__file__).parent / "state-v1.json").read_text()


def content(data: bytes, **more: Any) -> dict[str, Any]:
    return {"type": "file", "content": {"$blob": digest_of(data)}, "mode": 0o644, **more}


async def told(store: StateStore) -> Any:
    """All that a store tells by its other doors."""
    runs = sorted([run async for run in store.runs()], key=lambda run: run.id)
    return [
        runs,
        [[each async for each in store.records(run=run.id)] for run in runs],
        [[each async for each in store.journal(run.id)] for run in runs],
        await store.read(),
    ]


async def run(store: StateStore, name: str, *records: Any, blobs: tuple[bytes, ...] = (), finished: bool = True, started: float = 1.0) -> None:
    await store.begin(RunRecord(id=name, playbooks=("/p/site.yml",), started=started))
    entry = JournalEntry(host="web1", step="0", kind="done", data={"of": name})
    await store.append(name, list(records), {digest_of(each): each for each in blobs}, [entry])
    if finished:
        await store.finish(name, 0, started + 1)


async def filled(store: StateStore) -> None:
    """One file, three times: made, edited, edited. Its mode by another module. A command. One run at work."""
    motd = "/etc/motd"
    await run(store, "run-1", record_of_file(motd, run="run-1", before=None, after=content(b"1")),
              record_of_file("make it so", run="run-1", kind="command"), blobs=(b"1",), started=1.0)  # fmt: skip
    mode = {"module": "engine.modules.builtin.file"}
    await run(store, "run-2", record_of_file(motd, run="run-2", before=content(b"1"), after=content(b"2")),
              record_of_file(motd, run="run-2", before={"mode": 0o644}, after={"mode": 0o600}, **mode), blobs=(b"1", b"2"), started=3.0)  # fmt: skip
    await run(store, "run-3", record_of_file(motd, run="run-3", before=content(b"2"), after=content(b"3")), blobs=(b"2", b"3"), started=5.0)
    await run(store, "run-4", record_of_file(motd, run="run-4", before=content(b"3"), after=content(b"4")), blobs=(b"3", b"4"), started=7.0)
    await run(store, "run-5", record_of_file("/x", run="run-5", before=None, after=content(b"5")), blobs=(b"5",), started=9.0, finished=False)


async def test_the_whole_is_what_the_other_doors_tell(store: StateStore) -> None:
    await filled(store)
    found = await whole(store)
    runs, records, _, snapshot = await told(store)
    assert (found.lineage, found.serial) == (snapshot.lineage, 4)
    assert [each.id for each in found.runs] == [each.id for each in runs]
    assert list(found.records) == sorted([each for some in records for each in some], key=lambda record: record.number)
    assert set(found.blobs) == {digest_of(str(number).encode()) for number in range(1, 6)} and len(found.journal) == 5


async def test_what_was_pulled_is_the_same_in_another_store(store: StateStore, tmp_path: Path) -> None:
    await filled(store)
    text = document_text(await whole(store))
    other = open_store("sqlite", str(tmp_path / "other"))
    await pushed(other, text, str(tmp_path / "backup"), 1.0)
    assert not (tmp_path / "backup").exists(), "there was nothing to back up"
    assert document_text(await whole(other)) == text
    assert await other.blob(digest_of(b"4")) == b"4"
    await run(other, "run-6", record_of_file("/y", run="run-6"))
    numbers = [each.number for each in (await whole(other)).records]
    assert numbers == sorted(set(numbers)), "those that come later are later"
    await other.close()


async def test_a_state_of_before_takes_the_place_of_one_that_went_on(store: StateStore, tmp_path: Path) -> None:
    await filled(store)
    before, known = document_text(await whole(store)), await told(store)
    await store.finish("run-5", 2, 11.0)
    await run(store, "run-0", record_of_file("/y", run="run-0"), blobs=(b"y",))
    after = document_text(await whole(store))
    with pytest.raises(StateError) as caught:
        await pushed(store, before, str(tmp_path / "backup"), 1.0)
    assert caught.value.problem.code == "state-older" and document_text(await whole(store)) == after
    await pushed(store, before, str(tmp_path / "backup"), 1.0, force=True)
    again = await told(store)
    assert [[each.id for each in again[0]], again[3].serial] == [[each.id for each in known[0]], 4]
    assert document_text(await whole(store)) == before
    assert (tmp_path / "backup").read_text() == after and (tmp_path / "backup").stat().st_mode & 0o077 == 0
    with pytest.raises(StateError):
        await store.blob(digest_of(b"y"))
    assert await store.finish("run-5", 0, 12.0) == 5
    await pushed(store, after, str(tmp_path / "backup"), 1.0)
    assert document_text(await whole(store)) == after, "and back, where serials have changed places"


async def test_the_state_of_another_project_is_refused(store: StateStore, tmp_path: Path) -> None:
    await filled(store)
    before = document_text(await whole(store))
    with pytest.raises(StateError) as caught:
        await pushed(store, GOLDEN, str(tmp_path / "backup"), 1.0)
    assert caught.value.problem.code == "lineage-differs"
    assert document_text(await whole(store)) == before and not (tmp_path / "backup").exists()
    await pushed(store, GOLDEN, str(tmp_path / "backup"), 1.0, force=True)
    assert json.loads(document_text(await whole(store))) == json.loads(GOLDEN)


async def test_nothing_is_put_in_place_of_a_state_that_somebody_is_at_work_on(store: StateStore, tmp_path: Path) -> None:
    async with store.lock(("web1",), this_owner("run-a", 1.0)):
        with pytest.raises(StateError) as caught:
            await pushed(store, GOLDEN, str(tmp_path / "backup"), 1.0)
        assert caught.value.problem.code == "state-locked"
        await pushed(store, GOLDEN, str(tmp_path / "backup"), 1.0, force=True)
        assert len(await store.locks()) == 1, "locks are no part of the state"


def spoilt(**changes: Any) -> str:
    return json.dumps({**json.loads(GOLDEN), **changes})


SPOILT = [
    ("no JSON",                     "{",                                                               "state-damaged"),
    ("no state",                    "[]",                                                              "state-damaged"),
    ("of a newer engine",           spoilt(format=2),                                                  "state-format"),
    ("records of no run",           spoilt(runs=[]),                                                   "state-damaged"),
    ("entries of no run",           spoilt(journal=[{"run": "x", "format": 1, "host": "a", "step": "", "kind": "k", "data": {}}]), "state-damaged"),
    ("another content",             spoilt(blobs={"0" * 64: "eA=="}),                                  "state-damaged"),
    ("content that is none",        spoilt(blobs={"0" * 64: "%"}),                                     "state-damaged"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "text", "code"), SPOILT, ids=[each[0] for each in SPOILT])
async def test_a_document_that_is_not_whole_is_refused(what: str, text: str, code: str, store: StateStore, tmp_path: Path) -> None:
    await filled(store)
    before = document_text(await whole(store))
    with pytest.raises(StateError) as caught:
        await pushed(store, text, str(tmp_path / "backup"), 1.0, force=True)
    assert caught.value.problem.code == code and document_text(await whole(store)) == before


async def test_a_change_that_fails_leaves_all_as_it_was(store: StateStore) -> None:
    await filled(store)
    before = await told(store)

    def fail(document: StateDocument) -> StateDocument:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.rewrite(fail)
    assert await told(store) == before
    await run(store, "run-9", record_of_file("/y", run="run-9"))


async def test_a_backup_that_cannot_be_written_leaves_all_as_it_was(store: StateStore, tmp_path: Path) -> None:
    await filled(store)
    before = document_text(await whole(store))
    with pytest.raises(StateError) as caught:
        await pushed(store, before, "/proc/nowhere/backup", 1.0)
    assert caught.value.problem.code == "state-unwritable" and document_text(await whole(store)) == before


# -- gc


async def test_what_the_present_is_known_from_stays(store: StateStore) -> None:
    await filled(store)
    known = await store.read()
    dry = await collected(store, 1, dry_run=True)
    assert len((await whole(store)).records) == 7
    found = await collected(store, 1, dry_run=False)
    assert found == dry and (found.records, found.runs, found.entries, found.contents) == (3, 3, 3, 1)
    assert await store.read() == known
    left = [(each.run, each.address.kind, each.mark) for each in (await whole(store)).records]
    assert left == [
        ("run-1", "file", ""),            # where it came from: what created it
        ("run-1", "command", "dropped"),
        ("run-2", "command", "dropped"),
        ("run-2", "file", ""),            # the newest that tells of its mode
        ("run-3", "command", "dropped"),
        ("run-4", "file", ""),            # its newest
        ("run-5", "file", ""),            # of a run that is at work
    ]  # fmt: skip
    assert [each.id async for each in store.runs()] == ["run-5", "run-4", "run-3", "run-2", "run-1"], "every run is still listed"
    (instead,) = [each async for each in store.records(run="run-3")]
    assert not instead.reversible and "dropped" in instead.address.identity and instead.address.host == "web1"
    assert await collected(store, 1, dry_run=False) == type(found)(), "there is nothing more to drop"


async def test_contents_that_nobody_refers_to_go(store: StateStore) -> None:
    await filled(store)
    await run(store, "run-6", record_of_file("/etc/motd", run="run-6", before=content(b"4"), after=content(b"6" * 100)), blobs=(b"6" * 100,))
    await collected(store, 1, dry_run=False)
    assert set((await whole(store)).blobs) == {digest_of(each) for each in (b"1", b"4", b"5", b"6" * 100)}
    with pytest.raises(StateError) as caught:
        await store.blob(digest_of(b"3"))
    assert caught.value.problem.code == "blob-missing"
    (entry,) = [each async for each in store.journal("run-6")]
    assert entry.data == {"of": "run-6"} and [each async for each in store.journal("run-1")] == []


async def test_all_is_kept_of_the_newest_runs(store: StateStore) -> None:
    await filled(store)
    before = document_text(await whole(store))
    found = await collected(store, 4, dry_run=False)
    assert (found.records, found.entries, found.contents, found.size) == (0, 0, 0, 0) and document_text(await whole(store)) == before
    assert (await collected(store, 0, dry_run=True)).records == 3


async def test_an_sqlite_file_is_smaller_afterwards(tmp_path: Path) -> None:
    store = open_store("sqlite", str(tmp_path))
    large = [os.urandom(300_000) for _ in range(4)]
    for number, data in enumerate(large):
        name = f"run-{number}"
        await run(store, name, record_of_file("/x", run=name, before=content(b""), after=content(data)), blobs=(data, b""), started=number)
    await collected(store, 1, dry_run=False)
    await store.close()
    assert (tmp_path / "state.db").stat().st_size < 800_000


def test_a_document_is_read_and_written_as_it_was() -> None:
    assert json.loads(document_text(document_of(GOLDEN))) == json.loads(GOLDEN)
