"""What a change of packages leaves behind beside versions, noted so that it can be taken back: marks, configuration, files of scripts."""
import os

from engine.modules.system.dpkg import Packages, fields_of

MYPY = False
if MYPY:
    from typing import Any, Dict, List, Optional, Set

    from engine.agent.host import Host

MARKS = "/var/lib/apt/extended_states"
INFO = "/var/lib/dpkg/info"
CONFIGURATION = "/etc"
LIMIT = 20000
"""Entries of /etc up to which it is looked at whole."""
BESIDE = (".dpkg-dist", ".dpkg-old", ".dpkg-new", ".ucf-dist", ".ucf-old")
"""Ends of names of what dpkg and ucf lay beside a file that was edited. Source: dpkg(1), ucf(1)."""
GENERATED = ("/etc/ld.so.cache", "/etc/mailcap")
"""Files that programs make again of others whenever packages change."""


class Before(object):
    """How things are before packages change. Reads only."""

    def __init__(self, host: "Host", purges: bool) -> None:
        self.packages = Packages(host)
        self.marks = automatic(host)
        self.paths = paths_of(host)
        self.files = edited(self.packages, host) if purges else {}


class Noting(object):
    """Looks at the host at the last moment before packages change, if they do."""

    def __init__(self, host: "Host", purges: bool, before: "Optional[Before]" = None) -> None:
        self.host = host
        self.purges = purges
        self.before = before

    def __call__(self) -> None:
        self.before = Before(self.host, self.purges)


def noted_before(before: "Before", moved: "List[str]", host: "Host") -> "Dict[str, Any]":
    """Of the packages that moved: those that were removed but for their configuration, those that came by themselves, and the edited
    configuration files that are gone."""
    return {
        "left_over": [name for name in moved if before.packages.left_over(name)],
        "auto": [name for name in moved if name in before.marks],
        "files": {path: state for path, state in before.files.items() if not host.exists(path)},
    }


def noted_after(before: "Before", moved: "List[str]", host: "Host") -> "Dict[str, Any]":
    """The files that came into /etc and belong to no package: its scripts made them."""
    if not before.paths:
        return {}
    now = paths_of(host)
    fresh = sorted(now - before.paths) if now else []
    owned = owned_paths(moved, host) if fresh else set()
    brought = {path: trace(path, host) for path in fresh if path not in owned and path not in GENERATED}
    return {"brought": brought} if brought else {}


def automatic(host: "Host") -> "Set[str]":
    """Names of packages that came along with others. Source: apt-mark(8)."""
    try:
        content = host.read_bytes(MARKS)
    except OSError:
        return set()
    stanzas = [fields_of(stanza) for stanza in content.split(b"\n\n")]
    return {each.get(b"Package", b"").decode() for each in stanzas if each.get(b"Auto-Installed") == b"1"}


def paths_of(host: "Host") -> "Set[str]":
    """Everything below /etc; nothing where that is too much."""
    found = set()       # type: Set[str]
    for folder, folders, files in host.walk(CONFIGURATION):
        found.update(os.path.join(folder, name) for name in folders + files)
        if len(found) > LIMIT:
            return set()
    return found


def edited(packages: "Packages", host: "Host") -> "Dict[str, Any]":
    """The configuration files of installed packages that are not as they came, with their state. Source: deb-conffiles(5)."""
    found = {}
    for path, digest in packages.conffiles().items():
        if host.is_file(path) and not host.is_link(path) and host.digest(path, "md5") != digest:
            state = host.file_state(path)
            if state is not None and state.get("content") is not None:
                found[path] = state
    return found


def owned_paths(names: "List[str]", host: "Host") -> "Set[str]":
    """The paths that dpkg unpacked for these packages."""
    found = set()       # type: Set[str]
    for name in names:
        bare = name.partition(":")[0]
        for listed in (name + ".list", "{0}:{1}.list".format(bare, architecture(host)), bare + ".list"):
            path = os.path.join(INFO, listed)
            if host.exists(path):
                found.update(host.read_bytes(path).decode("utf-8", "surrogateescape").split("\n"))
                break
    return found


def architecture(host: "Host") -> str:
    try:
        return host.read_bytes("/var/lib/dpkg/arch").decode().split("\n")[0]
    except OSError:
        return str(host.run(["dpkg", "--print-architecture"], locale=True).stdout.decode().strip())


def trace(path: str, host: "Host") -> "Optional[str]":
    """What tells whether a file is still the same: type and content, in short."""
    state = host.file_state(path)
    if state is None:
        return None
    return "{0} {1}".format(state["type"], state.get("digest") or state.get("target") or "")


def tidy(brought: "Dict[str, Any]", earlier: "Set[str]", host: "Host") -> None:
    """Remove what scripts made, as far as nobody touched it; folders only when they are empty.

    Of what dpkg lays beside an edited configuration file all that is new since `earlier` (paths), or was brought, goes.
    """
    fresh = paths_of(host) - earlier if earlier else set()
    for path in sorted(set(brought) | {each for each in fresh if each.endswith(BESIDE)}, reverse=True):
        if not path.endswith(BESIDE) and (brought[path] is None or trace(path, host) != brought[path]):
            continue
        if not host.is_dir(path) or host.is_link(path) or not host.list_dir(path):
            host.remove(path)
