"""Answers that outlive their controller, under each Python that targets have."""
from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.connections.local import LocalChannel
from engine.connections.session import AgentSession
from engine.connections.target import Keep
from engine.modules.builtin import command

COMMAND = command.__name__
USUAL = {name: argument.default for name, argument in command.ARGUMENTS.items()}
FILE = "engine.modules.builtin.copy"


@pytest.fixture
def run() -> str:
    return secrets.token_hex(6)


ORPHANS: list[LocalChannel] = []


def cut_off(session: AgentSession) -> None:
    """Without a goodbye, as a controller that was killed."""
    channel = session.channel
    assert isinstance(channel, LocalChannel) and channel.input is not None and session.pump is not None
    session.pump.cancel()
    channel.input.close()
    ORPHANS.append(channel)


@pytest.fixture(autouse=True)
async def orphans_end() -> AsyncIterator[None]:
    yield
    for channel in ORPHANS:
        channel.kill()
        await channel.close()
    ORPHANS.clear()


def shell(text: str) -> dict[str, object]:
    return {**USUAL, "argv": ["sh", "-c", text]}


async def test_an_answer_with_bytes_comes_back_whole_and_is_kept_again(start, python, run, tmp_path):
    keep: Keep = (run, "web1", "1", 1)
    args = {"dest": str(tmp_path / "made"), "content": b"\xff" * 5000, "digest": None, "size": 5000}
    first = await start(python)
    told = await first.call(FILE, args, keep=keep)
    assert told.changes
    cut_off(first)
    for _ in range(2):  # whoever asks may be cut off, too
        second = await start(python)
        again = await second.call(FILE, args, keep=keep, asks=True)
        assert (again.result, again.changes) == (told.result, told.changes)
        cut_off(second)


async def test_other_arguments_are_done_and_the_changes_of_both_are_told(start, python, run, tmp_path):
    keep: Keep = (run, "web1", "1", 1)
    args = {"dest": str(tmp_path / "made"), "content": b"one", "digest": None, "size": 3}
    first = await start(python)
    await first.call(FILE, args, keep=keep)
    cut_off(first)
    second = await start(python)
    again = await second.call(FILE, {**args, "content": b"two"}, keep=keep, asks=True)
    assert [each["before"] is None for each in again.changes] == [True, False] and (tmp_path / "made").read_bytes() == b"two"
    await second.close()


async def test_the_answers_of_the_newest_task_of_each_host_are_held(start, python, run):
    first = await start(python)
    for host, task, number in (("web1", "1", 1), ("web2", "1", 1), ("web1", "2", 1), ("web1", "2", 2)):
        await first.call(COMMAND, shell(f"echo {host} {task} {number}"), keep=(run, host, task, number))
    cut_off(first)
    second = await start(python)
    found = {}
    for host, task, number in (("web1", "1", 1), ("web2", "1", 1), ("web1", "2", 1), ("web1", "2", 2), ("web1", "2", 3)):
        state, reply = await second.kept((run, host, task, number))
        found[host, task, number] = reply.result["stdout"] if reply is not None else state
    assert found == {
        ("web1", "1", 1): "unknown", ("web2", "1", 1): "web2 1 1", ("web1", "2", 1): "web1 2 1", ("web1", "2", 2): "web1 2 2",
        ("web1", "2", 3): "unknown",
    }
    await second.close()


async def test_an_agent_that_is_fenced_begins_nothing_and_says_so(start, python, run, tmp_path):
    """Its connection was cut, and it does not know yet: what is on its way to it must not be done beside what is done anew."""
    first, second = await start(python), await start(python)
    await first.call(COMMAND, shell("true"), keep=(run, "web1", "1", 1))
    pid = first.hello["pid"]
    assert await second.kept((run, "web1", "2", 1)) == ("unknown", None)
    assert await second.kept((run, "web1", "2", 1), [pid, 1]) == ("unknown", None), "the other one is not there to say so"
    assert await second.kept((run, "web1", "2", 1), [pid]) == ("never", None)
    late = await first.call(COMMAND, shell(f"touch {tmp_path}/late"), keep=(run, "web1", "2", 1))
    assert late.result["failed"] and "came too late" in str(late.result["msg"]) and not (tmp_path / "late").exists()
    await first.close()
    await second.close()


async def test_what_is_under_way_is_waited_for(start, python, run, tmp_path):
    first, second = await start(python), await start(python)
    keep: Keep = (run, "web1", "1", 1)
    text = f"echo begun >> {tmp_path}/log; sleep 0.5; echo ended"
    running = asyncio.create_task(first.call(COMMAND, shell(text), keep=keep))
    await asyncio.wait_for(asyncio.to_thread(begun, tmp_path), 20)
    state, reply = await second.kept(keep, [first.hello["pid"]])
    assert state == "kept" and reply is not None and reply.result["stdout"] == "ended"
    assert (await running).result["stdout"] == "ended" and logged(tmp_path) == "begun\n"
    await first.close()
    await second.close()


def begun(folder: Path) -> None:
    while not (folder / "log").exists():
        time.sleep(0.01)


def logged(folder: Path) -> str:
    return (folder / "log").read_text()


async def test_an_agent_whose_answer_was_taken_and_recorded_goes(start, python, run):
    first = await start(python)
    await first.call(COMMAND, shell("true"), keep=(run, "web1", "1", 1))
    cut_off(first)
    second = await start(python)
    assert (await second.kept((run, "web1", "1", 1)))[0] == "kept"
    await second.call(COMMAND, shell("true"), keep=(run, "web1", "2", 1))  # so the one before is recorded
    assert isinstance(first.channel, LocalChannel)
    await asyncio.wait_for(first.channel.ended.wait(), 20)
    await second.close()


async def test_after_a_goodbye_nobody_is_there(start, python, run):
    first, second = await start(python), await start(python)
    await first.call(COMMAND, shell("true"), keep=(run, "web1", "1", 1))
    await first.close()
    assert await second.kept((run, "web1", "1", 1)) == ("unknown", None)
    await second.close()
