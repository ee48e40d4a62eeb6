"""A process on the target over an SSH session channel: asyncssh's callbacks turned into the `Channel` the session reads from."""
from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import asyncssh

from engine.errors import ConnectError

ERRORS_KEPT = 64 * 1024
"""Bytes of stderr kept for messages."""

UNREAD_LIMIT = 8 * 1024 * 1024
"""Bytes waiting to be read at which the target is told to pause."""

CLOSE_LIMIT = 2.0
"""Seconds a process has to end after its stdin was closed."""


class SshChannel(asyncssh.SSHClientSession[bytes]):
    """Made by `SshConnection.start`. Reads raise ConnectError `connection-lost` where the connection broke; an end of stdout is b""."""

    def __init__(self, lost: Callable[[Exception | None], ConnectError]) -> None:
        """`lost` words the loss of the connection, given asyncssh's reason for it."""
        self.lost = lost
        self.channel: asyncssh.SSHClientChannel[bytes] | None = None
        self.unread: deque[bytes] = deque()
        self.unread_size = 0
        self.paused = False
        self.ended = False
        self.closed = asyncio.Event()
        self.when_closed: Callable[[], None] | None = None
        self.loss: ConnectError | None = None
        self.stderr = bytearray()
        self.reader: asyncio.Future[None] | None = None
        self.writable = asyncio.Event()
        self.writable.set()

    # What the session calls.

    def write(self, data: bytes) -> None:
        """Queue `data` for the process's stdin; nothing where the process is gone: the next read says why."""
        if self.channel is not None and not self.closed.is_set() and not self.channel.is_closing():
            self.channel.write(data)

    async def drain(self) -> None:
        if not self.writable.is_set():
            await self.writable.wait()

    async def read(self) -> bytes:
        """The next bytes of stdout, b"" at its end.

        Raises:
            ConnectError: `connection-lost`; what arrived before is handed out first.
        """
        while not self.unread:
            if self.loss is not None:
                raise self.loss
            if self.ended:
                return b""
            self.reader = asyncio.get_running_loop().create_future()
            try:
                await self.reader
            finally:
                self.reader = None
        data = self.unread.popleft() if len(self.unread) == 1 else b"".join(self.unread)
        self.unread.clear()
        self.unread_size = 0
        if self.paused and self.channel is not None:
            self.paused = False
            self.channel.resume_reading()
        return data

    def errors(self) -> bytes:
        return bytes(self.stderr)

    async def close(self) -> int | None:
        """Close stdin, wait up to 2 s for the process, close the channel; the exit status where the process told one."""
        channel = self.channel
        if channel is None:
            return None
        if not self.closed.is_set():
            if not channel.is_closing():
                channel.write_eof()
                self.drop_unread()
            try:
                async with asyncio.timeout(CLOSE_LIMIT):
                    await self.closed.wait()
            except TimeoutError:
                channel.abort()
        return channel.get_exit_status()

    def abort(self) -> None:
        """Close the channel at once, whatever the process is doing."""
        if self.channel is not None and not self.closed.is_set():
            self.channel.abort()

    def drop_unread(self) -> None:
        """Forget what nobody will read, so that a paused channel can reach its end."""
        self.unread.clear()
        self.unread_size = 0
        if self.paused and self.channel is not None:
            self.paused = False
            self.channel.resume_reading()

    # What asyncssh calls.

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self.channel = chan

    def data_received(self, data: bytes, datatype: int | None) -> None:
        if datatype is not None:
            self.stderr += data
            if len(self.stderr) > ERRORS_KEPT:
                del self.stderr[:-ERRORS_KEPT]
            return
        self.unread.append(data)
        self.unread_size += len(data)
        if self.unread_size > UNREAD_LIMIT and not self.paused and self.channel is not None:
            self.paused = True
            self.channel.pause_reading()
        self.wake()

    def eof_received(self) -> bool:
        self.ended = True
        self.wake()
        return True  # the process may still read: closing is ours

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self.loss = self.lost(exc)
        self.ended = True
        if not self.closed.is_set() and self.when_closed is not None:
            self.when_closed()
        self.closed.set()
        self.writable.set()
        self.wake()

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    def wake(self) -> None:
        if self.reader is not None and not self.reader.done():
            self.reader.set_result(None)
