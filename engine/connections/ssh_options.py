"""Everything about reaching one host over SSH, resolved: command-line options, ansible's variables and OpenSSH's files, in that order.

The order is the one Ansible's `ssh` command line has: ssh_args, then the variables (port, key, user, timeout), then common and
extra args, then ~/.ssh/config and /etc/ssh/ssh_config; in each the first value wins, as in OpenSSH. No option is dropped silently:
what is not obeyed is named in `SshOptions.not_understood`.
"""
from __future__ import annotations

import dataclasses
import getpass
import hashlib
import os
import re
import shlex
import socket
import subprocess
from dataclasses import field

from engine.connections.ssh_config import SYSTEM_FILE, USER_FILE, Host, read_config
from engine.connections.ssh_words import Pair, read_words
from engine.connections.target import ExecutionTarget
from engine.errors import ConnectError
from engine.model.frozen import frozen
from engine.model.problem import Problem

DEFAULT_KEYS = ("~/.ssh/id_rsa", "~/.ssh/id_ecdsa", "~/.ssh/id_ecdsa_sk", "~/.ssh/id_ed25519", "~/.ssh/id_ed25519_sk")
"""As OpenSSH 9: tried where no IdentityFile is named."""

HONOURED = frozenset(
    """
    addressfamily bindaddress casignaturealgorithms certificatefile checkhostip ciphers compression connectionattempts connecttimeout
    forwardagent globalknownhostsfile gssapiauthentication gssapidelegatecredentials hashknownhosts hostkeyalgorithms hostkeyalias hostname
    identitiesonly identityagent identityfile kbdinteractiveauthentication challengeresponseauthentication kexalgorithms macs
    passwordauthentication port preferredauthentications proxycommand proxyjump pubkeyauthentication rekeylimit sendenv serveralivecountmax
    serveraliveinterval setenv stricthostkeychecking tag tcpkeepalive user userknownhostsfile
    """.split()  # noqa: SIM905
)

MEANINGLESS = frozenset(
    """
    addkeystoagent batchmode canonicaldomains canonicalizefallbacklocal canonicalizemaxdots canonicalizepermittedcnames
    clearallforwardings controlmaster controlpath controlpersist enableescapecommandline escapechar exitonforwardfailure fingerprinthash
    forkafterauthentication forwardx11 forwardx11timeout forwardx11trusted gatewayports ignoreunknown ipqos kbdinteractivedevices loglevel
    logverbose nohostauthenticationforlocalhost numberofpasswordprompts obscurekeystroketiming permitlocalcommand localcommand
    pubkeyacceptedalgorithms pubkeyacceptedkeytypes requesttty sessiontype stdinnull streamlocalbindmask streamlocalbindunlink
    syslogfacility updatehostkeys useroaming visualhostkey warnweakcrypto xauthlocation protocol
    """.split()  # noqa: SIM905
)
"""Options about the ssh program itself, its terminal, its own multiplexing or its log: there is no program here to obey them."""

HARMLESS_WHEN = {
    "canonicalizehostname": "no", "hostbasedauthentication": "no", "verifyhostkeydns": "no", "proxyusefdpass": "no", "tunnel": "no",
    "enablesshkeysign": "no", "pkcs11provider": "none", "remotecommand": "none", "knownhostscommand": "none", "revokedhostkeys": "none",
    "securitykeyprovider": "internal", "requiredrsasize": "1024", "gssapikeyexchange": "no", "gssapitrustdns": "no",
}
"""Options not obeyed whose given value asks for nothing."""


@frozen(kw_only=True)
class SshOptions:
    """How one host is reached. Paths are expanded; lists are in the order they are tried."""

    alias: str
    """The name that was asked for: what Host lines match."""
    address: str
    """The real name or address (HostName)."""
    port: int = 22
    user: str
    password: str | None = field(default=None, repr=False)
    passphrase: str | None = field(default=None, repr=False)
    identity_files: tuple[str, ...] = ()
    """Keys somebody named; where empty, `DEFAULT_KEYS` are tried."""
    certificate_files: tuple[str, ...] = ()
    identities_only: bool = False
    agent_path: str = ""
    """Socket of the ssh-agent; empty for none."""
    forward_agent: str = ""
    """Socket that is forwarded; empty for none."""
    proxy_jump: tuple[str, ...] = ()
    """`user@host:port`, the nearest first."""
    proxy_command: str = ""
    check_host_key: str = "yes"
    """yes, no or accept-new."""
    user_known_hosts: tuple[str, ...] = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")
    global_known_hosts: tuple[str, ...] = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
    host_key_alias: str = ""
    hash_known_hosts: bool = False
    timeout: float = 10.0
    """Seconds for name, TCP, handshake and login as a whole."""
    attempts: int = 1
    """How often an unreachable host is tried (ConnectionAttempts, or ansible's retries + 1)."""
    alive_interval: int = 0
    """Seconds of silence after which the server is asked for a sign of life; 0: never asked."""
    alive_count: int = 3
    ciphers: str = ""
    macs: str = ""
    key_exchanges: str = ""
    host_key_algorithms: str = ""
    compression: bool = False
    family: int = socket.AF_UNSPEC
    bind_address: str = ""
    methods: tuple[str, ...] = ()
    """PreferredAuthentications; empty for the usual order."""
    public_key: bool = True
    password_login: bool = True
    keyboard_interactive: bool = True
    gssapi: bool = False
    gssapi_delegate: bool = False
    send_env: tuple[str, ...] = ()
    set_env: tuple[Pair, ...] = ()
    tcp_keepalive: bool = True
    rekey_limit: str = ""
    config_file: str | None = None
    """`-F`; jump hosts are looked up in it, too."""
    not_understood: tuple[str, ...] = ()
    """What was asked for and is not obeyed, as written; to be shown once."""


def options_of(target: ExecutionTarget, *, files: tuple[str, ...] | None = None) -> SshOptions:
    """Resolve `target`.

    Args:
        files: Configuration files to read instead of the user's and the system's; an `-F` among the options wins over it.

    Raises:
        ConnectError: options or a configuration file cannot be read, or a value is not of its type.
    """
    lines = [read_words(line) for line in (target.ssh_args, target.common_args, target.extra_args)]
    config_file = next((line.config_file for line in lines if line.config_file is not None), None)
    host = Host(original=target.address or target.host, local_user=local_user())
    host.take(lines[0].pairs)
    host.take(variables(target))
    host.take((*lines[1].pairs, *lines[2].pairs))
    options = resolved(host, config_file, files)
    strange = tuple(word for line in lines for word in line.not_understood)
    return replaced(options, target, (*strange, *options.not_understood))


def jump_options(hop: str, target: SshOptions, files: tuple[str, ...] | None = None) -> SshOptions:
    """Options of one hop of `target`'s ProxyJump: its own place in the configuration files; of the command line only `-F` reaches it.

    Raises:
        ConnectError: `ssh-options-unreadable` where the hop is not `[user@]host[:port]`.
    """
    user, address, port = hop_parts(hop)
    host = Host(original=address, local_user=local_user())
    host.take([("user", user)] if user else [])
    host.take([("port", port)] if port else [])
    host.take([("connecttimeout", f"{target.timeout:g}")])
    if target.check_host_key == "no":
        # Ansible's users who switch checking off mean the bastion, too; OpenSSH would stop and ask, and nobody is there to answer.
        host.take([("stricthostkeychecking", "no")])
    options = resolved(host, target.config_file, files)
    # A key given as ansible's variable opens the jump host as well: it stands in for the agent most people have.
    own = options.identity_files or target.identity_files
    return dataclasses.replace(options, identity_files=own, passphrase=target.passphrase, timeout=target.timeout)


def hop_parts(hop: str) -> tuple[str, str, str]:
    """User, host and port of `[user@]host[:port]`, `[user@][2001:db8::1]:port` or `ssh://…`; empty where not given."""
    text = hop.strip().removeprefix("ssh://")
    user, _, rest = text.rpartition("@")
    bracketed = re.fullmatch(r"\[([^\]]+)\](?::(\d+))?", rest)
    if bracketed:
        return user, bracketed[1], bracketed[2] or ""
    address, _, port = rest.rpartition(":") if rest.count(":") == 1 else (rest, "", "")
    if not address or (port and not port.isdigit()):
        raise bad_value("ProxyJump", hop)
    return user, address, port


def variables(target: ExecutionTarget) -> list[Pair]:
    """Ansible's variables as the options they stand for."""
    pairs: list[Pair] = []
    if not target.host_key_checking:
        pairs.append(("stricthostkeychecking", "no"))
    if target.port is not None:
        pairs.append(("port", str(target.port)))
    if target.private_key_file:
        pairs.append(("identityfile", target.private_key_file))
    if target.user:
        pairs.append(("user", target.user))
    pairs.append(("connecttimeout", f"{target.timeout:g}"))
    return pairs


def replaced(options: SshOptions, target: ExecutionTarget, not_understood: tuple[str, ...]) -> SshOptions:
    return dataclasses.replace(
        options,
        password=target.password,
        passphrase=target.private_key_passphrase,
        attempts=max(options.attempts, target.retries + 1),
        not_understood=tuple(dict.fromkeys(not_understood)),
    )


def resolved(host: Host, config_file: str | None, files: tuple[str, ...] | None) -> SshOptions:
    """Read the configuration files into `host` and give its values their types."""
    if config_file is not None:
        paths: tuple[str, ...] = () if config_file.lower() == "none" else (config_file,)
        if paths and not os.path.exists(os.path.expanduser(config_file)):
            missing = f"{config_file}: there is no such file"
            raise ConnectError(Problem(code="ssh-config-unreadable", summary="The SSH configuration cannot be read", detail=missing))
    else:
        paths = (USER_FILE, SYSTEM_FILE) if files is None else files
    read_config(host, paths, runs=lambda command: succeeds(Expansion(host).of(command)))
    return typed(host, config_file)


def typed(host: Host, config_file: str | None) -> SshOptions:
    expand = Expansion(host)
    keys, certificates = host.values.get("identityfile", []), host.values.get("certificatefile", [])
    jump, command = proxies(host)
    agent = host.first("identityagent", "SSH_AUTH_SOCK")
    agent_path = agent_socket(agent, expand)
    interactive = host.first("kbdinteractiveauthentication") or host.first("challengeresponseauthentication")
    defaults = SshOptions(alias=host.original, address=host.original, user=host.local_user)
    return SshOptions(
        alias=host.original,
        address=host.name,
        port=number(host, "port", 22),
        user=host.first("user", host.local_user),
        identity_files=tuple(expand.path(each) for each in keys if each.lower() != "none"),
        certificate_files=tuple(expand.path(each) for each in certificates if each.lower() != "none"),
        identities_only=switch(host, "identitiesonly", False),
        agent_path=agent_path,
        forward_agent=forwarded(host, agent_path, expand),
        proxy_jump=jump,
        proxy_command=expand.of(command) if command else "",
        check_host_key=checking(host),
        user_known_hosts=known_hosts(host, "userknownhostsfile", defaults.user_known_hosts, expand),
        global_known_hosts=known_hosts(host, "globalknownhostsfile", defaults.global_known_hosts, expand),
        host_key_alias=host.first("hostkeyalias"),
        hash_known_hosts=switch(host, "hashknownhosts", False),
        timeout=seconds(host, "connecttimeout", 10.0),
        attempts=max(1, number(host, "connectionattempts", 1)),
        alive_interval=int(seconds(host, "serveraliveinterval", 0)),
        alive_count=max(1, number(host, "serveralivecountmax", 3)),
        ciphers=host.first("ciphers"),
        macs=host.first("macs"),
        key_exchanges=host.first("kexalgorithms"),
        host_key_algorithms=host.first("hostkeyalgorithms"),
        compression=switch(host, "compression", False),
        family={"inet": socket.AF_INET, "inet6": socket.AF_INET6}.get(host.first("addressfamily").lower(), socket.AF_UNSPEC),
        bind_address=host.first("bindaddress"),
        methods=tuple(each for each in host.first("preferredauthentications").split(",") if each),
        public_key=host.first("pubkeyauthentication", "yes").lower() != "no",
        password_login=switch(host, "passwordauthentication", True),
        keyboard_interactive=interactive.lower() != "no",
        gssapi=switch(host, "gssapiauthentication", False),
        gssapi_delegate=switch(host, "gssapidelegatecredentials", False),
        send_env=tuple(word for line in host.values.get("sendenv", []) for word in line.split()),
        set_env=tuple(each for line in host.values.get("setenv", []) for each in environment(line)),
        tcp_keepalive=switch(host, "tcpkeepalive", True),
        rekey_limit=host.first("rekeylimit"),
        config_file=config_file,
        not_understood=ignored(host),
    )


def ignored(host: Host) -> tuple[str, ...]:
    """Options that have a value which is not obeyed, as `Name value`."""
    found = list(host.not_understood)
    for name, values in host.values.items():
        if name in HONOURED or name in MEANINGLESS or name.startswith("-"):
            continue
        if all(value.lower() == HARMLESS_WHEN.get(name) for value in values):
            continue
        found.append(f"{name} {values[0]}")
    return tuple(found)


def proxies(host: Host) -> tuple[tuple[str, ...], str]:
    """ProxyJump and ProxyCommand: the one that was written first wins; `none` is neither."""
    order = [name for name in host.values if name in ("proxyjump", "proxycommand")]
    if not order:
        return (), ""
    value = host.first(order[0])
    if value.lower() == "none":
        return (), ""
    if order[0] == "proxycommand":
        return (), value
    hops = tuple(part.strip() for part in Expansion(host).of(value).split(",") if part.strip())
    # `Host *` with a ProxyJump covers the jump host, too; as OpenSSH, a host is not its own way.
    own = hops and hop_parts(hops[-1])[1] in (host.original, host.name)
    return (() if own else hops), ""


def agent_socket(written: str, expand: Expansion) -> str:
    if written.lower() == "none":
        return ""
    if written == "SSH_AUTH_SOCK":
        return os.environ.get("SSH_AUTH_SOCK", "")
    if written.startswith("$") and not written.startswith("${"):
        return os.environ.get(written[1:], "")
    return expand.path(written)


def forwarded(host: Host, agent_path: str, expand: Expansion) -> str:
    written = host.first("forwardagent", "no")
    if written.lower() in ("no", "false"):
        return ""
    if written.lower() in ("yes", "true"):
        return agent_path
    return agent_socket(written, expand)


def checking(host: Host) -> str:
    """`ask` has nobody to ask: it refuses, as `yes`."""
    written = host.first("stricthostkeychecking", "ask").lower()
    words = {"yes": "yes", "true": "yes", "ask": "yes", "no": "no", "off": "no", "false": "no", "accept-new": "accept-new"}
    if written not in words:
        raise bad_value("StrictHostKeyChecking", written)
    return words[written]


def known_hosts(host: Host, name: str, usual: tuple[str, ...], expand: Expansion) -> tuple[str, ...]:
    written = host.first(name)
    paths = written.split() if written else list(usual)
    return tuple(expand.path(path.strip('"')) for path in paths if path.lower() != "none")


def environment(line: str) -> list[Pair]:
    return [(name, value) for name, _, value in (word.partition("=") for word in shlex.split(line))]


def number(host: Host, name: str, usual: int) -> int:
    written = host.first(name)
    if not written:
        return usual
    if not written.isdigit() or (name == "port" and not 0 < int(written) < 65536):
        raise bad_value(name, written)
    return int(written)


def seconds(host: Host, name: str, usual: float) -> float:
    """A time as OpenSSH writes it: `10`, `1m30s`, `1h`; also with a fraction, as ansible's own timeout."""
    written = host.first(name).lower()
    if not written or written == "none":
        return usual
    if re.fullmatch(r"\d+(\.\d+)?", written):
        return float(written)
    if not re.fullmatch(r"(\d+[smhdw]?)+", written):
        raise bad_value(name, written)
    units = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
    return float(sum(int(count) * units[unit] for count, unit in re.findall(r"(\d+)([smhdw]?)", written)))


def switch(host: Host, name: str, usual: bool) -> bool:
    written = host.first(name).lower()
    if not written:
        return usual
    if written not in ("yes", "no", "true", "false"):
        raise bad_value(name, written)
    return written in ("yes", "true")


def bad_value(name: str, written: str) -> ConnectError:
    return ConnectError(
        Problem(code="ssh-options-unreadable", summary="SSH options cannot be read", detail=f"`{written}` is no value of {name}")
    )


def succeeds(command: str) -> bool:
    """Whether the command of a `Match exec` ends with 0. It is the user's own shell line, as in OpenSSH."""
    try:
        return subprocess.run(["/bin/sh", "-c", command], stdin=subprocess.DEVNULL, capture_output=True, timeout=10).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def local_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


class Expansion:
    """Percent tokens, `~` and `${NAME}` in values; see TOKENS in ssh_config(5)."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def tokens(self) -> dict[str, str]:
        host = self.host
        local = socket.gethostname()
        address, port, user = host.name, host.first("port", "22"), host.first("user", host.local_user)
        jump = host.first("proxyjump")
        return {
            "%": "%", "h": address, "n": host.original, "p": port, "r": user, "u": host.local_user, "d": os.path.expanduser("~"),
            "i": str(os.getuid()), "L": local.split(".")[0], "l": local, "k": host.first("hostkeyalias", host.original), "j": jump,
            "C": hashlib.sha1((local + address + port + user + jump).encode()).hexdigest(),
        }

    def of(self, value: str) -> str:
        """`value` with its percent tokens replaced.

        Raises:
            ConnectError: a token that OpenSSH does not know.
        """
        if "%" not in value:
            return value
        tokens = self.tokens()

        def one(found: re.Match[str]) -> str:
            if found[1] not in tokens:
                raise bad_value("this option", value)
            return tokens[found[1]]

        return re.sub(r"%(.?)", one, value)

    def path(self, value: str) -> str:
        named = re.sub(r"\$\{(\w+)\}", lambda found: os.environ.get(found[1], ""), value)
        return os.path.expanduser(self.of(named))
