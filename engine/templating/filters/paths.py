"""Filters over paths, of POSIX and of Windows; `fileglob`, `realpath` and `expanduser` look at the controller."""
from __future__ import annotations

import ntpath
import os
import posixpath
from collections.abc import Callable
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

from engine.files import Files
from engine.templating.filters.base import FilterError, is_sequence, kind_of

if TYPE_CHECKING:
    from engine.templating.environment import Templates


def as_path(value: Any) -> str:
    """A path is text, and nothing else is a path."""
    if not isinstance(value, str):
        raise FilterError(f"expected str, bytes or os.PathLike object, not {kind_of(value)}")
    return value


def path_join(paths: Any) -> str:
    if isinstance(paths, str):
        return posixpath.join(paths)
    if is_sequence(paths):
        return posixpath.join(*[as_path(path) for path in paths])
    raise FilterError(f"|path_join expects string or sequence, got {type(paths)} instead.")


def commonpath(paths: Any) -> str:
    if not is_sequence(paths):
        raise FilterError(f"|commonpath expects sequence, got {type(paths)} instead.")
    return posixpath.commonpath([as_path(path) for path in paths])


def relpath(path: Any, start: Any = None) -> str:
    return os.path.relpath(as_path(path), as_path(start)) if start is not None else os.path.relpath(as_path(path))


def matching(files: Files, pattern: str) -> list[str]:
    """Paths of regular files that a shell pattern names, sorted."""
    folder, name = posixpath.split(pattern)
    folders = [folder]
    if any(sign in folder for sign in "*?["):
        folders = _folders(files, folder)
    found: list[str] = []
    for each in folders:
        for entry in files.list(each or "."):
            path = posixpath.join(each, entry)
            if fnmatch(entry, name) and (name.startswith(".") or not entry.startswith(".")) and files.is_file(path):
                found.append(path)
    return sorted(found)


def _folders(files: Files, pattern: str) -> list[str]:
    parent, name = posixpath.split(pattern)
    parents = _folders(files, parent) if any(sign in parent for sign in "*?[") else [parent]
    found = []
    for each in parents:
        for entry in files.list(each or "."):
            path = posixpath.join(each, entry)
            if fnmatch(entry, name) and (name.startswith(".") or not entry.startswith(".")) and files.is_dir(path):
                found.append(path)
    return found


def filters_for(templates: Templates) -> dict[str, Callable[..., Any]]:
    def fileglob(pattern: Any) -> list[str]:
        """Files that a pattern names; only regular ones."""
        if not isinstance(pattern, str):
            raise FilterError(f"expected a path, not {type(pattern).__name__}")
        return matching(templates.files, str(pattern))

    def expandvars(path: Any) -> str:
        """`$NAME` and `${NAME}` replaced from the environment; unknown names stay."""
        import re

        environ = templates.outside.environ()
        return re.sub(r"\$(?:(\w+)|\{([^}]*)\})", lambda found: environ.get(found[1] or found[2], found[0]), as_path(path), flags=re.ASCII)

    def expanduser(path: Any) -> str:
        text = as_path(path)
        home = templates.outside.environ().get("HOME")
        if home and (text == "~" or text.startswith("~/")):
            return home.rstrip("/") + text[1:]
        return os.path.expanduser(text)

    return {"fileglob": fileglob, "expandvars": expandvars, "expanduser": expanduser}


FILTERS: dict[str, Callable[..., Any]] = {
    "basename": lambda path: posixpath.basename(as_path(path)),
    "dirname": lambda path: posixpath.dirname(as_path(path)),
    "normpath": lambda path: posixpath.normpath(as_path(path)),
    "splitext": lambda path: posixpath.splitext(as_path(path)),
    "realpath": lambda path: os.path.realpath(as_path(path)),
    "win_basename": lambda path: ntpath.basename(as_path(path)),
    "win_dirname": lambda path: ntpath.dirname(as_path(path)),
    "win_splitdrive": lambda path: ntpath.splitdrive(as_path(path)),
    "path_join": path_join, "commonpath": commonpath, "relpath": relpath,
}
