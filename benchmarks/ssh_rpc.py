"""What SSH costs: a call to a warm agent with and without our changes to asyncssh, the first command with and without quick
acknowledgements, and the whole start against `ssh host true`. Interleaved in one run; compare ratios, not figures of two runs.

    python benchmarks/ssh_rpc.py [ROUNDS]          needs root: it makes a host of its own (tests/testbed.py)
"""
from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from testbed import Machine, Testbed, why_not  # noqa: E402

from engine.connections import ssh_tuning  # noqa: E402
from engine.connections.pool import Pool  # noqa: E402
from engine.connections.ssh import SshTransport, ssh_modules  # noqa: E402
from engine.connections.target import ExecutionTarget  # noqa: E402

PING = "engine.modules.builtin.ping"
CALLS = 400


def target(machine: Machine) -> ExecutionTarget:
    key = str(machine.bed.key)
    return ExecutionTarget(host=machine.name, address=machine.address, user="root", private_key_file=key, host_key_checking=False)


async def warm(machine: Machine) -> tuple[float, float]:
    """Microseconds of wall time and of our CPU for one call, median of many."""
    pool = Pool({"ssh": SshTransport(files=())})
    async with pool.session(target(machine)) as session:
        for _ in range(50):
            await session.call(PING, {"data": "pong"})
        walls = []
        cpu = time.process_time()
        for _ in range(CALLS):
            began = time.perf_counter()
            await session.call(PING, {"data": "pong"})
            walls.append(time.perf_counter() - began)
        cpu = time.process_time() - cpu
    await pool.close()
    return statistics.median(walls) * 1e6, cpu / CALLS * 1e6


async def first(machine: Machine) -> tuple[float, float]:
    """Milliseconds from nothing to the first command's output, and to the second's after that."""
    transport = SshTransport(files=())
    began = time.perf_counter()
    times = []
    for _ in range(2):
        channel = await transport.open(target(machine), "echo done")
        await channel.read()
        times.append(time.perf_counter() - began)
        began = time.perf_counter()
        await channel.close()
    await transport.close()
    return times[0] * 1e3, times[1] * 1e3


def with_tuning(ignore_packets: bool, log_lines: bool) -> Callable[[Machine], Awaitable[tuple[float, float]]]:
    async def measure(machine: Machine) -> tuple[float, float]:
        ssh_tuning.TUNING.revert()
        if ignore_packets or log_lines:
            ssh_tuning.TUNING.apply(ignore_packets=ignore_packets, log_lines=log_lines)
            return await warm(machine)
        usual = ssh_tuning.TUNING.apply
        ssh_tuning.TUNING.apply = lambda **_: False  # type: ignore[method-assign]
        try:
            return await warm(machine)
        finally:
            ssh_tuning.TUNING.apply = usual  # type: ignore[method-assign]

    return measure


async def without_quick_acknowledgements(machine: Machine) -> tuple[float, float]:
    usual = ssh_tuning.acknowledge_at_once
    ssh_tuning.acknowledge_at_once = lambda connected: None
    try:
        return await first(machine)
    finally:
        ssh_tuning.acknowledge_at_once = usual


def process(command: list[str]) -> float:
    """Milliseconds of wall time of a whole process."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    return (time.perf_counter() - began) * 1e3


START = """
import asyncio, sys
from engine.connections.pool import Pool
from engine.connections.ssh import SshTransport
from engine.connections.target import ExecutionTarget
async def main():
    pool = Pool({"ssh": SshTransport(files=())})
    where = ExecutionTarget(host="host", address=sys.argv[1], user="root", private_key_file=sys.argv[2], host_key_checking=False)
    async with pool.session(where) as session:
        assert (await session.call("engine.modules.builtin.ping", {"data": "pong"})).result["ping"] == "pong"
    await pool.close()
asyncio.run(main())
"""


def starts(machine: Machine) -> dict[str, float]:
    """Milliseconds of whole processes: ours from nothing to a first result, `ssh host true`, and Python alone."""
    key = str(machine.bed.key)
    options = ["-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
    return {
        "engine: first result": process([sys.executable, "-c", START, machine.address, key]),
        "ssh host true": process(["ssh", *options, "-i", key, f"root@{machine.address}", "true"]),
        "ssh host python3 -c 1": process(["ssh", *options, "-i", key, f"root@{machine.address}", "python3 -c 1"]),
        "python -c 1": process([sys.executable, "-c", "1"]),
    }


async def measure(machine: Machine, rounds: int) -> None:
    kinds = {
        "asyncssh as it is": with_tuning(False, False),
        "no MSG_IGNORE": with_tuning(True, False),
        "no log lines": with_tuning(False, True),
        "both": with_tuning(True, True),
    }
    calls: dict[str, list[tuple[float, float]]] = {name: [] for name in kinds}
    firsts: dict[str, list[tuple[float, float]]] = {"delayed acknowledgements": [], "quick acknowledgements": []}
    whole: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, kind in kinds.items():
            calls[name].append(await kind(machine))
        firsts["delayed acknowledgements"].append(await without_quick_acknowledgements(machine))
        firsts["quick acknowledgements"].append(await first(machine))
        for name, milliseconds in starts(machine).items():
            whole.setdefault(name, []).append(milliseconds)
    show("one call to a warm agent", "µs wall", "µs our CPU", calls)
    show("a command on a new connection", "ms to the first", "ms to the second", firsts)
    print("\nwhole process                      ms")
    medians = {name: statistics.median(values) for name, values in whole.items()}
    for name, value in medians.items():
        print(f"  {name:28} {value:8.0f}")
    floor = medians["ssh host python3 -c 1"] + medians["python -c 1"]
    print(f"  ours against `ssh host true` and Python's start on both sides: {medians['engine: first result'] / floor:.2f}")


def show(title: str, left: str, right: str, table: dict[str, list[tuple[float, float]]]) -> None:
    print(f"\n{title:32} {left:>16} {right:>16}   ratio")
    base = None
    for name, values in table.items():
        wall, cpu = (statistics.median(column) for column in zip(*values, strict=True))
        base = base or (wall, cpu)
        print(f"  {name:30} {wall:16.1f} {cpu:16.1f}   {wall / base[0]:.2f} / {cpu / base[1]:.2f}")


def main() -> None:
    reason = why_not()
    if reason:
        sys.exit(f"ssh_rpc: {reason}")
    ssh_modules()
    bed = Testbed(Path("/var/tmp/testbed"), "br", "10.95")
    try:
        asyncio.run(measure(bed.up(1)[0], int(sys.argv[1]) if len(sys.argv) > 1 else 5))
    finally:
        bed.down()


if __name__ == "__main__":
    main()
