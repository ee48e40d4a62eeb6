"""The reading half of `Host`: what is there, in bytes and in states. Changes nothing."""
import errno
import os
import stat as st

from engine.agent import modes
from engine.agent.sdk import Fail

MYPY = False
if MYPY:
    from typing import Any, Callable, Iterator, List, Optional, Tuple, Union

    from engine.agent.sdk import FileState

CONTENT_CAP = 8 * 1024 * 1024
"""Bytes of one file that a state keeps; above that a state has the digest only and is not reversible."""
TREE_CAP = 64 * 1024 * 1024
"""Bytes of all files together that the state of a tree keeps."""
BLOCK = 1024 * 1024
TYPES = {
    st.S_IFREG: "file", st.S_IFDIR: "directory", st.S_IFLNK: "link", st.S_IFIFO: "fifo", st.S_IFSOCK: "socket",
    st.S_IFBLK: "block", st.S_IFCHR: "char",
}


def encoded(text: "Union[str, bytes]") -> bytes:
    """A path, argument or variable as the system wants it: UTF-8 always, for the locale of a target is often C."""
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


def decoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


class Reading(object):
    """Files as they are, and the users they belong to."""

    def lstat(self, path: str) -> "Optional[os.stat_result]":
        """None where there is nothing."""
        return self._stat(os.lstat, path)

    def stat(self, path: str) -> "Optional[os.stat_result]":
        """As lstat, through links; None for a broken one."""
        return self._stat(os.stat, path)

    def same_file(self, one: str, other: str) -> bool:
        """Are both there, and two names of one file?"""
        first, second = self.lstat(one), self.lstat(other)
        return first is not None and second is not None and (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino)

    def _stat(self, ask: "Callable[[bytes], os.stat_result]", path: str) -> "Optional[os.stat_result]":
        try:
            return ask(encoded(path))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            if error.errno == errno.ELOOP:
                return None
            raise

    def exists(self, path: str) -> bool:
        """Is there anything, a broken link included?"""
        return self.lstat(path) is not None

    def is_dir(self, path: str) -> bool:
        """A directory, or a link to one?"""
        found = self.stat(path)
        return found is not None and st.S_ISDIR(found.st_mode)

    def is_file(self, path: str) -> bool:
        found = self.stat(path)
        return found is not None and st.S_ISREG(found.st_mode)

    def is_link(self, path: str) -> bool:
        found = self.lstat(path)
        return found is not None and st.S_ISLNK(found.st_mode)

    def access(self, path: str, how: int) -> bool:
        """May this user read, write, execute (os.R_OK …)?"""
        return os.access(encoded(path), how)

    def readlink(self, path: str) -> str:
        return decoded(os.readlink(encoded(path)))

    def realpath(self, path: str) -> str:
        return decoded(os.path.realpath(encoded(path)))

    def list_dir(self, path: str) -> "List[str]":
        """Names in a directory, sorted."""
        return sorted(decoded(name) for name in os.listdir(encoded(path)))

    def walk(self, path: str, follow: bool = False) -> "Iterator[Tuple[str, List[str], List[str]]]":
        """As os.walk, in sorted order; folders that cannot be read are left out."""
        for folder, folders, files in os.walk(encoded(path), followlinks=follow):
            folders.sort()
            yield decoded(folder), [decoded(name) for name in folders], sorted(decoded(name) for name in files)

    def read_bytes(self, path: str, limit: "Optional[int]" = None) -> bytes:
        """The content, or its first `limit` bytes; OSError where it cannot be read."""
        descriptor = os.open(encoded(path), os.O_RDONLY | os.O_CLOEXEC)
        try:
            parts = []
            left = -1 if limit is None else limit
            while left != 0:
                part = os.read(descriptor, BLOCK if left < 0 else min(BLOCK, left))
                if not part:
                    break
                parts.append(part)
                left -= len(part) if left > 0 else 0
            return b"".join(parts)
        finally:
            os.close(descriptor)

    def digest(self, path: str, algorithm: str = "sha1") -> str:
        """Hex digest of a file's content, read in blocks."""
        import hashlib

        digest = hashlib.new(algorithm)
        descriptor = os.open(encoded(path), os.O_RDONLY | os.O_CLOEXEC)
        try:
            while True:
                part = os.read(descriptor, BLOCK)
                if not part:
                    return digest.hexdigest()
                digest.update(part)
        finally:
            os.close(descriptor)

    # ---- states

    def file_state(self, path: str, follow: bool = False, content: bool = True) -> "Optional[FileState]":
        """What is at `path`, in the shape of sdk.FileState; None where nothing is. Without `content` the digest is left out too."""
        found = self.stat(path) if follow else self.lstat(path)
        if found is None:
            return None
        kind = TYPES.get(st.S_IFMT(found.st_mode), "file")
        state: "FileState" = {"type": kind, "mode": st.S_IMODE(found.st_mode), "uid": found.st_uid, "gid": found.st_gid}
        state["owner"] = self.user_name(found.st_uid)
        state["group"] = self.group_name(found.st_gid)
        if kind == "file":
            state["size"] = found.st_size
            if content:
                self._add_content(state, path, CONTENT_CAP)
        elif kind == "link":
            state["target"] = self.readlink(path)
        elif kind in ("block", "char"):
            state["device"] = found.st_rdev
        return state

    def _add_content(self, state: "FileState", path: str, cap: int) -> None:
        if state["size"] > cap:
            state["content"] = None
            state["digest"] = self.digest(path)
            return
        state["content"] = self.read_bytes(path)
        state["size"] = len(state["content"])
        state["digest"] = digest_of(state["content"])

    def tree_state(self, path: str) -> "Optional[FileState]":
        """As file_state; a directory with everything below it in `entries`."""
        return self._tree(path, [TREE_CAP])

    def _tree(self, path: str, left: "List[int]") -> "Optional[FileState]":
        state = self.file_state(path, content=False)
        if state is None:
            return None
        if state["type"] == "directory":
            state["entries"] = {}
            for name in self.list_dir(path):
                entry = self._tree(os.path.join(path, name), left)
                if entry is not None:
                    state["entries"][name] = entry
        elif state["type"] == "file":
            self._add_content(state, path, min(CONTENT_CAP, left[0]))
            left[0] -= 0 if state["content"] is None else len(state["content"])
        return state

    def mode(self, value: "Any", current_mode: int = 0, is_dir: bool = False) -> int:
        """Permission bits from 0o644, "0644", "644" or "u=rwX,g-w" on top of `current_mode`; Fail otherwise."""
        return modes.permissions(value, current_mode, is_dir)

    def uid(self, name: "Any") -> int:
        """The number of a user (name, number or number as text); Fail where there is no such user."""
        if isinstance(name, int) or str(name).isdigit():
            return int(name)
        import pwd

        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            raise Fail("chown failed: failed to look up user {0}".format(name))

    def gid(self, name: "Any") -> int:
        """The number of a group; Fail where there is no such group."""
        if isinstance(name, int) or str(name).isdigit():
            return int(name)
        import grp

        try:
            return grp.getgrnam(name).gr_gid
        except KeyError:
            raise Fail("chgrp failed: failed to look up group {0}".format(name))

    def user_name(self, uid: int) -> str:
        """The name of a user, or the number as text where it has none."""
        import pwd

        try:
            return pwd.getpwuid(uid).pw_name
        except KeyError:
            return str(uid)

    def group_name(self, gid: int) -> str:
        import grp

        try:
            return grp.getgrgid(gid).gr_name
        except KeyError:
            return str(gid)


def digest_of(data: bytes) -> str:
    import hashlib

    return hashlib.sha1(data).hexdigest()
