"""Agents on real hosts, through the pool: shared, elevated, lost and found again, and refused with the reason."""
from __future__ import annotations

import asyncio
import dataclasses
import time

import pytest

from engine.connections.pool import Pool
from engine.connections.ssh import SshTransport
from engine.connections.target import BecomeTarget, ExecutionTarget
from engine.errors import AgentError, ConnectError
from engine.modules.builtin import command

pytestmark = pytest.mark.hosts

PING = "engine.modules.builtin.ping"
COMMAND = command.__name__
SLEEP = {name: argument.default for name, argument in command.ARGUMENTS.items()} | {"argv": ["sleep", "30"]}


@pytest.fixture
async def pool():
    pool = Pool({"ssh": SshTransport(files=())})
    yield pool
    await pool.close()


@pytest.fixture(autouse=True)
def no_agent(monkeypatch):
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@pytest.fixture
def one(hosts):
    return hosts(1)[0]


def reached(machine, **changes):
    usual = {"user": "deploy", "private_key_file": str(machine.bed.key), "host_key_checking": False, "timeout": 30.0}
    return ExecutionTarget(host=machine.name, address=machine.address, **usual | changes)


async def ping(pool, target):
    async with pool.session(target) as session:
        reply = await session.call(PING, {"data": "pong"})
        return reply.result["ping"], session.hello["uid"]


async def refusal(pool, target, kind=ConnectError):
    with pytest.raises(kind) as caught:
        await ping(pool, target)
    return caught.value.problem


async def test_callers_of_one_target_share_one_agent(pool, one):
    async def number():
        async with pool.session(reached(one)) as session:
            return session.hello["pid"]

    assert len(set(await asyncio.gather(*(number() for _ in range(20))))) == 1
    assert (pool.stats.total, pool.stats.total_acquires) == (1, 20)


async def test_an_elevated_agent_needs_no_login_of_its_own(pool, one):
    log = one.home / "log"
    before = log.read_text().count("Accepted")
    assert await ping(pool, reached(one)) == ("pong", 1000)
    assert await ping(pool, reached(one, become=BecomeTarget())) == ("pong", 0)
    assert log.read_text().count("Accepted") == before + 1


BECOME = [
    # what                       become                                             uid or code
    ("sudo, password",           BecomeTarget(password="deploy"),                   0),
    ("sudo, wrong password",     BecomeTarget(password="hunter2"),                  "become-wrong-password"),
    ("sudo, no password given",  BecomeTarget(),                                    "become-password-needed"),
    ("sudo, unknown user",       BecomeTarget(user="nobody-here", password="deploy"), "become-unknown-user"),
    ("su, password",             BecomeTarget(method="su", password="root"),        0),
    ("su, wrong password",       BecomeTarget(method="su", password="hunter2"),     "become-wrong-password"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "become", "expected"), BECOME, ids=lambda value: value if isinstance(value, str) else "")
async def test_become_with_passwords(pool, one, what, become, expected):
    rule = one.root / "etc/sudoers.d/deploy"
    rule.write_text("deploy ALL=(ALL) ALL\n")
    try:
        if isinstance(expected, int):
            assert await ping(pool, reached(one, become=become)) == ("pong", expected)
        else:
            problem = await refusal(pool, reached(one, become=become))
            assert problem.code == expected
            assert "hunter2" not in repr(problem)
            assert await ping(pool, reached(one)) == ("pong", 1000), "the plain session is unharmed"
    finally:
        rule.write_text("deploy ALL=(ALL) NOPASSWD: ALL\n")


async def test_a_host_without_python(pool, one):
    one.run("cd /usr/bin && for each in python3*; do mv $each away.$each; done")
    try:
        problem = await refusal(pool, reached(one), AgentError)
        assert problem.code == "no-python"
        assert (await pool.raw(reached(one), "echo raw works")).stdout == b"raw works\n"
    finally:
        one.run("cd /usr/bin && for each in away.*; do mv $each ${each#away.}; done")
    assert await ping(pool, reached(one)) == ("pong", 1000), "a failure is not kept"


async def test_a_csh_as_login_shell(pool, one):
    shell = next((path for path in ("/bin/tcsh", "/bin/csh") if (one.root / path[1:]).exists()), None)
    if shell is None:
        pytest.skip("not proven: the tree of the hosts has no tcsh (`testbed.py prepare` of a new tree installs it)")
    one.run(f"chsh -s {shell} deploy")
    try:
        assert await ping(pool, reached(one)) == ("pong", 1000)
        assert (await pool.raw(reached(one), "echo \"it's $((1 + 1))!\"")).stdout == b"it's 2!\n"
    finally:
        one.run("chsh -s /bin/bash deploy")


async def test_a_login_shell_that_talks(pool, one):
    """A greeting in .bashrc stands before the agent's first word."""
    greeting = one.root / "home/deploy/.bashrc"
    greeting.write_text("echo welcome; echo careful >&2\n")
    try:
        assert await ping(pool, reached(one)) == ("pong", 1000)
    finally:
        greeting.unlink()


async def test_a_link_cut_in_mid_call_is_a_lost_connection(pool, one):
    target = reached(one, common_args="-o ServerAliveInterval=1 -o ServerAliveCountMax=2")
    try:
        async with pool.session(target) as session:
            running = asyncio.create_task(session.call(COMMAND, SLEEP))
            await asyncio.wait([running], timeout=0.5)
            assert not running.done(), running.result().result
            one.cut()
            began = time.monotonic()
            with pytest.raises(ConnectError) as caught:
                await asyncio.wait_for(running, 10)
            assert caught.value.problem.code == "connection-lost"
            assert time.monotonic() - began < 6
    finally:
        one.heal()
    assert await ping(pool, target) == ("pong", 1000), "the next task connects anew"


async def test_an_agent_that_was_killed_is_told_from_a_lost_connection(pool, one):
    async with pool.session(reached(one)) as session:
        running = asyncio.create_task(session.call(COMMAND, SLEEP))
        await asyncio.wait([running], timeout=0.3)
        one.run(f"kill -9 {session.hello['pid']}")
        with pytest.raises(AgentError) as caught:
            await asyncio.wait_for(running, 10)
        assert caught.value.problem.code == "agent-lost"
    assert await ping(pool, reached(one)) == ("pong", 1000)


async def test_forgetting_a_target_logs_in_again(pool, one):
    log = one.home / "log"
    await ping(pool, reached(one, become=BecomeTarget()))
    before = log.read_text().count("Accepted")
    await pool.forget(reached(one, become=BecomeTarget()))
    assert pool.stats.total == 0
    await ping(pool, reached(one))
    assert log.read_text().count("Accepted") == before + 1


async def test_fifty_hosts_at_once(pool, one):
    targets = [dataclasses.replace(reached(one, timeout=60.0), host=f"alias{number}") for number in range(50)]
    assert await asyncio.gather(*(ping(pool, target) for target in targets)) == [("pong", 1000)] * 50
    assert pool.stats.total == 50
    wall, own = time.perf_counter(), time.process_time()
    await pool.close()
    assert time.process_time() - own < 0.05, "our own time: fifty agents end on the same cores meanwhile"
    assert time.perf_counter() - wall < 2
    for _ in range(100):
        if not one.run("pgrep -u deploy -f python3 || true").strip():
            break
        await asyncio.sleep(0.05)
    assert one.run("pgrep -u deploy -f python3 || true") == "", "agents outlive the engine"


async def test_a_megabyte_arrives(pool, one, tmp_path):
    blob = bytes(range(256)) * 4096
    (tmp_path / "blob").write_bytes(blob)
    async with pool.session(reached(one)) as session:
        name = await session.upload(str(tmp_path / "blob"))
        assert name
        received = bytearray()
        (one.root / "home/deploy/blob").write_bytes(blob)
        assert await session.download("/home/deploy/blob", received.extend) == len(blob)
        assert bytes(received) == blob


async def test_a_booted_host_is_reached(pool, system_host):
    async with pool.session(reached(system_host, become=BecomeTarget())) as session:
        assert session.hello["uid"] == 0
