"""Locks, for every store: all hosts or none, seen by others, given back, and a dead owner is called dead."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from making import record_of_file

from engine.errors import StateError
from engine.state import process
from engine.state.lock import HeldLock, LockOwner, Process, age, hosts_text, owner_of, owner_text
from engine.state.process import is_dead, this_owner, this_process
from engine.state.record import RunRecord
from engine.state.stores import open_store
from engine.state.stores.base import StateStore

NOW = 1_000_000.0


def owner(run: str = "run-a", **given: Any) -> LockOwner:
    return replace(this_owner(run, NOW), **given)


async def names(store: StateStore) -> list[tuple[str, str]]:
    return [(each.host, each.owner.run) for each in await store.locks()]


async def refusal(store: StateStore, hosts: tuple[str, ...], mine: LockOwner | None = None, wait: float = 0.0) -> str:
    with pytest.raises(StateError) as caught:
        async with store.lock(hosts, mine or owner("run-b", since=NOW + 150), wait=wait):
            raise AssertionError("it was taken")
    assert caught.value.problem.code == "state-locked"
    return f"{caught.value.problem.detail}\n{caught.value.problem.hint}"


async def test_a_lock_is_held_for_its_block_and_no_longer(store: StateStore) -> None:
    mine = owner()
    async with store.lock(("web2", "web1"), mine):
        assert await store.locks() == [HeldLock(host="web1", owner=mine), HeldLock(host="web2", owner=mine)]
    assert await store.locks() == []
    async with store.lock((), mine):
        assert await store.locks() == []


async def test_it_is_given_back_when_the_block_fails(store: StateStore) -> None:
    with pytest.raises(ZeroDivisionError):
        async with store.lock(("web1",), owner()):
            raise ZeroDivisionError
    assert await store.locks() == []


async def test_runs_over_disjoint_hosts_go_on_side_by_side(store: StateStore) -> None:
    async with store.lock(("web1", "web2"), owner("run-a")), store.lock(("db1",), owner("run-b")):
        assert await names(store) == [("db1", "run-b"), ("web1", "run-a"), ("web2", "run-a")]


async def test_a_host_that_is_held_is_refused_with_who_holds_it(store: StateStore) -> None:
    async with store.lock(("web1", "web2", "web3"), owner("run-a")):
        told = await refusal(store, ("web2", "web1", "db1"))
        me = this_process()
        assert told.startswith(f"web1, web2: run run-a of {owner().user} on {me.machine} (process {me.pid}), for 2 min\n")
        assert "the owner is dead" not in told and "--lock-timeout" in told and "engine state unlock" in told and "--force-unlock" in told
        assert [host for host, _ in await names(store)] == ["web1", "web2", "web3"], "none of it was taken, db1 neither"


async def test_every_owner_in_the_way_is_named(store: StateStore) -> None:
    async with store.lock(("web1",), owner("run-a")), store.lock(("web2",), owner("run-b")):
        told = await refusal(store, ("web1", "web2"), owner("run-c"))
    assert "web1: run run-a" in told and "web2: run run-b" in told


async def test_who_waits_gets_it_when_it_is_free(store: StateStore) -> None:
    free, seen = asyncio.Event(), asyncio.Event()
    told: list[list[str]] = []

    def waiting(held: Any) -> None:
        told.append([each.host for each in held])
        seen.set()

    async def first() -> None:
        async with store.lock(("web1",), owner("run-a")):
            free.set()
            await seen.wait()

    going = asyncio.create_task(first())
    await free.wait()
    async with store.lock(("web1", "web2"), owner("run-b"), wait=60, waiting=waiting):
        assert await names(store) == [("web1", "run-b"), ("web2", "run-b")]
    assert told == [["web1"]]
    await going


async def test_whoever_waits_too_long_is_refused(store: StateStore) -> None:
    async with store.lock(("web1",), owner("run-a")):
        assert "run-a" in await refusal(store, ("web1",), wait=0.1)


async def test_overlapping_sets_never_wait_for_each_other_in_a_ring(store: StateStore) -> None:
    """Each wants what its neighbours want: whoever took its hosts one by one would stop here for ever."""
    hosts = [f"web{number}" for number in range(5)]
    inside: set[str] = set()

    async def run(number: int) -> None:
        wanted = (hosts[number], hosts[(number + 1) % 5])
        for _ in range(3):
            async with store.lock(wanted, owner(f"run-{number}"), wait=60):
                assert not inside & set(wanted)
                inside.update(wanted)
                await asyncio.sleep(0)
                inside.difference_update(wanted)

    async with asyncio.timeout(50):
        await asyncio.gather(*map(run, range(5)))
    assert await store.locks() == []


async def test_a_dead_owner_is_called_dead_and_not_waited_for(store: StateStore) -> None:
    gone = owner("run-a", process=replace(this_process(), pid=ended()))
    assert await store.try_lock(("web1",), gone) == []
    told = await refusal(store, ("web1",), wait=1_000_000)
    assert "the owner is dead" in told and "--force-unlock" in told and "--lock-timeout" not in told
    assert await names(store) == [("web1", "run-a")], "nothing was stolen"


async def test_locks_are_taken_away_by_name_or_all(store: StateStore) -> None:
    await store.try_lock(("web1", "web2"), owner("run-a"))
    await store.try_lock(("db1",), owner("run-b"))
    assert [each.host for each in await store.unlock(("web1", "nobody"))] == ["web1"]
    assert await names(store) == [("db1", "run-b"), ("web2", "run-a")]
    assert [each.host for each in await store.unlock()] == ["db1", "web2"]
    assert await store.locks() == []


async def test_who_lost_its_lock_does_not_give_back_that_of_the_next(store: StateStore) -> None:
    async with store.lock(("web1", "web2"), owner("run-a")):
        await store.unlock(("web1",))
        assert await store.try_lock(("web1",), owner("run-b")) == []
    assert await names(store) == [("web1", "run-b")]


async def test_who_is_cancelled_while_it_waits_leaves_nothing_behind(store: StateStore) -> None:
    waits = asyncio.Event()

    async def second() -> None:
        async with store.lock(("web1", "web2"), owner("run-b"), wait=60, waiting=lambda held: waits.set()):
            raise AssertionError

    async with store.lock(("web1",), owner("run-a")):
        going = asyncio.create_task(second())
        await waits.wait()
        going.cancel()
        await asyncio.gather(going, return_exceptions=True)
    assert await store.locks() == []


async def test_locks_are_no_part_of_what_is_recorded(store: StateStore) -> None:
    await store.begin(RunRecord(id="run-a", playbooks=()))
    async with store.lock(("web1",), owner()):
        await store.append("run-a", [record_of_file()], {})
        assert await store.finish("run-a", 0, 2.0) == 1
    assert (await store.read()).serial == 1


# -- other processes

HOLDER = """
import asyncio, sys, time
sys.path.insert(0, {root!r})
from engine.state.process import this_owner
from engine.state.stores import open_store

async def go(kind, folder):
    store = open_store(kind, folder)
    async with store.lock(("web1", "web2"), this_owner("run-far", time.time())):
        print("held", flush=True)
        sys.stdin.read()
    await store.close()

asyncio.run(go(*sys.argv[1:]))
"""


def ended() -> int:
    """The number of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def holder(kind: str, folder: Path) -> subprocess.Popen[str]:
    program = HOLDER.format(root=str(Path(__file__).parents[2]))
    process = subprocess.Popen([sys.executable, "-c", program, kind, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


@pytest.mark.parametrize("kind", ("json", "sqlite"))
async def test_another_process_sees_it_and_that_its_owner_was_killed(kind: str, tmp_path: Path) -> None:
    store = open_store(kind, str(tmp_path / "s"))
    far = holder(kind, tmp_path / "s")
    try:
        told = await refusal(store, ("web2",))
        assert f"run run-far of {owner().user}" in told and f"(process {far.pid})" in told and "dead" not in told
        async with store.lock(("db1",), owner()):
            assert len(await store.locks()) == 3
    finally:
        far.send_signal(signal.SIGKILL)
        far.communicate()
    assert "the owner is dead" in await refusal(store, ("web2",))
    assert len(await store.unlock(("web1", "web2"))) == 2
    async with store.lock(("web2",), owner()):
        assert await names(store) == [("web2", "run-a")]
    await store.close()


@pytest.mark.parametrize("kind", ("json", "sqlite"))
async def test_another_process_that_ends_well_gives_it_back(kind: str, tmp_path: Path) -> None:
    far = holder(kind, tmp_path / "s")
    store = open_store(kind, str(tmp_path / "s"))
    assert len(await store.locks()) == 2
    far.communicate("")
    assert far.returncode == 0 and await store.locks() == []
    await store.close()


async def test_two_processes_write_one_json_file_and_nothing_is_lost(tmp_path: Path) -> None:
    """Runs over disjoint hosts go on side by side, here too: each reads what the other wrote."""
    one, other = open_store("json", str(tmp_path)), open_store("json", str(tmp_path))
    for store, run in ((one, "run-a"), (other, "run-b")):
        await store.begin(RunRecord(id=run, playbooks=()))
    for number in range(5):
        await one.append("run-a", [record_of_file(f"/{number}")], {})
        await other.append("run-b", [record_of_file(f"/{number}", run="run-b")], {f"{number:064d}": b"x"})
    assert (await one.finish("run-a", 0, 2.0), await other.finish("run-b", 0, 3.0)) == (1, 2)
    for store in (one, other):
        assert {run.id: run.changed async for run in store.runs()} == {"run-a": 5, "run-b": 5}
        assert await store.blob(f"{4:064d}") == b"x"


@pytest.mark.parametrize("content", (b"{", b"[5]", b'[{"hosts": []}]', b'[{"hosts": ["a"], "owner": {"user": "x", "process": 5}}]', b"\xff", b"5"))
async def test_a_damaged_lock_file_is_told_and_made_anew_when_all_is_unlocked(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "state.json.lock").write_bytes(content)
    store = open_store("json", str(tmp_path))
    for question in (store.locks(), store.try_lock(("web1",), owner()), store.unlock(("web1",))):
        with pytest.raises(StateError) as caught:
            await question
        assert caught.value.problem.code == "state-damaged" and "unlock --all" in caught.value.problem.detail
    assert await store.unlock() == [] and await store.locks() == []
    async with store.lock(("web1",), owner()):
        assert len(await store.locks()) == 1


# -- who is dead

HERE = this_process()
MORTALITY = [
    # what                                     the process                                                       dead?
    ("this one",                               HERE,                                                             False),
    ("one that has ended",                     replace(HERE, pid=ended()),                                       True),
    ("a number that another one has by now",   replace(HERE, started="1"),                                       True),
    ("of before the machine's last boot",      replace(HERE, boot="another", machine_id="m"),                    True),
    ("the same, where machines have no id",    replace(HERE, boot="another", machine_id=""),                     False),
    ("of another machine",                     replace(HERE, machine="far", pid=2**22 + 1),                      False),
    ("of another machine of this name",        replace(HERE, machine_id="another", pid=2**22 + 1),               False),
    ("of another container",                   replace(HERE, namespace="pid:[1]", pid=2**22 + 1),                False),
    ("nobody's: a person took it",             replace(HERE, pid=0, started=""),                                 False),
]  # fmt: skip


@pytest.mark.parametrize(("what", "which", "dead"), MORTALITY, ids=[each[0] for each in MORTALITY])
def test_who_is_dead(what: str, which: Process, dead: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if which.machine_id in ("m", ""):
        monkeypatch.setattr(process, "this_process", lambda lasting=False: replace(HERE, machine_id=which.machine_id))
    assert is_dead(which) is dead


def test_without_proc_only_a_free_number_is_certain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "read", lambda path: "")
    here = this_process()
    assert here.started == "" and not is_dead(here)
    assert is_dead(replace(here, pid=ended()))
    assert not is_dead(replace(here, pid=1)), "somebody else's process, which may not be sent a signal, is there"


def test_an_owner_is_written_and_read_again() -> None:
    mine = owner()
    assert owner_of(owner_text(mine)) == mine


AGES = [(0, "0 s"), (59.9, "59 s"), (60, "1 min"), (3600 * 5, "5 h"), (86400 * 3 + 5, "3 d"), (-5, "0 s")]


@pytest.mark.parametrize(("seconds", "text"), AGES)
def test_ages(seconds: float, text: str) -> None:
    assert age(seconds) == text


def test_many_hosts_are_not_all_named() -> None:
    assert hosts_text(["a", "b"]) == "a, b"
    assert hosts_text([str(number) for number in range(8)]) == "0, 1, 2, 3, 4 and 3 others"
