"""The machine we are on: the same agent, over a pipe."""
from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable

from engine.connections.base import Channel
from engine.connections.target import ExecutionTarget
from engine.errors import ConnectError
from engine.model.problem import Problem

ERRORS_KEPT = 65536
END_LIMIT = 5.0
"""Seconds that a process gets to end once its stdin is closed."""
LAST_WORDS = 0.2
"""Seconds for what a process said as it ended; a child that it left behind may hold its outputs open for ever."""


class LocalTransport:
    """Starts processes here. `close` ends those that are left."""

    name = "local"

    def __init__(self) -> None:
        self.channels: set[LocalChannel] = set()

    async def open(self, target: ExecutionTarget, command: str) -> Channel:
        pipe = asyncio.subprocess.PIPE
        loop = asyncio.get_running_loop()
        starting = asyncio.ensure_future(
            loop.subprocess_exec(
                LocalChannel, "/bin/sh", "-c", command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=target.folder or None
            )
        )
        try:
            transport, channel = await asyncio.shield(starting)
        except asyncio.CancelledError:
            await ended_at_once(starting)
            raise
        except OSError as error:
            raise ConnectError(
                Problem(code="unreachable", summary="The host cannot be reached", detail=f"{target.host}: /bin/sh: {error.strerror}")
            ) from error
        channel.attach(transport)
        self.channels.add(channel)
        channel.when_closed = self.channels.discard
        return channel

    def forget(self, target: ExecutionTarget) -> None:
        """Nothing is kept for a target: each session is a process of its own."""

    async def close(self) -> None:
        for channel in list(self.channels):
            channel.kill()
            await channel.close()


async def ended_at_once(starting: asyncio.Future[tuple[asyncio.SubprocessTransport, LocalChannel]]) -> None:
    """Let a process start that nobody wants any more, and end it: cut off in the middle, it would leave open pipes behind."""
    try:
        transport, channel = await starting
    except OSError:
        return
    channel.attach(transport)
    channel.kill()
    await channel.close()


class LocalChannel(asyncio.SubprocessProtocol):
    """A process and its three streams, as `Channel`."""

    def __init__(self) -> None:
        self.process: asyncio.SubprocessTransport | None = None
        self.input: asyncio.WriteTransport | None = None
        self.output: list[bytes] = []
        self.said = b""
        self.reader: asyncio.Future[None] | None = None
        self.writable = asyncio.Event()
        self.writable.set()
        self.ended = asyncio.Event()
        self.silent = asyncio.Event()
        """Both outputs are at their end: nothing more will be said."""
        self.open_outputs = {1, 2}
        self.eof = False
        self.when_closed: Callable[[LocalChannel], None] = _nothing

    def attach(self, transport: asyncio.SubprocessTransport) -> None:
        self.process = transport
        pipe = transport.get_pipe_transport(0)
        assert isinstance(pipe, asyncio.WriteTransport)
        self.input = pipe

    # Called by asyncio.

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 1:
            self.output.append(data)
            self.wake()
        else:
            self.said = (self.said + data)[-ERRORS_KEPT:]

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        self.open_outputs.discard(fd)
        if not self.open_outputs:
            self.silent.set()
        if fd == 1:
            self.eof = True
            self.wake()
        elif fd == 0:
            self.writable.set()

    def process_exited(self) -> None:
        self.ended.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.eof = True
        self.wake()
        self.when_closed(self)

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    # The channel.

    def wake(self) -> None:
        if self.reader is not None and not self.reader.done():
            self.reader.set_result(None)

    def write(self, data: bytes) -> None:
        if self.input is not None and not self.input.is_closing():
            self.input.write(data)

    async def drain(self) -> None:
        await self.writable.wait()

    async def read(self) -> bytes:
        while not self.output:
            if self.eof:
                return b""
            self.reader = asyncio.get_running_loop().create_future()
            await self.reader
        data = self.output[0] if len(self.output) == 1 else b"".join(self.output)
        self.output.clear()
        return data

    def errors(self) -> bytes:
        return self.said

    def kill(self) -> None:
        if self.process is not None and self.process.get_returncode() is None:
            # not by the transport: that looks first whether the process has ended, and takes its exit code from who waits for it
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.get_pid(), signal.SIGKILL)

    async def close(self) -> int | None:
        assert self.process is not None
        if self.input is not None:
            self.input.close()
        try:
            await self.end()
            return self.process.get_returncode()
        finally:
            self.process.close()

    async def end(self) -> None:
        """Wait for the process, and for its last words."""
        try:
            async with asyncio.timeout(END_LIMIT):
                await self.ended.wait()
        except TimeoutError:
            self.kill()
            await self.ended.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS):
                await self.silent.wait()


def _nothing(channel: LocalChannel) -> None:
    """Before anybody wants to hear of the end."""
