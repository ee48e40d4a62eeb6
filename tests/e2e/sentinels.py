"""Words that must be nowhere in clear: made, sown, and looked for in files, stores, processes and output."""

from __future__ import annotations

import base64
import os
import re
import sqlite3
import threading
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

FOUND = re.compile(rb"s3ntinel-([a-z]+)-([0-9a-f]{12})")
PAUSE = 0.002
"""Seconds between two looks at the processes."""


@dataclass(slots=True)
class Sentinels:
    """A family of words of one test. `word("inline")` is its secret of that name."""

    mark: str = field(default_factory=lambda: os.urandom(6).hex())
    names: list[str] = field(default_factory=list)
    _hidden: list[tuple[str, bytes]] = field(default_factory=list)

    def word(self, name: str) -> str:
        if name not in self.names:
            self.names.append(name)
        return f"s3ntinel-{name}-{self.mark}"

    def within(self, data: bytes) -> set[str]:
        """Names of those that stand in some bytes: as they are, packed by zlib, or in base64."""
        if not self._hidden or len(self._hidden) != 3 * len(self.names):
            self._hidden = [(name, each) for name in self.names for each in disguises(self.word(name))]
        found = {name.decode() for each in readings(data) for name, mark in FOUND.findall(each) if mark == self.mark.encode()}
        return found | {name for name, each in self._hidden if each in data}

    def below(self, *roots: Path) -> dict[str, set[str]]:
        """Path → names, of every file that holds one. Databases are read row by row too."""
        found: dict[str, set[str]] = {}
        for path in files_below(roots):
            data = content_of(path)
            names = self.within(data) | (self.within_rows(path) if data.startswith(b"SQLite format 3") else set())
            if names:
                found[str(path)] = names
        return found

    def within_rows(self, path: Path) -> set[str]:
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            cells = [cell for table in tables for row in database.execute(f'SELECT * FROM "{table}"') for cell in row]
        finally:
            database.close()
        texts = (cell.encode() if isinstance(cell, str) else cell for cell in cells if isinstance(cell, str | bytes))
        return set().union(*map(self.within, texts))


def disguises(word: str) -> Iterator[bytes]:
    """In base64, wherever the word begins in what was encoded."""
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + word.encode())
        yield whole[(0, 2, 3)[shift] : len(whole) - 4]


def readings(data: bytes) -> Iterator[bytes]:
    """The bytes, and what is packed in them."""
    yield data
    for place in {0, data.find(b"\n") + 1, *(match.start() for match in re.finditer(rb"\x78[\x01\x5e\x9c\xda]", data))}:
        unpacking = zlib.decompressobj()
        try:
            packed = unpacking.decompress(data[place:])
        except zlib.error:
            continue
        if packed:
            yield packed


def files_below(roots: Iterable[Path]) -> Iterator[Path]:
    for root in roots:
        yield from ([root] if root.is_file() else sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink()))


def content_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""   # it went meanwhile


@dataclass(slots=True)
class Watch:
    """What the processes of this machine, containers included, show to everybody: (what, words of its command line, names)."""

    sentinels: Sentinels
    folders: tuple[Path, ...] = ()
    """Looked through as well, again and again."""
    flag: Path | None = None
    """Made when a word was seen in a command line and one in an environment: commands may wait for it."""
    seen: set[tuple[str, str, str]] = field(default_factory=set)
    looks: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    def look(self) -> None:
        for process in os.listdir("/proc"):
            if process.isdigit() and int(process) != os.getpid():
                line = content_of(Path("/proc", process, "cmdline"))
                for what, data in (("cmdline", line), ("environ", content_of(Path("/proc", process, "environ")))):
                    shown = line.replace(b"\0", b" ").decode("utf-8", "replace")
                    self.seen.update((what, shown, name.decode()) for name, mark in FOUND.findall(data) if mark == self.sentinels.mark.encode())
        if self.looks % 25 == 0:
            for path, names in self.sentinels.below(*self.folders).items():
                self.seen.update(("file", path, name) for name in names)
        self.looks += 1
        if self.flag is not None and {what for what, *_ in self.seen} >= {"cmdline", "environ"}:
            self.flag.touch()

    def go_on(self) -> None:
        while not self._over.is_set():
            self.look()
            time.sleep(PAUSE)

    @contextmanager
    def going(self) -> Iterator[Watch]:
        thread = threading.Thread(target=self.go_on)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()
