"""Keep a block of lines between two marker lines in a text file, or keep it out.

Identity: ``path`` (what is managed is the file). Reversible: yes, the whole content of the file is kept.

Examples:
    - blockinfile: {path: /etc/ssh/sshd_config, block: "Match User deploy\\nPasswordAuthentication no"}
    - blockinfile: {path: /etc/hosts, marker: "# {mark} cluster", insertafter: ^127, block: "10.0.0.1 db"}
"""
from engine.agent.sdk import FILE_ARGUMENTS, Argument, Fail
from engine.modules.system import editing, files

MYPY = False
if MYPY:
    from typing import Any, Dict, List, Optional, Tuple

    from engine.agent.host import Host
    from engine.agent.sdk import Change, FileState

ARGUMENTS = {
    "path": Argument("path", required=True, aliases=("dest", "destfile", "name"), doc="File on the target."),
    "block": Argument("str", default="", aliases=("content",), doc="The lines; none: the block is removed."),
    "state": Argument("str", default="present", choices=("absent", "present")),
    "marker": Argument("str", default="# {mark} ANSIBLE MANAGED BLOCK", doc="The marker lines; {mark}: marker_begin, marker_end."),
    "marker_begin": Argument("str", default="BEGIN"),
    "marker_end": Argument("str", default="END"),
    "insertafter": Argument("str", doc="Regular expression of the line to insert a new block after (the last one), or EOF."),
    "insertbefore": Argument("str", doc="Regular expression of the line to insert a new block before (the last one), or BOF."),
    "append_newline": Argument("bool", default=False, doc="A blank line after the block, unless it ends the file."),
    "prepend_newline": Argument("bool", default=False, doc="A blank line before the block, unless it begins the file."),
    "create": Argument("bool", default=False, doc="Make the file where there is none."),
    "backup": Argument("bool", default=False, doc="Keep the old file beside the new one."),
    "validate": Argument("str", doc="Command that must accept the new file (%s) before it replaces the old one."),
    "encoding": Argument("str", default="utf-8", doc="Of the file."),
}
ARGUMENTS.update(FILE_ARGUMENTS)
RULES = {"mutually_exclusive": [("insertbefore", "insertafter")]}
RESOURCE = "file"
IDENTITY = ("path",)
RESTORES = ("all", "the file: content byte for byte, owner, group, mode")


def inspect(args: "Dict[str, Any]", host: "Host") -> "Optional[FileState]":
    """The file now; None where it does not exist."""
    return editing.inspect(args, host)


def desire(args: "Dict[str, Any]", before: "Optional[FileState]") -> "Optional[FileState]":
    """The file with the block, or without it."""
    if before is None:
        if not args["create"]:
            raise Fail("Path {0} does not exist !".format(args["path"]), rc=257)
        if args["state"] == "absent" or not args["block"]:
            return None
    return editing.desire(args, before, lambda text: edited(args, text, before is None))


def apply(args: "Dict[str, Any]", change: "Change", host: "Host") -> "Dict[str, Any]":
    """Make the file as ``change.after`` says."""
    return editing.apply(args, change, host)


def report(args: "Dict[str, Any]", change: "Change", host: "Host") -> "Dict[str, Any]":
    """msg, and backup_file where one was made."""
    if "edit" not in args:
        return {"msg": "File {0} not present".format(args["path"])}
    values = {"msg": editing.message(args, change)}
    if args.get("backup_file"):
        values["backup_file"] = args["backup_file"]
    return values


def shown(args: "Dict[str, Any]", change: "Change") -> "List[Dict[str, Any]]":
    return editing.shown(args, change)


def kept(args: "Dict[str, Any]") -> "Dict[str, Any]":
    return files.kept(args, "path")


# ---- the text


def edited(args: "Dict[str, Any]", text: str, new: bool) -> editing.Edit:
    """The text with the block in the place of the old one, else where it was asked to be."""
    lines = editing.split(text)
    begin, end = (args["marker"].replace("{mark}", args[name]) for name in ("marker_begin", "marker_end"))
    found = bounds(lines, begin, end)
    if args["state"] == "absent" or not args["block"]:
        if found is None:
            return editing.Edit(text, "")
        return editing.Edit("".join(lines[:found[0]] + lines[found[1] + 1:]), "Block removed")
    inner = args["block"][:-1] if args["block"].endswith("\n") else args["block"]
    block = [each + "\n" for each in [begin] + inner.split("\n") + [end]]
    first, after = (found[0], found[1] + 1) if found else (place_of(args, lines),) * 2
    made = "".join(spaced(args, lines[:first], block, lines[after:]))
    if made == text:
        return editing.Edit(text, "")
    return editing.Edit(made, "File created" if new else "Block inserted")


def bounds(lines: "List[str]", begin: str, end: str) -> "Optional[Tuple[int, int]]":
    """Numbers of the marker lines of the block there is (the last of each); None where there is none."""
    bare = [line.rstrip("\r\n") for line in lines]
    firsts = [number for number, line in enumerate(bare) if line == begin]
    lasts = [number for number, line in enumerate(bare) if line == end]
    if not firsts or not lasts:
        return None
    return min(firsts[-1], lasts[-1]), max(firsts[-1], lasts[-1])


def place_of(args: "Dict[str, Any]", lines: "List[str]") -> int:
    """Before which line a new block goes."""
    before, after = args["insertbefore"], args["insertafter"]
    if before == "BOF":
        return 0
    pattern = before if before is not None else after
    if pattern is None or pattern == "EOF":
        return len(lines)
    found = editing.compiled(pattern)
    if "(?m)" in pattern:
        return by_text(found, lines, before is not None)
    matching = [number for number, line in enumerate(lines) if found.search(line)]
    if not matching:
        return len(lines)
    return matching[-1] if before is not None else matching[-1] + 1


def by_text(pattern: "Any", lines: "List[str]", before: bool) -> int:
    """The same for a pattern that looks at the whole text: its last match counts."""
    text = "".join(lines)
    matches = list(pattern.finditer(text))
    if not matches:
        return len(lines)
    return min(text.count("\n", 0, matches[-1].start() if before else matches[-1].end()) + (0 if before else 1), len(lines))


def spaced(args: "Dict[str, Any]", above: "List[str]", block: "List[str]", below: "List[str]") -> "List[str]":
    """The block between what stands above and below, with the blank lines that were asked for."""
    if above and not above[-1].endswith("\n"):
        above = above[:-1] + [above[-1] + "\n"]
    before = ["\n"] if args["prepend_newline"] and above and above[-1].strip() else []
    after = ["\n"] if args["append_newline"] and below and below[0].strip() else []
    return above + before + block + after + below
