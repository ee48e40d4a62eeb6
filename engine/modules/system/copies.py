"""Many files of one directory put in place by one call: what `copy` of a directory sends.

`entries` say what shall be there; nothing is written until every content that differs is at hand: otherwise the
answer is `need`, the paths whose content is to be sent.
"""
import os

from engine.agent.sdk import Argument, Context, Fail, perform
from engine.modules.builtin import copy, file

MYPY = False
if MYPY:
    from typing import Any, Dict, List

    from engine.agent.host import Host

ARGUMENTS = {
    "dest": Argument("path", required=True, doc="Directory that the entries stand in."),
    "entries": Argument("list", elements="dict", doc="{path, type: file|directory|link, digest, size, mode, target}, parents first."),
    "contents": Argument("dict", doc="Content by path."),
    "spooled": Argument("dict", doc="Name of the upload by path."),
    "common": Argument("dict", doc="Arguments of `copy` for every file: owner, group, mode, backup, force …"),
}
RESOURCE = ""


def run(args: "Dict[str, Any]", host: "Host", context: "Context") -> "Dict[str, Any]":
    """changed, changes and diffs of all; or `need`, with nothing changed."""
    if not context.check:
        need = needed(args, host)
        if need:
            return {"need": need}
    total = {"changed": False, "changes": [], "diffs": []}  # type: Dict[str, Any]
    for entry in args["entries"]:
        try:
            reply = placed(entry, args, host, context)
        except Fail as error:
            # what was done before is told with the failure: it can be taken back
            return dict(total, failed=True, msg=error.msg, dest=os.path.join(args["dest"], entry["path"]), **error.values)
        total["changed"] = total["changed"] or reply["result"]["changed"]
        total["changes"].extend(reply.get("changes", ()))
        total["diffs"].extend(reply.get("diffs", ()))
    return total


def needed(args: "Dict[str, Any]", host: "Host") -> "List[str]":
    found = []
    for entry in args["entries"]:
        name = entry["path"]
        if entry["type"] != "file" or name in args["contents"] or name in args["spooled"]:
            continue
        if lacks(entry, os.path.join(args["dest"], name), args["common"], host):
            found.append(name)
    return found


def lacks(entry: "Dict[str, Any]", path: str, common: "Dict[str, Any]", host: "Host") -> bool:
    """Is the content to be written there, because it is not there yet?"""
    if not host.exists(path):
        return True
    if not common.get("force", True):
        return False
    found = host.stat(path)
    if found is None or not host.is_file(path) or (host.is_link(path) and not common.get("follow")):
        return True
    return bool(found.st_size != entry["size"]) or host.digest(path) != entry["digest"]


def placed(entry: "Dict[str, Any]", args: "Dict[str, Any]", host: "Host", context: "Context") -> "Dict[str, Any]":
    """One entry, by the module that makes such things."""
    common, name = args["common"], entry["path"]
    path = os.path.join(args["dest"], name) if name else args["dest"]
    if entry["type"] == "directory":
        given = {"path": path, "state": "directory"}  # type: Dict[str, Any]
        if not host.exists(path):
            given.update(mode=common.get("directory_mode"), owner=common.get("owner"), group=common.get("group"))
        return perform(file, given, host, context)
    if entry["type"] == "link":
        given = {"path": path, "state": "link", "src": entry["target"], "follow": False, "force": True}
        return perform(file, dict(given, owner=common.get("owner"), group=common.get("group")), host, context)
    given = dict(common, dest=path, src=entry.get("src", ""), digest=entry["digest"], size=entry["size"], in_set=True)
    if entry.get("mode") is not None:
        given["mode"] = entry["mode"]
    given["content"], given["spooled"] = args["contents"].get(name), args["spooled"].get(name)
    return perform(copy, given, host, context)
