"""The one door of native modules to the machine: files, users, processes.

Everything that a module reads, writes or starts goes through a `Host`. Paths are text (undecodable bytes as
surrogates, whatever the locale), contents are bytes. A file is replaced whole or not at all.
"""
import os

from engine.agent import processes
from engine.agent.reading import CONTENT_CAP, TREE_CAP, decoded, encoded
from engine.agent.sdk import Fail
from engine.agent.writing import Writing

MYPY = False
if MYPY:
    from typing import Any, Callable, Dict, Optional, Sequence, Union

    from engine.agent.processes import Ran

__all__ = ["CONTENT_CAP", "TREE_CAP", "Host", "decoded", "encoded"]

EXTRA_PATH = ("/usr/local/sbin", "/usr/sbin", "/sbin")


class Host(Writing):
    """The machine, for one call of a module."""

    check = False
    """Check mode: nothing may be changed. `perform` sees to it; modules ask only where a refusal would be premature."""

    def __init__(
        self,
        environ: "Optional[Dict[str, str]]" = None,
        tell: "Optional[Callable[[str, str], None]]" = None,
        unsafe_writes: bool = False,
        base: "Optional[Dict[str, str]]" = None,
    ) -> None:
        self.environ = dict(os.environ if base is None else base)
        if environ:
            self.environ.update(environ)
        """What processes started here see; the task's `environment` is in it."""
        self.unsafe_writes = unsafe_writes
        """Write in place where a rename is impossible (the task's argument of that name)."""
        self.processes = processes.Running()
        self._tell = tell

    foresees = False
    """Does it see what earlier tasks would have done? See foreseen.py."""

    def foreseen(self, kind: str, identity: str, otherwise: "Any" = None) -> "Any":
        """In a check mode that sees its own plan the state in which earlier tasks would have left a resource, None where they would
        have removed it; else `otherwise`."""
        return otherwise

    def foreseen_names(self, kind: str) -> "Sequence[str]":
        """Identities of the resources of a kind of which `foreseen` tells."""
        return ()

    def run(
        self,
        command: "Union[str, Sequence[str]]",
        shell: bool = False,
        stdin: bytes = b"",
        cwd: "Optional[str]" = None,
        env: "Optional[Dict[str, str]]" = None,
        umask: "Optional[int]" = None,
        executable: "Optional[str]" = None,
        on_line: "Optional[Callable[[str, str], None]]" = None,
        timeout: "Optional[float]" = None,
        locale: bool = False,
    ) -> "Ran":
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

    def which(self, name: str, required: bool = False) -> "Optional[str]":
        """Path of a program on PATH or in the sbin folders; None (Fail if `required`) where there is none."""
        folders = self.environ.get("PATH", "/usr/bin:/bin").split(":")
        found = processes.which(name, folders + [each for each in EXTRA_PATH if each not in folders])
        if found is None and required:
            raise Fail('Failed to find required executable "{0}" in paths: {1}'.format(name, ":".join(folders)))
        return found

    def progress(self, stream: str, text: str) -> None:
        """Show a line of output while the call still runs (`stream`: stdout or stderr); nothing where nobody listens."""
        if self._tell is not None:
            self._tell(stream, text)

    def expand(self, path: str) -> str:
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

    def spool(self) -> str:
        """A 0700 directory of this agent for large things on their way; removed when the agent ends."""
        from engine.agent.transfer import spool

        return spool()

    def spooled(self, name: str) -> str:
        """Path of what the controller uploaded under `name`."""
        if not name or "/" in name or name.startswith("."):
            raise Fail("{0!r} is no name of an upload".format(name))
        return os.path.join(self.spool(), name)

    @property
    def boot_id(self) -> str:
        """Differs after a reboot; "" where the kernel does not say. Source: proc(5), /proc/sys/kernel/random/boot_id."""
        try:
            return decoded(self.read_bytes("/proc/sys/kernel/random/boot_id")).strip()
        except OSError:
            return ""
