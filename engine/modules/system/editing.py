"""What lineinfile, blockinfile and replace share: a file's text, edited by a pure function, checked, backed up and put back.

Every byte that an edit does not touch stays: line ends (a file that is CRLF throughout is edited as if it had plain
ones, and is CRLF again afterwards), a missing newline at the end, and bytes that are no valid text.
"""
import os

from engine.agent.sdk import Fail, owned
from engine.modules.system import files

MYPY = False
if MYPY:
    from typing import Any, Callable, Dict, List, Optional, Tuple

    from engine.agent.host import Host
    from engine.agent.sdk import Change, FileState

ATTRIBUTES_CHANGED = "ownership, perms or SE linux context changed"


class Edit(object):
    """A file's new text and what is said about it; `values` are registered too."""

    __slots__ = ("msg", "text", "values")

    def __init__(self, text: str, msg: str, **values: "Any") -> None:
        self.text = text
        self.msg = msg
        self.values = values


def inspect(args: "Dict[str, Any]", host: "Host") -> "Optional[FileState]":
    """The file that `path` leads to. What is too large for a state is read for the edit alone.

    Without the arguments of a task (a rollback, `engine drift`) it is whatever stands at the path: that is how it was recorded.
    """
    files.prepare(args, host)
    if "backup" not in args:
        return files.look(args, host, args["path"])
    args["path"] = host.realpath(args["path"])
    state = files.look(args, host, args["path"])
    if state is None:
        return None
    if state["type"] == "directory":
        raise Fail("Path {0} is a directory !".format(args["path"]), rc=256)
    if state["type"] != "file":
        raise Fail("Path {0} is a {1}, not a file".format(args["path"], state["type"]), rc=256)
    args["old"] = host.read_bytes(args["path"]) if state["content"] is None else state["content"]
    return state


def desire(args: "Dict[str, Any]", before: "Optional[FileState]", edit: "Callable[[str], Edit]") -> "FileState":
    """The file after `edit`. The Edit stays in `args`, for the report."""
    import hashlib

    old = args["old"] if before is not None else b""
    text, crlf = decoded(old, args.get("encoding") or "utf-8")
    args["edit"] = edit(text)
    new = old if args["edit"].text == text else encoded(args["edit"].text, crlf, args.get("encoding") or "utf-8")
    args["new"] = new
    after = files.fresh(args, "file") if before is None else files.wanted(args, owned(before, args))
    if before is None or new != old:
        after = dict(after, content=new, size=len(new), digest=hashlib.sha1(new).hexdigest())
    return after


def decoded(content: bytes, encoding: str) -> "Tuple[str, bool]":
    """The text with plain line ends, and whether all of them were CRLF."""
    try:
        text = content.decode(encoding, "surrogateescape" if encoding.lower() in ("utf-8", "utf8", "ascii") else "strict")
    except (UnicodeDecodeError, LookupError) as error:
        raise Fail("the file is not {0}: {1}".format(encoding, error))
    ends = text.count("\n")
    if ends and text.count("\r\n") == ends:
        return text.replace("\r\n", "\n"), True
    return text, False


def encoded(text: str, crlf: bool, encoding: str) -> bytes:
    if crlf:
        text = text.replace("\r\n", "\n").replace("\n", "\r\n")
    try:
        return text.encode(encoding, "surrogateescape" if encoding.lower() in ("utf-8", "utf8", "ascii") else "strict")
    except UnicodeEncodeError as error:
        raise Fail("the text cannot be written as {0}: {1}".format(encoding, error))


def split(text: str) -> "List[str]":
    """Lines with their ends; only \\n ends one."""
    lines = text.split("\n")
    last = lines.pop()
    return [line + "\n" for line in lines] + ([last] if last else [])


def compiled(pattern: str, flags: int = 0) -> "Any":
    import re

    try:
        return re.compile(pattern, flags)
    except re.error as error:
        raise Fail("{0} in the regular expression {1!r}".format(error, pattern))


def apply(args: "Dict[str, Any]", change: "Change", host: "Host") -> "Dict[str, Any]":
    """Have the new content checked, keep a backup, replace the file. A rollback does neither of the first two."""
    said = {}  # type: Dict[str, Any]
    before, after = change.before, change.after
    new_content = after is not None and (before is None or before.get("digest") != after.get("digest"))
    if "edit" in args and new_content:
        accept(args, host, after["content"])
        folder = os.path.dirname(args["path"])
        if not host.is_dir(folder):
            said["changes"] = files.parents(dict(args, owner=None, group=None), host, folder)
        if args.get("backup") and before is not None:
            args["backup_file"] = host.backup(args["path"])
    files.write(args, change, host, args["path"])
    if "edit" in args and not new_content:
        change.before, change.after = [{name: state[name] for name in state if name != "content"} for state in (before, change.after)]
    return said


def accept(args: "Dict[str, Any]", host: "Host", content: bytes) -> None:
    if args.get("validate"):
        code, _, errors = files.check_content(args, host, content)
        if code:
            raise Fail("failed to validate: rc:{0} error:{1}".format(code, files.text(errors)))


def message(args: "Dict[str, Any]", change: "Change") -> str:
    """What was done, in Ansible's words: the edit, and whether mode or owner changed."""
    parts = [args["edit"].msg] if args["edit"].msg else []
    if attributes_changed(args, change):
        parts.append(ATTRIBUTES_CHANGED)
    return " and ".join(parts)


def attributes_changed(args: "Dict[str, Any]", change: "Change") -> bool:
    before, after = change.before, change.after
    if after is None:
        return False
    if before is not None:
        return bool(files.properties(before, after)[0])
    return (
        after.get("mode", args["new_mode"]["file"]) != args["new_mode"]["file"]
        or (args.get("owner") is not None and after.get("uid", os.geteuid()) != os.geteuid())
        or (args.get("group") is not None and after.get("gid", os.getegid()) != os.getegid())
    )


def shown(args: "Dict[str, Any]", change: "Change", heading: str = "{0} (content)", attributes: bool = True) -> "List[Dict[str, Any]]":
    """Old and new text, and what differs in mode and owner."""
    found = []  # type: List[Dict[str, Any]]
    old, new = args.get("old") or b"", args.get("new", b"")
    header = heading.format(args["path"])
    if old != new:
        skipped = files.unshown("destination", old) + files.unshown("source", new)
        texts = {"before": files.text(old), "after": files.text(new), "before_header": header, "after_header": header}
        found.append({"prepared": skipped} if skipped else texts)
    before, after = files.properties(change.before, change.after)
    if attributes and before:
        header = "{0} (file attributes)".format(args["path"])
        found.append({"before": files.as_json(before), "after": files.as_json(after), "before_header": header, "after_header": header})
    return found
