"""One SSH connection: the way there (TCP, jump hosts, a ProxyCommand), the handshake under one time limit, and channels on it."""
from __future__ import annotations

import asyncio
import contextlib
import fnmatch
import os
import random
import signal
import socket
from typing import Any

import asyncssh
from asyncssh.encryption import get_encryption_algs
from asyncssh.kex import get_kex_algs
from asyncssh.mac import get_mac_algs

from engine.connections.ssh_channel import SshChannel
from engine.connections.ssh_errors import FOREIGN, loss, refusal
from engine.connections.ssh_login import Attempt, KeyRing, Login
from engine.connections.ssh_options import SshOptions
from engine.connections.ssh_tuning import TUNING, QuickAckSocket, acknowledge_at_once

TCP_IDLE, TCP_INTERVAL, TCP_PROBES = 15, 5, 3
"""Seconds of silence before the kernel asks for a sign of life, between questions, and how many: a cut link is noticed after 30 s.
Used where the user set no ServerAliveInterval; costs no CPU here."""

DROPPED_LIMIT = 6
"""How often a handshake is tried again that the server dropped before it said anything (MaxStartups)."""

WINDOW = 4 * 1024 * 1024
"""Bytes the target may send ahead on one channel."""

PACKET = 256 * 1024
"""Bytes in one packet of ours, where the server takes them."""

UNAUTHENTICATED_LIMIT = 8
"""Handshakes at a time with one server: sshd starts dropping the eleventh (MaxStartups 10:30:100)."""

AEAD_FIRST = "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr"
"""Fastest first; all of them OpenSSH's defaults."""


class ChannelRefused(Exception):
    """The server allows no further session on this connection."""


class SshConnection:
    """An established connection. Made by `connect`; `start` opens processes on it."""

    def __init__(self, options: SshOptions, connection: asyncssh.SSHClientConnection, proxy: Proxy | None) -> None:
        self.options = options
        self.connection = connection
        self.proxy = proxy
        self.channels = 0

    @property
    def alive(self) -> bool:
        return not self.connection.is_closed()

    async def start(self, command: str, target_host: str) -> SshChannel:
        """Start `command` with the user's login shell.

        Raises:
            ConnectError: `connection-lost`, or `channel-refused` where the server allows no more sessions.
        """
        options = self.options
        try:
            channel, session = await self.connection.create_session(
                lambda: SshChannel(lambda error: loss(error, options, target_host)),
                command,
                encoding=None,
                window=WINDOW,
                max_pktsize=PACKET,
                env=dict(options.set_env),
                send_env=options.send_env,
            )
        except asyncssh.ChannelOpenError as error:
            if not self.alive:
                raise loss(error, options, target_host) from error
            raise ChannelRefused(str(error)) from error
        except (OSError, asyncssh.Error) as error:
            raise loss(error, options, target_host) from error
        channel.set_write_buffer_limits(high=2 * 1024 * 1024)
        assert isinstance(session, SshChannel)
        self.channels += 1
        session.when_closed = self.channel_closed
        return session

    def channel_closed(self) -> None:
        self.channels -= 1

    def abort(self) -> None:
        """Drop the connection without a word; nothing is waited for."""
        self.connection.abort()
        if self.proxy is not None:
            self.proxy.kill()

    async def gone(self) -> None:
        """Wait until nothing of an aborted connection runs any more."""
        if self.proxy is not None:
            await self.proxy.ended()


class Limits:
    """How many handshakes may run at a time with one server."""

    def __init__(self) -> None:
        self.servers: dict[tuple[str, int], asyncio.Semaphore] = {}

    def of(self, options: SshOptions) -> asyncio.Semaphore:
        return self.servers.setdefault((options.address, options.port), asyncio.Semaphore(UNAUTHENTICATED_LIMIT))


async def connect(host: str, options: SshOptions, keys: KeyRing, limits: Limits, via: SshConnection | None) -> SshConnection:
    """Connect and log in, within `options.timeout` seconds for each attempt.

    A server that hangs up before its first word has too many handshakes at a time: it is asked again, a little later.

    Args:
        host: The host whose task it is, for messages.
        via: The connection to the jump host, where there is one.

    Raises:
        ConnectError: with the code that ssh_errors.py gives it.
    """
    TUNING.apply()
    dropped = refused = 0
    loop = asyncio.get_running_loop()
    async with limits.of(options):
        began = loop.time()
        while True:
            attempt = Attempt()
            try:
                return await handshake(options, keys, attempt, via)
            except FOREIGN as error:
                if is_dropped(error, attempt) and dropped < DROPPED_LIMIT and loop.time() < began + options.timeout:
                    dropped += 1
                    await asyncio.sleep(random.uniform(0.5, 1.5) * min(0.1 * 2**dropped, 1.0))
                    continue
                refused += 1
                found = refusal(error, options, attempt, host)
                if found.problem.code != "unreachable" or refused >= options.attempts:
                    raise found from error
                await asyncio.sleep(min(2**refused - 1, 30))  # as Ansible pauses between its retries


def is_dropped(error: BaseException, attempt: Attempt) -> bool:
    """Whether the server took the connection and hung up before it said who it is."""
    if attempt.banner or attempt.proxy_errors or not attempt.reached or isinstance(error, TimeoutError):
        return False
    return isinstance(error, (ConnectionResetError, BrokenPipeError, asyncssh.DisconnectError))


async def handshake(options: SshOptions, keys: KeyRing, attempt: Attempt, via: SshConnection | None) -> SshConnection:
    login = Login(options, attempt, keys)
    proxy: Proxy | None = None
    way: dict[str, Any] = {}
    made: asyncssh.SSHClientConnection | None = None
    try:
        async with asyncio.timeout(options.timeout):
            if via is not None:
                way["tunnel"] = via.connection
            elif options.proxy_command:
                proxy = await Proxy.start(options.proxy_command)
                way["sock"] = proxy.socket
            else:
                way["sock"] = await tcp(options)
            attempt.reached = True
            made = await asyncssh.connect(options.address, options.port, client_factory=lambda: login, **way, **arguments(options, login))
        return SshConnection(options, made, proxy)
    except BaseException:
        if "sock" in way and login.connection is None:
            way["sock"].close()
        if proxy is not None:
            attempt.proxy_errors = await proxy.last_words()
            proxy.kill()
            await proxy.ended()
        raise
    finally:
        note_progress(login, attempt)
        if attempt.agent is not None:
            attempt.agent.close()


def note_progress(login: Login, attempt: Attempt) -> None:
    """Keep what asyncssh knows of the handshake before the connection is forgotten."""
    if login.connection is not None:
        attempt.banner = bool(login.connection.get_extra_info("server_version"))


def arguments(options: SshOptions, login: Login) -> dict[str, Any]:
    """`options` in asyncssh's words. Files are never its to read: config, keys, agent and known hosts are answered by us."""
    chosen: dict[str, Any] = {
        "config": None,
        "username": options.user,
        "client_keys": None,
        "known_hosts": ([], [], []),
        "server_host_key_algs": login.host_key_algorithms(),
        "x509_trusted_certs": None,
        "x509_trusted_cert_paths": (),
        "agent_forwarding": options.forward_agent or False,
        "public_key_auth": options.public_key,
        "password_auth": options.password_login,
        "kbdint_auth": options.keyboard_interactive,
        "host_based_auth": False,
        "gss_kex": False,
        "gss_auth": options.gssapi,
        "gss_host": options.address if options.gssapi else None,
        "gss_delegate_creds": options.gssapi_delegate,
        "encryption_algs": usable(options.ciphers, get_encryption_algs()) or AEAD_FIRST,
        "compression_algs": "zlib@openssh.com,none" if options.compression else "none",
        "family": options.family,
        "connect_timeout": None,
        "login_timeout": 0,
        "keepalive_interval": options.alive_interval,
        "keepalive_count_max": options.alive_count,
        "tcp_keepalive": options.tcp_keepalive,
    }
    if options.methods:
        chosen["preferred_auth"] = list(options.methods)
    if options.macs:
        chosen["mac_algs"] = usable(options.macs, get_mac_algs())
    if options.key_exchanges:
        chosen["kex_algs"] = usable(options.key_exchanges, get_kex_algs())
    return chosen | rekeying(options.rekey_limit)


def usable(written: str, possible: list[bytes]) -> str:
    """A list of algorithms without those that asyncssh does not have; a list of only such names stays, and is refused by name.

    OpenSSH knows some more (umac without libnettle, sntrup): a list that also names common ones still works.
    """
    prefix = written[:1] if written[:1] in ("+", "-", "^") else ""
    names = written.removeprefix(prefix).split(",")
    here = [each.decode() for each in possible]
    kept = [name for name in names if any(fnmatch.fnmatchcase(each, name) for each in here)]
    if not kept and prefix:
        return ""
    return prefix + ",".join(kept or names)


def rekeying(limit: str) -> dict[str, Any]:
    """RekeyLimit `1G 1h`."""
    words = limit.split()
    chosen: dict[str, Any] = {}
    if words and words[0] != "default":
        chosen["rekey_bytes"] = words[0]
    if len(words) > 1 and words[1] != "none":
        chosen["rekey_seconds"] = words[1]
    return chosen


async def tcp(options: SshOptions) -> socket.socket:
    """A connected socket to the first address that answers.

    Raises:
        OSError: of the last address tried, or of the name.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(options.address, options.port, family=options.family, type=socket.SOCK_STREAM)
    failure: OSError = OSError("the name has no address")
    for family, kind, protocol, _, address in found:
        connecting = QuickAckSocket(family, kind, protocol)
        try:
            connecting.setblocking(False)
            if options.bind_address:
                connecting.bind((options.bind_address, 0))
            keep_alive(connecting, options)
            await loop.sock_connect(connecting, address)
            acknowledge_at_once(connecting)
            return connecting
        except OSError as error:
            connecting.close()
            failure = error
        except BaseException:
            connecting.close()
            raise
    raise failure


def keep_alive(connecting: socket.socket, options: SshOptions) -> None:
    """Let the kernel notice a link that was cut, also while bytes of ours wait for their acknowledgement."""
    if not options.tcp_keepalive or not hasattr(socket, "TCP_KEEPIDLE"):
        return
    limit = TCP_IDLE + TCP_INTERVAL * TCP_PROBES
    for option, value in ((socket.TCP_KEEPIDLE, TCP_IDLE), (socket.TCP_KEEPINTVL, TCP_INTERVAL), (socket.TCP_KEEPCNT, TCP_PROBES)):
        connecting.setsockopt(socket.IPPROTO_TCP, option, value)
    connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, limit * 1000)


class Proxy(asyncio.SubprocessProtocol):
    """A running ProxyCommand: its stdin and stdout are one socket of ours, its stderr is kept for messages."""

    def __init__(self) -> None:
        self.said = bytearray()
        self.silent = asyncio.Event()
        """Set once its stderr has ended."""
        self.exited = asyncio.Event()

    @classmethod
    async def start(cls, command: str) -> Proxy:
        """Run `command` with /bin/sh, as OpenSSH runs it with the user's shell."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        try:
            transport, proxy = await asyncio.get_running_loop().subprocess_exec(
                cls,
                *("/bin/sh", "-c", f"exec {command}"),
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        proxy.process, proxy.socket = transport, ours
        return proxy

    process: asyncio.SubprocessTransport
    socket: socket.socket

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self.said += data
        del self.said[:-4096]

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        self.silent.set()

    def process_exited(self) -> None:
        self.exited.set()

    async def ended(self) -> None:
        """Wait, not for ever, until a killed command is gone and reaped."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                await self.exited.wait()

    async def last_words(self) -> bytes:
        """What it wrote to stderr; waits a moment for a command that is just ending."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await self.silent.wait()
        return bytes(self.said) or (b"it ended without a word" if self.process.get_returncode() is not None else b"")

    def kill(self) -> None:
        """End the command and what it started."""
        if self.process.get_returncode() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.get_pid(), signal.SIGTERM)
        self.process.close()
