"""The seam under every way to reach a host: a `Transport` opens a `Channel` of bytes to the first stage of the agent."""
from __future__ import annotations

from typing import Protocol

from engine.connections.target import ExecutionTarget


class Channel(Protocol):
    """A process on the target and its three streams. What it writes to stderr is kept for error messages."""

    def write(self, data: bytes) -> None:
        """Queue `data` for the process's stdin. Never blocks; see `drain`."""

    async def drain(self) -> None:
        """Wait until what was written is below the high-water mark."""

    async def read(self) -> bytes:
        """The next bytes of stdout; b"" at its end."""

    def errors(self) -> bytes:
        """What stderr has held so far (the last 64 KiB)."""

    async def close(self) -> int | None:
        """Close stdin, then the channel; the exit status where there is one."""


class Transport(Protocol):
    """One per kind of connection; raises ConnectError and nothing else."""

    name: str

    async def open(self, target: ExecutionTarget, command: str) -> Channel:
        """Start `command` (a line for the target's /bin/sh) on the target."""

    async def close(self) -> None:
        """Drop every connection."""
