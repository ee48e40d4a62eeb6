"""What stat and find register of a path."""
import stat as st

MYPY = False
if MYPY:
    import os
    from typing import Any, Dict

    from engine.agent.host import Host

KINDS = (
    ("isdir", st.S_ISDIR), ("ischr", st.S_ISCHR), ("isblk", st.S_ISBLK), ("isreg", st.S_ISREG), ("isfifo", st.S_ISFIFO),
    ("islnk", st.S_ISLNK), ("issock", st.S_ISSOCK),
)
FIELDS = ("uid", "gid", "size", "ino", "dev", "nlink", "atime", "mtime", "ctime")


def basics(found: "os.stat_result", host: "Host", path: str) -> "Dict[str, Any]":
    """Kind, mode, owner, size, times and permission bits, one by one; pw_name and gr_name where the numbers have names."""
    mode = found.st_mode
    values = {"path": path, "mode": "{0:04o}".format(st.S_IMODE(mode)), "isuid": bool(mode & st.S_ISUID), "isgid": bool(mode & st.S_ISGID)}
    for name, is_kind in KINDS:
        values[name] = is_kind(mode)
    for field in FIELDS:
        values["inode" if field == "ino" else field] = getattr(found, "st_" + field)
    for letter, bit in (("r", 4), ("w", 2), ("x", 1)):
        for who, shift in (("usr", 6), ("grp", 3), ("oth", 0)):
            values[letter + who] = bool(mode >> shift & bit)
    blocks = getattr(found, "st_blocks", None)
    if blocks is not None:
        values["blocks"] = blocks
        values["disk_usage_bytes"] = blocks * 512
    owner, group = host.user_name(found.st_uid), host.group_name(found.st_gid)
    if owner != str(found.st_uid):
        values["pw_name"] = owner
    if group != str(found.st_gid):
        values["gr_name"] = group
    return values
