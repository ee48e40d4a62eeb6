"""The `ssh` transport: one connection for each way to log in to a host, shared by all agents and commands on it.

asyncssh is imported when the first host is connected to, not before: most commands of the engine never need it.
"""
from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

from engine.connections import ssh_tuning
from engine.connections.base import Channel
from engine.connections.ssh_options import SshOptions, jump_options, options_of
from engine.connections.target import ExecutionTarget
from engine.errors import ConnectError
from engine.model.problem import Problem, Severity

if TYPE_CHECKING:
    from engine.connections.ssh_connection import Limits, SshConnection
    from engine.connections.ssh_login import KeyRing

CHANNELS_LIMIT = 8
"""Sessions on one connection before a second is opened: sshd refuses the eleventh (MaxSessions 10)."""


class SshTransport:
    """Implements `Transport`. Bound to the event loop of its first use."""

    name = "ssh"

    def __init__(self, *, on_problem: Callable[[Problem], None] | None = None, files: tuple[str, ...] | None = None) -> None:
        """
        Args:
            on_problem: Is told notices, each once: `ssh-option-ignored`.
            files: OpenSSH configuration files instead of the user's and the system's; an `-F` in a target's options wins.
        """
        self.on_problem = on_problem
        self.files = files
        self.connections: dict[Hashable, asyncio.Task[SshConnection]] = {}
        self.dropped: list[SshConnection] = []
        self.noticed: set[str] = set()
        self.shared: Shared | None = None

    async def open(self, target: ExecutionTarget, command: str) -> Channel:
        """Start `command` on the target, on a connection that exists or a new one.

        Raises:
            ConnectError: see ssh_errors.py; `channel-refused` where the server allows no further session.
        """
        login = login_of(target)
        refused = ""
        for spare in range(3):
            connection = await self.connection(login, spare)
            if connection.channels >= CHANNELS_LIMIT and spare < 2:
                continue
            try:
                return await connection.start(command, target.host)
            except ssh_modules().ChannelRefused as error:
                refused = str(error)
        detail, hint = f"{target.host}: {refused}", "see MaxSessions in its sshd_config"
        raise ConnectError(Problem(code="channel-refused", summary="The server refuses another session", detail=detail, hint=hint))

    async def connection(self, login: ExecutionTarget, spare: int = 0) -> SshConnection:
        """The connection for `login` (a target without become and interpreter); `spare` numbers further ones to the same host."""
        key = (login, spare)
        running = self.connections.get(key)
        if running is not None and running.done() and not usable(running):
            self.drop(self.connections.pop(key))
            running = None
        if running is None:
            running = asyncio.create_task(self.connect(login), name=f"ssh to {login.host}")
            self.connections[key] = running
        return await self.outcome(key, running)

    async def outcome(self, key: Hashable, running: asyncio.Task[SshConnection]) -> SshConnection:
        """Wait for a connection others may wait for, too: a waiter that is cancelled does not take it from them. A failure is not kept."""
        try:
            return await asyncio.shield(running)
        except BaseException as error:
            if running.done() and self.connections.get(key) is running and not usable(running):
                del self.connections[key]
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and running.cancelled() and task is not None and not task.cancelling():
                problem = Problem(code="connection-lost", summary="The connection was lost", detail="it was dropped while it was made")
                raise ConnectError(problem) from None
            raise

    async def connect(self, login: ExecutionTarget) -> SshConnection:
        modules = ssh_modules()
        # In a thread: a `Match exec` runs a command and may take its time.
        options = await asyncio.to_thread(options_of, login, files=self.files)
        self.notice(options, login.host)
        if self.shared is None:
            self.shared = Shared(modules.Limits(), modules.KeyRing())
        via = await self.way(login.host, options)
        return await modules.connect(login.host, options, self.shared.keys, self.shared.limits, via)

    async def way(self, host: str, options: SshOptions) -> SshConnection | None:
        """The connection to the last jump host before the target, each hop's shared by all that pass it."""
        via: SshConnection | None = None
        for index, hop in enumerate(options.proxy_jump):
            through = await asyncio.to_thread(jump_options, hop, options, self.files)
            if index:
                through = dataclasses.replace(through, proxy_jump=(), proxy_command="")
            key = ("hop", through, id(via))
            running = self.connections.get(key)
            if running is None or (running.done() and not usable(running)):
                running = asyncio.create_task(self.connect_hop(host, through, via), name=f"ssh to jump host {through.address}")
                self.connections[key] = running
            via = await self.outcome(key, running)
        return via

    async def connect_hop(self, host: str, through: SshOptions, via: SshConnection | None) -> SshConnection:
        assert self.shared is not None
        before = via or await self.way(host, through)
        return await ssh_modules().connect(host, through, self.shared.keys, self.shared.limits, before)

    def notice(self, options: SshOptions, host: str) -> None:
        """Say once what is not obeyed."""
        for word in options.not_understood:
            if word not in self.noticed and self.on_problem is not None:
                self.noticed.add(word)
                self.on_problem(ignored(word, host))

    def forget(self, target: ExecutionTarget) -> None:
        """Drop the target's connections; the next `open` makes new ones."""
        login = login_of(target)
        for key in [key for key in self.connections if isinstance(key, tuple) and key[0] == login]:
            self.drop(self.connections.pop(key))

    async def close(self) -> None:
        """Drop every connection at once; nothing is waited for but cancelled handshakes and proxies that were killed."""
        tasks = list(self.connections.values())
        self.connections.clear()
        for task in tasks:
            self.drop(task)
        unfinished = [task for task in tasks if not task.done()]
        if unfinished:
            await asyncio.wait(unfinished)
        for connection in self.dropped:
            await connection.gone()
        self.dropped.clear()

    def drop(self, running: asyncio.Task[SshConnection]) -> None:
        if not running.done():
            running.cancel()
        elif not running.cancelled() and running.exception() is None:
            connection = running.result()
            connection.abort()
            if connection.proxy is not None:
                self.dropped.append(connection)


@dataclasses.dataclass(frozen=True, slots=True)
class Shared:
    """What all connections of a transport have in common."""

    limits: Limits
    keys: KeyRing


def login_of(target: ExecutionTarget) -> ExecutionTarget:
    """The part of a target that decides which connection it uses."""
    return dataclasses.replace(target, become=None, interpreter="", shell_executable="/bin/sh")


def usable(running: asyncio.Task[SshConnection]) -> bool:
    return not running.cancelled() and running.exception() is None and running.result().alive


def ignored(word: str, host: str) -> Problem:
    return Problem(
        code="ssh-option-ignored",
        severity=Severity.NOTICE,
        summary="An SSH option is not obeyed",
        detail=f"{word} (for {host})",
        hint="this engine speaks SSH itself; the connection is made without it",
    )


def ssh_modules() -> Modules:
    """The modules that import asyncssh, imported now."""
    if Modules.loaded is None:
        with ssh_tuning.quiet_import():
            Modules.loaded = Modules()
    return Modules.loaded


class Modules:
    """Names out of the modules that import asyncssh."""

    loaded: Modules | None = None

    def __init__(self) -> None:
        from engine.connections import ssh_connection, ssh_login

        self.connect = ssh_connection.connect
        self.Limits = ssh_connection.Limits
        self.ChannelRefused = ssh_connection.ChannelRefused
        self.KeyRing = ssh_login.KeyRing
