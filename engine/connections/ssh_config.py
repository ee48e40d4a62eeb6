"""OpenSSH's client configuration files as (option, value) pairs for one host: Host, Match and Include, first value wins.

Checked against `ssh -G` by tests/unit/connections/test_ssh_config.py. Manual: ssh_config(5).
"""
from __future__ import annotations

import fnmatch
import glob
import os
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from engine.connections.ssh_words import Pair, assignment, unquoted
from engine.errors import ConnectError
from engine.model.problem import Problem

USER_FILE = "~/.ssh/config"
SYSTEM_FILE = "/etc/ssh/ssh_config"
DEEPEST_INCLUDE = 16
"""As OpenSSH: a file that includes itself is a mistake, not a loop."""

SEVERAL = frozenset({"identityfile", "certificatefile", "sendenv", "setenv"})
"""Options whose values add up; all others keep their first."""


@dataclass(slots=True)
class Host:
    """The host as far as it is known while files are read: what Host and Match lines look at."""

    original: str
    local_user: str
    values: dict[str, list[str]] = field(default_factory=dict)
    final: bool = False
    """True in the second pass, which runs where a `Match final` was seen."""
    wants_final: bool = False
    not_understood: list[str] = field(default_factory=list)

    def take(self, pairs: Iterable[Pair]) -> None:
        """Add values that do not have one yet."""
        for name, value in pairs:
            if name in SEVERAL:
                known = self.values.setdefault(name, [])
                if value not in known:
                    known.append(value)
            else:
                self.values.setdefault(name, [value])

    def first(self, name: str, default: str = "") -> str:
        found = self.values.get(name)
        return found[0] if found else default

    @property
    def name(self) -> str:
        """The real name, as `Match host` sees it."""
        written = self.first("hostname")
        return written.replace("%%", "\0").replace("%h", self.original).replace("\0", "%") if written else self.original


def read_config(host: Host, paths: Iterable[str], *, runs: Callable[[str], bool]) -> None:
    """Add to `host` what the files at `paths` say about it. A file that is not there says nothing.

    Args:
        runs: Answers `Match exec`: whether the command ends well.

    Raises:
        ConnectError: `ssh-config-unreadable` with file and line.
    """
    paths = list(paths)
    for path in paths:
        read_file(host, path, runs, True, 0)
    if host.wants_final and not host.final:
        host.final = True
        for path in paths:
            read_file(host, path, runs, True, 0)


def read_file(host: Host, path: str, runs: Callable[[str], bool], active: bool, depth: int) -> None:
    if depth > DEEPEST_INCLUDE:
        raise unreadable(path, 0, "files include one another without end")
    expanded = os.path.expanduser(path)
    try:
        with open(expanded, encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        return
    except OSError as error:
        raise unreadable(path, 0, error.strerror or str(error)) from None
    inside = active
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        try:
            name, value = assignment(text, text)
        except ConnectError as error:
            raise unreadable(path, number, error.problem.detail) from None
        if name == "host":
            inside = active and host_matches(host.original, words(value, path, number))
        elif name == "match":
            # Evaluated where it cannot apply, too: a `final` inside asks for the second pass.
            inside = match(host, words(value, path, number), runs, path, number) and active
        elif name == "include":
            for pattern in words(value, path, number):
                for found in included(pattern, expanded):
                    read_file(host, found, runs, inside, depth + 1)
        elif inside:
            host.take([(name, without_comment(name, value))])


def words(value: str, path: str, number: int) -> list[str]:
    try:
        return shlex.split(value, comments=True)
    except ValueError as error:
        raise unreadable(path, number, str(error)) from None


def without_comment(name: str, value: str) -> str:
    """A value without the comment behind it. Commands run to the end of the line."""
    if name in ("proxycommand", "remotecommand", "localcommand", "knownhostscommand") or " #" not in value:
        return value
    quoted = False
    for at, letter in enumerate(value):
        if letter == '"':
            quoted = not quoted
        elif letter == "#" and not quoted and value[at - 1 : at].isspace():
            return unquoted(value[:at])
    return value


def included(pattern: str, beside: str) -> list[str]:
    """Files of an Include: absolute, `~`, or relative to ~/.ssh (to /etc/ssh in the system's file)."""
    path = os.path.expanduser(pattern)
    if not os.path.isabs(path):
        folder = "/etc/ssh" if beside.startswith("/etc/ssh/") else os.path.expanduser("~/.ssh")
        path = os.path.join(folder, path)
    return sorted(glob.glob(path))


def host_matches(name: str, patterns: Iterable[str]) -> bool:
    """A list of patterns matches where one does and no negated one (`!lab*`) does."""
    found = False
    for pattern in patterns:
        bare = pattern[1:] if pattern.startswith("!") else pattern
        # OpenSSH knows `*` and `?` only: a bracket is a letter.
        if fnmatch.fnmatchcase(name.lower(), bare.lower().replace("[", "[[]")):
            if bare is not pattern:
                return False
            found = True
    return found


def match(host: Host, conditions: list[str], runs: Callable[[str], bool], path: str, number: int) -> bool:
    """Whether every condition of a Match line holds."""
    if not conditions:
        raise unreadable(path, number, "Match lacks its conditions")
    matching = True
    rest = list(conditions)
    while rest:
        word = rest.pop(0)
        negated, word = word.startswith("!"), word.lstrip("!")
        criterion, _, value = word.partition("=")
        criterion = criterion.lower()
        if criterion in ("all", "final", "canonical"):
            held = criterion == "all" or host.final
            host.wants_final = host.wants_final or criterion == "final"
        else:
            if not value:
                if not rest:
                    raise unreadable(path, number, f"Match {criterion} lacks its value")
                value = rest.pop(0)
            held = matching and holds(host, criterion, value, runs, f"{path}:{number}")
        matching = matching and held is not negated
    return matching


def holds(host: Host, criterion: str, value: str, runs: Callable[[str], bool], where: str) -> bool:
    subjects: Mapping[str, str] = {
        "host": host.name,
        "originalhost": host.original,
        "user": host.first("user", host.local_user),
        "localuser": host.local_user,
        "tagged": host.first("tag"),
    }
    if criterion in subjects:
        return host_matches(subjects[criterion], value.split(","))
    if criterion == "exec":
        return runs(value)
    host.not_understood.append(f"Match {criterion} ({where})")
    return False


def unreadable(path: str, number: int, why: str) -> ConnectError:
    where = f"{path}:{number}" if number else path
    return ConnectError(Problem(code="ssh-config-unreadable", summary="The SSH configuration cannot be read", detail=f"{where}: {why}"))
