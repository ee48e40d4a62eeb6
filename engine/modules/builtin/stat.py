"""Look at a path: kind, mode, owner, times, size, checksum, mime type, chattr flags.

Identity: none, nothing is managed. Never changes anything.

Examples:
    - stat: {path: /etc/foo.conf}
      register: found
    - stat: {path: /srv/image.iso, get_checksum: false, get_mime: false}
"""
import os
import stat as st

from engine.agent.sdk import Argument, Fail
from engine.modules.system import files, stats

MYPY = False
if MYPY:
    from typing import Any, Dict

    from engine.agent.host import Host
    from engine.agent.sdk import Context

ARGUMENTS = {
    "path": Argument("path", required=True, aliases=("dest", "name"), doc="What to look at."),
    "follow": Argument("bool", default=False, doc="Look at what a link leads to."),
    "get_checksum": Argument("bool", default=True, doc="Read the whole file for its checksum."),
    "checksum_algorithm": Argument(
        "str", default="sha1", choices=("md5", "sha1", "sha224", "sha256", "sha384", "sha512"), aliases=("checksum", "checksum_algo"),
    ),
    "get_mime": Argument("bool", default=True, aliases=("mime", "mime_type", "mime-type"), doc="Ask file(1) for mimetype and charset."),
    "get_attributes": Argument("bool", default=True, aliases=("attr", "attributes"), doc="Ask lsattr(1) for flags and version."),
    "get_selinux_context": Argument("bool", default=False),
}
RESOURCE = ""
RESTORES = ("-", "looks at a file")
FLAGS = {
    "A": "noatime", "a": "append", "B": "compressederror", "C": "nocow", "c": "compressed", "D": "dirsync", "d": "nodump", "E": "encrypted",
    "e": "extents", "h": "blocksize", "I": "indexed", "i": "immutable", "j": "journalled", "N": "inline", "S": "synchronous", "s": "zero",
    "T": "hashed", "t": "notail", "u": "undelete", "X": "compressedraw", "Z": "compresseddirty",
}
"""Letters of lsattr(1), source: chattr(1)."""
KINDS = (
    (st.S_ISLNK, "inode/symlink"), (st.S_ISDIR, "inode/directory"), (st.S_ISCHR, "inode/chardevice"), (st.S_ISBLK, "inode/blockdevice"),
    (st.S_ISFIFO, "inode/fifo"), (st.S_ISSOCK, "inode/socket"),
)
"""What file(1) says of everything that is no regular file."""


def run(args: "Dict[str, Any]", host: "Host", context: "Context") -> "Dict[str, Any]":
    """Registers `stat`; only `exists: false` in it where nothing is there."""
    path = args["path"]
    try:
        found = host.stat(path) if args["follow"] else host.lstat(path)
    except OSError as error:
        raise Fail("{0}: {1}".format(path, error.strerror))
    if found is None:
        return {"stat": {"exists": False}}
    values = stats.basics(found, host, path)
    values.update(exists=True, block_size=found.st_blksize, device_type=found.st_rdev)
    values.update(readable=host.access(path, os.R_OK), writeable=host.access(path, os.W_OK), executable=host.access(path, os.X_OK))
    if values["islnk"]:
        values["lnk_source"] = host.realpath(path)
        values["lnk_target"] = host.readlink(path)
    if values["isreg"] and args["get_checksum"] and values["readable"]:
        values["checksum"] = host.digest(path, args["checksum_algorithm"])
    if args["get_mime"]:
        values.update(mime(path, host))
    if args["get_attributes"]:
        values.update(attributes(path, found, host))
    if args["get_selinux_context"]:
        label = files.context(host, path) if host.exists("/sys/fs/selinux/enforce") else ""
        values["selinux_context"] = label.split(":", 3) if label else [None, None, None]
    return {"stat": values}


def mime(path: str, host: "Host") -> "Dict[str, str]":
    """mimetype and charset, of a link itself; file(1) is only asked about regular files that hold something."""
    unknown = {"mimetype": "unknown", "charset": "unknown"}
    program = host.which("file")
    found = host.lstat(path)
    if program is None or found is None or host.stat(path) is None:
        return unknown
    for is_kind, name in KINDS:
        if is_kind(found.st_mode):
            return {"mimetype": name, "charset": "binary"}
    if not found.st_size:
        return {"mimetype": "inode/x-empty", "charset": "binary"}
    done = host.run([program, "--mime-type", "--mime-encoding", path], locale=True)
    words = done.stdout.decode("utf-8", "surrogateescape").strip().rsplit(":", 1)[-1].split(";")
    if done.code or len(words) != 2:
        return unknown
    return {"mimetype": words[0].strip(), "charset": words[1].split("=")[-1].strip()}


def attributes(path: str, found: "os.stat_result", host: "Host") -> "Dict[str, Any]":
    """version, attr_flags and attributes, as lsattr(1) knows them of files and directories."""
    none = {"version": None, "attributes": [], "attr_flags": ""}  # type: Dict[str, Any]
    program = host.which("lsattr") if st.S_ISREG(found.st_mode) or st.S_ISDIR(found.st_mode) else None
    if program is None:
        return none
    done = host.run([program, "-vd", path], locale=True)
    words = done.stdout.decode("utf-8", "surrogateescape").split()
    if done.code or len(words) < 2:
        return none
    letters = words[1].replace("-", "")
    return {"version": words[0], "attr_flags": letters, "attributes": [FLAGS[letter] for letter in letters if letter in FLAGS]}
