"""What an agent costs over a local pipe, without a network: start, first call, warm call, elapsed and CPU here.

    python benchmarks/agent_rpc.py [interpreter …]
"""
from __future__ import annotations

import asyncio
import statistics
import sys
import time

from engine.connections import bootstrap
from engine.connections.local import LocalTransport
from engine.connections.session import AgentSession
from engine.connections.target import ExecutionTarget

PING = "engine.modules.builtin.ping"
STARTS = 10
CALLS = 3000


async def figures(interpreter: str) -> str:
    transport = LocalTransport()
    target = ExecutionTarget(host="here", transport="local", interpreter=interpreter)
    hellos, firsts = [], []
    for _ in range(STARTS):
        began = time.perf_counter()
        session = await bootstrap.start(await transport.open(target, bootstrap.command_line(target)), target)
        said = time.perf_counter()
        await session.call(PING, {"data": "pong"})
        hellos.append(said - began)
        firsts.append(time.perf_counter() - said)
        await session.close()
    session = await bootstrap.start(await transport.open(target, bootstrap.command_line(target)), target)
    warm, cpu = await calls(session)
    blob = await megabytes(session)
    python = session.hello["python"]
    await session.close()
    await transport.close()
    ms = [f"{statistics.median(each) * 1e3:8.1f}" for each in (hellos, firsts)]
    return f"{python:<10}{ms[0]} ms{ms[1]} ms{warm * 1e6:8.0f} µs{cpu * 1e6:8.0f} µs{blob:8.0f} MB/s"


async def calls(session: AgentSession) -> tuple[float, float]:
    """Seconds and CPU seconds of one warm call; the median of batches, for others use this machine too."""
    await session.call(PING, {"data": "pong"})
    walls, cpus = [], []
    for _ in range(10):
        began, used = time.perf_counter(), time.process_time()
        for _ in range(CALLS // 10):
            await session.call(PING, {"data": "pong"})
        walls.append((time.perf_counter() - began) / (CALLS // 10))
        cpus.append((time.process_time() - used) / (CALLS // 10))
    return statistics.median(walls), statistics.median(cpus)


async def megabytes(session: AgentSession) -> float:
    """MB/s of 20 MB as one value, there and back."""
    began = time.perf_counter()
    await session.call(PING, {"data": b"x" * 20_000_000})
    return 40 / (time.perf_counter() - began)


async def main(interpreters: list[str]) -> None:
    print(f"{'Python':<10}{'to hello':>11}{'first':>11}{'warm':>11}{'CPU here':>11}{'blob':>13}")
    for interpreter in interpreters:
        print(await figures(interpreter))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:] or [sys.executable]))
