"""Three costs of asyncssh taken out, each measured by benchmarks/ssh_rpc.py, each reversible, each only on a version whose code is known.

1. Importing asyncssh looks for two optional libraries with `ctypes.util.find_library`, which starts ldconfig and gcc; here the loader
   is asked instead.
2. Every packet is preceded by an MSG_IGNORE packet, a defence that CBC ciphers need; with a cipher that authenticates (AEAD) it is left
   out.
3. Every packet is formatted for a log line that nobody reads unless asyncssh's debug level asks for it.

The fourth, the delayed acknowledgement that stalls the first command by 40 ms, is `QuickAckSocket`.
"""
from __future__ import annotations

import ctypes
import ctypes.util
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

KNOWN_VERSIONS = frozenset({"2.21.0", "2.21.1", "2.22.0", "2.23.0", "2.24.0", "2.24.1"})
"""asyncssh versions whose `send_packet` reads as the one that was replaced here."""

SONAMES = {"nettle": ("libnettle.so.8", "libnettle.so.7", "libnettle.so.6"), "oqs": ("liboqs.so.8", "liboqs.so.7", "liboqs.so.5")}


@contextmanager
def quiet_import() -> Iterator[None]:
    """While inside, `ctypes.util.find_library` starts no process: it tries the known names of the two libraries asyncssh can use."""
    usual = ctypes.util.find_library
    ctypes.util.find_library = find_library
    try:
        yield
    finally:
        ctypes.util.find_library = usual


def find_library(name: str) -> str | None:
    """The file name of `name` where the loader has it."""
    for candidate in SONAMES.get(name, ()):
        try:
            ctypes.CDLL(candidate)
        except OSError:
            continue
        return candidate
    return None


class QuickAckSocket(socket.socket):
    """A TCP socket that acknowledges at once.

    sshd answers a command in two small packets; with delayed acknowledgements the second waits 40 ms for the first's. The kernel
    falls back to delaying after a while, so it is told again with each receive.
    """

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        data = super().recv(size, flags)
        acknowledge_at_once(self)
        return data


def acknowledge_at_once(connected: socket.socket) -> None:
    """Set TCP_QUICKACK where the system has it (Linux)."""
    option = getattr(socket, "TCP_QUICKACK", None)
    if option is not None and connected.family in (socket.AF_INET, socket.AF_INET6):
        connected.setsockopt(socket.IPPROTO_TCP, option, 1)


class Tuning:
    """The replaced functions of asyncssh, and the way back. One per process; `apply` and `revert` may be called any number of times."""

    def __init__(self) -> None:
        self.undo: list[Callable[[], None]] = []

    def apply(self, *, ignore_packets: bool = True, log_lines: bool = True) -> bool:
        """Take the costs out; False where asyncssh is of a version not known here, and nothing was done."""
        import asyncssh

        if asyncssh.__version__ not in KNOWN_VERSIONS:
            return False
        if not self.undo:
            if log_lines:
                self.drop_log_lines()
            if ignore_packets:
                self.drop_ignore_packets()
        return True

    def revert(self) -> None:
        """Put asyncssh's own functions back."""
        while self.undo:
            self.undo.pop()()

    def replace(self, owner: type, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        usual = getattr(owner, name)
        own = name in vars(owner)
        setattr(owner, name, function)
        self.undo.append(lambda: setattr(owner, name, usual) if own else delattr(owner, name))
        return usual  # type: ignore[no-any-return]

    def drop_log_lines(self) -> None:
        """Format a packet's log line only where asyncssh's debug level 3 would show it."""
        import logging

        from asyncssh.packet import SSHPacketLogger

        def log_packet(self: Any, *details: Any) -> None:
            if logger.isEnabledFor(logging.DEBUG):
                usual(self, *details)

        logger = logging.getLogger("asyncssh")
        usual = self.replace(SSHPacketLogger, "_log_packet", log_packet)

    def drop_ignore_packets(self) -> None:
        """Send a packet as asyncssh does, without the MSG_IGNORE before it, where a session is established under an AEAD cipher."""
        from asyncssh.connection import SSHConnection
        from asyncssh.constants import MSG_USERAUTH_LAST

        def send_packet(self: Any, kind: int, *parts: bytes, handler: Any = None) -> None:
            cipher = self._send_encryption
            if (
                kind <= MSG_USERAUTH_LAST
                or not (self._kex_complete and self._auth_complete)
                or not is_authenticated(cipher)
                or self._compressor
                or self._rekey_bytes_sent >= self._rekey_bytes
                or (self._rekey_seconds and time.monotonic() >= self._rekey_time)
            ):
                usual(self, kind, *parts, handler=handler)
                return
            payload = b"".join((bytes((kind,)), *parts))
            padding = -(self._send_enchdrlen + len(payload)) % self._send_blocksize
            if padding < 4:
                padding += self._send_blocksize
            packet = b"".join((bytes((padding,)), payload, os.urandom(padding)))
            sequence, length = self._send_seq, len(packet)
            sealed, code = cipher.encrypt_packet(sequence, length.to_bytes(4, "big"), packet)
            self._send(sealed + code)
            self._send_seq = (sequence + 1) & 0xFFFFFFFF
            self._rekey_bytes_sent += length
            (handler or self).log_sent_packet(kind, sequence, payload)

        usual = self.replace(SSHConnection, "send_packet", send_packet)


def is_authenticated(cipher: object) -> bool:
    """Whether `cipher` is one of asyncssh's AEAD encryptions."""
    return type(cipher).__name__ in ("GCMEncryption", "ChachaEncryption")


TUNING = Tuning()
