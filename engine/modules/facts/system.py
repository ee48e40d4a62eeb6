"""Subset `platform`: kernel, machine, names of the host."""
import _socket  # the C half alone: `socket` costs milliseconds to import
import os
import sys

from engine.modules.facts.reading import text, within

MYPY = False
if MYPY:
    from engine.agent.host import Host
    from engine.modules.facts.reading import Facts, Wish

SMALL_X86 = ("i386", "i486", "i586", "i686")


def collect(host: "Host", facts: "Facts", wish: "Wish") -> "Facts":
    name = os.uname()
    bits = 64 if sys.maxsize > 2 ** 32 else 32
    full = within(wish.seconds, lambda: full_name(name.nodename), name.nodename)
    return {
        "system": name.sysname,
        "kernel": name.release,
        "kernel_version": name.version,
        "machine": name.machine,
        "nodename": name.nodename,
        "hostname": name.nodename.split(".")[0],
        "fqdn": full,
        "domain": full.partition(".")[2],
        "python_version": ".".join(str(part) for part in sys.version_info[:3]),
        "userspace_bits": str(bits),
        "architecture": "i386" if name.machine in SMALL_X86 else name.machine,
        "userspace_architecture": userspace(name.machine, bits),
        "machine_id": text(host, "/var/lib/dbus/machine-id") or text(host, "/etc/machine-id"),
    }


def userspace(machine: str, bits: int) -> str:
    """What programs here are built for: a 64-bit kernel may carry a 32-bit system."""
    if machine == "x86_64" or machine in SMALL_X86:
        return "x86_64" if bits == 64 else "i386"
    return machine


def full_name(nodename: str) -> str:
    """The name with a domain, as the resolver knows it. Source: socket.getfqdn of the standard library."""
    try:
        # Bytes: for text Python loads its tables of international names first, which costs milliseconds.
        first, aliases, _ = _socket.gethostbyaddr(nodename.encode("utf-8", "surrogateescape"))  # type: ignore[arg-type]
    except OSError:
        return nodename
    for name in [first] + aliases:
        if "." in name:
            return str(name)
    return str(first)
