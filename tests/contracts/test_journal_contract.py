"""The journal, for every store: what a run notes for going on after a crash comes back whole, in order, or not at all."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from making import record_of_file

from engine.errors import StateError
from engine.state.encode import digest_of, with_blobs
from engine.state.record import JournalEntry, RunRecord
from engine.state.stores import open_store
from engine.state.stores.base import StateStore

GOLDEN = Path(__file__).parent / "state-v1.json"


@pytest.fixture
async def store(store: StateStore) -> StateStore:
    """With two runs that have begun."""
    for run in ("run-a", "run-b"):
        await store.begin(RunRecord(id=run, playbooks=("/p/site.yml",), started=1.0))
    return store


def entry(kind: str = "register", **given: Any) -> JournalEntry:
    return JournalEntry(host=given.pop("host", "web1"), step=given.pop("step", "0.1.0"), kind=kind, **given)


async def noted(store: StateStore, run: str = "run-a") -> list[JournalEntry]:
    return [each async for each in store.journal(run)]


async def test_a_run_that_noted_nothing(store: StateStore) -> None:
    assert await noted(store) == [] and await noted(store, "nobody") == []


async def test_entries_come_back_oldest_first_and_of_their_run_alone(store: StateStore) -> None:
    await store.append("run-a", [], {}, [entry("started"), entry("register", data={"name": "found", "value": {"rc": 0}})])
    await store.append("run-b", [], {}, [entry("started", host="web2")])
    await store.append("run-a", [], {}, [entry("notify", step="0.1.1", data={"handlers": ["restart"]})])
    kept = await noted(store)
    assert [replace(each, number=0) for each in kept] == [
        entry("started"),
        entry("register", data={"name": "found", "value": {"rc": 0}}),
        entry("notify", step="0.1.1", data={"handlers": ["restart"]}),
    ]
    (other,) = await noted(store, "run-b")
    assert kept[0].number < kept[1].number < other.number < kept[2].number


async def test_entries_are_no_changes(store: StateStore) -> None:
    """Records count as what a run changed; what it noted does not, and makes no resource."""
    await store.append("run-a", [record_of_file()], {}, [entry(), entry()])
    await store.finish("run-a", 0, 2.0)
    (run,) = [run async for run in store.runs() if run.id == "run-a"]
    assert run.changed == 1 and len((await store.read()).newest) == 1
    assert len(await noted(store)) == 2


async def test_many_hosts_note_at_the_same_time(store: StateStore) -> None:
    async def host(name: str) -> None:
        for number in range(20):
            await store.append("run-a", [record_of_file(host=name)], {}, [entry(host=name, data={"at": number})])

    await asyncio.gather(*(host(f"web{number}") for number in range(8)))
    kept = await noted(store)
    for number in range(8):
        assert [each.data["at"] for each in kept if each.host == f"web{number}"] == list(range(20))
    assert len({each.number for each in kept}) == 160


async def test_contents_of_entries_are_kept_beside_them(store: StateStore) -> None:
    blobs: dict[str, bytes] = {}
    data = with_blobs({"content": b"\x00\xff"}, lambda found: blobs.update({digest_of(found): found}))
    await store.append("run-a", [], blobs, [entry(data=data)])
    (kept,) = await noted(store)
    assert await store.blob(kept.data["content"]["$blob"]) == b"\x00\xff"


STRANGE: list[Any] = ["ü ☃", "half \udcff of it", "line\nbreak\x00", {"$dict": {"$blob": "mine"}}, [], {}, 1e300, True, None]


@pytest.mark.parametrize("value", STRANGE, ids=repr)
async def test_strange_values(store: StateStore, value: Any) -> None:
    await store.append("run-a", [], {}, [entry(data={"v": value})])
    (kept,) = await noted(store)
    assert kept.data == {"v": value}


async def test_a_run_that_never_began(store: StateStore) -> None:
    with pytest.raises(StateError) as caught:
        await store.append("nobody", [], {}, [entry()])
    assert caught.value.problem.code == "run-missing"


@pytest.mark.parametrize("kind", ("json", "sqlite"))
async def test_it_is_there_after_opening_the_state_again(kind: str, tmp_path: Path) -> None:
    store = open_store(kind, str(tmp_path))
    await store.begin(RunRecord(id="run-a", playbooks=(), options={"forks": 5, "argv": ["-i", "hosts"], "vars": {"a": None}}))
    await store.append("run-a", [record_of_file()], {}, [entry(data={"n": 1}), entry(data={"n": 2})])
    told = await noted(store)
    await store.close()
    again = open_store(kind, str(tmp_path))
    assert await noted(again) == told and len(told) == 2
    (run,) = [run async for run in again.runs()]
    assert run.options == {"forks": 5, "argv": ["-i", "hosts"], "vars": {"a": None}}
    await again.close()


async def test_records_and_entries_of_one_append_are_kept_together_or_not_at_all(tmp_path: Path) -> None:
    store = open_store("sqlite", str(tmp_path))
    await store.begin(RunRecord(id="run-a", playbooks=()))
    with pytest.raises(TypeError):
        await store.append("run-a", [record_of_file()], {}, [entry(data={"bad": object()})])
    assert [each async for each in store.records(run="run-a")] == [] and await noted(store) == []
    await store.close()


async def test_a_state_of_before_the_journal_is_opened_and_gets_one(tmp_path: Path) -> None:
    store = open_store("sqlite", str(tmp_path))
    await store.begin(RunRecord(id="run-a", playbooks=()))
    await store.close()
    with sqlite3.connect(tmp_path / "state.db") as database:
        database.execute("DROP TABLE journal")
    database.close()
    store = open_store("sqlite", str(tmp_path))
    assert await noted(store) == []
    await store.append("run-a", [], {}, [entry()])
    assert len(await noted(store)) == 1
    await store.close()


async def test_format_one_in_json_gets_a_journal_only_when_something_is_noted(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_bytes(GOLDEN.read_bytes())
    store = open_store("json", str(tmp_path))
    run = "20261121T101503-a00000"
    assert await noted(store, run) == []
    await store.append(run, [], {}, [entry()])
    written = json.loads((tmp_path / "state.json").read_text())
    assert written.pop("journal") == [{"run": run, "format": 1, "host": "web1", "step": "0.1.0", "kind": "register", "data": {}}]
    assert written == json.loads(GOLDEN.read_text())


DAMAGED = ["{}", "[]", '{"format": 1, "kind": "x"}', '{"format": 1, "kind": "x", "host": "a", "step": "1", "odd": 1}']


@pytest.mark.parametrize("text", DAMAGED)
async def test_a_damaged_entry_is_told(tmp_path: Path, text: str) -> None:
    store = open_store("sqlite", str(tmp_path))
    await store.begin(RunRecord(id="run-a", playbooks=()))
    with sqlite3.connect(tmp_path / "state.db") as database:
        database.execute("INSERT INTO journal (run, data) VALUES ('run-a', ?)", (text,))
    database.close()
    with pytest.raises(StateError) as caught:
        await noted(store)
    assert caught.value.problem.code == "state-damaged"
    await store.close()


async def test_the_journal_of_one_run_is_forgotten_alone(store: StateStore) -> None:
    for name in ("run-a", "run-b"):
        await store.append(name, [], {}, [JournalEntry(host="web1", step="0", kind="task")])
    await store.forget("run-a")
    assert [each async for each in store.journal("run-a")] == []
    assert len([each async for each in store.journal("run-b")]) == 1
