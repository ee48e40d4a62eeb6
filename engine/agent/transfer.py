"""Large things on their way: the agent's 0700 spool directory, and files read and written in chunks."""
import os

from engine.agent.reading import encoded
from engine.agent.writing import discard, write_all

MYPY = False
if MYPY:
    from typing import Callable, Dict, List

CHUNK = 256 * 1024
"""Bytes of a file in one frame."""
PREFIX = "engine-"
_made: "List[str]" = []


def spool() -> str:
    """The directory, made at the first call; leavings of agents that were killed are swept then."""
    if not _made:
        base = os.environ.get("TMPDIR") or "/tmp"
        sweep(base)
        path = os.path.join(base, "{0}{1}-{2}-{3}".format(PREFIX, os.getuid(), os.getpid(), os.urandom(8).hex()))
        os.mkdir(encoded(path), 0o700)
        _made.append(path)
    return str(_made[0])


def sweep(base: str) -> None:
    """Remove the spools in `base` whose agent is gone; only this user's own, by name and by owner."""
    for name in os.listdir(encoded(base)):
        parts = name.split(b"-")
        if len(parts) != 4 or parts[0] + b"-" != PREFIX.encode() or parts[1] != str(os.getuid()).encode() or not parts[2].isdigit():
            continue
        path = os.path.join(encoded(base), name)
        if not os.path.isdir("/proc/" + parts[2].decode()) and os.lstat(path).st_uid == os.getuid():
            clear(path)


def clear(path: bytes) -> None:
    """Remove a spool: a flat directory of files, or of folders that modules unpacked."""
    import shutil

    shutil.rmtree(path, ignore_errors=True)


def leave() -> None:
    """Remove this agent's spool; called when it ends."""
    while _made:
        clear(encoded(_made.pop()))


class Uploads(object):
    """Files that arrive in chunks, by the id of their upload."""

    def __init__(self) -> None:
        self.open: "Dict[int, int]" = {}
        self.wrong: "Dict[int, OSError]" = {}

    def name(self, number: int) -> str:
        return "upload{0}".format(number)

    def add(self, number: int, data: bytes) -> None:
        """Write a chunk. An error is kept for the end: the controller goes on sending until it hears of it."""
        if number in self.wrong:
            return
        try:
            if number not in self.open:
                path = os.path.join(spool(), self.name(number))
                self.open[number] = os.open(encoded(path), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            write_all(self.open[number], data)
        except OSError as error:
            self.wrong[number] = error
            self.drop(number)

    def end(self, number: int) -> str:
        """The finished file's name in the spool; OSError where it could not be written."""
        if number not in self.open and number not in self.wrong:
            self.add(number, b"")
        if number in self.wrong:
            raise self.wrong.pop(number)
        os.close(self.open.pop(number))
        return self.name(number)

    def drop(self, number: int) -> None:
        """Forget an upload that was broken off."""
        descriptor = self.open.pop(number, None)
        if descriptor is not None:
            os.close(descriptor)
            discard(encoded(os.path.join(spool(), self.name(number))))


def download(path: str, send: "Callable[[bytes], None]") -> int:
    """Send a file's content in chunks; its size in bytes. OSError where it cannot be read."""
    descriptor = os.open(encoded(path), os.O_RDONLY | os.O_CLOEXEC)
    size = 0
    try:
        while True:
            part = os.read(descriptor, CHUNK)
            if not part:
                return size
            size += len(part)
            send(part)
    finally:
        os.close(descriptor)
