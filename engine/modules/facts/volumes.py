"""Part of subset `hardware`: LVM, as its own tools tell; "N/A" without them or without root."""
import os

MYPY = False
if MYPY:
    from typing import List

    from engine.agent.host import Host
    from engine.modules.facts.reading import Facts, Wish

OPTIONS = ["--noheadings", "--nosuffix", "--units", "g", "--separator", ","]


def collect(host: "Host", facts: "Facts", wish: "Wish") -> "Facts":
    tools = [host.which(name) for name in ("vgs", "lvs", "pvs")]
    if os.getuid() != 0 or not all(tools):
        return {"lvm": "N/A"}
    groups, volumes, disks = [rows(host, str(tool), wish.seconds) for tool in tools]
    return {"lvm": {
        "vgs": {row[0]: {"size_g": row[-2], "free_g": row[-1], "num_lvs": row[2], "num_pvs": row[1]} for row in groups},
        "lvs": {row[0]: {"size_g": row[3], "vg": row[1]} for row in volumes},
        "pvs": {row[0]: {"size_g": row[4], "free_g": row[5], "vg": row[1]} for row in disks},
    }}


def rows(host: "Host", tool: str, seconds: float) -> "List[List[str]]":
    ran = host.run([tool] + OPTIONS, timeout=seconds, locale=True)
    found = [line.strip().split(",") for line in ran.stdout.decode("utf-8", "replace").splitlines()]
    return [row for row in found if len(row) > 5]
