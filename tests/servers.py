"""An SSH server in this process, on a port of its own, with keys made for the run: for tests that need no real host."""
from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh


@dataclass(slots=True)
class Rules:
    """How the server behaves; may be changed while it runs."""

    password: str | None = None
    """The one it accepts, as password and as answer to a question."""
    interactive_only: bool = False
    """Ask for the password as a question instead."""
    drops: int = 0
    """Connections to hang up on before a word is said, as sshd does beyond MaxStartups."""
    sessions: int = 100
    """Sessions on one connection (MaxSessions)."""


@dataclass(slots=True)
class Server:
    port: int
    folder: Path
    """Holds client_key, client_key.pub, host_key.pub and known_hosts."""
    rules: Rules
    host_key: asyncssh.SSHKey
    logins: list[str] = field(default_factory=list)
    """Users that logged in, one for each connection."""
    commands: list[str] = field(default_factory=list)
    connections: list[asyncssh.SSHServerConnection] = field(default_factory=list)
    running: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def client_key(self) -> str:
        return str(self.folder / "client_key")

    @property
    def known_hosts(self) -> str:
        return str(self.folder / "known_hosts")

    def cut(self) -> None:
        """Drop every connection without a word."""
        for connection in self.connections:
            connection.abort()
        self.connections.clear()


class Doorman(asyncssh.SSHServer):
    def __init__(self, server: Server) -> None:
        self.server = server
        self.sessions = 0

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self.connection = conn
        self.server.connections.append(conn)

    def begin_auth(self, username: str) -> bool:
        return True

    def auth_completed(self) -> None:
        self.server.logins.append(self.connection.get_extra_info("username"))

    def session_requested(self) -> Command:
        if self.sessions >= self.server.rules.sessions:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_RESOURCE_SHORTAGE, "no more sessions")
        self.sessions += 1
        return Command(self.server)

    def password_auth_supported(self) -> bool:
        return self.server.rules.password is not None and not self.server.rules.interactive_only

    def validate_password(self, username: str, password: str) -> bool:
        return password == self.server.rules.password

    def kbdint_auth_supported(self) -> bool:
        return self.server.rules.interactive_only

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> tuple[str, str, str, list[tuple[str, bool]]]:
        return "", "", "", [("Password: ", False)]

    def validate_kbdint_response(self, username: str, responses: list[str]) -> bool:
        return responses == [self.server.rules.password]


class Command(asyncssh.SSHServerSession[bytes]):
    """What the client asked for, run with this machine's /bin/sh, its three streams joined to the channel."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.line = ""
        self.environment: dict[str, str] = {}
        self.child: asyncio.subprocess.Process | None = None
        self.early: list[bytes] = []
        self.ended = self.lost = False
        self.open = asyncio.Event()
        self.open.set()

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self.channel = chan

    def exec_requested(self, command: str) -> bool:
        self.line = command
        self.environment = dict(self.channel.get_environment())
        self.server.commands.append(command)
        return True

    def session_started(self) -> None:
        self.server.running.add(asyncio.create_task(self.run()))

    async def run(self) -> None:
        self.child = await asyncio.create_subprocess_exec(
            *("/bin/sh", "-c", self.line), stdin=-1, stdout=-1, stderr=-1, start_new_session=True, env={**os.environ, **self.environment}
        )
        if self.lost:
            os.killpg(self.child.pid, signal.SIGKILL)
        for data in self.early:
            self.child.stdin.write(data)
        if self.ended:
            self.child.stdin.close()
        await asyncio.gather(self.copy(self.child.stdout, None), self.copy(self.child.stderr, asyncssh.EXTENDED_DATA_STDERR))
        status = await self.child.wait()
        if not self.channel.is_closing():
            self.channel.exit(status)

    async def copy(self, stream: asyncio.StreamReader, kind: int | None) -> None:
        while data := await stream.read(65536):
            await self.open.wait()
            if not self.channel.is_closing():
                self.channel.write(data, kind)

    def data_received(self, data: bytes, datatype: int | None) -> None:
        if self.child is None:
            self.early.append(data)
        elif not self.child.stdin.is_closing():
            self.child.stdin.write(data)

    def eof_received(self) -> bool:
        self.ended = True
        if self.child is not None:
            self.child.stdin.close()
        return True

    def pause_writing(self) -> None:
        self.open.clear()

    def resume_writing(self) -> None:
        self.open.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self.open.set()
        if self.child is not None and self.child.returncode is None:
            os.killpg(self.child.pid, signal.SIGKILL)


@asynccontextmanager
async def ssh_server(folder: Path, rules: Rules | None = None) -> AsyncIterator[Server]:
    """A server on 127.0.0.1. Its known_hosts file names its key; its client key opens it."""
    rules = rules or Rules()
    host_key, client_key = asyncssh.generate_private_key("ssh-ed25519"), asyncssh.generate_private_key("ssh-ed25519")
    client_key.write_private_key(folder / "client_key")
    (folder / "client_key").chmod(0o600)
    client_key.write_public_key(folder / "client_key.pub")
    host_key.write_public_key(folder / "host_key.pub")
    server = Server(0, folder, rules, host_key)
    options = asyncssh.SSHServerConnectionOptions(
        server_factory=lambda: Doorman(server),
        server_host_keys=[host_key],
        authorized_client_keys=str(folder / "client_key.pub"),
        encoding=None,
        gss_host=None,
    )
    acceptor = await asyncssh.listen("127.0.0.1", 0, options=options)
    front = await doorway(server, acceptor.get_port())
    server.port = front.sockets[0].getsockname()[1]
    (folder / "known_hosts").write_bytes(f"[127.0.0.1]:{server.port} ".encode() + host_key.export_public_key())
    try:
        yield server
    finally:
        front.close()
        acceptor.close()
        server.cut()
        await acceptor.wait_closed()
        if server.running:
            await asyncio.wait(server.running, timeout=5)


async def doorway(server: Server, port: int) -> asyncio.Server:
    """Relays to `port`, hanging up on the first `rules.drops` connections."""

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if server.rules.drops > 0:
            server.rules.drops -= 1
            writer.close()
            return
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        server.running.add(asyncio.create_task(pump(reader, inner_writer)))
        server.running.add(asyncio.create_task(pump(inner_reader, writer)))

    return await asyncio.start_server(relay, "127.0.0.1", 0)


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass  # the other side is gone: closing ours says so
    finally:
        writer.close()
