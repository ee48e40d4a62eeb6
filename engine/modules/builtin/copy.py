"""Put a file with a given content in place: from the controller, from text in the playbook, or from the target itself.

The controller sends the digest and, while it is small, the content; where a large one turns out to be needed, the
call fails with `needs_content` and is made again after the upload. With `remote_src` a directory is copied whole.
Identity: ``dest``, the file itself even where a directory was named. Reversible: yes.

Examples:
    - copy: {src: ntp.conf, dest: /etc/ntp.conf, owner: root, mode: "0644", backup: true}
    - copy: {content: "hello\n", dest: /etc/motd}
    - copy: {src: /etc/sudoers, dest: /etc/sudoers.edit, remote_src: true, validate: /usr/sbin/visudo -csf %s}
"""
import os

from engine.agent.sdk import FILE_ARGUMENTS, Argument, Fail, owned
from engine.modules.system import files

MYPY = False
if MYPY:
    from typing import Any, Dict, List, Optional, Tuple

    from engine.agent.host import Host
    from engine.agent.sdk import Change, FileState

ARGUMENTS = {
    "dest": Argument("path", required=True, doc="File, or directory (which ends in / or exists) to put it into."),
    "src": Argument("path", doc="Where it comes from: on the target with remote_src, else for diffs and messages."),
    "name": Argument("str", doc="Its name within a directory `dest`; by default the last part of `src`."),
    "content": Argument("bytes", doc="The content, where it was sent along."),
    "digest": Argument("str", doc="SHA-1 of the content, hexadecimal."),
    "size": Argument("int", doc="Bytes of the content."),
    "spooled": Argument("str", doc="Name of the upload that holds the content."),
    "remote_src": Argument("bool", default=False, doc="`src` is a path on the target."),
    "checksum": Argument("str", doc="SHA-1 that the content must have."),
    "backup": Argument("bool", default=False, doc="Keep the old file beside the new one, under a name with the time."),
    "force": Argument("bool", default=True, doc="Replace a file that is there."),
    "follow": Argument("bool", default=False, doc="Write through a link at `dest` instead of replacing it."),
    "local_follow": Argument("bool", doc="With remote_src: copy what links lead to instead of the links."),
    "directory_mode": Argument("mode", doc="Mode of directories that are made on the way."),
    "diff_limit": Argument("int", default=files.DIFF_LIMIT, doc="Bytes of a content up to which a difference shows it; 0: any."),
    "validate": Argument("str", doc="Command that must accept the new file (%s) before it replaces the old one."),
}
ARGUMENTS.update(FILE_ARGUMENTS)
RESOURCE = "file"
IDENTITY = ("dest",)
RESTORES = ("all", "the file or tree: content byte for byte, type, owner, group, mode")


def inspect(args: "Dict[str, Any]", host: "Host") -> "Optional[FileState]":
    """The file now. Also finds out which file is meant, and what a source on the target holds."""
    files.prepare(args, host)
    args["task"] = "digest" in args     # otherwise a rollback, which knows the file
    if args["task"] and args.get("remote_src"):
        look_at_source(args, host)
    if args["task"]:
        args["dest"] = destination(args, host)
    state = files.look(args, host, args["dest"])
    if state is not None and state["type"] == "directory" and (args.get("tree") is not None or not args["task"]):
        return host.tree_state(args["dest"])
    return state


def destination(args: "Dict[str, Any]", host: "Host") -> str:
    """The path to write: `dest`, or the source's name in it where it is a directory; through a link with `follow`."""
    dest = str(args["dest"])
    args["makes_folder"] = dest.endswith("/")
    name = args.get("name") or os.path.basename((args.get("src") or "").rstrip("/"))
    if args.get("tree") is not None:
        args["told_dest"] = os.path.join(dest, name) if host.is_dir(dest) and not args["src"].endswith("/") else dest
        return dest.rstrip("/") or "/" if args["src"].endswith("/") else os.path.join(dest, name)
    if not args.get("in_set") and (dest.endswith("/") or host.is_dir(dest)):
        if not name:
            raise Fail("can not use content with a dir as dest")
        dest = os.path.join(dest, name)
    if args.get("follow") and host.is_link(dest):
        dest = host.realpath(dest)
    return dest


def look_at_source(args: "Dict[str, Any]", host: "Host") -> None:
    """Digest, size and mode of a `src` on the target; the whole tree of a directory."""
    source = args.get("src") or ""
    found = host.stat(source)
    if found is None:
        raise Fail("Source {0} not found".format(source))
    if not host.access(source, os.R_OK):
        raise Fail("Source {0} not readable".format(source))
    if host.is_dir(source):
        folder = source.rstrip("/") or "/"
        args["tree"] = host.tree_state(host.realpath(folder))
        if args.get("local_follow"):
            follow(host, folder, args["tree"])
        return
    args["digest"] = host.digest(source)
    args["size"] = found.st_size
    if found.st_size <= (args.get("diff_limit", files.DIFF_LIMIT) or found.st_size):
        args["content"] = host.read_bytes(source)
    if args.get("mode") == "preserve":
        args["mode"] = found.st_mode & 0o7777


def follow(host: "Host", folder: str, tree: "FileState") -> None:
    """Put what links lead to in the place of the links; broken ones stay."""
    for name, entry in list(tree["entries"].items()):
        path = os.path.join(folder, name)
        if entry["type"] == "link" and host.stat(path) is not None:
            tree["entries"][name] = entry = host.tree_state(host.realpath(path)) or entry
        if entry["type"] == "directory":
            follow(host, path, entry)


# ---- what shall be


def desire(args: "Dict[str, Any]", before: "Optional[FileState]") -> "Optional[FileState]":
    """The file with the wanted digest. Its content is in the state only where it is there already."""
    if before is not None and not args.get("force", True):
        return before
    if args.get("tree") is not None:
        return merged(args, before, args["tree"])
    if args.get("checksum") and args["checksum"] != args["digest"]:
        raise Fail(
            "Copied file does not match the expected checksum. Transfer failed.",
            checksum=args["digest"],
            expected_checksum=args["checksum"],
        )
    kind = before["type"] if before is not None else ""
    if kind in ("directory", "block", "char", "socket"):
        raise Fail("{0} is a {1} and is not replaced by a file".format(args["dest"], kind))
    if before is None or kind != "file":
        after = files.fresh(args, "file")
    else:
        after = files.wanted(args, owned(before, args))
        if before["digest"] == args["digest"]:
            return after
    return dict(after, digest=args["digest"], size=args["size"], content=None)


def merged(args: "Dict[str, Any]", before: "Optional[FileState]", source: "FileState") -> "FileState":
    """A tree in which all of `source` is, beside what is there: modes from the source unless one is asked for."""
    if source["type"] != "directory":
        if before is not None and before["type"] == "directory":
            raise Fail("a directory in {0} stands where a {1} shall be copied".format(args["dest"], source["type"]))
        if before is not None and all(before.get(name) == source.get(name) for name in ("type", "digest", "target", "device")):
            kept = dict(before, mode=source["mode"] if args.get("mode") == "preserve" else before["mode"])
            return owned(kept, plain(args))
        return owned({name: source[name] for name in source if name not in ("uid", "gid", "owner", "group")}, plain(args))
    if before is not None and before["type"] != "directory":
        raise Fail("{0} is a {1}, and a directory shall be copied there".format(args["dest"], before["type"]))
    entries = dict(before["entries"]) if before is not None else {}
    for name, each in source["entries"].items():
        entries[name] = merged(args, entries.get(name), each)
    after = dict(before) if before is not None else {"type": "directory", "mode": source["mode"]}
    after["entries"] = entries
    return owned(after, dict(plain(args), mode=args.get("directory_mode") if before is None else None), True)


def plain(args: "Dict[str, Any]") -> "Dict[str, Any]":
    return dict(args, mode=None) if args.get("mode") == "preserve" else args


# ---- making it so


def apply(args: "Dict[str, Any]", change: "Change", host: "Host") -> "Dict[str, Any]":
    """Check, back up, write. Returns backup_file, md5sum, src, and the directories made on the way as changes."""
    before, after = change.before, change.after
    if not args["task"]:
        if after is None and before is not None and before["type"] == "directory" and not args.get("folder"):
            raise Fail("{0} was a file and is a directory now; it is not removed".format(args["dest"]))
        files.write(args, change, host, args["dest"])
        return {}
    if args.get("tree") is not None:
        changes = folder_of(args, host, True)
        lay(host, args["dest"], before, after, args["src"].rstrip("/"))
        change.after = host.tree_state(args["dest"])
        return {"changes": changes}
    if before is not None and before.get("digest") == after["digest"]:
        files.write(args, change, host, args["dest"])
        change.before, change.after = [{name: state[name] for name in state if name != "content"} for state in (before, change.after)]
        return {}       # the content is no part of this change, and need not travel
    return replace(args, change, host)


def replace(args: "Dict[str, Any]", change: "Change", host: "Host") -> "Dict[str, Any]":
    """Write a new content. Nothing is touched before it is all there, and the task's check has accepted it."""
    path, before = args["dest"], change.before
    content, source = origin(args, host)
    changes = folder_of(args, host, args["makes_folder"])
    accept(args, host, content, source)
    said = {"changes": changes, "src": args.get("src") or ""}  # type: Dict[str, Any]
    if args.get("backup") and before is not None and before["type"] == "file":
        said["backup_file"] = host.backup(path)
    if content is not None:
        change.after = dict(change.after, content=content)
    said["md5sum"] = md5(host, content, source)
    files.write(args, change, host, path, source)
    change.after = dict(change.after, content=None)     # whoever sent it has it; the digest says what it was
    return said


def origin(args: "Dict[str, Any]", host: "Host") -> "Tuple[Optional[bytes], Optional[str]]":
    """The content, or the path of a file to move into place."""
    if args.get("content") is not None:
        return args["content"], None
    if args.get("spooled"):
        return None, host.spooled(args["spooled"])
    if args.get("remote_src"):
        return host.read_bytes(args["src"]), None
    raise Fail("the content is needed", needs_content=True)


def foresee(args: "Dict[str, Any]", change: "Change", host: "Host") -> None:
    if change.after is not None and args["task"] and args.get("tree") is None and not (args["makes_folder"] or args.get("in_set")):
        in_folder(args["dest"], host, checksum=args.get("digest"))


def in_folder(path: str, host: "Host", **values: "Any") -> None:
    """Fail where the folder of `path` is not there."""
    folder = os.path.dirname(path)
    if not host.is_dir(folder):
        raise Fail("Destination directory {0} does not exist".format(folder), **values)


def folder_of(args: "Dict[str, Any]", host: "Host", make: bool) -> "List[Dict[str, Any]]":
    folder = os.path.dirname(args["dest"])
    if host.is_dir(folder):
        return []
    if not make:
        in_folder(args["dest"], host, checksum=args.get("digest"))
    return files.parents(args, host, folder, args.get("directory_mode"))


def accept(args: "Dict[str, Any]", host: "Host", content: "Optional[bytes]", source: "Optional[str]") -> None:
    if not args.get("validate"):
        return
    code, output, errors = files.check_content(args, host, content, source or "", os.path.splitext(args["dest"])[1])
    if code:
        raise Fail("failed to validate", exit_status=code, stdout=files.text(output), stderr=files.text(errors), checksum=args["digest"])


def md5(host: "Host", content: "Optional[bytes]", source: "Optional[str]") -> "Optional[str]":
    """None where the system forbids MD5 (FIPS)."""
    import hashlib

    try:
        return hashlib.md5(content).hexdigest() if content is not None else host.digest(source or "", "md5")
    except ValueError:
        return None


def lay(host: "Host", path: str, before: "Optional[FileState]", after: "FileState", source: str) -> None:
    """What differs between two trees; what is above the size that states keep comes straight from `source`."""
    if before == after:
        return
    if after["type"] == "directory":
        host.make_file(path, {name: after[name] for name in after if name != "entries"})
        old = (before or {}).get("entries", {})
        for name, entry in sorted(after["entries"].items()):
            lay(host, os.path.join(path, name), old.get(name), entry, os.path.join(source, name))
        host.own(path, after)
    elif after["type"] == "file" and after["content"] is None and (before is None or before.get("digest") != after["digest"]):
        owner, group = after.get("uid", after.get("owner")), after.get("gid", after.get("group"))
        host.write_atomically(path, host.read_bytes(source), after.get("mode"), owner, group)
    else:
        host.make_file(path, after)


def kept(args: "Dict[str, Any]") -> "Dict[str, Any]":
    """For a rollback: the file that was meant. `folder`: a whole directory was copied there."""
    return dict(files.kept(args, "dest"), folder=args.get("tree") is not None or bool(args.get("folder")))


# ---- telling


def report(args: "Dict[str, Any]", change: "Change", host: "Host") -> "Dict[str, Any]":
    """dest, checksum, and mode, owner, group, size, state of what is there; `path` where the content was there already."""
    if change.before is not None and not args.get("force", True):
        return {"dest": args["dest"], "src": args.get("src") or ""}
    values = {"dest": args.get("told_dest") or args["dest"], "checksum": args.get("digest")}
    if args.get("remote_src"):
        values["src"] = args["src"]
        values["md5sum"] = None if args.get("tree") is not None else md5(host, args.get("content"), args["src"])
    elif change.before is not None and change.before.get("digest") == args.get("digest"):
        values["path"] = args["dest"]
    values.update(files.registered(host, args["dest"]))
    return values


def shown(args: "Dict[str, Any]", change: "Change") -> "List[Dict[str, Any]]":
    """Old and new content, and what differs in mode, owner and group of a file that was there."""
    before, after = change.before, change.after
    found = []  # type: List[Dict[str, Any]]
    if after is None or after["type"] != "file":
        return found
    if (before or {}).get("digest") != after["digest"]:
        found.append(contents(args, before, after))
    old, new = files.properties(before, after)
    if old:
        found.append({"before": files.as_json(dict(old, path=args["dest"])), "after": files.as_json(dict(new, path=args["dest"]))})
    return found


def contents(args: "Dict[str, Any]", before: "Optional[FileState]", after: "FileState") -> "Dict[str, Any]":
    old = (before or {}).get("content", b"")
    new = after["content"] if after.get("content") is not None else args.get("content")
    limit = args.get("diff_limit", files.DIFF_LIMIT)
    skipped = files.unshown("destination", old if before is not None else b"", limit) + files.unshown("source", new, limit)
    if skipped:
        return {"prepared": skipped}
    heading = args.get("src") or args["dest"]
    diff = {"before": files.text(old), "after": files.text(new), "after_header": heading}
    if before is not None:
        diff["before_header"] = args["dest"]
    return diff
