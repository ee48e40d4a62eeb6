"""Find files by name, age, size, mode, content and kind.

Identity: none, nothing is managed. Never changes anything.

Examples:
    - find: {paths: /var/log, patterns: "*.old,*.log.gz", size: 10m, recurse: true}
      register: old
    - find: {paths: [/srv, /opt], file_type: directory, excludes: "nginx,mysql", age: 2d}
"""
import os
import stat as st
import time

from engine.agent.sdk import Argument, Fail
from engine.modules.system import stats
from engine.modules.system.editing import compiled

MYPY = False
if MYPY:
    from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

    from engine.agent.host import Host
    from engine.agent.sdk import Context

    Test = Callable[[str, str, os.stat_result], bool]

ARGUMENTS = {
    "paths": Argument("list", required=True, elements="path", aliases=("name", "path"), doc="Directories to look in."),
    "patterns": Argument("list", default=[], elements="str", aliases=("pattern",), doc="Names to find: globs, or regular expressions."),
    "excludes": Argument("list", elements="str", aliases=("exclude",), doc="Names to leave out."),
    "use_regex": Argument("bool", default=False, doc="patterns and excludes are regular expressions of whole names."),
    "file_type": Argument("str", default="file", choices=("any", "directory", "file", "link")),
    "recurse": Argument("bool", default=False, doc="Look into directories below."),
    "depth": Argument("int", doc="How many levels down to look."),
    "hidden": Argument("bool", default=False, doc="Names that begin with a dot too."),
    "follow": Argument("bool", default=False, doc="Look through links."),
    "age": Argument("str", doc="At least so old (s, m, h, d, w); negative: at most."),
    "age_stamp": Argument("str", default="mtime", choices=("atime", "ctime", "mtime")),
    "size": Argument("str", doc="At least so large (b, k, m, g, t); negative: at most."),
    "mode": Argument("raw", doc="With this mode; without exact_mode: at least these permissions."),
    "exact_mode": Argument("bool", default=True),
    "contains": Argument("str", doc="Regular expression at the beginning of a line, or with read_whole_file anywhere."),
    "read_whole_file": Argument("bool", default=False),
    "encoding": Argument("str", doc="Of the files, for `contains`."),
    "get_checksum": Argument("bool", default=False),
    "checksum_algorithm": Argument(
        "str", default="sha1", choices=("md5", "sha1", "sha224", "sha256", "sha384", "sha512"), aliases=("checksum", "checksum_algo"),
    ),
    "limit": Argument("int", doc="Stop after so many."),
}
RESOURCE = ""
RESTORES = ("-", "looks for files")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
BYTES = {"b": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}
UNLIMITED = 10**6
KINDS = {"file": st.S_ISREG, "directory": st.S_ISDIR, "link": st.S_ISLNK}


def run(args: "Dict[str, Any]", host: "Host", context: "Context") -> "Dict[str, Any]":
    """Registers files, matched, examined, skipped_paths and msg."""
    tests = tests_of(args, host)
    skipped = {}  # type: Dict[str, str]
    found = []  # type: List[Dict[str, Any]]
    examined = 0
    for path in args["paths"]:
        if not host.is_dir(path):
            skipped[path] = "'{0}' is not a directory".format(path)
            continue
        for folder, names in walked(path, args, host, skipped):
            examined += len(names)
            for name in names if level_of(folder, path) <= (args["depth"] or UNLIMITED) else ():
                values = None if full(found, args) else matched(os.path.join(folder, name), name, tests, args, host, skipped)
                if values is not None:
                    found.append(values)
            if full(found, args):
                break
        if full(found, args):
            break
    result = {
        "files": found, "matched": len(found), "examined": examined, "skipped_paths": skipped,
        "msg": "Not all paths examined, check warnings for details" if skipped else "All paths examined",
    }  # type: Dict[str, Any]
    if full(found, args):
        result["msg"] = "Limit of matches reached"
    if skipped:
        result["warnings"] = ["Skipped '{0}' path due to this access issue: {1}".format(path, skipped[path]) for path in skipped]
    return result


def level_of(folder: str, path: str) -> int:
    """1 for what stands in `path` itself."""
    return folder[len(path.rstrip("/")):].count("/") + 1


def full(found: "List[Dict[str, Any]]", args: "Dict[str, Any]") -> bool:
    return args["limit"] is not None and len(found) >= args["limit"]


def walked(path: str, args: "Dict[str, Any]", host: "Host", skipped: "Dict[str, str]") -> "Iterator[Tuple[str, List[str]]]":
    """Folders from the top down, and the names in each, folders among them; with `depth` one level more, which is only counted."""
    waiting = [(path, 1)]
    while waiting:
        folder, level = waiting.pop(0)
        try:
            names = host.list_dir(folder)
        except OSError as error:
            skipped[folder] = str(error.strerror)
            continue
        yield folder, names
        if not args["recurse"] or (args["depth"] is not None and level > args["depth"]):
            continue
        below = [os.path.join(folder, name) for name in names]
        waiting[0:0] = [(each, level + 1) for each in below if host.is_dir(each) and (args["follow"] or not host.is_link(each))]


def matched(
    path: str, name: str, tests: "List[Test]", args: "Dict[str, Any]", host: "Host", skipped: "Dict[str, str]"
) -> "Optional[Dict[str, Any]]":
    """What is registered of a path that passes every test; None for others."""
    if not args["hidden"] and name.startswith("."):
        return None
    try:
        found = host.lstat(path)
        if found is None or not all(test(path, name, found) for test in tests):
            return None
        values = stats.basics(found, host, path)
        if args["get_checksum"] and values["isreg"]:
            values["checksum"] = host.digest(path, args["checksum_algorithm"])
        return values
    except OSError as error:
        skipped[path] = str(error.strerror)
        return None


# ---- tests of one path


def tests_of(args: "Dict[str, Any]", host: "Host") -> "List[Test]":
    """What every path found must pass, the cheap ones first."""
    tests = [named(args)]  # type: List[Test]
    if args["file_type"] != "any":
        is_kind = KINDS[args["file_type"]]
        tests.append(lambda path, name, found: is_kind(found.st_mode))
    if args["age"] is not None:
        tests.append(aged(args))
    if args["size"] is not None:
        tests.append(sized(args))
    if args["mode"] is not None:
        tests.append(allowed(args, host))
    if args["contains"] and args["file_type"] == "file":
        tests.append(containing(args, host))
    return tests


def named(args: "Dict[str, Any]") -> "Test":
    wanted, unwanted = args["patterns"] or [".*" if args["use_regex"] else "*"], args["excludes"] or []
    if args["use_regex"]:
        yes, no = [compiled(each) for each in wanted], [compiled(each) for each in unwanted]
        return lambda path, name, found: any(each.fullmatch(name) for each in yes) and not any(each.fullmatch(name) for each in no)
    from fnmatch import fnmatch

    return lambda path, name, found: any(fnmatch(name, each) for each in wanted) and not any(fnmatch(name, each) for each in unwanted)


def amount(text: str, units: "Dict[str, int]", what: str) -> int:
    """A signed number with a unit's first letter."""
    digits = text.strip().lower()
    number = digits.rstrip("abcdefghijklmnopqrstuvwxyz")
    unit = digits[len(number):]
    try:
        return int(number) * (units[unit[0]] if unit else 1)
    except (ValueError, KeyError):
        raise Fail("failed to process {0}".format(what), **{what: text})


def aged(args: "Dict[str, Any]") -> "Test":
    age, now, field = amount(args["age"], SECONDS, "age"), time.time(), "st_" + args["age_stamp"]

    def test(path: str, name: str, found: "os.stat_result") -> bool:
        old = now - getattr(found, field)
        return bool(old >= age if age >= 0 else old <= -age)

    return test


def sized(args: "Dict[str, Any]") -> "Test":
    size = amount(args["size"], BYTES, "size")
    return lambda path, name, found: not st.S_ISREG(found.st_mode) or (found.st_size >= size if size >= 0 else found.st_size <= -size)


def allowed(args: "Dict[str, Any]", host: "Host") -> "Test":
    mode = host.mode(args["mode"], 0)
    if args["exact_mode"]:
        return lambda path, name, found: st.S_IMODE(found.st_mode) == mode
    return lambda path, name, found: st.S_IMODE(found.st_mode) & mode == mode


def containing(args: "Dict[str, Any]", host: "Host") -> "Test":
    pattern = compiled(args["contains"])

    def test(path: str, name: str, found: "os.stat_result") -> bool:
        text = host.read_bytes(path).decode(args["encoding"] or "utf-8", "surrogateescape" if not args["encoding"] else "strict")
        if args["read_whole_file"]:
            return bool(pattern.search(text))
        return any(pattern.match(line) for line in text.splitlines(True))

    return test
