"""The controller's file system, as the language sees it: a protocol, the disk, and one in memory for tests."""
from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Protocol

from engine.errors import ParseError
from engine.model.problem import Problem


class Files(Protocol):
    """Paths are text as the user writes it. Whole-file vault is a `Files` that decrypts (vault/files.py)."""

    def read_bytes(self, path: str) -> bytes:
        """OSError where it cannot be read."""

    def read_text(self, path: str) -> str:
        """UTF-8 with or without BOM; ParseError `not-utf8` with the offset otherwise, OSError where it cannot be read."""

    def is_encrypted(self, path: str) -> bool:
        """Was it opened with a vault password? What is in it is not to be shown then."""

    def is_file(self, path: str) -> bool: ...

    def is_dir(self, path: str) -> bool: ...

    def exists(self, path: str) -> bool: ...

    def list(self, path: str) -> list[str]:
        """Names in a directory, sorted; [] where there is none."""


def decoded(data: bytes, path: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ParseError(
            Problem(
                code="not-utf8",
                summary="This file is not UTF-8 text",
                detail=f"byte 0x{data[error.start]:02x} at offset {error.start}, line {line} of {path}",
                hint="save it as UTF-8; binary files belong into files/ and copy",
            )
        ) from None


class DiskFiles:
    """The real disk."""

    def read_bytes(self, path: str) -> bytes:
        return Path(path).read_bytes()

    def read_text(self, path: str) -> str:
        return decoded(self.read_bytes(path), path)

    def is_encrypted(self, path: str) -> bool:
        return False

    def is_file(self, path: str) -> bool:
        return os.path.isfile(path)

    def is_dir(self, path: str) -> bool:
        return os.path.isdir(path)

    def exists(self, path: str) -> bool:
        return os.path.lexists(path)

    def list(self, path: str) -> list[str]:
        try:
            return sorted(os.listdir(path))
        except (FileNotFoundError, NotADirectoryError):
            return []


class WitnessFiles:
    """Another `Files` whose readings are remembered: what a plan was made from, so that it can be told later what has moved since."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self.seen: dict[str, str] = {}
        """Absolute path → what was found there: see `trace_of`."""

    def read_bytes(self, path: str) -> bytes:
        data = self.files.read_bytes(path)
        self.seen[os.path.abspath(path)] = trace_of(data)
        return data

    def read_text(self, path: str) -> str:
        return decoded(self.read_bytes(path), path)

    def is_encrypted(self, path: str) -> bool:
        return self.files.is_encrypted(path)

    def is_file(self, path: str) -> bool:
        return self._there(path, self.files.is_file(path))

    def is_dir(self, path: str) -> bool:
        return self._there(path, self.files.is_dir(path))

    def exists(self, path: str) -> bool:
        return self._there(path, self.files.exists(path))

    def list(self, path: str) -> list[str]:
        names = self.files.list(path)
        if not FOLDERS_OF_VARIABLES.isdisjoint(path.split("/")):
            self.seen[os.path.join(os.path.abspath(path), "")] = trace_of("\0".join(names).encode("utf-8", "surrogateescape"))
        return names

    def _there(self, path: str, found: bool) -> bool:
        if not found and not self.files.exists(path):
            self.seen.setdefault(os.path.abspath(path), ABSENT)
        return found


ABSENT = "-"
FOLDERS_OF_VARIABLES = frozenset(("group_vars", "host_vars"))
"""In other folders a file that nobody names makes no difference."""


def trace_of(data: bytes) -> str:
    """What is remembered of a file's content, or of the names in a folder: SHA-256, hex."""
    import hashlib

    return hashlib.sha256(data).hexdigest()


def moved(seen: Mapping[str, str], files: Files) -> list[str]:
    """What is not as it was when it was seen, in words: `/p/site.yml has changed`."""
    found: list[str] = []
    for path, trace in sorted(seen.items()):
        if path.endswith("/"):
            now = trace_of("\0".join(files.list(path.rstrip("/") or "/")).encode("utf-8", "surrogateescape"))
            if now != trace:
                found.append(f"there are other files in {path}")
        elif trace == ABSENT:
            if files.exists(path):
                found.append(f"{path} is new")
        else:
            try:
                now = trace_of(files.read_bytes(path))
            except OSError:
                found.append(f"{path} is gone")
                continue
            if now != trace:
                found.append(f"{path} has changed")
    return found


class MemoryFiles:
    """A tree of texts, for tests: `MemoryFiles({"/p/site.yml": "- hosts: all"})`."""

    def __init__(self, tree: Mapping[str, str | bytes]) -> None:
        self.tree = {str(PurePosixPath(path)): value.encode() if isinstance(value, str) else value for path, value in tree.items()}

    def read_bytes(self, path: str) -> bytes:
        try:
            return self.tree[os.path.normpath(path)]
        except KeyError:
            raise FileNotFoundError(2, "No such file or directory", path) from None

    def read_text(self, path: str) -> str:
        return decoded(self.read_bytes(path), path)

    def is_encrypted(self, path: str) -> bool:
        return False

    def is_file(self, path: str) -> bool:
        return os.path.normpath(path) in self.tree

    def is_dir(self, path: str) -> bool:
        prefix = os.path.normpath(path).rstrip("/") + "/"
        return any(name.startswith(prefix) for name in self.tree)

    def exists(self, path: str) -> bool:
        return self.is_file(path) or self.is_dir(path)

    def list(self, path: str) -> list[str]:
        prefix = os.path.normpath(path).rstrip("/") + "/"
        return sorted({name[len(prefix):].split("/")[0] for name in self.tree if name.startswith(prefix)})
