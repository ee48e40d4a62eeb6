"""Keep one line in a text file, replace it, or keep it out.

Identity: ``path`` (what is managed is the file, so two tasks on one file are two records of one thing).
Reversible: yes, the whole content of the file is kept.

Examples:
    - lineinfile: {path: /etc/selinux/config, regexp: ^SELINUX=, line: SELINUX=enforcing}
    - lineinfile: {path: /etc/sudoers, state: absent, regexp: ^%wheel, validate: /usr/sbin/visudo -cf %s}
    - lineinfile: {path: /etc/hosts, search_string: "127.0.0.1", line: 127.0.0.1 localhost, owner: root, mode: "0644"}
"""
from engine.agent.sdk import FILE_ARGUMENTS, Argument, Fail
from engine.modules.system import editing, files

MYPY = False
if MYPY:
    from typing import Any, Callable, Dict, List, Optional

    from engine.agent.host import Host
    from engine.agent.sdk import Change, FileState

ARGUMENTS = {
    "path": Argument("path", required=True, aliases=("dest", "destfile", "name"), doc="File on the target."),
    "line": Argument("str", aliases=("value",), doc="The line, without its newline."),
    "regexp": Argument("str", aliases=("regex",), doc="The last line that has it is replaced; with `absent`, every one is removed."),
    "search_string": Argument("str", doc="As regexp, but literal text."),
    "state": Argument("str", default="present", choices=("absent", "present")),
    "backrefs": Argument("bool", default=False, doc="`line` may hold \\1 or \\g<name>; without a match nothing is done."),
    "insertafter": Argument("str", doc="Regular expression of the line to insert after (the last one), or EOF."),
    "insertbefore": Argument("str", doc="Regular expression of the line to insert before (the last one), or BOF."),
    "firstmatch": Argument("bool", default=False, doc="The first match counts instead of the last."),
    "create": Argument("bool", default=False, doc="Make the file where there is none."),
    "backup": Argument("bool", default=False, doc="Keep the old file beside the new one."),
    "validate": Argument("str", doc="Command that must accept the new file (%s) before it replaces the old one."),
    "encoding": Argument("str", default="utf-8", doc="Of the file."),
}
ARGUMENTS.update(FILE_ARGUMENTS)
RULES = {"mutually_exclusive": [("insertbefore", "insertafter"), ("regexp", "search_string"), ("backrefs", "search_string")]}
RESOURCE = "file"
IDENTITY = ("path",)
RESTORES = ("all", "the file: content byte for byte, owner, group, mode")
EMPTY = (
    "The {0} is an empty string, which will match every line in the file. This may have unintended consequences, "
    "such as replacing the last line in the file rather than appending."
)
USE_CARET = " If this is desired, use '^' to match every line in the file and avoid this warning."


def inspect(args: "Dict[str, Any]", host: "Host") -> "Optional[FileState]":
    """The file now, in the one shape of kind ``file``; None where it does not exist."""
    return editing.inspect(args, host)


def desire(args: "Dict[str, Any]", before: "Optional[FileState]") -> "Optional[FileState]":
    """The file as it should be, given the one there is."""
    present = args["state"] == "present"
    if args["backrefs"] and args["regexp"] is None and present:
        raise Fail("regexp is required with backrefs=true")
    if present and args["line"] is None:
        raise Fail("line is required with state=present")
    if not present and args["line"] is None and args["search_string"] is None and args["regexp"] is None:
        raise Fail("one of line, search_string, or regexp is required with state=absent")
    if before is None:
        if not present:
            return None
        if not args["create"]:
            raise Fail("Destination {0} does not exist !".format(args["path"]), rc=257)
    return editing.desire(args, before, lambda text: with_line(args, text) if present else without_line(args, text))


def apply(args: "Dict[str, Any]", change: "Change", host: "Host") -> "Dict[str, Any]":
    """Make the file as ``change.after`` says; for a rollback the engine reverses the change."""
    return editing.apply(args, change, host)


def report(args: "Dict[str, Any]", change: "Change", host: "Host") -> "Dict[str, Any]":
    """msg, the backup's path or "", and for `absent` how many lines were found."""
    if "edit" not in args:
        return {"msg": "file not present"}
    values = {"msg": editing.message(args, change), "backup": args.get("backup_file", "")}
    values.update(args["edit"].values)
    empty = [name for name in ("regexp", "search_string") if args[name] == "" and args["state"] == "present"]
    if empty:
        words = ("regular expression", USE_CARET) if empty[0] == "regexp" else ("search string", "")
        values["warnings"] = [EMPTY.format(words[0]) + words[1]]
    return values


def shown(args: "Dict[str, Any]", change: "Change") -> "List[Dict[str, Any]]":
    return editing.shown(args, change)


def kept(args: "Dict[str, Any]") -> "Dict[str, Any]":
    return files.kept(args, "path")


# ---- the text


def matcher(args: "Dict[str, Any]") -> "Optional[Callable[[str], Any]]":
    """Finds what regexp or search_string look for in a line; None where neither is given."""
    if args["regexp"] is not None:
        found = editing.compiled(args["regexp"]).search     # type: Callable[[str], Any]
        return found
    literal = args["search_string"]
    return None if literal is None else (lambda line: literal in line)


def with_line(args: "Dict[str, Any]", text: str) -> editing.Edit:
    """The text with the line: in place of the one that matches, else where it was asked to be, else at the end."""
    lines = editing.split(text)
    matches = matcher(args)
    if matches is not None:
        order = range(len(lines)) if args["firstmatch"] else range(len(lines) - 1, -1, -1)
        for number in order:
            match = matches(lines[number])
            if match:
                return replaced(lines, number, expanded(match, args["line"]) if args["backrefs"] else args["line"])
    if args["backrefs"]:
        return editing.Edit(text, "")
    there = [number for number, line in enumerate(lines) if line.rstrip("\r\n") == args["line"]]
    if there:
        return replaced(lines, there[-1], args["line"])
    return inserted(args, lines)


def expanded(match: "Any", line: str) -> str:
    import re

    try:
        return str(match.expand(line))
    except (re.error, IndexError) as error:
        raise Fail("{0} in the line {1!r}".format(error, line))


def replaced(lines: "List[str]", number: int, line: str) -> editing.Edit:
    new = line if line.endswith("\n") else line + "\n"
    if lines[number].endswith("\r\n") and new[:-1] == lines[number][:-2]:
        new = lines[number]     # one CRLF among plain ends: the line is there as it shall be
    changed = lines[number] != new
    lines[number] = new
    return editing.Edit("".join(lines), "line replaced" if changed else "")


def inserted(args: "Dict[str, Any]", lines: "List[str]") -> editing.Edit:
    """The line at the place that insertbefore or insertafter name; the end where their pattern is not found."""
    before, after = args["insertbefore"], args["insertafter"]
    new = args["line"] + "\n"
    place = len(lines)
    if before == "BOF" or after == "BOF":
        place = 0
    else:
        pattern = before if before is not None else after
        if pattern and pattern != "EOF":
            find = editing.compiled(pattern).search
            found = [number for number, line in enumerate(lines) if find(line)]
            if found:
                at = found[0] if args["firstmatch"] else found[-1]
                place = at if before is not None else at + 1
    if place == len(lines) and lines and not lines[-1].endswith(("\n", "\r")):
        lines[-1] += "\n"
    lines.insert(place, new)
    return editing.Edit("".join(lines), "line added")


def without_line(args: "Dict[str, Any]", text: str) -> editing.Edit:
    """The text without any line that matches."""
    lines = editing.split(text)
    matches = matcher(args) or (lambda line: line.rstrip("\r\n") == args["line"])
    kept = [line for line in lines if not matches(line)]
    found = len(lines) - len(kept)
    return editing.Edit("".join(kept), "{0} line(s) removed".format(found) if found else "", found=found)
