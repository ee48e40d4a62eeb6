"""Async jobs: started, asked for, timed out, killed, cleaned up; fields as ansible-core 2.21 registers them."""
from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from agents import Start, teach

from engine.agent import jobs
from engine.agent.host import Host
from engine.agent.sdk import Fail
from engine.connections.session import AgentSession

SLOW = """
from engine.agent.sdk import Argument, Fail
RESOURCE = ""
def run(args, host, context):
    host.run(["sleep", str(args["seconds"])])
    if args.get("fail"):
        raise Fail("it went wrong", rc=3)
    return {"changed": True, "out": host.environ.get("GREETING"), "raw": b"bytes"}
"""


@pytest.fixture
async def session(start: Start, python: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[AgentSession]:
    monkeypatch.setenv("HOME", str(tmp_path))
    started = await start(python)
    yield started
    await started.close()


async def finished(host: Host, jid: str) -> dict[str, object]:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        found = jobs.status(host, jid)
        if found["finished"]:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError("the job does not end")


async def test_a_job_outlives_its_agent(session: AgentSession, tmp_path: Path) -> None:
    slow = teach(session, "slow", SLOW)
    reply = await session.start_job(slow, {"seconds": 0.5}, seconds=20, environment={"GREETING": "hi"})
    jid = str(reply.result["ansible_job_id"])
    path = tmp_path / ".ansible_async" / jid
    assert re.fullmatch(r"j\d+\.\d+", jid)
    assert reply.result == {"started": True, "finished": False, "ansible_job_id": jid, "results_file": str(path), "changed": True}
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.stat().st_mode & 0o777 == 0o600
    await session.close()
    host = Host({"HOME": str(tmp_path)})
    known = {"started": True, "ansible_job_id": jid, "results_file": str(path)}
    assert jobs.status(host, jid) == {**known, "finished": False, "changed": False}
    assert await finished(host, jid) == {**known, "finished": True, "changed": True, "out": "hi", "raw": "bytes"}
    assert json.loads(path.read_text()) == {"changed": True, "out": "hi", "raw": "bytes"}
    erased = {"ansible_job_id": jid, "started": False, "finished": False, "changed": False, "erased": str(path)}
    assert jobs.status(host, jid, "cleanup") == erased
    with pytest.raises(Fail, match="could not find job") as caught:
        jobs.status(host, jid)
    assert caught.value.values == {"ansible_job_id": jid, "started": True, "finished": True, "changed": False, "results_file": str(path)}


async def test_a_failed_job(session: AgentSession, tmp_path: Path) -> None:
    reply = await session.start_job(teach(session, "slow", SLOW), {"seconds": 0, "fail": True}, seconds=20)
    found = await finished(Host({"HOME": str(tmp_path)}), str(reply.result["ansible_job_id"]))
    assert (found["failed"], found["msg"], found["rc"], found["finished"]) == (True, "it went wrong", 3, True)


async def test_the_time_limit(session: AgentSession, tmp_path: Path) -> None:
    reply = await session.start_job(teach(session, "slow", SLOW), {"seconds": 60}, seconds=1)
    found = await finished(Host({"HOME": str(tmp_path)}), str(reply.result["ansible_job_id"]))
    assert (found["failed"], found["msg"], found["finished"]) == (True, "Timeout exceeded", True)


async def test_a_killed_job_is_told_from_a_slow_one(session: AgentSession, tmp_path: Path) -> None:
    reply = await session.start_job(teach(session, "slow", SLOW), {"seconds": 60}, seconds=100)
    jid, path = str(reply.result["ansible_job_id"]), Path(str(reply.result["results_file"]))
    os.kill(await runner_of(path), signal.SIGKILL)
    found = await finished(Host({"HOME": str(tmp_path)}), jid)
    assert (found["failed"], found["msg"]) == (True, "the job's process is gone without having left a result")


async def runner_of(path: Path) -> int:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        found = json.loads(Host().read_bytes(str(path)))
        if "_pid" in found:
            return int(found["_pid"])
        await asyncio.sleep(0.02)
    raise AssertionError("the job does not start")


@pytest.mark.parametrize("jid", ["j1.1", "../../etc/passwd", "a/b"])
def test_no_such_job(jid: str, tmp_path: Path) -> None:
    with pytest.raises(Fail, match="could not find job"):
        jobs.status(Host({"HOME": str(tmp_path)}), jid)


def test_a_file_that_is_no_result(tmp_path: Path) -> None:
    (tmp_path / ".ansible_async").mkdir()
    (tmp_path / ".ansible_async" / "j1.1").write_bytes(b"{broken")
    with pytest.raises(Fail, match="Could not parse job output"):
        jobs.status(Host({"HOME": str(tmp_path)}), "j1.1")
