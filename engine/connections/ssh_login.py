"""Who we are and whom we trust: asyncssh's questions during one handshake, answered from `SshOptions`, and what was tried, for messages.

Keys are offered in this order: agent keys that belong to a named key file, named key files (with their certificates), the agent's other
keys, OpenSSH's default files. Named files stand before the agent's other keys, unlike in OpenSSH, so that a server that allows six
attempts is not used up by an agent with six other keys.
"""
from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import asyncssh
from asyncssh.public_key import get_default_certificate_algs, get_default_public_key_algs

from engine.connections.known_hosts import KnownHosts, Trust, Verdict, line_for, read_known_hosts, remember
from engine.connections.ssh_options import DEFAULT_KEYS, SshOptions

USUAL_HOST_KEYS = (
    "ssh-ed25519", "sk-ssh-ed25519@openssh.com", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com", "rsa-sha2-512", "rsa-sha2-256",
)
"""OpenSSH's own list, in its order."""

SIGNATURE_OF = {"rsa-sha2-256": "ssh-rsa", "rsa-sha2-512": "ssh-rsa"}
"""Signature algorithms whose keys have another name."""


@dataclass(slots=True)
class Attempt:
    """What happened while a connection was made; read by ssh_errors.py."""

    tried: list[str] = field(default_factory=list)
    """Methods and keys, in words: `publickey ~/.ssh/id_ed25519`, `password`."""
    skipped: list[str] = field(default_factory=list)
    """Keys that could not be used, with the reason."""
    offered: tuple[str, ...] = ()
    """Methods the server wants to see."""
    verdict: Verdict | None = None
    host_key: bytes = b""
    reached: bool = False
    """True once there is a way to send bytes."""
    banner: bool = False
    """True once the server has said who it is."""
    cannot_remember: str = ""
    """Why an accepted key could not be written down."""
    agent: asyncssh.SSHAgentClient | None = None
    """Open while the handshake lasts."""
    proxy_errors: bytes = b""
    """What the ProxyCommand wrote to stderr."""


class Login(asyncssh.SSHClient):
    """Answers for one connection."""

    def __init__(self, options: SshOptions, attempt: Attempt, keys: KeyRing) -> None:
        self.options = options
        self.attempt = attempt
        self.known = known_hosts_of(options)
        self.offers = offers(options, attempt, keys)
        self.connection: asyncssh.SSHClientConnection | None = None

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        self.connection = conn

    def host_key_algorithms(self) -> list[str] | str:
        """What to ask the server for: types known for the host first, certificates only where an authority is known for it."""
        if self.options.host_key_algorithms:
            return self.options.host_key_algorithms
        name, number = self.checked_name
        here = {each.decode() for each in get_default_public_key_algs()}
        usual = [each for each in USUAL_HOST_KEYS if each in here]
        kinds = self.known.kinds(name, number)
        first = [each for each in usual if SIGNATURE_OF.get(each, each) in kinds]
        certificates = [each.decode() for each in get_default_certificate_algs()] if self.known.has_authority(name, number) else []
        return [*certificates, *first, *(each for each in usual if each not in first)]

    @property
    def checked_name(self) -> tuple[str, int]:
        """Name and port to look up: an alias stands for both."""
        options = self.options
        return (options.host_key_alias, 22) if options.host_key_alias else (options.address, options.port)

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        data = key.public_data
        name, number = self.checked_name
        verdict = self.known.verdict(name, number, data)
        self.attempt.verdict, self.attempt.host_key = verdict, data
        if verdict.trust is Trust.KNOWN:
            return True
        if verdict.trust is Trust.REVOKED:
            return False
        if verdict.trust is Trust.UNKNOWN and self.options.check_host_key == "accept-new":
            self.remember(line_for(name, number, data, hash_names=self.options.hash_known_hosts))
            return True
        # OpenSSH goes on without the agent; here the forwarding is asked for with every session, so there is none.
        forwarding = verdict.trust is Trust.CHANGED and self.options.forward_agent
        return self.options.check_host_key == "no" and not forwarding

    def validate_host_ca_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        name, number = self.checked_name
        self.attempt.host_key = key.public_data
        if self.known.authority(name, number, key.public_data):
            self.attempt.verdict = Verdict(Trust.KNOWN)
            return True
        self.attempt.verdict = Verdict(Trust.UNKNOWN)
        return self.options.check_host_key == "no"

    def remember(self, line: str) -> None:
        if not self.options.user_known_hosts:
            return
        try:
            remember(self.options.user_known_hosts[0], line)
        except OSError as error:
            self.attempt.cannot_remember = str(error)

    def note_methods(self) -> None:
        """Keep which methods the server takes; asyncssh forgets each once it is used up."""
        if self.connection is not None:
            now = self.connection.get_server_auth_methods()
            self.attempt.offered = tuple(dict.fromkeys((*self.attempt.offered, *now)))

    async def public_key_auth_requested(self) -> asyncssh.SSHKeyPair | None:
        """The next key to offer; None when there is none left."""
        self.note_methods()
        async for name, pair in self.offers:
            self.attempt.tried.append(f"publickey {name}")
            return pair
        return None

    def password_auth_requested(self) -> str | None:
        self.note_methods()
        return self.password("password")

    def kbdint_auth_requested(self) -> str | None:
        self.note_methods()
        return None if self.options.password is None or self.may_be_an_impostor else ""

    def kbdint_challenge_received(self, name: str, instructions: str, lang: str, prompts: object) -> list[str] | None:
        """The password for one hidden question; nothing for messages; refusal for anything else (a second factor)."""
        questions = list(prompts) if isinstance(prompts, (list, tuple)) else []
        if not questions:
            return []
        if len(questions) > 1 or questions[0][1]:
            self.attempt.skipped.append(f"keyboard-interactive asked `{questions[0][0].strip()}`, which is not the password")
            return None
        password = self.password("keyboard-interactive")
        return None if password is None else [password]

    def password(self, method: str) -> str | None:
        """The password, once per method: the same wrong password again would only count towards a lock-out."""
        word = method
        if self.options.password is None or self.may_be_an_impostor or word in self.attempt.tried:
            return None
        self.attempt.tried.append(word)
        return self.options.password

    @property
    def may_be_an_impostor(self) -> bool:
        """The key is another one than known and checking is off: as OpenSSH, no password is sent there."""
        changed = self.attempt.verdict is not None and self.attempt.verdict.trust is Trust.CHANGED
        if changed and "password" not in " ".join(self.attempt.skipped):
            self.attempt.skipped.append("the password was not sent: this is not the host key that known_hosts has")
        return changed


def known_hosts_of(options: SshOptions) -> KnownHosts:
    return read_known_hosts((*options.user_known_hosts, *options.global_known_hosts))


class KeyRing:
    """Private keys read from files, once per file and passphrase; one ring for a transport."""

    def __init__(self) -> None:
        self.loaded: dict[tuple[str, int, str | None], asyncssh.SSHKey] = {}

    async def key(self, path: str, passphrase: str | None) -> asyncssh.SSHKey:
        """The private key in `path`.

        Raises:
            OSError: the file cannot be read.
            asyncssh.KeyImportError, asyncssh.KeyEncryptionError: it holds no key, or the passphrase is wrong or missing.
        """
        mark = (path, os.stat(path).st_mtime_ns, passphrase)
        if mark not in self.loaded:
            # An encrypted key costs up to a second of bcrypt: not on the event loop.
            self.loaded[mark] = await asyncio.to_thread(asyncssh.read_private_key, path, passphrase)
        return self.loaded[mark]


Offer = tuple[str, asyncssh.SSHKeyPair]


async def offers(options: SshOptions, attempt: Attempt, keys: KeyRing) -> AsyncIterator[Offer]:
    """Key pairs in the order they are offered, each with the name it has in messages. Files are read when their turn comes."""
    named = options.identity_files
    agent = await agent_pairs(options, attempt)
    wanted = {data: path for path in named for data in public_parts(path)}
    for pair in agent:
        if pair.public_data in wanted:
            yield f"{wanted[pair.public_data]} (from the agent)", pair
    for path in named:
        async for offer in file_pairs(path, options, attempt, keys, required=True):
            yield offer
    if not options.identities_only:
        for pair in agent:
            if pair.public_data not in wanted:
                yield f"{pair.get_comment() or 'a key'} (from the agent)", pair
    if not named:
        for path in DEFAULT_KEYS:
            async for offer in file_pairs(path, options, attempt, keys, required=False):
                yield offer


async def agent_pairs(options: SshOptions, attempt: Attempt) -> list[asyncssh.SSHKeyPair]:
    """Keys of the ssh-agent; none where there is no agent or it does not answer."""
    if not options.agent_path:
        return []
    try:
        attempt.agent = asyncssh.SSHAgentClient(options.agent_path)
        return list(await attempt.agent.get_keys())
    except (OSError, ValueError, asyncssh.Error) as error:
        attempt.skipped.append(f"the agent at {options.agent_path} does not answer: {error}")
        return []


def public_parts(path: str) -> list[bytes]:
    """Public keys and certificates beside a private key file, as the agent names its own."""
    found: list[bytes] = []
    for name in (path, path + ".pub", path + "-cert.pub"):
        try:
            with open(name, encoding="utf-8", errors="surrogateescape") as file:
                text = file.read(64 * 1024)
        except OSError:
            continue
        if "PRIVATE KEY" in text:
            continue
        try:
            found.append(asyncssh.import_public_key(text).public_data)
        except asyncssh.KeyImportError:
            try:
                found.append(asyncssh.import_certificate(text).public_data)
            except asyncssh.KeyImportError:
                continue
    return found


async def file_pairs(path: str, options: SshOptions, attempt: Attempt, keys: KeyRing, *, required: bool) -> AsyncIterator[Offer]:
    """The key in `path`: with each certificate that fits it, then alone. `required`: say why it could not be used."""
    path = os.path.expanduser(path)  # noqa: ASYNC240 - asks the environment, not the disk
    try:
        key = await keys.key(path, options.passphrase)
    except FileNotFoundError:
        if required:
            attempt.skipped.append(f"{path}: there is no such file")
        return
    except OSError as error:
        attempt.skipped.append(f"{path}: {error.strerror}")
        return
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        reason = "the passphrase is wrong" if options.passphrase else str(error)
        if not is_public(path):
            attempt.skipped.append(f"{path}: {reason}")
        return
    for certificate in (*options.certificate_files, path + "-cert.pub"):
        for pair in with_certificate(key, certificate):
            yield f"{path} with {certificate}", pair
    for pair in asyncssh.load_keypairs([key]):
        yield path, pair


def is_public(path: str) -> bool:
    """Whether the file is a public key: as IdentityFile it names a key of the agent."""
    return bool(public_parts(path))


def with_certificate(key: asyncssh.SSHKey, certificate: str) -> list[asyncssh.SSHKeyPair]:
    """`key` with the certificate in a file; nothing where that is missing or is another key's."""
    try:
        loaded = asyncssh.read_certificate(certificate)
    except (OSError, asyncssh.KeyImportError):
        return []
    if loaded.key is None or loaded.key.public_data != key.public_data:
        return []
    return list(asyncssh.load_keypairs([(key, loaded)])[:1])
