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
