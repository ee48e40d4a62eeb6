"""Make a temporary file or directory that only its owner can read.

Identity: ``path`` of what was made. Reversible: yes, while it is still empty.

Examples:
    - tempfile: {state: directory, suffix: build}
      register: made
"""
import os

from engine.agent.sdk import Argument, Fail
from engine.modules.system import files

MYPY = False
if MYPY:
    from typing import Any, Dict

    from engine.agent.host import Host
    from engine.agent.sdk import Context

ARGUMENTS = {
    "state": Argument("str", default="file", choices=("directory", "file")),
    "path": Argument("path", doc="Directory to make it in; by default the system's for temporary files."),
    "prefix": Argument("str", default="ansible.", doc="How its name begins."),
    "suffix": Argument("str", default="", doc="How its name ends."),
}
RESOURCE = ""
RESTORES = ("part", "the file or folder goes, while it is as it was made")
CHECK = False
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789_"


def run(args: "Dict[str, Any]", host: "Host", context: "Context") -> "Dict[str, Any]":
    """Registers path, mode, owner, group, size, state, uid and gid."""
    for name in ("prefix", "suffix"):
        if "/" in args[name]:
            raise Fail("{0} must be a valid file name component, got '{1}'".format(name, args[name]))
    folder = args["path"] or host.environ.get("TMPDIR") or "/tmp"
    if not host.is_dir(folder):
        raise Fail("{0} is not a directory".format(folder))
    path = os.path.join(folder, args["prefix"] + "".join(LETTERS[byte % len(LETTERS)] for byte in os.urandom(8)) + args["suffix"])
    if host.exists(path):
        raise Fail("{0} exists already".format(path))
    if args["state"] == "directory":
        host.make_file(path, {"type": "directory", "mode": 0o700})
    else:
        host.write_atomically(path, b"", 0o600)
    state = host.file_state(path, content=False) or {}
    state.pop("size", None)             # what is written to it is somebody else's
    change = {
        "kind": "file", "identity": path, "before": None, "after": state, "reversible": True, "reason": "",
        "module": "engine.modules.builtin.file", "args": {"path": path, "state": args["state"], "follow": False},
    }
    return dict(files.registered(host, path), path=path, changed=True, changes=[change])
