"""Make a path a file, directory, symbolic link, hard link, or nothing, with owner, group and mode.

Identity: ``path`` (with `follow`, what it leads to). Reversible: yes. What `absent` removes is kept with contents, owners
and modes; what was created empty is taken away again only while it is still empty.

Examples:
    - file: {path: /srv/data, state: directory, owner: www-data, mode: u=rwX,g=rX,o=}
    - file: {path: /etc/localtime, src: /usr/share/zoneinfo/UTC, state: link}
    - file: {path: /etc/old.conf, state: absent}
"""
import os
import time

from engine.agent.sdk import FILE_ARGUMENTS, Argument, Fail, owned
from engine.modules.system import files

MYPY = False
if MYPY:
    from typing import Any, Dict, List, Optional

    from engine.agent.host import Host
    from engine.agent.sdk import Change, FileState

ARGUMENTS = {
    "path": Argument("path", required=True, aliases=("dest", "name"), doc="The path on the target."),
    "state": Argument(
        "str", choices=("absent", "directory", "file", "hard", "link", "touch"),
        doc="What shall be there; by default what is there, else `directory` with `recurse`, else `file` (which is never created).",
    ),
    "src": Argument("path", doc="What a link leads to; relative paths count from the link."),
    "recurse": Argument("bool", default=False, doc="Owner, group and mode for everything below a directory too."),
    "follow": Argument("bool", default=True, doc="Manage what a link at `path` leads to."),
    "force": Argument("bool", default=False, doc="Make links to what does not exist, and in place of files and empty directories."),
    "access_time": Argument("str", doc="`preserve`, `now`, or a time in access_time_format."),
    "access_time_format": Argument("str", default="%Y%m%d%H%M.%S"),
    "modification_time": Argument("str", doc="`preserve`, `now`, or a time in modification_time_format."),
    "modification_time_format": Argument("str", default="%Y%m%d%H%M.%S"),
}
ARGUMENTS.update(FILE_ARGUMENTS)
RESOURCE = "file"
IDENTITY = ("path",)
RESTORES = ("all", "type, owner, group, mode, links; what was removed with its content, up to the sizes that are kept")

OWNING = ("mode", "owner", "group")


def inspect(args: "Dict[str, Any]", host: "Host") -> "Optional[FileState]":
    """What is at the path, with as much of it as the wanted state needs: content before it is removed, entries, times, a link's target."""
    files.prepare(args, host)
    args["now"] = int(time.time() * 1e9)
    args["path"] = args["path"].rstrip("/") or "/"
    found = host.lstat(args["path"])
    if args.get("state") is None:
        args["state"] = "directory" if args.get("recurse") and found is None else "file" if found is None else files.kind(found)
    state = args["state"]
    if state in ("file", "directory", "touch") and args.get("follow", True) and found is not None and host.is_link(args["path"]):
        args["path"] = host.realpath(args["path"])
    if state == "absent":
        return host.tree_state(args["path"])
    replacing = state == "hard" or (state == "link" and bool(args.get("force")))
    before = files.look(args, host, args["path"], content=replacing)
    args["empty"] = before is not None and before["type"] == "directory" and not host.list_dir(args["path"])
    if state == "link":
        look_behind(args, host, before)
    elif state == "hard":
        look_at_source(args, host, before)
    elif before is not None:
        look_closer(args, host, before)
    return before


def look_behind(args: "Dict[str, Any]", host: "Host", before: "Optional[FileState]") -> None:
    """Where the link shall lead, and with `follow` what is there: owner and mode are meant for that.

    It is part of the link's state only where the task gives an owner or mode (`through`, also for the rollback of such a task).
    """
    folder = args["path"] if before is not None and before["type"] == "directory" else os.path.dirname(args["path"])
    is_link = before is not None and before["type"] == "link"
    source = args.get("src") or (before["target"] if is_link and before is not None else None)
    args["leads_to"] = os.path.join(folder, source) if source else ""
    behind = host.file_state(args["leads_to"], follow=True, content=False) if source else None
    args["behind"] = {name: behind[name] for name in ("type", "mode", "uid", "gid", "owner", "group")} if behind else None
    args["through"] = bool(args.get("through")) or any(args.get(name) is not None for name in OWNING)
    if before is not None and is_link and args["behind"] and args["through"] and args.get("follow", True):
        before["behind"] = args["behind"]


def look_at_source(args: "Dict[str, Any]", host: "Host", before: "Optional[FileState]") -> None:
    if not args.get("src"):
        return
    if before is not None and before["type"] == "directory":
        args["path"] = os.path.join(args["path"], os.path.basename(args["src"]))
    args["source"] = os.path.join(os.path.dirname(args["path"]), args["src"])
    args["source_state"] = files.look(args, host, args["source"], content=True)
    there = host.lstat(args["path"])
    args["links"] = there.st_nlink if there is not None else 0
    if before is not None:
        before["linked"] = host.same_file(args["path"], args["source"])


def look_closer(args: "Dict[str, Any]", host: "Host", before: "FileState") -> None:
    if args["state"] == "touch" or args.get("access_time") or args.get("modification_time"):
        found = host.lstat(args["path"])
        if found is not None:
            before["times"] = [found.st_atime_ns, found.st_mtime_ns]
    if args.get("recurse") and before["type"] == "directory":
        before["below"] = {}
        look_below(args["path"], host, bool(args.get("follow", True)), before["below"])


def look_below(folder: str, host: "Host", follow: bool, found: "Dict[str, Any]") -> None:
    """Owner and mode of everything below, by path; with `follow` of what links lead to as well, as Ansible does."""
    for name in host.list_dir(folder):
        path = os.path.join(folder, name)
        state = host.file_state(path, content=False)
        if state is None or path in found:
            continue
        state.pop("size", None)
        found[path] = state
        if state["type"] == "link" and follow and host.stat(path) is not None:
            path = host.realpath(path)
            state = host.file_state(path, content=False)
            if state is None or path in found:
                continue
            state.pop("size", None)
            found[path] = state
        if state["type"] == "directory":
            look_below(path, host, follow, found)


# ---- what shall be


def desire(args: "Dict[str, Any]", before: "Optional[FileState]") -> "Optional[FileState]":
    """The path as it should be. Fails with Ansible's words where the state cannot be had."""
    state = args["state"]
    if args.get("recurse") and state != "directory":
        raise Fail("recurse option requires state to be 'directory'", path=args["path"])
    if args.get("src") and state not in ("link", "hard"):
        raise Fail("src option requires state to be 'link' or 'hard'", path=args["path"])
    if state == "absent":
        return None
    return {"file": as_file, "directory": as_directory, "touch": as_touched, "link": as_link, "hard": as_hard}[state](args, before)


def word(before: "FileState") -> str:
    return str(before["type"])


def as_file(args: "Dict[str, Any]", before: "Optional[FileState]") -> "FileState":
    if before is None or before["type"] != "file":
        found = "absent" if before is None else word(before)
        raise Fail("file ({0}) is {1}, cannot continue".format(args["path"], found), path=args["path"], state=found)
    return timed(args, files.wanted(args, owned(before, args)), "preserve")


def as_directory(args: "Dict[str, Any]", before: "Optional[FileState]") -> "FileState":
    if before is None:
        after = files.fresh(args, "directory")
        if args.get("recurse"):
            after["below"] = {}
        return timed(args, after, "preserve")
    if before["type"] != "directory":
        raise Fail("{0} already exists as a {1}".format(args["path"], word(before)), path=args["path"], state=word(before))
    after = files.wanted(args, owned(before, args))
    if "below" in before:
        after["below"] = {path: owned(each, args) for path, each in before["below"].items()}
    return timed(args, after, "preserve")


def as_touched(args: "Dict[str, Any]", before: "Optional[FileState]") -> "FileState":
    if before is None:
        return timed(args, files.fresh(args, "file"), "now")
    return timed(args, files.wanted(args, owned(before, args)), "now")


def as_link(args: "Dict[str, Any]", before: "Optional[FileState]") -> "FileState":
    """A link; with `follow` the owner and mode asked for go to what it leads to, else the owner to the link itself."""
    kind = before["type"] if before is not None else ""
    if not args.get("src") and kind != "link":
        raise Fail("src is required for creating new symlinks", path=args["path"])
    if args.get("src") and args["behind"] is None and not args.get("force"):
        raise Fail(
            "src file does not exist, use 'force=yes' if you really want to create the link: {0}".format(args["leads_to"]),
            path=args["path"], src=args["src"],
        )
    if kind == "directory" and args.get("force") and not args["empty"]:
        raise Fail("the directory {0} is not empty, refusing to convert it".format(args["path"]), path=args["path"])
    if kind not in ("", "link") and not args.get("force"):
        raise Fail("refusing to convert from {0} to symlink for {1}".format(kind, args["path"]), path=args["path"])
    after = dict(before) if before is not None and kind == "link" else {"type": "link"}  # type: FileState
    after["target"] = args.get("src") or after["target"]
    if not args.get("follow", True):
        return owned(after, dict(args, mode=None))
    if args["behind"] is not None and any(args.get(name) is not None for name in OWNING):
        after["behind"] = owned(args["behind"], args)
    return after


def as_hard(args: "Dict[str, Any]", before: "Optional[FileState]") -> "FileState":
    if not args.get("src"):
        if before is None:
            raise Fail("src is required for creating new hardlinks", path=args["path"])
        return files.wanted(args, owned(before, args))
    source = args["source_state"]
    if source is None:
        raise Fail("src does not exist", dest=args["path"], src=args["src"])
    if before is not None and before.get("linked"):
        return files.wanted(args, owned(before, args))
    if before is not None and before["type"] != "directory" and not args.get("force"):
        there = "different hard link" if args["links"] > 1 else "file"
        raise Fail("Cannot link, {0} exists at destination".format(there), dest=args["path"], src=args["src"])
    if source["type"] != "file":
        raise Fail("Error while linking: {0} is a {1}".format(args["source"], source["type"]), dest=args["path"], src=args["src"])
    return dict(files.wanted(args, owned(source, args)), linked=True, noted={"linked_with": args["source"]})


def timed(args: "Dict[str, Any]", after: "FileState", default: str) -> "FileState":
    """With the times asked for, in nanoseconds: [access, modification]; None for a new file's own."""
    old = after.get("times", [None, None])
    times = []
    for name, present in zip(("access_time", "modification_time"), old):
        asked = args.get(name) or default
        if asked == "preserve":
            times.append(present)
        elif asked == "now":
            times.append(args["now"])
        else:
            times.append(parsed(asked, args.get(name + "_format") or "%Y%m%d%H%M.%S"))
    if times != [None, None]:
        after["times"] = times
    return after


def parsed(text: str, form: str) -> int:
    try:
        return int(time.mktime(time.strptime(text, form))) * 10**9
    except ValueError as error:
        raise Fail("Error while obtaining timestamp for time {0} using format {1}: {2}".format(text, form, error))


# ---- making it so


def apply(args: "Dict[str, Any]", change: "Change", host: "Host") -> "Dict[str, Any]":
    """Make it so. Returns the changes of other paths: parents that were made, a file that a new link leads to."""
    path, before, after = args["path"], change.before, change.after
    if after is None:
        if args.get("beside") and before is not None and host.list_dir(path):
            change.after = before
            return {"warnings": ["{0} was kept: there is something in it".format(path)]}
        remove(args, before, host)
        return {}
    changes = []  # type: List[Dict[str, Any]]
    if after["type"] == "directory" and before is None and "entries" not in after:
        changes = files.parents(args, host, os.path.dirname(path), args.get("mode"))
    if after.get("linked") and not (before or {}).get("linked"):
        host.link(args["source"], path)
        host.own(path, after)
        files.finish(host, path, before, after)
    elif (before or {}).get("linked") and not after.get("linked", True) and after.get("content") is not None:
        host.write_atomically(path, after["content"], after["mode"], after["uid"], after["gid"])
    else:
        files.write(args, change, host, path)
    for each, state in after.get("below", {}).items():
        if host.exists(each):
            host.own(each, state)
    changes.extend(own_behind(args, before, after, host))
    set_times(path, after.get("times"), host)
    return {"changes": changes} if changes else {}


def foresee(args: "Dict[str, Any]", change: "Change", host: "Host") -> None:
    after = change.after
    folder = os.path.dirname(args["path"])
    if after is not None and change.before is None and after["type"] != "directory" and not host.is_dir(folder):
        raise Fail("Error, could not touch target: {0} is not there".format(folder), path=args["path"])


def remove(args: "Dict[str, Any]", before: "Optional[FileState]", host: "Host") -> None:
    """Remove what `absent` recorded whole. What was only created (by another state, now rolled back) must be as empty as it was made."""
    if before is None:
        return
    path = args["path"]
    if args["state"] not in ("absent", "hard"):
        found = host.lstat(path)
        if before["type"] == "directory" and host.list_dir(path):
            raise Fail("{0} is not empty: it was made empty, and is not removed with what came into it since".format(path), path=path)
        if before["type"] == "file" and not before.get("linked") and found is not None and found.st_size and found.st_nlink == 1:
            raise Fail("{0} is not empty: it was made empty, and is not removed with what was written to it since".format(path), path=path)
    files.loosen(host, path, before, None)
    host.remove(path)


def own_behind(args: "Dict[str, Any]", before: "Optional[FileState]", after: "FileState", host: "Host") -> "List[Dict[str, Any]]":
    """Owner and mode of what a link leads to. Where the link itself is new, the file behind it is a change of its own."""
    behind = after.get("behind")
    if behind is None:
        return []
    path = host.realpath(args["path"])
    host.own(path, behind)
    if (before or {}).get("behind") is not None or args.get("behind") in (None, behind):
        return []
    return [{
        "kind": "file", "identity": path, "before": args["behind"], "after": behind, "reversible": True, "reason": "", "module": __name__,
        "args": {"path": path, "follow": False},
    }]


def kept(args: "Dict[str, Any]") -> "Dict[str, Any]":
    """For a rollback: which path, and how closely it was looked at. `follow` was settled when the path was found,
    but for what links below it lead to."""
    names = ("path", "state", "src", "force", "recurse", "access_time", "modification_time", "through", "beside")
    below = bool(args.get("recurse")) and args.get("follow", True)
    return dict(files.kept(args, *names), follow=args.get("state") == "link" or below)


def set_times(path: str, times: "Optional[List[Optional[int]]]", host: "Host") -> None:
    found = host.lstat(path)
    if times and found is not None:
        host.touch(path, found.st_atime_ns if times[0] is None else times[0], found.st_mtime_ns if times[1] is None else times[1])


# ---- telling


def report(args: "Dict[str, Any]", change: "Change", host: "Host") -> "Dict[str, Any]":
    """`dest` for links and touch, else `path`; and mode, owner, group, size, state of what is there now."""
    state, path = args["state"], args["path"]
    values = {"dest" if state in ("link", "hard", "touch") else "path": path}
    if state in ("link", "hard"):
        values["src"] = args.get("src") or (change.before or {}).get("target")
    if host.stat(path) is not None or (state == "absent" and host.exists(path)):
        values.update(files.registered(host, path))
    elif state == "absent":
        values["state"] = "absent"
    if state == "link" and change.after is not None and args.get("follow", True) and args["behind"] is None:
        values["warnings"] = ["Cannot set fs attributes on a non-existent symlink target. follow should be set to False to avoid this."]
    return values


def shown(args: "Dict[str, Any]", change: "Change") -> "List[Dict[str, Any]]":
    """Ansible's: path, state, and what differs in mode, owner, group, times; of a removed directory also what was in it."""
    before, after = change.before, change.after
    old = {"path": args["path"]}  # type: Dict[str, Any]
    new = {"path": args["path"]}  # type: Dict[str, Any]
    words = state_word(before), args["state"] if after is not None else "absent"
    if words[0] != words[1] and not (words[0] == "file" and words[1] == "hard" and (before or {}).get("linked")):
        old["state"], new["state"] = words
    parts = [(before, after)]
    if before is not None and after is not None and "behind" in after:
        parts = [(before.get("behind"), after["behind"])]
    for pair in parts:
        differing = files.properties(pair[0], pair[1])
        old.update(differing[0])
        new.update(differing[1])
    if before and after and before.get("target") and before.get("target") != after.get("target"):
        old["src"], new["src"] = before["target"], after.get("target")
    show_times(old, new, before, after)
    if after is None and before is not None and before["type"] == "directory":
        old["path_content"] = listing(args["path"], before)
    return [{"before": files.as_json(old), "after": files.as_json(new)}]


def show_times(old: "Dict[str, Any]", new: "Dict[str, Any]", before: "Optional[FileState]", after: "Optional[FileState]") -> None:
    pairs = zip(("atime", "mtime"), (before or {}).get("times") or (None, None), (after or {}).get("times") or (None, None))
    for name, was, will in pairs:
        if was is not None and will is not None and was != will:
            old[name], new[name] = was / 1e9, will / 1e9


def state_word(state: "Optional[FileState]") -> str:
    return "absent" if state is None else str(state["type"])


def listing(path: str, state: "FileState") -> "Dict[str, List[str]]":
    found = {"directories": [], "files": []}  # type: Dict[str, List[str]]
    for name, entry in sorted(state.get("entries", {}).items()):
        below = os.path.join(path, name)
        found["directories" if entry["type"] == "directory" else "files"].append(below)
        if entry["type"] == "directory":
            for key, names in listing(below, entry).items():
                found[key].extend(names)
    return found
