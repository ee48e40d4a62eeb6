"""Part of subset `hardware`: memory in MiB, and how long the machine is up."""
from engine.modules.facts.reading import lines, text

MYPY = False
if MYPY:
    from typing import Dict, List

    from engine.agent.host import Host
    from engine.modules.facts.reading import Facts, Wish


def collect(host: "Host", facts: "Facts", wish: "Wish") -> "Facts":
    return described(lines(host, "/proc/meminfo"))


def described(content: "List[str]") -> "Facts":
    """The facts of a meminfo(5); `nocache` counts the page cache as free."""
    size: "Dict[str, int]" = {}
    for line in content:
        name, _, value = line.partition(":")
        words = value.split()
        if words and words[0].isdigit():
            size[name] = int(words[0]) // 1024
    total, free = size.get("MemTotal", 0), size.get("MemFree", 0)
    swap, swap_free = size.get("SwapTotal", 0), size.get("SwapFree", 0)
    idle = free + size.get("Cached", 0) + size.get("Buffers", 0)
    return {
        "memtotal_mb": total, "memfree_mb": free, "swaptotal_mb": swap, "swapfree_mb": swap_free,
        "memory_mb": {
            "real": {"total": total, "used": total - free, "free": free},
            "nocache": {"free": idle, "used": total - idle},
            "swap": {"total": swap, "free": swap_free, "used": swap - swap_free, "cached": size.get("SwapCached", 0)},
        },
    }


def uptime(host: "Host", facts: "Facts", wish: "Wish") -> "Facts":
    words = text(host, "/proc/uptime").split()
    return {"uptime_seconds": int(float(words[0]))} if words else {}
