"""Subsets `cmdline`, `fips`, `loadavg` and `chroot`: what the kernel says of itself."""
import os

from engine.modules.facts.reading import text

MYPY = False
if MYPY:
    from typing import Any, Dict

    from engine.agent.host import Host
    from engine.modules.facts.reading import Facts, Wish


def command_line(host: "Host", facts: "Facts", wish: "Wish") -> "Facts":
    """`cmdline` keeps the last of several values, `proc_cmdline` all of them as a list."""
    given = text(host, "/proc/cmdline")
    if not given:
        return {}
    last: "Dict[str, Any]" = {}
    every: "Dict[str, Any]" = {}
    for word in split(given):
        name, equals, value = word.partition("=")
        worth: "Any" = value if equals else True
        last[name] = worth
        if equals and name in every:
            if not isinstance(every[name], list):
                every[name] = [every[name]]
            every[name].append(worth)
        else:
            every[name] = worth
    return {"cmdline": last, "proc_cmdline": every}


def split(line: str) -> "list[str]":
    """Words as the kernel takes them, their quotes kept."""
    import shlex

    try:
        return shlex.split(line, posix=False)
    except ValueError:
        return line.split()


def fips(host: "Host", facts: "Facts", wish: "Wish") -> "Facts":
    return {"fips": text(host, "/proc/sys/crypto/fips_enabled") == "1"}


def load(host: "Host", facts: "Facts", wish: "Wish") -> "Facts":
    one, five, fifteen = os.getloadavg()
    return {"loadavg": {"1m": one, "5m": five, "15m": fifteen}}


def chroot(host: "Host", facts: "Facts", wish: "Wish") -> "Facts":
    return {"is_chroot": in_chroot(host)}


def in_chroot(host: "Host") -> bool:
    """Is our root another than that of process 1? Without the right to look, the root's inode number decides."""
    if host.environ.get("debian_chroot"):
        return True
    here = os.stat("/")
    try:
        first = os.stat("/proc/1/root/.")
    except OSError:
        kind = next((line.split()[2] for line in text(host, "/proc/mounts").splitlines() if line.split()[1:2] == ["/"]), "")
        root = {"btrfs": 256, "xfs": 128}.get(kind, 2)
        return here.st_ino != root
    return (here.st_ino, here.st_dev) != (first.st_ino, first.st_dev)
