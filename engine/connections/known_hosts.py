"""known_hosts files, read as OpenSSH reads them: is this the key of this host?

Plain, hashed and bracketed names, patterns, @cert-authority and @revoked; every answer names the file and line it rests on.
Keys are compared as bytes, so a key type that no library here can use is still recognised. Manual: sshd(8), SSH_KNOWN_HOSTS FILE FORMAT.
"""
from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Iterable
from enum import Enum
from functools import lru_cache

from engine.connections.ssh_config import host_matches
from engine.model.frozen import frozen

SSH_PORT = 22


class Trust(Enum):
    KNOWN = "known"
    UNKNOWN = "unknown"
    """No key of this type is known for the host."""
    CHANGED = "changed"
    """Another key of this type is known for the host."""
    REVOKED = "revoked"


@frozen
class Entry:
    """One line that could be read."""

    marker: str
    """"", cert-authority or revoked."""
    names: str
    kind: str
    """The key's type: ssh-ed25519, …"""
    key: bytes
    """The key as it goes over the wire."""
    place: str
    """path:line."""


@frozen
class Verdict:
    trust: Trust
    places: tuple[str, ...] = ()
    """Lines the verdict rests on; of UNKNOWN: lines with other types of keys of the host."""


@frozen
class KnownHosts:
    """The entries of several files, in order."""

    entries: tuple[Entry, ...] = ()

    def verdict(self, address: str, port: int, key: bytes) -> Verdict:
        """What these files say about `key` being the key of `address`.

        A key known under the name without its port is good for every port (as OpenSSH), but a different one there is not a change.
        """
        revoked = tuple(entry.place for entry in self.of(address, port) if entry.marker == "revoked" and entry.key == key)
        if revoked:
            return Verdict(Trust.REVOKED, revoked)
        own = [entry for entry in self.of(address, port) if not entry.marker]
        bare = [] if port == SSH_PORT else [entry for entry in self.of(address, SSH_PORT) if not entry.marker]
        same = tuple(entry.place for entry in (*own, *bare) if entry.key == key)
        if same:
            return Verdict(Trust.KNOWN, same)
        kind = key_kind(key)
        other = tuple(entry.place for entry in own if entry.kind == kind)
        if other:
            return Verdict(Trust.CHANGED, other)
        return Verdict(Trust.UNKNOWN, tuple(entry.place for entry in own))

    def authority(self, address: str, port: int, key: bytes) -> bool:
        """Whether `key` may sign certificates of `address`."""
        markers = {entry.marker for entry in self.of(address, port) if entry.key == key}
        return "cert-authority" in markers and "revoked" not in markers

    def kinds(self, address: str, port: int) -> tuple[str, ...]:
        """Types of keys known for `address`: what to ask the server for first."""
        found = [*self.of(address, port), *(self.of(address, SSH_PORT) if port != SSH_PORT else ())]
        return tuple(dict.fromkeys(entry.kind for entry in found if not entry.marker))

    def has_authority(self, address: str, port: int) -> bool:
        return any(entry.marker == "cert-authority" for entry in self.of(address, port))

    def of(self, address: str, port: int) -> list[Entry]:
        name = written_name(address, port)
        return [entry for entry in self.entries if name_matches(entry.names, name)]


def read_known_hosts(paths: Iterable[str]) -> KnownHosts:
    """The entries of all files at `paths`; a file that is not there or cannot be read knows nobody, as in OpenSSH."""
    entries: list[Entry] = []
    for path in paths:
        try:
            facts = os.stat(path)
        except OSError:
            continue
        entries.extend(read_file(path, facts.st_mtime_ns, facts.st_size))
    return KnownHosts(tuple(entries))


@lru_cache(maxsize=16)
def read_file(path: str, changed: int, size: int) -> tuple[Entry, ...]:
    """Entries of one file; kept while its time (ns) and size (bytes) stay the same."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().splitlines()
    except OSError:
        return ()
    found = (entry_of(line, f"{path}:{number}") for number, line in enumerate(lines, 1))
    return tuple(entry for entry in found if entry is not None)


def entry_of(line: str, place: str) -> Entry | None:
    """The entry on a line; None for comments and for lines that are no entry."""
    words = line.split()
    marker = ""
    if words and words[0].startswith("@"):
        marker = words.pop(0)[1:]
    if len(words) < 3 or words[0].startswith("#") or marker not in ("", "cert-authority", "revoked"):
        return None
    try:
        key = base64.b64decode(words[2], validate=True)
    except (binascii.Error, ValueError):
        return None
    return Entry(marker, words[0], words[1], key, place) if key_kind(key) == words[1] else None


def written_name(address: str, port: int) -> str:
    """A host as these files name it: `name`, or `[name]:port` for other ports than 22."""
    name = address.lower()
    return name if port == SSH_PORT else f"[{name}]:{port}"


def name_matches(names: str, name: str) -> bool:
    if names.startswith("|1|"):
        return hashed(names, name)
    return host_matches(name, names.split(","))


def hashed(names: str, name: str) -> bool:
    try:
        _, _, salt, digest = names.split("|")
        made = hmac.new(base64.b64decode(salt), name.encode("utf-8", "surrogateescape"), "sha1").digest()
        return hmac.compare_digest(made, base64.b64decode(digest))
    except (ValueError, binascii.Error):
        return False


def key_kind(key: bytes) -> str:
    """The type that a key on the wire begins with; "" where it is no key."""
    length = int.from_bytes(key[:4], "big")
    return key[4 : 4 + length].decode("ascii", "replace") if 0 < length <= 64 and len(key) > 4 + length else ""


def fingerprint(key: bytes) -> str:
    """As ssh-keygen -l prints it: `SHA256:…`."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")


def line_for(address: str, port: int, key: bytes, *, hash_names: bool = False) -> str:
    """The line that makes `key` known, with its newline."""
    name = written_name(address, port)
    if hash_names:
        salt = os.urandom(20)
        digest = hmac.new(salt, name.encode("utf-8", "surrogateescape"), "sha1").digest()
        name = f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"
    return f"{name} {key_kind(key)} {base64.b64encode(key).decode()}\n"


def remember(path: str, line: str) -> None:
    """Append `line` to the file at `path`, made with its folder where missing. One write, so lines of parallel runs do not mix.

    Raises:
        OSError: it cannot be written.
    """
    folder = os.path.dirname(path)
    if folder and not os.path.isdir(folder):
        os.makedirs(folder, mode=0o700, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        unfinished = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        os.write(descriptor, (("\n" if unfinished else "") + line).encode("utf-8", "surrogateescape"))
    finally:
        os.close(descriptor)
