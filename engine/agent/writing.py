"""The writing half of `Host`: files made as a state says, replaced whole or not at all."""
import errno
import os
import stat as st

from engine.agent import modes
from engine.agent.reading import BLOCK, TYPES, Reading, encoded
from engine.agent.sdk import Fail

MYPY = False
if MYPY:
    from typing import Any, Callable, List, Optional, Tuple

    from engine.agent.sdk import FileState


class Writing(Reading):
    """Everything that changes files. What goes wrong is a Fail that names the path."""

    unsafe_writes = False
    """Write in place where a rename is impossible (the task's argument of that name)."""

    def make_file(self, path: str, state: "Optional[FileState]", source: "Optional[str]" = None) -> None:
        """Make `path` be as `state` says; what the state does not name stays. None: nothing is there afterwards.

        A file's content is `state["content"]`, or the file `source` (moved away from there), or what is there
        already where its digest is the wanted one; anything else is a Fail. `entries` of a directory are exact:
        what they do not name is removed. Parents must exist.
        """
        if state is None:
            return self.remove(path)
        kind = state["type"]
        now = self.lstat(path)
        there = "" if now is None else TYPES.get(st.S_IFMT(now.st_mode), "file")
        if kind == "file":
            self._make_regular(path, state, there, source)
        elif kind == "directory":
            self._make_directory(path, state, there)
        elif kind == "link":
            if there != "link" or self.readlink(path) != state["target"]:
                self.symlink(state["target"], path)
            self.own(path, state)
        else:
            self._make_node(path, state, there, now)

    def _make_regular(self, path: str, state: "FileState", there: str, source: "Optional[str]") -> None:
        mode, uid, gid = state.get("mode"), self._owner_of(state), self._group_of(state)
        content = state.get("content")
        if source is not None:
            return self.install(source, path, mode, uid, gid)
        if there == "file" and (("content" not in state and "digest" not in state) or self._holds(path, state)):
            return self.own(path, state)
        if content is None:
            if state.get("digest") not in (None, EMPTY_DIGEST) or state.get("size"):
                raise Fail("{0}: its former content was not kept, so it cannot be put back".format(path))
            content = b""
        self.write_atomically(path, content, mode, uid, gid)

    def _holds(self, path: str, state: "FileState") -> bool:
        content = state.get("content")
        found = self.lstat(path)
        if content is not None:
            return found is not None and found.st_size == len(content) and self.read_bytes(path) == content
        return bool(state.get("digest")) and self.digest(path) == state["digest"]

    def _make_directory(self, path: str, state: "FileState", there: str) -> None:
        if there != "directory":
            if there:
                self.remove(path)
            with naming(path):
                os.mkdir(encoded(path), 0o700 if state.get("mode") is not None else 0o777)
        entries = state.get("entries")
        if entries is not None:
            for name in self.list_dir(path):
                if name not in entries:
                    self.remove(os.path.join(path, name))
            for name in sorted(entries):
                self.make_file(os.path.join(path, name), entries[name])
        self.own(path, state)

    def _make_node(self, path: str, state: "FileState", there: str, now: "Optional[os.stat_result]") -> None:
        kinds = {"fifo": st.S_IFIFO, "block": st.S_IFBLK, "char": st.S_IFCHR}
        if state["type"] not in kinds:
            raise Fail("{0}: a {1} cannot be made".format(path, state["type"]))
        if there != state["type"] or (now is not None and "device" in state and now.st_rdev != state["device"]):
            self.remove(path)
            with naming(path):
                os.mknod(encoded(path), kinds[state["type"]] | 0o600, state.get("device", 0))
        self.own(path, state)

    def own(self, path: str, state: "FileState") -> None:
        """Give `path` the owner, group and mode that `state` names, where they differ; no link is followed."""
        self.set_owner(path, self._owner_of(state), self._group_of(state))
        if state.get("mode") is not None:
            self.set_mode(path, state["mode"])

    def _owner_of(self, state: "FileState") -> "Optional[int]":
        if state.get("uid") is not None:
            return int(state["uid"])
        return None if state.get("owner") is None else self.uid(state["owner"])

    def _group_of(self, state: "FileState") -> "Optional[int]":
        if state.get("gid") is not None:
            return int(state["gid"])
        return None if state.get("group") is None else self.gid(state["group"])

    def set_owner(self, path: str, uid: "Optional[int]", gid: "Optional[int]") -> None:
        """None leaves one as it is. Fail where it is not allowed."""
        found = os.lstat(encoded(path))
        new = (found.st_uid if uid is None else uid, found.st_gid if gid is None else gid)
        if new != (found.st_uid, found.st_gid):
            with naming(path, "chown failed"):
                os.chown(encoded(path), new[0], new[1], follow_symlinks=False)
            mode = st.S_IMODE(found.st_mode)
            if mode & 0o6000 and not st.S_ISLNK(found.st_mode):     # chown drops setuid and setgid; the mode was not asked to change
                os.chmod(encoded(path), mode)

    def set_mode(self, path: str, mode: int) -> None:
        """Permission bits; a link has none and is left alone."""
        found = os.lstat(encoded(path))
        if not st.S_ISLNK(found.st_mode) and st.S_IMODE(found.st_mode) != mode:
            with naming(path, "chmod failed"):
                os.chmod(encoded(path), mode)

    def write_atomically(self, path: str, data: bytes, mode: "Optional[int]" = None, owner: "Any" = None, group: "Any" = None) -> None:
        """Replace the content of `path`; it holds the old one or the new one at any time.

        mode: bits; None keeps those of the file there, or is 0666 without the umask's. owner, group: name, id or
        None (keeps). Extended attributes, ACL and SELinux context are kept. Fail names the path, e.g. on a full disk.
        """
        temporary = self._temporary(path)
        with naming(path):
            try:
                descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
                try:
                    write_all(descriptor, data)
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
                self._put_in_place(temporary, path, mode, owner, group)
            except OSError as error:
                discard(temporary)
                if self.unsafe_writes and error.errno in UNSAFE_REASONS:
                    return self._write_in_place(path, data, mode, owner, group)
                raise
            except BaseException:
                discard(temporary)
                raise

    def install(self, source: str, path: str, mode: "Optional[int]" = None, owner: "Any" = None, group: "Any" = None) -> None:
        """Move the file `source` (a spooled upload, say) to `path`, as write_atomically does; across file systems too."""
        temporary = self._temporary(path)
        with naming(path):
            try:
                copy_blocks(encoded(source), temporary)
                self._put_in_place(temporary, path, mode, owner, group)
            except OSError as error:
                discard(temporary)
                if not (self.unsafe_writes and error.errno in UNSAFE_REASONS):
                    raise
                self._write_in_place(path, self.read_bytes(source), mode, owner, group)
            except BaseException:
                discard(temporary)
                raise
        discard(encoded(source))

    def _put_in_place(self, temporary: bytes, path: str, mode: "Optional[int]", owner: "Any", group: "Any") -> None:
        now = self.lstat(path)
        uid, gid = self._ids(owner, group)
        if now is not None and st.S_ISREG(now.st_mode):
            keep_attributes(encoded(path), temporary)
            mode = st.S_IMODE(now.st_mode) if mode is None else mode
            uid = now.st_uid if uid is None else uid
            gid = now.st_gid if gid is None else gid
        elif mode is None:
            mode = 0o666 & ~modes.umask()
        if uid is not None or gid is not None:
            made = os.lstat(temporary)
            new = (made.st_uid if uid is None else uid, made.st_gid if gid is None else gid)
            if new != (made.st_uid, made.st_gid):
                self._chown_new(temporary, new, owner is None and group is None)
        os.chmod(temporary, mode)
        if now is not None and st.S_ISDIR(now.st_mode):
            self.remove(path)
        os.rename(temporary, encoded(path))

    def _chown_new(self, temporary: bytes, new: "Tuple[int, int]", only_kept: bool) -> None:
        try:
            os.chown(temporary, new[0], new[1])
        except PermissionError:
            if not only_kept:
                raise
            # Nobody asked for an owner: a file of someone else's in a folder of ours becomes ours, as with rename(2).

    def _write_in_place(self, path: str, data: bytes, mode: "Optional[int]", owner: "Any", group: "Any") -> None:
        descriptor = os.open(encoded(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666 if mode is None else mode)
        try:
            write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        uid, gid = self._ids(owner, group)
        self.set_owner(path, uid, gid)
        if mode is not None:
            self.set_mode(path, mode)

    def _ids(self, owner: "Any", group: "Any") -> "Tuple[Optional[int], Optional[int]]":
        return None if owner is None else self.uid(owner), None if group is None else self.gid(group)

    def _temporary(self, path: str) -> bytes:
        """A name beside `path`, for rename(2) needs the same file system."""
        return os.path.join(os.path.dirname(encoded(path)), b".engine-" + os.urandom(8).hex().encode())

    def backup(self, path: str) -> str:
        """Copy a file beside itself, mode, owner and times included; its name is Ansible's: path.PID.YYYY-MM-DD@HH:MM:SS~"""
        import time

        name = "{0}.{1}.{2}~".format(path, os.getpid(), time.strftime("%Y-%m-%d@%H:%M:%S"))
        found = os.stat(encoded(path))
        with naming(name):
            try:
                discard(encoded(name))
                copy_blocks(encoded(path), encoded(name))
                keep_attributes(encoded(path), encoded(name))
                self._chown_new(encoded(name), (found.st_uid, found.st_gid), True)
                os.chmod(encoded(name), st.S_IMODE(found.st_mode))
                os.utime(encoded(name), ns=(found.st_atime_ns, found.st_mtime_ns))
            except BaseException:
                discard(encoded(name))
                raise
        return name

    def makedirs(self, path: str, mode: "Optional[int]" = None) -> "List[str]":
        """Make a directory and its missing parents, each with `mode`; those made, outermost first."""
        missing = []
        at = path.rstrip("/") or "/"
        while at and not self.is_dir(at):
            missing.append(at)
            at = os.path.dirname(at)
        for each in reversed(missing):
            with naming(each):
                os.mkdir(encoded(each))
            if mode is not None:
                self.set_mode(each, mode)
        return missing[::-1]

    def remove(self, path: str) -> None:
        """Whatever is there: a tree with everything below it, a link but not its target. Nothing there is fine."""
        with naming(path):
            found = self.lstat(path)
            if found is None:
                return
            if not st.S_ISDIR(found.st_mode):
                os.unlink(encoded(path))
            elif not os.listdir(encoded(path)):
                os.rmdir(encoded(path))
            else:
                import shutil

                shutil.rmtree(encoded(path))

    def rename(self, path: str, new: str) -> None:
        with naming(path):
            os.rename(encoded(path), encoded(new))

    def symlink(self, target: str, path: str) -> None:
        """Make `path` a link to `target`, in place of what is there."""
        self._linked(os.symlink, target, path)

    def link(self, target: str, path: str) -> None:
        """Make `path` a hard link of `target`, in place of what is there."""
        self._linked(os.link, target, path)

    def _linked(self, make: "Callable[[bytes, bytes], None]", target: str, path: str) -> None:
        temporary = self._temporary(path)
        with naming(path):
            try:
                make(encoded(target), temporary)
                if not self.is_link(path) and self.is_dir(path):
                    self.remove(path)
                os.rename(temporary, encoded(path))
            finally:
                discard(temporary)      # rename(2) of two hard links of one file does nothing and leaves both

    def touch(self, path: str, atime_ns: int, mtime_ns: int) -> None:
        """Set the times (nanoseconds since the epoch); the file must exist."""
        with naming(path):
            os.utime(encoded(path), ns=(atime_ns, mtime_ns))


EMPTY_DIGEST = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
UNSAFE_REASONS = frozenset((errno.EBUSY, errno.EPERM, errno.EACCES, errno.EXDEV, errno.ETXTBSY, errno.EROFS))
"""Why a rename may be impossible though the file itself can be written: a bind-mounted file, a folder one may not write to."""


class naming(object):
    """Within it an OSError becomes a Fail that names the path: what a user can act upon."""

    def __init__(self, path: str, doing: str = "") -> None:
        self.path = path
        self.doing = doing

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: "Any", error: "Any", trace: "Any") -> None:
        if not isinstance(error, OSError):
            return
        reason = error.strerror or str(error)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            reason += "; nothing was changed"
        text = "{0}: {1}".format(self.path, reason)
        raise Fail("{0}: {1}".format(self.doing, text) if self.doing else text, errno=error.errno) from error


def write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view):]


def discard(path: bytes) -> None:
    """Remove a temporary file, if it is there."""
    try:
        os.unlink(path)
    except OSError:
        return


def copy_blocks(source: bytes, target: bytes) -> None:
    """The content of `source` as a new file `target` (0600), on the disk when this returns."""
    read = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    try:
        write = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            while True:
                part = os.read(read, BLOCK)
                if not part:
                    break
                write_all(write, part)
            os.fsync(write)
        finally:
            os.close(write)
    finally:
        os.close(read)


def keep_attributes(source: bytes, target: bytes) -> None:
    """Extended attributes, ACL and SELinux context of `source` for `target`, as far as this user and file system allow.

    File capabilities are left out: they were granted to the old content.
    """
    try:
        names = os.listxattr(source, follow_symlinks=False)
    except (OSError, AttributeError):
        return
    for name in names:
        if name != "security.capability":
            try:
                os.setxattr(target, name, os.getxattr(source, name, follow_symlinks=False), follow_symlinks=False)
            except OSError:
                continue
