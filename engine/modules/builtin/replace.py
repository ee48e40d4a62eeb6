"""Replace every match of a regular expression in a text file.

Identity: ``path`` (what is managed is the file). Reversible: yes, the whole content of the file is kept.

Examples:
    - replace: {path: /etc/hosts, regexp: '(\\s+)old\\.host\\.name(\\s+.*)?$', replace: '\\1new.host.name\\2'}
    - replace: {path: /etc/app.conf, after: '\\[db\\]', before: '\\[', regexp: '^(port)=.*$', replace: '\\1=5432'}
"""
import re

from engine.agent.sdk import FILE_ARGUMENTS, Argument, Fail
from engine.modules.system import editing, files

MYPY = False
if MYPY:
    from typing import Any, Dict, List, Optional

    from engine.agent.host import Host
    from engine.agent.sdk import Change, FileState

ARGUMENTS = {
    "path": Argument("path", required=True, aliases=("dest", "destfile", "name"), doc="File on the target."),
    "regexp": Argument("str", required=True, doc="Regular expression; ^ and $ match at every line."),
    "replace": Argument("str", default="", doc="What stands there instead; \\1 and \\g<name> are the groups."),
    "after": Argument("str", doc="Regular expression: only what comes after its match is looked at."),
    "before": Argument("str", doc="Regular expression: only what comes before its match is looked at."),
    "backup": Argument("bool", default=False, doc="Keep the old file beside the new one."),
    "validate": Argument("str", doc="Command that must accept the new file (%s) before it replaces the old one."),
    "encoding": Argument("str", default="utf-8", doc="Of the file."),
}
ARGUMENTS.update(FILE_ARGUMENTS)
RESOURCE = "file"
IDENTITY = ("path",)
RESTORES = ("all", "the file: content byte for byte, owner, group, mode")


def inspect(args: "Dict[str, Any]", host: "Host") -> "Optional[FileState]":
    """The file now; None where it does not exist."""
    return editing.inspect(args, host)


def desire(args: "Dict[str, Any]", before: "Optional[FileState]") -> "Optional[FileState]":
    """The file with every match replaced."""
    if before is None:
        raise Fail("Path {0} does not exist !".format(args["path"]), rc=257)
    return editing.desire(args, before, lambda text: edited(args, text))


def apply(args: "Dict[str, Any]", change: "Change", host: "Host") -> "Dict[str, Any]":
    """Make the file as ``change.after`` says."""
    return editing.apply(args, change, host)


def report(args: "Dict[str, Any]", change: "Change", host: "Host") -> "Dict[str, Any]":
    """msg with the number of replacements, rc, and backup_file where one was made."""
    values = {"msg": editing.message(args, change), "rc": 0}
    if args["edit"].values.get("unmatched"):
        values["msg"] = args["edit"].msg
    if args.get("backup_file"):
        values["backup_file"] = args["backup_file"]
    return values


def shown(args: "Dict[str, Any]", change: "Change") -> "List[Dict[str, Any]]":
    return editing.shown(args, change, "{0}", attributes=False)


def kept(args: "Dict[str, Any]") -> "Dict[str, Any]":
    return files.kept(args, "path")


# ---- the text


def edited(args: "Dict[str, Any]", text: str) -> editing.Edit:
    start, end = 0, len(text)
    section = section_of(args)
    if section:
        found = editing.compiled(section, re.DOTALL).search(text)
        if found is None:
            msg = "Pattern for before/after params did not match the given file: {0}".format(section)
            return editing.Edit(text, msg, unmatched=True)
        start, end = found.span("subsection")
    try:
        made, count = editing.compiled(args["regexp"], re.MULTILINE).subn(args["replace"], text[start:end])
    except (re.error, IndexError) as error:
        raise Fail("Unable to process replace due to error: {0}".format(error))
    whole = text[:start] + made + text[end:]
    return editing.Edit(whole, "{0} replacements made".format(count) if count and whole != text else "")


def section_of(args: "Dict[str, Any]") -> str:
    """The expression whose group `subsection` is what may be changed; "" for all of the text."""
    after, before = args["after"], args["before"]
    if after and before:
        return "{0}(?P<subsection>.*?){1}".format(after, before)
    if after:
        return "{0}(?P<subsection>.*)".format(after)
    return "(?P<subsection>.*){0}".format(before) if before else ""
