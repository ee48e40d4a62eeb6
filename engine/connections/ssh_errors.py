"""The one border where asyncssh's and the system's errors become ConnectErrors that say what happened and what to try."""
from __future__ import annotations

import asyncio
import errno
import socket

import asyncssh

from engine.connections.known_hosts import Trust, fingerprint, key_kind
from engine.connections.ssh_login import Attempt
from engine.connections.ssh_options import SshOptions
from engine.errors import ConnectError
from engine.model.problem import Problem

FOREIGN = (OSError, asyncssh.Error, asyncio.TimeoutError, ValueError)
"""What can come out of a handshake. ValueError: names of algorithms that do not exist."""


STARTUPS = "see the server's log; sshd drops connections beyond MaxStartups"


def place(options: SshOptions) -> str:
    """Where the connection goes, for messages: `web1 (10.0.0.5 port 22)`."""
    where = options.address if options.address == options.alias else f"{options.alias} ({options.address})"
    via = f" via {', '.join(options.proxy_jump)}" if options.proxy_jump else " via its ProxyCommand" if options.proxy_command else ""
    return f"{where} port {options.port}{via}"


def refusal(error: BaseException, options: SshOptions, attempt: Attempt, host: str) -> ConnectError:
    """What `error`, raised while connecting, means.

    Args:
        host: The host whose task it is, for the message; its jump hosts are named by `options`.
    """
    where = place(options)
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return host_key_refusal(error, options, attempt, host)
    if isinstance(error, asyncssh.PermissionDenied) or too_many(error):
        return login_refusal(error, options, attempt, host)
    if attempt.proxy_errors and not attempt.banner:
        return proxy_refusal(options, attempt, host)
    if isinstance(error, asyncssh.KeyExchangeFailed):
        hint = "name an algorithm both sides have, for example -o KexAlgorithms=+diffie-hellman-group14-sha1 for an old server"
        return told("ssh-no-common-algorithm", "Client and server share no algorithm", f"{host}: {where}: {error}", hint)
    if isinstance(error, ValueError):
        return told("ssh-options-unreadable", "SSH options cannot be read", f"{host}: {error}")
    if isinstance(error, TimeoutError):
        stage = "no login" if attempt.banner else "no answer"
        hint = "is the host up, the address right, a firewall between? -T or ansible_timeout sets the seconds"
        words = f"{VIA_SSH}ssh: connect to host {options.address} port {options.port}: Connection timed out"
        return told("unreachable", "The host cannot be reached", f"{host}: {where}: {stage} within {options.timeout:g} s", hint, words)
    reason, hint = os_reason(error)
    return told("unreachable", "The host cannot be reached", f"{host}: {where}: {reason}", hint, openssh(error, options))


VIA_SSH = "Failed to connect to the host via ssh: "
"""How ansible-core begins what OpenSSH says."""
OPENSSH = {
    errno.ECONNREFUSED: "Connection refused",
    errno.EHOSTUNREACH: "No route to host",
    errno.ENETUNREACH: "Network is unreachable",
    errno.ETIMEDOUT: "Connection timed out",
}


def openssh(error: BaseException, options: SshOptions) -> str:
    """What ansible-core says, in OpenSSH's words; "" where those are not known."""
    if isinstance(error, socket.gaierror):
        return f"{VIA_SSH}ssh: Could not resolve hostname {options.address}: {error.strerror}"
    said = OPENSSH.get(error.errno or 0) if isinstance(error, OSError) else None
    return f"{VIA_SSH}ssh: connect to host {options.address} port {options.port}: {said}" if said else ""


def os_reason(error: BaseException) -> tuple[str, str]:
    """Words and a hint for an error of the network."""
    if isinstance(error, socket.gaierror):
        return f"the name cannot be resolved ({error.strerror})", "is the name right? ansible_host gives the address to use"
    number = error.errno if isinstance(error, OSError) else None
    hints = {
        errno.ECONNREFUSED: ("connection refused", "nothing listens there: is sshd running, is ansible_port right?"),
        errno.EHOSTUNREACH: ("no route to the host", "is the host up, is the network reachable from here?"),
        errno.ENETUNREACH: ("the network is unreachable", "is this machine on the network, is a VPN needed?"),
        errno.ETIMEDOUT: ("no answer", "is the host up, is a firewall between?"),
        errno.ECONNRESET: ("the connection was reset during the handshake", STARTUPS),
    }
    if number in hints:
        return hints[number]
    if isinstance(error, asyncssh.ConnectionLost) or (isinstance(error, asyncssh.Error) and "lost" in str(error).lower()):
        return "the server closed the connection during the handshake", STARTUPS
    return str(error) or type(error).__name__, ""


def too_many(error: BaseException) -> bool:
    return isinstance(error, asyncssh.DisconnectError) and "too many authentication failures" in str(error).lower()


def login_refusal(error: BaseException, options: SshOptions, attempt: Attempt, host: str) -> ConnectError:
    notes = [f"tried: {', '.join(attempt.tried)}" if attempt.tried else "nothing was tried: there is no key, no agent and no password"]
    if attempt.offered:
        notes.append(f"the server accepts: {', '.join(attempt.offered)}")
    notes.extend(f"not used: {each}" for each in attempt.skipped)
    if too_many(error):
        hint = "the server allows fewer attempts than there are keys: set ansible_ssh_private_key_file and -o IdentitiesOnly=yes"
    elif options.password is None and set(attempt.offered) & {"password", "keyboard-interactive"}:
        hint = "is the user right (ansible_user), is its key on the host? For a password: --ask-pass or ansible_password"
    else:
        hint = "is the user right (ansible_user), is the key or password the right one (ansible_ssh_private_key_file, ansible_password)?"
    detail = f"{host}: {options.user}@{place(options)} was refused"
    offered = f" ({','.join(attempt.offered)})" if attempt.offered else ""
    words = f"{VIA_SSH}{options.user}@{options.address}: Permission denied{offered}."
    problem = Problem(code="login-refused", summary="The login was refused", detail=detail, notes=tuple(notes), hint=hint, words=words)
    return ConnectError(problem)


def host_key_refusal(error: BaseException, options: SshOptions, attempt: Attempt, host: str) -> ConnectError:
    verdict, key = attempt.verdict, attempt.host_key
    name = options.host_key_alias or options.address
    port = f"-p {options.port} " if options.port != 22 else ""
    shown = f"{key_kind(key)} {fingerprint(key)}" if key else str(error)
    if verdict is not None and verdict.trust is Trust.REVOKED:
        detail = f"{host}: {place(options)} shows {shown}, revoked at {verdict.places[0]}"
        return told("host-key-revoked", "The host key is revoked", detail)
    if verdict is not None and verdict.trust is Trust.CHANGED:
        detail = f"{host}: {place(options)} shows {shown}; another key stands at {', '.join(verdict.places)}"
        forget = f"ssh-keygen -R {bracketed(name, options.port)}"
        hint = f"was the host reinstalled? If that is certain: {forget}; otherwise somebody is in between"
        return told("host-key-changed", "The host key is not the one that is known", detail, hint)
    if verdict is None or verdict.trust is Trust.KNOWN:
        return told("host-key-unknown", "The host key is not known", f"{host}: {place(options)}: {error}")
    file = options.user_known_hosts[0] if options.user_known_hosts else "~/.ssh/known_hosts"
    hint = f"check the fingerprint on the host, then: ssh-keyscan {port}{options.address} >> {file}"
    detail = f"{host}: {place(options)} shows {shown}"
    notes = tuple(f"another type of key of this host is known at {each}" for each in verdict.places)
    return ConnectError(Problem(code="host-key-unknown", summary="The host key is not known", detail=detail, notes=notes, hint=hint))


def bracketed(name: str, port: int) -> str:
    return name if port == 22 else f"'[{name}]:{port}'"


def proxy_refusal(options: SshOptions, attempt: Attempt, host: str) -> ConnectError:
    said = attempt.proxy_errors.decode("utf-8", "replace").strip().splitlines()
    detail = f"{host}: {place(options)}: {said[-1] if said else 'it ended without a word'}"
    hint = f"try it alone: {options.proxy_command}"
    return told("proxy-failed", "The proxy to the host failed", detail, hint)


def loss(error: Exception | None, options: SshOptions, host: str) -> ConnectError:
    """The connection broke after it had been made: not a failure of the task."""
    reason = str(error) if error is not None and str(error) else "closed by the other side"
    hint = "what the running task did on the host is not known; the next task connects anew"
    return told("connection-lost", "The connection was lost", f"{host}: {place(options)}: {reason}", hint)


def told(code: str, summary: str, detail: str, hint: str = "", words: str = "") -> ConnectError:
    return ConnectError(Problem(code=code, summary=summary, detail=detail, hint=hint, words=words))
