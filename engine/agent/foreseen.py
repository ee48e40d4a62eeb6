"""Check mode that sees its own plan: a `Host` whose machine is as the run's earlier tasks would have left it.

The controller sends what they would have changed; reads are answered from that first, then from the machine. Nothing
is written. Shipped only to targets of a run that foresees (`engine plan`, `engine run --check`).
"""
import errno
import os
import stat as st

from engine.agent import modes
from engine.agent.host import Host
from engine.agent.reading import TYPES, digest_of, encoded
from engine.agent.sdk import Fail

MYPY = False
if MYPY:
    from typing import Any, Dict, Iterator, List, Optional, Set, Tuple

    from engine.agent.sdk import FileState

FORMATS = {kind: bits for bits, kind in TYPES.items()}
LINKS = 40
"""Links followed in one path before it counts as a loop. Source: path_resolution(7)."""
UNKNOWN_ID = 2 ** 32 - 2
"""The number of a user or group that is not made yet: the system chooses it."""


class Foreseen(object):
    """What a run's earlier tasks would have changed on this machine."""

    def __init__(self, run: str) -> None:
        self.run = run
        self.count = 0
        self.files: "Dict[str, Optional[FileState]]" = {}
        self.emptied: "Set[str]" = set()
        """Directories made where something else was removed: what the machine has below them is not there."""
        self.renewed: "Set[str]" = set()
        """Files whose content is new: they are no hard links of what they were linked with before."""
        self.resources: "Dict[Tuple[str, str], Any]" = {}

    def add(self, change: "Dict[str, Any]") -> None:
        """One change, as modules describe them: kind, identity, after."""
        self.count += 1
        kind, identity, after = change["kind"], change["identity"], change["after"]
        if kind == "file":
            self.place(identity, after)
            return
        if kind == "service" and after is not None:     # a task tells only of the parts that it is about
            after = dict(self.resources.get((kind, identity)) or {}, **after)
        self.resources[kind, identity] = after
        if kind == "cron" and identity.startswith("/"):
            self.place(identity, None if after is None else regular(after["text"].encode("utf-8", "surrogateescape")))
        if kind == "user":
            self.account(identity, change["before"], after)

    def account(self, name: str, before: "Any", after: "Any") -> None:
        """What comes and goes with a user: the group of its name, its home."""
        if after is None:
            if before is not None and before.get("group") == name:
                self.resources["group", name] = None
            if before is not None and "home" in before.get("entries", {}):
                self.place(before["home"], None)
            return
        if before is None and not after.get("group"):
            self.resources["group", name] = {"name": name, "gid": None, "noted": {"members": []}}
        home = after.get("home") or "/home/" + name
        if after.get("home_exists") and (before is None or not before.get("home_exists") or before.get("home") != home):
            self.place(home, {"type": "directory", "owner": name, "group": after.get("group") or name})

    def place(self, path: str, state: "Optional[FileState]") -> None:
        """A file is this from now on; with it a directory's `entries`, or what is `below` it, and what is `behind` a link."""
        path = os.path.normpath(path)
        if state is not None and "content" in state and not state.get("linked"):
            self.parted(path)
            self.renewed.add(path)
        known = self.files.get(path)
        if state is None or state.get("type") != "directory":
            self.forget_below(path)
        if state is None:
            self.files[path] = None
            return
        if path in self.files and known is None and state.get("type") == "directory":
            self.emptied.add(path)
        state = dict(state)
        entries, below, behind = (state.pop(part, None) for part in ("entries", "below", "behind"))
        if known is not None and known.get("type") == state.get("type"):
            state = dict(known, **state)
        self.files[path] = state
        if entries is not None:
            self.emptied.add(path)
            self.forget_below(path)
            for name, entry in entries.items():
                self.place(os.path.join(path, name), entry)
        for each, its in (below or {}).items():
            self.place(each, its)
        if behind is not None and state.get("target"):
            self.place(os.path.join(os.path.dirname(path), state["target"]), behind)

    def parted(self, path: str) -> None:
        """New content comes in a new file: its hard links are none any more."""
        for each, state in self.files.items():
            if state is not None and state.get("linked") and path in (each, linked_with(state)):
                self.files[each] = dict(state, linked=False)

    def forget_below(self, path: str) -> None:
        for each in [each for each in self.files if each.startswith(path + "/")]:
            del self.files[each]
        self.emptied.difference_update([each for each in self.emptied if each == path or each.startswith(path + "/")])


def linked_with(state: "FileState") -> str:
    """The other name of a file that a task would have made a hard link of; "" where it was one before."""
    name = (state.get("noted") or {}).get("linked_with")
    return os.path.normpath(name) if name else ""


def regular(content: bytes, mode: int = 0o644) -> "FileState":
    return {"type": "file", "mode": mode, "uid": 0, "gid": 0, "content": content, "size": len(content), "digest": digest_of(content)}


STATE: "Dict[str, Foreseen]" = {}
"""The one run that this agent foresees."""


def host_of(request: "Dict[str, Any]", host: "Host") -> "Host":
    """The host that the call of a foreseeing run sees.

    `request`: run, from (how many changes this agent was sent before), changes.
    """
    known = STATE.get("")
    if known is None or known.run != request["run"]:
        known = STATE[""] = Foreseen(request["run"])
    for change in request["changes"][max(0, known.count - request["from"]):]:
        known.add(change)
    made = Foreseeing.__new__(Foreseeing)
    made.__dict__.update(host.__dict__)
    made.known = known
    return made


class Foreseeing(Host):
    """Reads as a Host; what the run would have changed is as if it had."""

    known = Foreseen("")
    foresees = True

    def foreseen(self, kind: str, identity: str, otherwise: "Any" = None) -> "Any":
        return self.known.resources.get((kind, identity), otherwise)

    def foreseen_names(self, kind: str) -> "List[str]":
        return [identity for each, identity in self.known.resources if each == kind]

    # ---- what is at a path

    def place_of(self, path: "Any", follow: bool) -> str:
        """The path with links resolved: in its folders always, at its end where they are followed."""
        text = path.decode("utf-8", "surrogateescape") if isinstance(path, bytes) else path
        parts = [each for each in os.path.abspath(text).split("/") if each]
        place, budget = "", LINKS
        while parts:
            name = parts.pop(0)
            if name == "..":
                place = place.rpartition("/")[0]
                continue
            here = place + "/" + name
            target = self.target_at(here) if parts or follow else None
            if target is None or budget == 0:
                place = here
                continue
            budget -= 1
            parts[0:0] = [each for each in target.split("/") if each and each != "."]
            if target.startswith("/"):
                place = ""
        return place or "/"

    def target_at(self, place: str) -> "Optional[str]":
        """Where the link at a resolved place leads; None where there is no link."""
        found, state = self.entry(place)
        if found:
            return state["target"] if state is not None and state.get("type") == "link" else None
        try:
            return os.readlink(encoded(place)).decode("utf-8", "surrogateescape")
        except OSError:
            return None

    def entry(self, place: str) -> "Tuple[bool, Optional[FileState]]":
        """(is it foreseen, its state): also None where a folder above is gone, or was emptied."""
        if place in self.known.files:
            return True, self.known.files[place]
        above = place
        while above not in ("", "/"):
            above = above.rpartition("/")[0] or "/"
            if above in self.known.emptied:
                return True, None
            if above in self.known.files:
                state = self.known.files[above]
                if state is None or state.get("type") not in ("directory", None):
                    return True, None
        prefix = place.rstrip("/") + "/"
        brought = any(each.startswith(prefix) and state is not None for each, state in self.known.files.items())
        if brought and Host.lstat(self, place) is None:     # a folder that something below it would have brought along
            return True, {"type": "directory", "mode": 0o777 & ~modes.umask(), "uid": os.geteuid(), "gid": os.getegid()}
        return False, None

    def at(self, path: "Any", follow: bool) -> "Tuple[bool, Optional[FileState], str]":
        place = self.place_of(path, follow)
        found, state = self.entry(place)
        return found, state, place

    # ---- Reading

    def lstat(self, path: str) -> "Optional[os.stat_result]":
        found, state, place = self.at(path, False)
        return self.status(state, place) if found else Host.lstat(self, place)

    def stat(self, path: str) -> "Optional[os.stat_result]":
        found, state, place = self.at(path, True)
        if found and state is not None and state.get("type") == "link":
            return None
        return self.status(state, place) if found else Host.stat(self, place)

    def status(self, state: "Optional[FileState]", place: str) -> "Optional[os.stat_result]":
        """As stat(2) would tell it; times and numbers of what is already there stay."""
        if state is None:
            return None
        now = Host.lstat(self, place)
        kind = state.get("type") or "file"
        default = 0o777 if kind in ("directory", "link") else 0o666
        mode = state.get("mode")
        if mode is None:
            mode = st.S_IMODE(now.st_mode) if now is not None else default & ~modes.umask()
        uid = self.number(state, "uid", "owner", os.geteuid() if now is None else now.st_uid)
        gid = self.number(state, "gid", "group", os.getegid() if now is None else now.st_gid)
        size = state.get("size")
        if size is None:
            size = now.st_size if now is not None else 0
        inode, device, links = (now.st_ino, now.st_dev, now.st_nlink) if now is not None else (0, 0, 1)
        times = (now.st_atime, now.st_mtime, now.st_ctime) if now is not None else (0.0, 0.0, 0.0)
        whole = (FORMATS[kind] | mode, inode, device, links, uid, gid, size) + tuple(int(each) for each in times)
        return os.stat_result(whole + times + tuple(int(each * 10 ** 9) for each in times))

    def number(self, state: "FileState", number: str, name: str, otherwise: int) -> int:
        if state.get(number) is not None:
            return int(state[number])
        if not state.get(name) or self.is_gone("user" if name == "owner" else name, state[name]):
            return otherwise
        return self.uid(state[name]) if name == "owner" else self.gid(state[name])

    def same_file(self, one: str, other: str) -> bool:
        first, second = self.first_name(one), self.first_name(other)
        if first == second or first in self.known.renewed or second in self.known.renewed:
            return first == second and self.exists(first)
        return Host.same_file(self, first, second)

    def first_name(self, path: str) -> str:
        """Of a file that is to be a hard link, the file that it was linked with."""
        for _ in range(LINKS):
            found, state, place = self.at(path, False)
            if not found or state is None or not state.get("linked") or not linked_with(state):
                return place
            path = linked_with(state)
        return path

    def access(self, path: str, how: int) -> bool:
        found, state, place = self.at(path, True)
        if not found or how == os.F_OK or state is None:
            return state is not None if found else Host.access(self, place, how)
        status = self.status(state, place)
        assert status is not None
        if os.geteuid() == 0:
            return not how & os.X_OK or st.S_ISDIR(status.st_mode) or bool(status.st_mode & 0o111)
        shift = 6 if status.st_uid == os.geteuid() else 3 if status.st_gid in os.getgroups() else 0
        return (status.st_mode >> shift) & how == how

    def readlink(self, path: str) -> str:
        found, state, place = self.at(path, False)
        if not found:
            return Host.readlink(self, place)
        if state is None:
            raise missing(path)
        return str(state["target"])

    def realpath(self, path: str) -> str:
        return self.place_of(path, True)

    def list_dir(self, path: str) -> "List[str]":
        found, state, place = self.at(path, True)
        if found and state is None:
            raise missing(path)
        if found and state is not None and state.get("type") != "directory":
            raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
        names: "Set[str]" = set()
        if place not in self.known.emptied and (not found or os.path.isdir(encoded(place))):
            names.update(Host.list_dir(self, place))
        prefix = place.rstrip("/") + "/"
        names.update(each[len(prefix):].partition("/")[0] for each in self.known.files if each.startswith(prefix))
        return sorted(name for name in names if self.exists(prefix + name))

    def walk(self, path: str, follow: bool = False) -> "Iterator[Tuple[str, List[str], List[str]]]":
        waiting = [path]
        while waiting:
            folder = waiting.pop()
            try:
                names = self.list_dir(folder)
            except OSError:
                continue
            folders = [each for each in names if self.is_dir(os.path.join(folder, each))]
            yield folder, folders, [each for each in names if each not in folders]
            below = [os.path.join(folder, each) for each in folders]
            waiting.extend(each for each in reversed(below) if follow or not self.is_link(each))

    def read_bytes(self, path: str, limit: "Optional[int]" = None) -> bytes:
        found, state, place = self.at(path, True)
        if not found:
            return Host.read_bytes(self, place, limit)
        if state is None:
            raise missing(path)
        if state.get("type") == "directory":
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        content = state.get("content")
        if content is None:
            if (state.get("digest") is not None and "content" in state) or Host.lstat(self, place) is None:
                return b"" if not state.get("size") else unheld(path)
            return Host.read_bytes(self, place, limit)
        return bytes(content if limit is None else content[:limit])

    def digest(self, path: str, algorithm: str = "sha1") -> str:
        found, state, place = self.at(path, True)
        if not found:
            return Host.digest(self, place, algorithm)
        if state is not None and state.get("content") is None and state.get("digest") and algorithm == "sha1":
            return str(state["digest"])
        import hashlib

        return hashlib.new(algorithm, self.read_bytes(path)).hexdigest()

    # ---- states and accounts

    def file_state(self, path: str, follow: bool = False, content: bool = True) -> "Optional[FileState]":
        made = Host.file_state(self, path, follow, content)
        found, state, _ = self.at(path, follow)
        if made is not None and found and state is not None:
            made.update((name, state[name]) for name in ("owner", "group", "uid", "gid") if state.get(name) is not None)
        return made

    def uid(self, name: "Any") -> int:
        if self.is_gone("user", name):
            raise Fail("chown failed: failed to look up user {0}".format(name))
        known = self.foreseen("user", str(name))
        return Host.uid(self, name) if known is None else self.number_of("user", known)

    def gid(self, name: "Any") -> int:
        if self.is_gone("group", name):
            raise Fail("chgrp failed: failed to look up group {0}".format(name))
        known = self.foreseen("group", str(name))
        return Host.gid(self, name) if known is None else self.number_of("group", known)

    def is_gone(self, kind: str, name: "Any") -> bool:
        return not str(name).isdigit() and self.foreseen(kind, str(name), True) is None

    def number_of(self, kind: str, state: "Dict[str, Any]") -> int:
        """The account's number; where the system has yet to choose it, one that stands for it."""
        given = state.get("uid" if kind == "user" else "gid")
        return UNKNOWN_ID - list(self.known.resources).index((kind, state["name"])) if given is None else int(given)

    def user_name(self, uid: int) -> str:
        return self.named("user", uid) or Host.user_name(self, uid)

    def group_name(self, gid: int) -> str:
        return self.named("group", gid) or Host.group_name(self, gid)

    def named(self, kind: str, number: int) -> str:
        found = [state["name"] for (each, _), state in self.known.resources.items() if each == kind and state is not None
                 and self.number_of(kind, state) == number]
        return str(found[0]) if found else ""


def missing(path: str) -> OSError:
    return OSError(errno.ENOENT, os.strerror(errno.ENOENT), path)


def unheld(path: str) -> bytes:
    raise Fail("what {0} would hold is known only after a real run".format(path), known_after_apply=True)
