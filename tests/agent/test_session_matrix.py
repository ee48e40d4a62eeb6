"""The real agent as a child process under each Python of the matrix: what crosses the pipe, and what goes wrong there."""
from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import time
from pathlib import Path

import pytest
from agents import FOUND, Start, teach

from engine.connections.session import AgentSession
from engine.errors import AgentError, ConnectError

PING = "engine.modules.builtin.ping"
ECHO = """
from engine.agent.sdk import Argument, Fail
ARGUMENTS = {"value": Argument("any")}
RESOURCE = ""
def run(args, host, context):
    return {"value": args["value"], "check": context.check, "diff": context.diff, "verbosity": context.verbosity}
"""


async def test_hello_and_ping(agent: AgentSession) -> None:
    assert agent.hello["protocol"] == 1
    assert agent.hello["uid"] == os.getuid()
    reply = await agent.call(PING, {"data": "pong"})
    assert reply.result == {"ping": "pong", "changed": False}


VALUES = [
    None, True, 1, -5, 1.5, 10**30, "", "text", "ümlaut ☃ 𝄞", "a\udcff\udc80b", "\0\x01\u2028", [], {}, [[1], {"a": None}],
    b"", b"\0\xff", b"x" * 3072, b"y" * 3073,
    {"content": b"small", "more": [b"z" * 100_000, b"w" * 4000]}, {"__bytes__": "eA=="}, {"0": 0},
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:30])
async def test_values_come_back_as_they_went(one: AgentSession, value: object) -> None:
    echo = teach(one, "echo", ECHO)
    assert (await one.call(echo, {"value": value})).result["value"] == value


async def test_values_under_every_python(agent: AgentSession) -> None:
    echo = teach(agent, "echo", ECHO)
    reply = await agent.call(echo, {"value": VALUES}, check=True, diff=True, verbosity=3)
    assert reply.result == {"value": VALUES, "check": True, "diff": True, "verbosity": 3, "changed": False}


async def test_a_mapping_that_looks_like_ours_is_not_bytes(one: AgentSession) -> None:
    """Even one made of the session's own key: a module that reads it from memory gains nothing but its own bytes."""
    echo = teach(one, "echo", ECHO)
    value = {"key": "a" * 16, "deadbeefdeadbeef": "eA=="}
    assert (await one.call(echo, {"value": value})).result["value"] == value


async def test_twenty_megabytes_there_and_back(agent: AgentSession) -> None:
    echo = teach(agent, "echo", ECHO)
    blob = os.urandom(1 << 20) * 20
    assert (await agent.call(echo, {"value": blob})).result["value"] == blob


async def test_a_hundred_calls_at_once(agent: AgentSession) -> None:
    echo = teach(agent, "echo", ECHO)
    replies = await asyncio.gather(*(agent.call(echo, {"value": number}) for number in range(100)))
    assert [reply.result["value"] for reply in replies] == list(range(100))


async def test_calls_run_side_by_side(agent: AgentSession) -> None:
    """A slow task on a shared target (delegate_to) does not hold up the others."""
    slow = teach(agent, "slow", "RESOURCE = ''\ndef run(args, host, context):\n    return {'out': host.run(['sleep', '5']).code}\n")
    waiting = asyncio.create_task(agent.call(slow, {}))
    began = time.monotonic()
    for _ in range(20):
        await agent.call(PING, {"data": "pong"})
    assert time.monotonic() - began < 4
    assert not waiting.done()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


async def test_print_in_a_module_breaks_no_frame(agent: AgentSession) -> None:
    noisy = teach(agent, "noisy", """
RESOURCE = ""
def run(args, host, context):
    import os, sys
    print("print")
    sys.stdout.flush()
    os.write(1, b"raw" * 1000)
    os.system("echo from a child; cat")
    return {"said": 1}
""")
    assert (await agent.call(noisy, {})).result["said"] == 1
    assert (await agent.call(PING, {"data": "pong"})).result["ping"] == "pong"


async def test_failures_are_results(agent: AgentSession) -> None:
    bad = teach(agent, "bad", """
from engine.agent.sdk import Fail
RESOURCE = ""
def run(args, host, context):
    if args["how"] == "fail":
        raise Fail("no such thing", rc=7)
    if args["how"] == "bug":
        return {}["missing"]
    if args["how"] == "exit":
        raise SystemExit(3)
    if args["how"] == "import":
        import engine.agent.nothing
    if args["how"] == "object":
        return {"x": object()}
    if args["how"] == "deep":
        value = []
        for _ in range(100000):
            value = [value]
        return {"x": value}
    open("/nonexistent/file")
""")
    fail = (await agent.call(bad, {"how": "fail"})).result
    assert fail == {"failed": True, "changed": False, "msg": "no such thing", "rc": 7}
    bug = (await agent.call(bad, {"how": "bug"})).result
    assert bug["failed"] and bug["msg"] == "Task failed: Module failed: KeyError: 'missing'"
    assert 'File "/controller/bad.py", line 8, in run' in str(bug["exception"])
    assert "return {}[\"missing\"]" in str(bug["exception"])
    assert (await agent.call(bad, {"how": "exit"})).result["msg"] == "the module ended itself with exit status 3"
    assert "engine.agent.nothing" in str((await agent.call(bad, {"how": "import"})).result["msg"])
    assert "type object cannot be sent" in str((await agent.call(bad, {"how": "object"})).result["msg"])
    assert "nested too deeply" in str((await agent.call(bad, {"how": "deep"})).result["msg"])
    assert (await agent.call(bad, {"how": "open"})).result["msg"] == "/nonexistent/file: No such file or directory"


async def test_many_resources_in_one_call(agent: AgentSession, tmp_path: Path) -> None:
    """The sources of every module go along; a content that is known does not come back, one that is news does."""
    for name in ("known", "news"):
        (tmp_path / name).write_bytes(name.encode() * 5000)
    known = hashlib.sha1(b"known" * 5000).hexdigest()
    asked = [{"module": "engine.modules.builtin.copy", "args": {"dest": str(tmp_path / name)}, "known": [known]} for name in ("known", "news")]
    asked += [
        {"module": "engine.modules.builtin.group", "args": {"name": "root", "local": False}},
        {"module": "engine.modules.builtin.file", "args": {"path": str(tmp_path), "follow": False}},
        {"module": "engine.modules.builtin.lineinfile", "args": {"path": 1}},
    ]
    found = (await agent.inspect_all(asked)).result["found"]
    assert isinstance(found, list) and [sorted(each) for each in found] == [["state"]] * 4 + [["error"]]
    assert found[0]["state"]["digest"] == known and "content" not in found[0]["state"]
    assert found[1]["state"]["content"] == b"news" * 5000
    assert found[2]["state"]["gid"] == 0 and found[3]["state"]["type"] == "directory"


async def test_an_agent_killed_in_the_middle_is_told_from_a_task_that_failed(agent: AgentSession) -> None:
    mortal = teach(agent, "mortal", "RESOURCE = ''\ndef run(args, host, context):\n    host.run(['sleep', '30'])\n")
    waiting = [asyncio.create_task(agent.call(mortal, {})) for _ in range(2)]
    await agent.call(PING, {"data": "pong"})
    os.kill(int(agent.hello["pid"]), signal.SIGKILL)
    for each in waiting:
        with pytest.raises(AgentError) as caught:
            await each
        assert caught.value.problem.code == "agent-lost"
    assert not agent.alive
    with pytest.raises(AgentError):
        await agent.call(PING, {"data": "pong"})


async def test_a_closed_session_tells_who_waits(one: AgentSession) -> None:
    slow = teach(one, "slow", "RESOURCE = ''\ndef run(args, host, context):\n    host.run(['sleep', '1'])\n")
    waiting = asyncio.create_task(one.call(slow, {}))
    await one.call(PING, {"data": "pong"})
    await one.close()
    with pytest.raises(ConnectError) as caught:
        await waiting
    assert caught.value.problem.code == "connection-lost"


async def test_cancel_ends_what_the_call_started(agent: AgentSession, tmp_path: Path) -> None:
    """The shell and its grandchild, all of them."""
    mark = tmp_path / "pid"
    slow = teach(agent, "slow", f"""
RESOURCE = ""
def run(args, host, context):
    host.run("sleep 60 & echo $! > {mark}; wait", shell=True)
""")
    waiting = asyncio.create_task(agent.call(slow, {}))
    await until(lambda: mark.exists() and mark.read_text().endswith("\n"))
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await until(lambda: not running(int(mark.read_text())))
    assert (await agent.call(PING, {"data": "still here"})).result["ping"] == "still here"


async def test_timeout_is_a_failed_task_and_the_session_lives(agent: AgentSession) -> None:
    slow = teach(agent, "slow", "RESOURCE = ''\ndef run(args, host, context):\n    host.run(['sleep', '60'])\n")
    reply = await agent.call(slow, {}, timeout=0.2)
    assert reply.result["failed"] is True
    assert reply.result["msg"] == "Timed out after 0.2 second(s)."
    assert (await agent.call(PING, {"data": "pong"})).result["ping"] == "pong"


async def test_output_comes_while_the_call_runs(agent: AgentSession) -> None:
    talk = teach(agent, "talk", """
RESOURCE = ""
def run(args, host, context):
    ran = host.run("echo one; echo two >&2; printf three", shell=True, on_line=host.progress)
    return {"out": ran.stdout.decode()}
""")
    heard: list[tuple[str, str]] = []
    reply = await agent.call(talk, {}, on_output=lambda stream, text: heard.append((stream, text)))
    assert sorted(heard) == [("stderr", "two"), ("stdout", "one"), ("stdout", "three")]
    assert reply.result["out"] == "one\nthree"
    assert (await agent.call(talk, {})).result["out"] == "one\nthree"


async def test_environment_is_the_calls_own(agent: AgentSession) -> None:
    env = teach(agent, "env", """
RESOURCE = ""
def run(args, host, context):
    return {"out": host.run("echo $GREETING", shell=True).stdout.decode()}
""")
    assert (await agent.call(env, {}, environment={"GREETING": "hällo"})).result["out"] == "hällo\n"
    assert (await agent.call(env, {})).result["out"] == "\n"


async def test_programs_get_none_of_our_descriptors(agent: AgentSession) -> None:
    """A daemon that is started must not hold the connection open."""
    probe = teach(agent, "probe", """
RESOURCE = ""
def run(args, host, context):
    look = ["ls", "/proc/self/fd"]
    return {"spawned": host.run(look).stdout.split(), "forked": host.run(look, cwd="/").stdout.split()}
""")
    result = (await agent.call(probe, {})).result
    assert result["spawned"] == result["forked"] == [b"0", b"1", b"2", b"3"]


async def test_upload_and_download(agent: AgentSession, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "dir" / "target"
    target.parent.mkdir()
    source.write_bytes(os.urandom(5_000_003))
    name = await agent.upload(str(source))
    place = teach(agent, "place", """
RESOURCE = ""
def run(args, host, context):
    host.install(host.spooled(args["name"]), args["dest"], 0o640)
    return {}
""")
    reply = await agent.call(place, {"name": name, "dest": str(target)})
    assert not reply.result.get("failed"), reply
    assert digest(target) == digest(source)
    assert mode_of(target) == 0o640
    assert [each.name for each in target.parent.iterdir()] == ["target"]
    parts: list[bytes] = []
    assert await agent.download(str(target), parts.append) == 5_000_003
    assert b"".join(parts) == source.read_bytes()
    with pytest.raises(OSError, match="No such file"):
        await agent.download(str(tmp_path / "nothing"), parts.append)


async def test_the_spool_is_private_and_goes_with_the_agent(start: Start, tmp_path: Path) -> None:
    session = await start()
    (tmp_path / "file").write_bytes(b"secret")
    name = await session.upload(str(tmp_path / "file"))
    where = teach(session, "where", "RESOURCE = ''\ndef run(args, host, context):\n    return {'path': host.spooled(args['name'])}\n")
    path = Path(str((await session.call(where, {"name": name})).result["path"]))
    assert (mode_of(path.parent), mode_of(path)) == (0o700, 0o600)
    await session.close()
    await until(lambda: not path.parent.exists())


async def test_the_call_in_flight_finishes_when_the_controller_is_gone(one: AgentSession, tmp_path: Path) -> None:
    mark = tmp_path / "done"
    slow = teach(one, "slow", f"RESOURCE = ''\ndef run(args, host, context):\n    host.run('sleep 0.3; touch {mark}', shell=True)\n")
    waiting = asyncio.create_task(one.call(slow, {}))
    await one.call(PING, {"data": "pong"})
    await one.close()
    assert mark.exists()
    with pytest.raises(ConnectError):
        await waiting


async def test_modules_of_the_system_are_there_when_asked_for(start: Start, tmp_path: Path) -> None:
    """Python starts without `site`; dist-packages (python3-apt) come with the first import that needs them."""
    probe = """
RESOURCE = ""
def run(args, host, context):
    import sys
    before = "site" in sys.modules
    try:
        import nonesuch
    except ImportError:
        pass
    return {"before": before, "after": any("-packages" in each for each in sys.path)}
"""
    session = await start(FOUND["3.11"]) if "3.11" in FOUND else await start()
    result = (await session.call(teach(session, "probe", probe), {})).result
    assert result["before"] is False
    assert result["after"] is True
    await session.close()


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def digest(path: Path) -> str:
    return hashlib.sha1(path.read_bytes()).hexdigest()


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def until(holds: object, limit: float = 5.0) -> None:
    end = time.monotonic() + limit
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not come true"
        await asyncio.sleep(0.01)
