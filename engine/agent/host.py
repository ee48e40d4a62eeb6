"""The one door of native modules to the machine: files, users, processes.

Everything that a module reads, writes or starts goes through a `Host`. Paths are text (undecodable bytes as
surrogates, whatever the locale), contents are bytes. A file is replaced whole or not at all.
"""
import errno
import os
import stat as st

from engine.agent import modes, processes
from engine.agent.sdk import Fail

MYPY = False
if MYPY:
    from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple, Union

    from engine.agent.processes import Ran
    from engine.agent.sdk import FileState

CONTENT_CAP = 8 * 1024 * 1024
"""Bytes of one file that a state keeps; above that a state has the digest only and is not reversible."""
TREE_CAP = 64 * 1024 * 1024
"""Bytes of all files together that the state of a tree keeps."""
BLOCK = 1024 * 1024
TYPES = {st.S_IFREG: "file", st.S_IFDIR: "directory", st.S_IFLNK: "link", st.S_IFIFO: "fifo", st.S_IFSOCK: "socket", st.S_IFBLK: "block", st.S_IFCHR: "char"}
EXTRA_PATH = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def encoded(text):
    # type: (Union[str, bytes]) -> bytes
    """A path, argument or variable as the system wants it: UTF-8 always, for the locale of a target is often C."""
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


def decoded(data):
    # type: (bytes) -> str
    return data.decode("utf-8", "surrogateescape")


class Host(object):
    """The machine, for one call of a module."""

    def __init__(self, environ=None, tell=None, spool_dir=None, unsafe_writes=False):
        # type: (Optional[Dict[str, str]], Optional[Callable[[str, str], None]], Optional[Callable[[], str]], bool) -> None
        self.environ = dict(os.environ, **(environ or {}))
        """What processes started here see; the task's `environment` is in it."""
        self.unsafe_writes = unsafe_writes
        """Write in place where a rename is impossible (the task's argument of that name)."""
        self.processes = processes.Running()
        self._tell = tell
        self._spool_dir = spool_dir

    # ---- looking

    def lstat(self, path):
        # type: (str) -> Optional[os.stat_result]
        """None where there is nothing."""
        return self._stat(os.lstat, path)

    def stat(self, path):
        # type: (str) -> Optional[os.stat_result]
        """As lstat, through links; None for a broken one."""
        return self._stat(os.stat, path)

    def _stat(self, ask, path):
        # type: (Callable[[bytes], os.stat_result], str) -> Optional[os.stat_result]
        try:
            return ask(encoded(path))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            if error.errno == errno.ELOOP:
                return None
            raise

    def exists(self, path):
        # type: (str) -> bool
        """Is there anything, a broken link included?"""
        return self.lstat(path) is not None

    def is_dir(self, path):
        # type: (str) -> bool
        """A directory, or a link to one?"""
        found = self.stat(path)
        return found is not None and st.S_ISDIR(found.st_mode)

    def is_file(self, path):
        # type: (str) -> bool
        found = self.stat(path)
        return found is not None and st.S_ISREG(found.st_mode)

    def is_link(self, path):
        # type: (str) -> bool
        found = self.lstat(path)
        return found is not None and st.S_ISLNK(found.st_mode)

    def access(self, path, how):
        # type: (str, int) -> bool
        """May this user read, write, execute (os.R_OK …)?"""
        return os.access(encoded(path), how)

    def readlink(self, path):
        # type: (str) -> str
        return decoded(os.readlink(encoded(path)))

    def realpath(self, path):
        # type: (str) -> str
        return decoded(os.path.realpath(encoded(path)))

    def list_dir(self, path):
        # type: (str) -> List[str]
        """Names in a directory, sorted."""
        return sorted(decoded(name) for name in os.listdir(encoded(path)))

    def walk(self, path, follow=False):
        # type: (str, bool) -> Iterator[Tuple[str, List[str], List[str]]]
        """As os.walk, in sorted order; folders that cannot be read are left out."""
        for folder, folders, files in os.walk(encoded(path), followlinks=follow):
            folders.sort()
            yield decoded(folder), [decoded(name) for name in folders], sorted(decoded(name) for name in files)

    def read_bytes(self, path, limit=None):
        # type: (str, Optional[int]) -> bytes
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

    def digest(self, path, algorithm="sha1"):
        # type: (str, str) -> str
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

    def file_state(self, path, follow=False, content=True):
        # type: (str, bool, bool) -> Optional[FileState]
        """What is at `path`, in the shape of sdk.FileState; None where nothing is. Without `content` the digest is left out too."""
        found = self.stat(path) if follow else self.lstat(path)
        if found is None:
            return None
        kind = TYPES.get(st.S_IFMT(found.st_mode), "file")
        state = {"type": kind, "mode": st.S_IMODE(found.st_mode), "uid": found.st_uid, "gid": found.st_gid}  # type: FileState
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

    def _add_content(self, state, path, cap):
        # type: (FileState, str, int) -> None
        if state["size"] > cap:
            state["content"] = None
            state["digest"] = self.digest(path)
            return
        state["content"] = self.read_bytes(path)
        state["size"] = len(state["content"])
        state["digest"] = digest_of(state["content"])

    def tree_state(self, path):
        # type: (str) -> Optional[FileState]
        """As file_state; a directory with everything below it in `entries`."""
        return self._tree(path, [TREE_CAP])

    def _tree(self, path, left):
        # type: (str, List[int]) -> Optional[FileState]
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

    def make_file(self, path, state, source=None):
        # type: (str, Optional[FileState], Optional[str]) -> None
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

    def _make_regular(self, path, state, there, source):
        # type: (str, FileState, str, Optional[str]) -> None
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

    def _holds(self, path, state):
        # type: (str, FileState) -> bool
        content = state.get("content")
        found = self.lstat(path)
        if content is not None:
            return found is not None and found.st_size == len(content) and self.read_bytes(path) == content
        return bool(state.get("digest")) and self.digest(path) == state["digest"]

    def _make_directory(self, path, state, there):
        # type: (str, FileState, str) -> None
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

    def _make_node(self, path, state, there, now):
        # type: (str, FileState, str, Optional[os.stat_result]) -> None
        kinds = {"fifo": st.S_IFIFO, "block": st.S_IFBLK, "char": st.S_IFCHR}
        if state["type"] not in kinds:
            raise Fail("{0}: a {1} cannot be made".format(path, state["type"]))
        if there != state["type"] or (now is not None and "device" in state and now.st_rdev != state["device"]):
            self.remove(path)
            with naming(path):
                os.mknod(encoded(path), kinds[state["type"]] | 0o600, state.get("device", 0))
        self.own(path, state)

    def own(self, path, state):
        # type: (str, FileState) -> None
        """Give `path` the owner, group and mode that `state` names, where they differ; no link is followed."""
        self.set_owner(path, self._owner_of(state), self._group_of(state))
        if state.get("mode") is not None:
            self.set_mode(path, state["mode"])

    def _owner_of(self, state):
        # type: (FileState) -> Optional[int]
        if state.get("uid") is not None:
            return int(state["uid"])
        return None if state.get("owner") is None else self.uid(state["owner"])

    def _group_of(self, state):
        # type: (FileState) -> Optional[int]
        if state.get("gid") is not None:
            return int(state["gid"])
        return None if state.get("group") is None else self.gid(state["group"])

    def set_owner(self, path, uid, gid):
        # type: (str, Optional[int], Optional[int]) -> None
        """None leaves one as it is. Fail where it is not allowed."""
        found = os.lstat(encoded(path))
        new = (found.st_uid if uid is None else uid, found.st_gid if gid is None else gid)
        if new != (found.st_uid, found.st_gid):
            with naming(path, "chown failed"):
                os.chown(encoded(path), new[0], new[1], follow_symlinks=False)
            mode = st.S_IMODE(found.st_mode)
            if mode & 0o6000 and not st.S_ISLNK(found.st_mode):     # chown drops setuid and setgid; the mode was not asked to change
                os.chmod(encoded(path), mode)

    def set_mode(self, path, mode):
        # type: (str, int) -> None
        """Permission bits; a link has none and is left alone."""
        found = os.lstat(encoded(path))
        if not st.S_ISLNK(found.st_mode) and st.S_IMODE(found.st_mode) != mode:
            with naming(path, "chmod failed"):
                os.chmod(encoded(path), mode)

    # ---- writing

    def write_atomically(self, path, data, mode=None, owner=None, group=None):
        # type: (str, bytes, Optional[int], Any, Any) -> None
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

    def install(self, source, path, mode=None, owner=None, group=None):
        # type: (str, str, Optional[int], Any, Any) -> None
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

    def _put_in_place(self, temporary, path, mode, owner, group):
        # type: (bytes, str, Optional[int], Any, Any) -> None
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

    def _chown_new(self, temporary, new, only_kept):
        # type: (bytes, Tuple[int, int], bool) -> None
        try:
            os.chown(temporary, new[0], new[1])
        except PermissionError:
            if not only_kept:
                raise
            # Nobody asked for an owner: a file of someone else's in a folder of ours becomes ours, as with rename(2).

    def _write_in_place(self, path, data, mode, owner, group):
        # type: (str, bytes, Optional[int], Any, Any) -> None
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

    def _ids(self, owner, group):
        # type: (Any, Any) -> Tuple[Optional[int], Optional[int]]
        return None if owner is None else self.uid(owner), None if group is None else self.gid(group)

    def _temporary(self, path):
        # type: (str) -> bytes
        """A name beside `path`, for rename(2) needs the same file system."""
        return os.path.join(os.path.dirname(encoded(path)), b".engine-" + os.urandom(8).hex().encode())

    def backup(self, path):
        # type: (str) -> str
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

    def makedirs(self, path, mode=None):
        # type: (str, Optional[int]) -> List[str]
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

    def remove(self, path):
        # type: (str) -> None
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

    def rename(self, path, new):
        # type: (str, str) -> None
        with naming(path):
            os.rename(encoded(path), encoded(new))

    def symlink(self, target, path):
        # type: (str, str) -> None
        """Make `path` a link to `target`, in place of what is there."""
        self._linked(os.symlink, target, path)

    def link(self, target, path):
        # type: (str, str) -> None
        """Make `path` a hard link of `target`, in place of what is there."""
        self._linked(os.link, target, path)

    def _linked(self, make, target, path):
        # type: (Callable[[bytes, bytes], None], str, str) -> None
        temporary = self._temporary(path)
        with naming(path):
            try:
                make(encoded(target), temporary)
                if not self.is_link(path) and self.is_dir(path):
                    self.remove(path)
                os.rename(temporary, encoded(path))
            finally:
                discard(temporary)      # rename(2) of two hard links of one file does nothing and leaves both

    def touch(self, path, atime_ns, mtime_ns):
        # type: (str, int, int) -> None
        """Set the times (nanoseconds since the epoch); the file must exist."""
        with naming(path):
            os.utime(encoded(path), ns=(atime_ns, mtime_ns))

    # ---- users and modes

    def mode(self, value, current_mode=0, is_dir=False):
        # type: (Any, int, bool) -> int
        """Permission bits from 0o644, "0644", "644" or "u=rwX,g-w" on top of `current_mode`; Fail otherwise."""
        return modes.permissions(value, current_mode, is_dir)

    def uid(self, name):
        # type: (Any) -> int
        """The number of a user (name, number or number as text); Fail where there is no such user."""
        if isinstance(name, int) or str(name).isdigit():
            return int(name)
        import pwd

        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            raise Fail("chown failed: failed to look up user {0}".format(name))

    def gid(self, name):
        # type: (Any) -> int
        """The number of a group; Fail where there is no such group."""
        if isinstance(name, int) or str(name).isdigit():
            return int(name)
        import grp

        try:
            return grp.getgrnam(name).gr_gid
        except KeyError:
            raise Fail("chgrp failed: failed to look up group {0}".format(name))

    def user_name(self, uid):
        # type: (int) -> str
        """The name of a user, or the number as text where it has none."""
        import pwd

        try:
            return pwd.getpwuid(uid).pw_name
        except KeyError:
            return str(uid)

    def group_name(self, gid):
        # type: (int) -> str
        import grp

        try:
            return grp.getgrgid(gid).gr_name
        except KeyError:
            return str(gid)

    # ---- processes

    def run(self, command, shell=False, stdin=b"", cwd=None, env=None, umask=None, executable=None, on_line=None, timeout=None, locale=False):
        # type: (Union[str, Sequence[str]], bool, bytes, Optional[str], Optional[Dict[str, str]], Optional[int], Optional[str], Optional[Callable[[str, str], None]], Optional[float], bool) -> Ran  # noqa: E501
        """Run a program to its end: argv, or with `shell` a line for /bin/sh (or `executable`).

        A text without `shell` is split as a shell would. `locale` makes tools speak the language that parsers know.
        `on_line(stream, text)` hears "stdout"/"stderr" as they come. Returns .code (minus the signal's number where
        one ended it), .stdout and .stderr (bytes). A daemon that keeps the pipes open does not hold it up.
        OSError where it cannot start; Fail after `timeout` seconds.
        """
        environ = dict(self.environ, **(env or {}))
        if locale:
            environ.update(LANG="C.UTF-8", LC_ALL="C.UTF-8", LC_MESSAGES="C.UTF-8", LANGUAGE="C")
        argv = processes.arguments(command, shell, executable)
        return processes.run(self.processes, argv, environ, stdin, cwd, umask, on_line, timeout)

    def which(self, name, required=False):
        # type: (str, bool) -> Optional[str]
        """Path of a program on PATH or in the sbin folders; None (Fail if `required`) where there is none."""
        folders = self.environ.get("PATH", "/usr/bin:/bin").split(":")
        found = processes.which(name, folders + [each for each in EXTRA_PATH if each not in folders])
        if found is None and required:
            raise Fail('Failed to find required executable "{0}" in paths: {1}'.format(name, ":".join(folders)))
        return found

    def progress(self, stream, text):
        # type: (str, str) -> None
        """Show a line of output while the call still runs (`stream`: stdout or stderr); nothing where nobody listens."""
        if self._tell is not None:
            self._tell(stream, text)

    # ---- places

    def expand(self, path):
        # type: (str) -> str
        """`~`, `~user` and $VARIABLES, as the environment of the task has them."""
        if "$" in path:
            import re

            path = re.sub(r"\$(\w+|\{[^}]*\})", lambda hit: self.environ.get(hit.group(1).strip("{}"), hit.group(0)), path)
        if path.startswith("~"):
            user, slash, rest = path[1:].partition("/")
            if not user and "HOME" in self.environ:
                return self.environ["HOME"].rstrip("/") + slash + rest or "/"
            return os.path.expanduser(path)
        return path

    def spool(self):
        # type: () -> str
        """A 0700 directory of this agent for large things on their way; removed when the agent ends."""
        if self._spool_dir is None:
            from engine.agent.transfer import spool

            self._spool_dir = spool
        return self._spool_dir()

    def spooled(self, name):
        # type: (str) -> str
        """Path of what the controller uploaded under `name`."""
        if not name or "/" in name or name.startswith("."):
            raise Fail("{0!r} is no name of an upload".format(name))
        return os.path.join(self.spool(), name)

    @property
    def boot_id(self):
        # type: () -> str
        """Differs after a reboot; "" where the kernel does not say. Source: proc(5), /proc/sys/kernel/random/boot_id."""
        try:
            return decoded(self.read_bytes("/proc/sys/kernel/random/boot_id")).strip()
        except OSError:
            return ""


EMPTY_DIGEST = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
UNSAFE_REASONS = frozenset((errno.EBUSY, errno.EPERM, errno.EACCES, errno.EXDEV, errno.ETXTBSY, errno.EROFS))
"""Why a rename may be impossible though the file itself can be written: a bind-mounted file, a folder one may not write to."""


class naming(object):
    """Within it an OSError becomes a Fail that names the path: what a user can act upon."""

    def __init__(self, path, doing=""):
        # type: (str, str) -> None
        self.path = path
        self.doing = doing

    def __enter__(self):
        # type: () -> None
        pass

    def __exit__(self, kind, error, trace):
        # type: (Any, Any, Any) -> None
        if not isinstance(error, OSError):
            return
        reason = error.strerror or str(error)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            reason += "; nothing was changed"
        text = "{0}: {1}".format(self.path, reason)
        raise Fail("{0}: {1}".format(self.doing, text) if self.doing else text, errno=error.errno) from error


def digest_of(data):
    # type: (bytes) -> str
    import hashlib

    return hashlib.sha1(data).hexdigest()


def write_all(descriptor, data):
    # type: (int, bytes) -> None
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view):]


def discard(path):
    # type: (bytes) -> None
    """Remove a temporary file, if it is there."""
    try:
        os.unlink(path)
    except OSError:
        return


def copy_blocks(source, target):
    # type: (bytes, bytes) -> None
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


def keep_attributes(source, target):
    # type: (bytes, bytes) -> None
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
