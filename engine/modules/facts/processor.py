"""Part of subset `hardware`: processors, from /proc/cpuinfo."""
import os

from engine.modules.facts.reading import lines

MYPY = False
if MYPY:
    from typing import Dict, List, Set

    from engine.agent.host import Host
    from engine.modules.facts.reading import Facts, Wish

NAMES = ("vendor_id", "model name", "Processor", "cpu", "cpu model")
"""What tells maker and model, on one kind of machine or another."""


def collect(host: "Host", facts: "Facts", wish: "Wish") -> "Facts":
    return described(lines(host, "/proc/cpuinfo"), facts.get("architecture", ""), usable())


def usable() -> int:
    """Processors this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def described(content: "List[str]", architecture: str, nproc: int) -> "Facts":
    """The facts of a cpuinfo. `processor` is a flat list: number, maker, model, for each thread in turn."""
    listed: "List[str]" = []
    sockets: "Dict[str, int]" = {}
    packages: "Set[str]" = set()
    flags: "List[str]" = []
    threads = siblings = cores = 0
    physical = ""
    for line in content:
        key, _, value = line.partition(":")
        key, value = key.strip(), value.strip()
        if key == "processor":
            threads += 1
            listed.append(value)
        elif key in NAMES and value:
            listed.append(value)
        elif key == "physical id":
            physical = value
            packages.add(value)
        elif key == "cpu cores":
            cores = int(value)
            sockets[physical] = cores
        elif key == "siblings":
            siblings = int(value)
        elif key in ("flags", "Features") and not flags:
            flags = value.split()
    found = counts(threads, len(packages), sum(sockets.values()), cores, siblings, architecture, nproc)
    found["processor"] = listed
    if flags:
        found["flags"] = flags
    return found


def counts(threads: int, packages: int, all_cores: int, cores: int, siblings: int, architecture: str, nproc: int) -> "Facts":
    """Sockets, cores of one, threads of a core. Where the kernel names no sockets, as on ARM, each thread counts as one."""
    if packages:
        count = packages
        per_socket = cores or 1
        per_core = max(1, (siblings or per_socket) // per_socket)
        vcpus = per_core * count * per_socket
    else:
        count, per_socket, per_core = threads or 1, 1, 1
        vcpus = count
    return {
        "processor_count": count, "processor_cores": per_socket, "processor_threads_per_core": per_core,
        "processor_vcpus": vcpus, "processor_nproc": nproc,
    }
