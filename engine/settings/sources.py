"""What the user set, as written, and where: ansible.cfg, engine.toml, the environment, the command line.

With `outside.py` the only file that reads the environment, and it does so by the mapping it is given.
"""
from __future__ import annotations

import configparser
import os
import stat
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from engine.errors import UsageError
from engine.files import Files
from engine.model.frozen import frozen
from engine.model.problem import Problem, Severity
from engine.model.source import Span
from engine.model.values import Value

SYSTEM_CONFIG = "/etc/ansible/ansible.cfg"
PROJECT_MARKS = (".engine", "engine.toml", "ansible.cfg")


class Rank(IntEnum):
    """A higher one wins."""

    DEFAULT = 0
    CONFIG = 1
    PROJECT = 2
    ENVIRONMENT = 3
    COMMAND_LINE = 4


@frozen
class Origin:
    """Where a value comes from."""

    rank: Rank
    name: str = ""
    """As the user knows it: `[defaults] forks`, `ANSIBLE_FORKS`, `--forks`."""
    span: Span | None = None
    directory: str = ""
    """What relative paths count from: the folder of the file, else the working directory."""

    def __str__(self) -> str:
        if self.rank is Rank.DEFAULT:
            return "default"
        return f"{self.name} ({self.span.path}:{self.span.line})" if self.span else self.name


@frozen
class Raw:
    """One value as the user wrote it; text, except from engine.toml and the command line, which have types."""

    value: Value = field(repr=False)
    """Perhaps a password."""
    origin: Origin


@dataclass(slots=True)
class Sources:
    """Everything that was set. Keys of `ini` are `section.key`, of `toml` and `cli` `group.field`, of `env` names of variables."""

    ini: dict[str, Raw] = field(default_factory=dict)
    toml: dict[str, Raw] = field(default_factory=dict)
    env: dict[str, Raw] = field(default_factory=dict)
    cli: dict[str, Raw] = field(default_factory=dict)
    config_file: str | None = None
    cwd: str = "/"
    problems: list[Problem] = field(default_factory=list)


def disk_mode(path: str) -> int:
    """Permission bits; 0 where there is nothing."""
    try:
        return os.stat(path).st_mode
    except OSError:
        return 0


def read_sources(
    files: Files,
    environ: Mapping[str, str],
    *,
    cwd: str,
    cli: Mapping[str, Value] | None = None,
    project: str | None = None,
    mode_of: Callable[[str], int] = disk_mode,
) -> Sources:
    """Everything the user set.

    Args:
        environ: The environment: `outside.environ()`.
        cwd: The working directory, absolute.
        cli: What options say, by `group.field` (`{"run.forks": 50}`); None values count as not given.
        project: The folder whose engine.toml counts: see `find_project`. None: there is none.
        mode_of: The permissions of a folder, to refuse an ansible.cfg where everyone may write.

    Raises:
        UsageError: ansible.cfg or engine.toml cannot be read.
    """
    found = Sources(cwd=cwd)
    found.config_file = find_config(files, environ, cwd, found.problems, mode_of)
    if found.config_file:
        found.ini = read_ini(files, found.config_file)
    if project is not None:
        path = os.path.join(project, "engine.toml")
        if files.is_file(path):
            found.toml = read_toml(files, path)
    for name, value in environ.items():
        if name.startswith(("ANSIBLE_", "ENGINE_", "_ANSIBLE_")) or name == "NO_COLOR":
            found.env[name] = Raw(value, Origin(Rank.ENVIRONMENT, name, directory=cwd))
    for name, value in (cli or {}).items():
        if value is not None:
            found.cli[name] = Raw(value, Origin(Rank.COMMAND_LINE, f"option for {name}", directory=cwd))
    return found


def find_config(files: Files, environ: Mapping[str, str], cwd: str, problems: list[Problem], mode_of: Callable[[str], int]) -> str | None:
    """The ansible.cfg that counts: ANSIBLE_CONFIG, ./ansible.cfg, ~/.ansible.cfg, /etc/ansible/ansible.cfg."""
    home = environ.get("HOME", os.path.expanduser("~"))
    named = environ.get("ANSIBLE_CONFIG")
    if named:
        path = os.path.normpath(os.path.join(cwd, named.replace("~", home, 1) if named.startswith("~") else named))
        if files.is_dir(path):
            path = os.path.join(path, "ansible.cfg")
        if files.is_file(path):
            return path
    here = os.path.join(cwd, "ansible.cfg")
    if files.is_file(here):
        if not mode_of(cwd) & stat.S_IWOTH:
            return here
        problems.append(
            Problem(
                code="config-world-writable",
                summary="ansible.cfg is ignored: everyone may write into its folder",
                detail=here,
                severity=Severity.WARNING,
                hint=f"chmod o-w {cwd}, or name the file in ANSIBLE_CONFIG",
            )
        )
    for path in (os.path.join(home, ".ansible.cfg"), SYSTEM_CONFIG):
        if files.is_file(path):
            return path
    return None


def read_ini(files: Files, path: str) -> dict[str, Raw]:
    """`section.key` → value. UsageError `bad-config`."""
    parser = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=(";",), strict=True)
    parser.optionxform = str.lower  # type: ignore[assignment,method-assign]  # the documented way to say how keys are spelled
    text = text_of(files, path)
    try:
        parser.read_string(text, path)
    except configparser.Error as error:
        listed = getattr(error, "errors", [])
        line = getattr(error, "lineno", None) or (listed[0][0] if listed else 1)
        raise bad_config(path, Span(path, int(line)), error.message.splitlines()[0]) from error
    lines = key_lines(text)
    directory = os.path.dirname(path)
    return {
        f"{section}.{key}": Raw(value, Origin(Rank.CONFIG, f"[{section}] {key}", Span(path, lines.get((section, key), 1)), directory))
        for section in parser.sections()
        for key, value in parser.items(section)
    }


def key_lines(text: str) -> dict[tuple[str, str], int]:
    """Where each key of an INI text stands."""
    found: dict[tuple[str, str], int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if bare.startswith("[") and "]" in bare:
            section = bare[1:bare.index("]")]
        elif bare and bare[0] not in "#;" and not line[0].isspace():
            marks = [bare.index(mark) for mark in "=:" if mark in bare]
            found.setdefault((section, bare[:min(marks, default=len(bare))].strip().lower()), number)
    return found


def read_toml(files: Files, path: str) -> dict[str, Raw]:
    """`group.field` → value with its type. UsageError `bad-config`."""
    text = text_of(files, path)
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise bad_config(path, Span(path, 1), str(error)) from error
    directory = os.path.dirname(path)
    found: dict[str, Raw] = {}
    for group, fields in content.items():
        if not isinstance(fields, dict):
            detail = f"`{group}` stands outside any table"
            raise bad_config(path, Span(path, 1), detail, hint="settings stand in tables such as [run] or [ssh]")
        for name, value in fields.items():
            origin = Origin(Rank.PROJECT, f"[{group}] {name}", Span(path, toml_line(text, group, name)), directory)
            found[f"{group}.{name}"] = Raw(value, origin)
    return found


def toml_line(text: str, group: str, name: str) -> int:
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if bare.startswith("["):
            section = bare.strip("[] ")
        elif section == group and bare.partition("=")[0].strip().strip("\"'") == name:
            return number
    return 1


def text_of(files: Files, path: str) -> str:
    try:
        return files.read_text(path)
    except OSError as error:
        raise bad_config(path, Span(path, 1), str(error.strerror or error)) from error


def bad_config(path: str, span: Span, detail: str, hint: str = "") -> UsageError:
    detail = f"{os.path.basename(path)}: {detail}"
    return UsageError(Problem(code="bad-config", summary="A file of settings cannot be read", detail=detail, span=span, hint=hint))


def find_project(start: str, files: Files) -> str:
    """The nearest folder, from `start` upwards, with .engine/, engine.toml or ansible.cfg; `start` itself where none has."""
    folder = start = os.path.abspath(start)
    while True:
        if any(files.exists(os.path.join(folder, mark)) for mark in PROJECT_MARKS):
            return folder
        above = os.path.dirname(folder)
        if above == folder:
            return start
        folder = above
