"""Many runs at once, each in a process of its own, on one state: nothing is lost, serials have no gaps, no host is held twice."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from engine.state.stores import open_store

ROOT = Path(__file__).parents[2]
RUN = """
import asyncio, sys, time
sys.path[:0] = {paths!r}
from making import record_of_file
from engine.state.process import this_owner
from engine.state.record import JournalEntry, RunRecord
from engine.state.stores import open_store

async def go(kind, folder, workspace, name, host, tasks):
    store = open_store(kind, folder, workspace=workspace, dsn=sys.stdin.read())
    async with store.lock((host,), this_owner(name, time.time()), wait=600):
        await store.begin(RunRecord(id=name, playbooks=(), started=time.time()))

        async def task(number):
            content = f"{{name}} {{number}}".encode()
            record = record_of_file(f"/{{name}}/{{number}}", host=host, run=name)
            entry = JournalEntry(host=host, step=str(number), kind="done", data={{"run": name}})
            await store.append(name, [record], {{f"{{number:032d}}" + name.rjust(32, "0"): content}}, [entry])

        for number in range(0, int(tasks), 5):
            await asyncio.gather(*(task(each) for each in range(number, number + 5)))
        print(await store.finish(name, 0, time.time()))
    await store.close()

asyncio.run(go(*sys.argv[1:]))
"""
TASKS = 20
CASES = [
    pytest.param(kind, number, marks=[pytest.mark.nightly] if number > 10 else [], id=f"{kind}-{number}")
    for kind in ("sqlite", "postgres", "json") for number in (6, 50) if (kind, number) != ("json", 50)
]  # fmt: skip


@pytest.mark.parametrize(("kind", "number"), CASES)
async def test_nothing_is_lost(kind: str, number: int, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Every two runs want one host: the second waits for the first."""
    dsn = request.getfixturevalue("postgres").dsn if kind == "postgres" else ""
    workspace = f"t{secrets.token_hex(8)}"
    program = RUN.format(paths=[str(ROOT), str(ROOT / "tests")])
    names = [f"run-{each}" for each in range(number)]

    def start(at: int, name: str) -> subprocess.Popen[str]:
        words = [kind, str(tmp_path), workspace, name, f"web{at // 2}", str(TASKS)]
        made = subprocess.Popen([sys.executable, "-c", program, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert made.stdin is not None
        made.stdin.write(dsn)
        made.stdin.close()
        made.stdin = None
        return made

    running = [start(at, name) for at, name in enumerate(names)]
    said = [each.communicate(timeout=600)[0] for each in running]
    assert [each.returncode for each in running] == [0] * number
    assert sorted(map(int, said)) == list(range(1, number + 1))

    store = open_store(kind, str(tmp_path), workspace=workspace, dsn=dsn)
    assert {run.id: run.changed async for run in store.runs()} == dict.fromkeys(names, TASKS)
    assert len((await store.read()).newest) == number * TASKS and await store.locks() == []
    for name in names:
        assert {each.address.identity async for each in store.records(run=name)} == {f"/{name}/{each}" for each in range(TASKS)}
        noted: Counter[Any] = Counter([each.step async for each in store.journal(name)])
        assert noted == dict.fromkeys(map(str, range(TASKS)), 1)
        assert await store.blob(f"{TASKS - 1:032d}" + name.rjust(32, "0")) == f"{name} {TASKS - 1}".encode()
    await store.close()
