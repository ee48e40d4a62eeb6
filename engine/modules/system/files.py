"""What the modules that manage a file share: looking at it, checking it before it replaces the old one, flags, what is registered.

`inspect` stays free of writes: it only adds to `args` what the pure `desire` cannot ask for itself (see `prepare`).
"""
import os
import stat as st

from engine.agent.sdk import Fail, owned

MYPY = False
if MYPY:
    from typing import Any, Dict, List, Optional, Tuple

    from engine.agent.host import Host
    from engine.agent.sdk import Change, FileState

DIFF_LIMIT = 104448
"""Bytes of a file above which --diff does not show it. Source: max_file_size_for_diff, ansible-core 2.21."""
SELINUX = (("seuser", 0, "-u"), ("serole", 1, "-r"), ("setype", 2, "-t"), ("selevel", 3, "-l"))


def prepare(args: "Dict[str, Any]", host: "Host") -> None:
    """First thing of an `inspect`: unknown owners are refused before anything is written; the umask's part of a new file is noted.

    In check mode the owner of a file that is not there yet may be missing too: a task before would have made it, had it been for real.
    """
    host.unsafe_writes = bool(args.get("unsafe_writes"))
    if not host.check or host.foresees or host.lstat(args.get("path") or args.get("dest") or "") is not None:
        if args.get("owner"):
            host.uid(args["owner"])
        if args.get("group"):
            host.gid(args["group"])
    args["new_mode"] = {"file": host.mode("+rw"), "directory": host.mode("+rwx")}


def fresh(args: "Dict[str, Any]", kind: str) -> "FileState":
    """What a new file or directory is to be; without `mode`, the system says which one it gets (umask, setgid of its folder)."""
    state = {"type": kind}  # type: Dict[str, Any]
    if args.get("mode") is not None:
        state["mode"] = args["new_mode"][kind]
    return wanted(args, owned(state, args))


def look(args: "Dict[str, Any]", host: "Host", path: str, content: bool = True) -> "Optional[FileState]":
    """The state of `path`, with its chattr flags and SELinux context where the task speaks of them.

    Without `content` neither content nor digest nor size are in it: the task leaves them alone.
    """
    state = host.file_state(path, content=content)
    if state is None:
        return None
    if not content:
        state.pop("size", None)
    if args.get("attributes"):
        state["attributes"] = flags(host, path)
    if any(args.get(name) for name, _, _ in SELINUX) and host.exists("/sys/fs/selinux/enforce"):
        state["context"] = context(host, path)
    return state


def wanted(args: "Dict[str, Any]", state: "FileState") -> "FileState":
    """`state` with the flags and the context that the task asks for; owner and mode are sdk.owned's part."""
    if args.get("attributes"):
        state["attributes"] = flagged(state.get("attributes", ""), args["attributes"])
    if state.get("context"):
        parts = state["context"].split(":", 3)
        for name, place, _ in SELINUX:
            if args.get(name) and args[name] != "_default" and place < len(parts):
                parts[place] = args[name]
        state["context"] = ":".join(parts)
    return state


def finish(host: "Host", path: str, before: "Optional[FileState]", after: "Optional[FileState]") -> None:
    """Flags and context of what was just written, as `after` names them."""
    if after is None:
        return
    if "attributes" in after and after["attributes"] != flags(host, path):
        chattr(host, path, "=" + after["attributes"].replace("e", ""))
    if "context" in after and after["context"] != context(host, path):
        relabel(host, path, after["context"])


def loosen(host: "Host", path: str, before: "Optional[FileState]", after: "Optional[FileState]") -> None:
    """Take the flags away that would forbid the change, where the change takes them away anyway."""
    old = before.get("attributes", "") if before else ""
    new = after.get("attributes", "") if after else ""
    if set(old) & set("ia") - set(new):
        chattr(host, path, "-ia")


def chattr(host: "Host", path: str, change: str) -> None:
    done = host.run(["chattr", change, path])
    if done.code:
        said = (done.stdout + done.stderr).decode("utf-8", "replace").strip()
        raise Fail("chattr failed", details="Error while setting attributes: {0}".format(said))


def flags(host: "Host", path: str) -> str:
    """The letters of lsattr(1), sorted; "" where the file system has none."""
    try:
        done = host.run(["lsattr", "-d", path], locale=True)
    except OSError:
        return ""
    words = done.stdout.split()
    return "".join(sorted(words[0].decode("ascii", "replace").replace("-", ""))) if done.code == 0 and words else ""


def flagged(present: str, asked: str) -> str:
    """The letters after `+i`, `-a` or `=d` (the default); `e` (extents) belongs to the file system and stays."""
    letters = set(asked.lstrip("+-="))
    if asked.startswith("+"):
        found = set(present) | letters
    elif asked.startswith("-"):
        found = set(present) - letters
    else:
        found = letters | (set(present) & set("e"))
    return "".join(sorted(found))


def context(host: "Host", path: str) -> str:
    done = host.run(["stat", "-c", "%C", path])
    return str(done.stdout.decode("utf-8", "replace").strip()) if done.code == 0 else ""


def relabel(host: "Host", path: str, label: str) -> None:
    done = host.run(["chcon", "-h", label, path])
    if done.code:
        raise Fail("set selinux context failed: {0}".format(done.stderr.decode("utf-8", "replace").strip()), path=path)


# ---- writing


def write(args: "Dict[str, Any]", change: "Change", host: "Host", path: str, source: "Optional[str]" = None) -> None:
    """Make `path` be as `change.after` says, flags included; `change.after` then holds what the system added (a new file's owner, say)."""
    loosen(host, path, change.before, change.after)
    host.make_file(path, change.after, source)
    finish(host, path, change.before, change.after)
    if change.after is not None:
        change.after = completed(change.after, host.file_state(path, content=False))


def completed(after: "FileState", found: "Optional[FileState]") -> "FileState":
    """`after` with mode, owner and group as they really are."""
    if found is None:
        return after
    keys = ("mode", "uid", "gid", "owner", "group")
    return dict(after, **{name: found[name] for name in keys})


def parents(args: "Dict[str, Any]", host: "Host", folder: str, mode: "Any" = None) -> "List[Dict[str, Any]]":
    """Make `folder` and what is missing above it, with the task's owner and group; one change a directory, outermost first."""
    changes = []
    for path in host.makedirs(folder):
        if mode is not None:
            host.set_mode(path, host.mode(mode, args["new_mode"]["directory"], True))
        host.own(path, {name: args[name] for name in ("owner", "group") if args.get(name)})
        changes.append(made_directory(path, host))
    return changes


def made_directory(path: str, host: "Host") -> "Dict[str, Any]":
    """The change that made one directory, as it travels; module `file` takes it back.

    It was made for something else (`beside`): it stays if something came into it since.
    """
    return {
        "kind": "file", "identity": path, "before": None, "after": host.file_state(path), "reversible": True, "reason": "",
        "module": "engine.modules.builtin.file", "args": {"path": path, "state": "directory", "follow": False, "beside": True},
    }


def kept(args: "Dict[str, Any]", *names: str) -> "Dict[str, Any]":
    """Those of `names` that were given, and what says which properties are looked at: a module's `kept`."""
    every = names + ("attributes", "unsafe_writes") + tuple(name for name, _, _ in SELINUX)
    return {name: args[name] for name in every if args.get(name) is not None and args[name] is not False}


def check_content(
    args: "Dict[str, Any]", host: "Host", content: "Optional[bytes]", ready: str = "", suffix: str = ""
) -> "Tuple[int, bytes, bytes]":
    """Run the task's `validate` on what is about to be written: exit code, stdout, stderr. The old file is still in place.

    ready: path of a file that holds it already; otherwise `content` is written to the spool directory for the time of the check.
    """
    command = args["validate"]
    if "%s" not in command:
        raise Fail("validate must contain %s: {0}".format(command))
    path = ready or os.path.join(host.spool(), "validate-" + os.urandom(6).hex() + suffix)
    try:
        if not ready:
            host.write_atomically(path, content or b"", 0o600)
        done = host.run(command.replace("%s", path))
    except OSError as error:
        raise Fail("failed to validate: {0}".format(error))
    finally:
        if not ready:
            host.remove(path)
    return done.code, done.stdout, done.stderr


# ---- telling


def registered(host: "Host", path: str) -> "Dict[str, Any]":
    """uid, gid, owner, group, mode, state and size as Ansible registers them; {} where nothing is there."""
    found = host.lstat(path)
    if found is None:
        return {}
    return {
        "uid": found.st_uid,
        "gid": found.st_gid,
        "owner": host.user_name(found.st_uid),
        "group": host.group_name(found.st_gid),
        "mode": "0{0:03o}".format(st.S_IMODE(found.st_mode)),
        "state": kind(found),
        "size": found.st_size,
    }


def kind(found: "os.stat_result") -> str:
    """Ansible's word for what is there."""
    if st.S_ISLNK(found.st_mode):
        return "link"
    if st.S_ISDIR(found.st_mode):
        return "directory"
    return "hard" if found.st_nlink > 1 else "file"


def text(content: "Optional[bytes]") -> str:
    return (content or b"").decode("utf-8", "surrogateescape")


def unshown(which: str, content: "Optional[bytes]", limit: int = 0) -> str:
    """Why --diff does not show a content, as a line; "" where it does. None: it was too large to be read. limit: bytes; 0: any."""
    if content is None or len(content) > limit > 0:
        return "diff skipped: {0} file size is greater than {1}\n".format(which, limit or DIFF_LIMIT)
    return "diff skipped: {0} file appears to be binary\n".format(which) if b"\0" in content else ""


def as_json(values: "Dict[str, Any]") -> str:
    """A dict as --diff shows it."""
    import json

    return json.dumps(values, sort_keys=True, indent=4, separators=(",", ": ")) + "\n"


def properties(before: "Optional[FileState]", after: "Optional[FileState]") -> "Tuple[Dict[str, Any], Dict[str, Any]]":
    """What differs in mode, owner, group and flags, in Ansible's names."""
    old = {}  # type: Dict[str, Any]
    new = {}  # type: Dict[str, Any]
    if before is None or after is None:
        return old, new
    for name, number in (("mode", "mode"), ("owner", "uid"), ("group", "gid"), ("attributes", "attributes"), ("secontext", "context")):
        key = number if number in after else name
        was, will = before.get(key), after.get(key)     # type: Any, Any
        if was is not None and will is not None and was != will:
            old[name] = "0{0:03o}".format(was) if name == "mode" else was
            new[name] = "0{0:03o}".format(will) if name == "mode" else will
    return old, new
