"""Part of subset `hardware`: what is mounted from a disk or from the network, and how full it is."""
import os

from engine.modules.facts.devices import links_in
from engine.modules.facts.reading import lines, within

MYPY = False
if MYPY:
    from typing import Dict, List, Set

    from engine.agent.host import Host
    from engine.modules.facts.reading import Facts, Wish

REMOTE = ("nfs", "nfs4", "cifs", "smb3", "ceph", "fuse", "glusterfs", "9p", "afs", "davfs", "lustre", "ocfs2")
"""File systems whose server may be gone: asking them may hang."""


def collect(host: "Host", facts: "Facts", wish: "Wish") -> "Facts":
    uuids = links_in("/dev/disk/by-uuid")
    bound = bind_mounts(host)
    found: "Dict[str, Facts]" = {}
    for line in lines(host, "/etc/mtab") or lines(host, "/proc/mounts"):
        fields = [unescaped(field) for field in line.split()]
        if len(fields) < 6 or not wanted(fields[0], fields[2]):
            continue
        found[fields[1]] = described(fields, uuids, bound, wish.seconds)     # what is mounted over it is what one sees
    return {"mounts": list(found.values())}


def wanted(device: str, kind: str) -> bool:
    """A device or a server's path; kernel file systems have neither."""
    return (device.startswith(("/", "\\")) or ":/" in device) and kind != "none"


def described(fields: "List[str]", uuids: "Dict[str, List[str]]", bound: "Set[str]", seconds: float) -> "Facts":
    device, mount, kind, options = fields[:4]
    if mount in bound and "bind" not in options.split(","):
        options += ",bind"
    found = {
        "mount": mount, "device": device, "fstype": kind, "options": options, "dump": int(fields[4]), "passno": int(fields[5]),
        "uuid": uuids.get(os.path.basename(os.path.realpath(device)), ["N/A"])[0],
    }  # type: Facts
    if kind.startswith(REMOTE):
        size = within(seconds, lambda: usage(mount), None)
        if size is None:
            found["note"] = "Could not get extra information due to timeout"
    else:
        size = usage(mount)
    found.update(size or {})
    return found


def usage(mount: str) -> "Facts":
    """Sizes in bytes, blocks and inodes; {} where they cannot be asked."""
    try:
        said = os.statvfs(mount)
    except OSError:
        return {}
    return {
        "size_total": said.f_frsize * said.f_blocks, "size_available": said.f_frsize * said.f_bavail,
        "block_size": said.f_bsize, "block_total": said.f_blocks, "block_available": said.f_bavail,
        "block_used": said.f_blocks - said.f_bavail,
        "inode_total": said.f_files, "inode_available": said.f_favail, "inode_used": said.f_files - said.f_favail,
    }


def bind_mounts(host: "Host") -> "Set[str]":
    """Mount points that show a folder of a file system instead of its root. Source: proc(5), mountinfo, field 4."""
    found = set()
    for line in lines(host, "/proc/self/mountinfo"):
        fields = line.split()
        if len(fields) > 4 and fields[3] != "/":
            found.add(unescaped(fields[4]))
    return found


def unescaped(field: str) -> str:
    """mounts are written with spaces as \\040, and so on."""
    if "\\" not in field:
        return field
    import re

    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found.group(1), 8)), field)
