"""The pool's promises, with agents that are values: who shares, who waits, what is kept, what is counted. Real agents: tests/hosts."""
from __future__ import annotations

import asyncio
import time

import pytest

from engine.connections import bootstrap
from engine.connections.pool import Pool
from engine.connections.target import BecomeTarget, ExecutionTarget
from engine.errors import ConnectError
from engine.model.problem import Problem

HERE = ExecutionTarget(host="web1", address="10.0.0.1")
ROOT = ExecutionTarget(host="web1", address="10.0.0.1", become=BecomeTarget())


class Session:
    """What the pool needs of an AgentSession."""

    def __init__(self, target):
        self.target = target
        self.alive = True
        self.closed = 0

    def goodbye(self):
        """Nothing is kept."""

    async def elevate(self, become):
        if become.password == "wrong":
            raise refused("become-wrong-password")
        return Session(become)

    async def close(self):
        self.alive = False
        self.closed += 1


class Transport:
    name = "ssh"

    def __init__(self):
        self.opened = []
        self.forgotten = []
        self.opening = self.most = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.failures = 0
        self.closed = False

    async def open(self, target, command):
        self.opened.append(target)
        self.opening += 1
        self.most = max(self.most, self.opening)
        try:
            await self.gate.wait()
            await asyncio.sleep(0)
        finally:
            self.opening -= 1
        if self.failures:
            self.failures -= 1
            raise refused("unreachable")
        return target

    def forget(self, target):
        self.forgotten.append(target)

    async def close(self):
        self.closed = True


def refused(code):
    return ConnectError(Problem(code=code, summary="no"))


@pytest.fixture
def transport():
    return Transport()


@pytest.fixture
async def pool(transport, monkeypatch):
    async def start(channel, target):
        return Session(target)

    monkeypatch.setattr(bootstrap, "start", start)
    pool = Pool({"ssh": transport, "local": transport}, open_limit=3)
    yield pool
    await pool.close()


async def taken(pool, target):
    async with pool.session(target) as session:
        return session


async def test_callers_share_one_session(pool, transport):
    sessions = await asyncio.gather(*(taken(pool, HERE) for _ in range(10)))
    assert len(set(map(id, sessions))) == 1
    assert transport.opened == [HERE]


async def test_an_elevated_session_stands_on_the_plain_one(pool, transport):
    plain, root = await taken(pool, HERE), await taken(pool, ROOT)
    assert root is not plain
    assert root.target == BecomeTarget()
    assert transport.opened == [HERE]


async def test_plain_and_elevated_asked_for_at_once_open_once(pool, transport):
    await asyncio.gather(taken(pool, ROOT), taken(pool, HERE), taken(pool, ROOT))
    assert transport.opened == [HERE]


async def test_a_failure_is_told_to_all_who_wait_and_not_kept(pool, transport):
    transport.failures = 1
    found = await asyncio.gather(*(taken(pool, HERE) for _ in range(3)), return_exceptions=True)
    assert [type(error) for error in found] == [ConnectError] * 3
    assert (await taken(pool, HERE)).alive
    assert pool.stats.failed_acquires == 3


async def test_a_refused_become_leaves_the_plain_session(pool, transport):
    wrong = ExecutionTarget(host="web1", address="10.0.0.1", become=BecomeTarget(password="wrong"))
    with pytest.raises(ConnectError):
        await taken(pool, wrong)
    assert (await taken(pool, HERE)).alive
    assert transport.opened == [HERE]


async def test_a_lost_session_is_replaced(pool, transport):
    first = await taken(pool, HERE)
    first.alive = False
    assert await taken(pool, HERE) is not first
    assert len(transport.opened) == 2


async def test_a_lost_plain_session_is_replaced_under_an_elevated_one(pool, transport):
    root, plain = await taken(pool, ROOT), await taken(pool, HERE)
    root.alive = plain.alive = False
    assert (await taken(pool, ROOT)).alive
    assert len(transport.opened) == 2


async def test_an_impatient_caller_does_not_take_the_session_from_the_others(pool, transport):
    transport.gate.clear()
    impatient, patient = asyncio.create_task(taken(pool, HERE)), asyncio.create_task(taken(pool, HERE))
    await asyncio.sleep(0)
    impatient.cancel()
    transport.gate.set()
    assert (await patient).alive


async def test_only_so_many_open_at_a_time(pool, transport):
    targets = [ExecutionTarget(host=f"web{number}") for number in range(10)]
    await asyncio.gather(*(taken(pool, target) for target in targets))
    assert transport.most == 3


async def test_forgetting_drops_all_that_stands_on_the_login(pool, transport):
    plain, root, other = await taken(pool, HERE), await taken(pool, ROOT), await taken(pool, ExecutionTarget(host="web2"))
    await pool.forget(ROOT)
    assert (plain.alive, root.alive, other.alive) == (False, False, True)
    assert transport.forgotten == [HERE]


@pytest.mark.parametrize("name", ["ssh", "smart", "paramiko", "paramiko_ssh", "ansible.builtin.ssh", "local", "ansible.builtin.local"])
async def test_names_of_transports(pool, name):
    assert (await taken(pool, ExecutionTarget(host="web1", transport=name))).alive


async def test_an_unknown_transport_names_those_there_are(pool):
    with pytest.raises(ConnectError) as caught:
        await taken(pool, ExecutionTarget(host="web1", transport="telepathy"))
    problem = caught.value.problem
    assert problem.code == "unknown-connection"
    assert "telepathy" in problem.detail
    assert "local" in problem.hint
    assert "ssh" in problem.hint


async def test_counters(pool):
    async with pool.session(HERE), pool.session(HERE):
        await taken(pool, ExecutionTarget(host="web2"))
        during = pool.stats
    assert (during.total, during.in_use, during.available) == (2, 1, 1)
    after = pool.stats
    assert (after.total, after.in_use, after.total_acquires, after.failed_acquires) == (2, 0, 3, 0)
    assert after.pool_hit_rate == pytest.approx(1 / 3)
    assert after.peak_utilization == 1.0
    assert after.avg_acquire_time_ms > 0


async def test_idle_sessions_are_closed_but_not_those_that_carry_others(pool):
    carrier, root, idle = await taken(pool, HERE), await taken(pool, ROOT), await taken(pool, ExecutionTarget(host="web2"))
    long_ago = time.monotonic() - pool.idle_seconds
    for target, entry in pool.entries.items():
        if target != ROOT:
            entry.last_used = long_ago
    pool.sweep()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (carrier.alive, root.alive, idle.alive) == (True, True, False)


async def test_a_session_in_use_is_never_idle(pool):
    async with pool.session(HERE) as session:
        pool.entries[HERE].last_used = 0
        pool.sweep()
        await asyncio.sleep(0)
        assert session.alive


async def test_closing_ends_sessions_transports_and_openings(pool, transport):
    session = await taken(pool, HERE)
    transport.gate.clear()
    opening = asyncio.create_task(taken(pool, ExecutionTarget(host="web2")))
    await asyncio.sleep(0)
    await pool.close()
    assert (session.alive, transport.closed) == (False, True)
    with pytest.raises(ConnectError):
        await opening
    with pytest.raises(ConnectError):
        await taken(pool, HERE)
