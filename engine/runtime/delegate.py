"""Where a task runs: the one place that reads `ansible_host`, `ansible_user` and their kin."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.agent.sdk import boolean
from engine.connections.target import BecomeTarget, ExecutionTarget
from engine.model.addresses import HostName
from engine.model.values import Value
from engine.scopes.scope import Scope
from engine.settings.settings import BecomeSettings, SshSettings

if TYPE_CHECKING:
    from engine.templating.renderer import Renderer

ALIASES: Mapping[str, tuple[str, ...]] = {
    # field → the variables that set it, the strongest first
    "transport": ("ansible_connection",),
    "address": ("ansible_ssh_host", "ansible_host"),
    "port": ("ansible_ssh_port", "ansible_port"),
    "user": ("ansible_ssh_user", "ansible_user"),
    "password": ("ansible_ssh_password", "ansible_ssh_pass", "ansible_password"),
    "private_key_file": ("ansible_ssh_private_key_file", "ansible_private_key_file"),
    "private_key_passphrase": ("ansible_ssh_private_key_passphrase", "ansible_private_key_passphrase"),
    "ssh_args": ("ansible_ssh_args",),
    "common_args": ("ansible_ssh_common_args",),
    "extra_args": ("ansible_ssh_extra_args",),
    "host_key_checking": ("ansible_ssh_host_key_checking", "ansible_host_key_checking"),
    "timeout": ("ansible_ssh_timeout", "ansible_timeout"),
    "retries": ("ansible_ssh_retries",),
    "interpreter": ("ansible_python_interpreter",),
    "shell_executable": ("ansible_shell_executable",),
    "become": ("ansible_become",),
    "become_method": ("ansible_become_method",),
    "become_user": ("ansible_become_user",),
    "become_password": ("ansible_become_password", "ansible_become_pass", "ansible_sudo_pass", "ansible_su_pass"),
    "become_exe": ("ansible_become_exe", "ansible_sudo_exe", "ansible_su_exe"),
    "become_chdir": ("ansible_sudo_chdir",),
    "become_flags": ("ansible_become_flags", "ansible_sudo_flags", "ansible_su_flags"),
}
NAMES = frozenset(name for names in ALIASES.values() for name in names)
FIELDS = {name: (field, rank) for field, names in ALIASES.items() for rank, name in enumerate(names)}
SSH_NAMES = frozenset(("", "smart", "ssh", "paramiko", "paramiko_ssh", "ansible.builtin.ssh", "ansible.builtin.paramiko_ssh"))
KEYWORDS = {"connection": "transport", "port": "port", "remote_user": "user"}
BECOME_KEYWORDS = ("become", "become_method", "become_user", "become_exe", "become_flags")


def connection_values(scope: Scope, renderer: Renderer) -> dict[str, Value]:
    """The connection variables that a scope defines, by field, rendered; the strongest alias wins."""
    found: dict[str, tuple[int, str]] = {}
    for name in scope.defined(NAMES):
        field, rank = FIELDS[name]
        if field not in found or rank < found[field][0]:
            found[field] = (rank, name)
    return {field: renderer.name(name) for field, (_, name) in found.items()}


def target_of(
    host: HostName,
    values: Mapping[str, Value],
    keywords: Mapping[str, Value],
    ssh: SshSettings,
    become: BecomeSettings,
    folder: str = "",
) -> ExecutionTarget:
    """The target of `host`. Variables beat keywords, keywords beat settings and the command line, as in Ansible.

    Args:
        values: `connection_values` of the host that it runs on (the delegate, under delegate_to).
        keywords: the step's effective keywords, rendered: connection, port, remote_user, become….
        folder: where a local one works: the playbook's folder.
    """
    given: dict[str, Value] = {field: keywords[name] for name, field in KEYWORDS.items() if keywords.get(name) not in (None, "")}
    given |= {name: keywords[name] for name in BECOME_KEYWORDS if keywords.get(name) is not None}
    given |= {field: value for field, value in values.items() if value is not None}
    transport = str(given.get("transport") or ssh.connection)
    transport = "ssh" if transport in SSH_NAMES else transport.removeprefix("ansible.builtin.")
    login = "" if transport == "local" else text(given.get("user"), ssh.user or "")
    elevated = become_target(given, become, getpass.getuser if transport == "local" else lambda: login)
    if transport == "local":
        return ExecutionTarget(host=host, transport="local", interpreter=text(given.get("interpreter"), ""), become=elevated, folder=folder)
    port = given.get("port", ssh.port)
    return ExecutionTarget(
        host=host,
        transport=transport,
        address=text(given.get("address"), host),
        port=int(port) if port not in (None, "") else None,
        user=login or None,
        password=optional(given.get("password", ssh.password)),
        private_key_file=optional(given.get("private_key_file", ssh.private_key_file)),
        private_key_passphrase=optional(given.get("private_key_passphrase")),
        ssh_args=text(given.get("ssh_args"), ssh.ssh_args),
        common_args=text(given.get("common_args"), ssh.common_args),
        extra_args=text(given.get("extra_args"), ssh.extra_args),
        host_key_checking=boolean(given.get("host_key_checking", ssh.host_key_checking)),
        timeout=float(given.get("timeout", ssh.timeout)),
        retries=int(given.get("retries", ssh.retries)),
        interpreter=text(given.get("interpreter"), ssh.interpreter),
        become=elevated,
        shell_executable=text(given.get("shell_executable"), "/bin/sh"),
    )


def become_target(given: Mapping[str, Value], settings: BecomeSettings, login: Callable[[], str]) -> BecomeTarget | None:
    """Who to become; None for nobody else: also for who one logs in as, where that is known, unless `become_allow_same_user` is set."""
    if not boolean(given.get("become", settings.become)):
        return None
    if text(given.get("become_user"), settings.user) == login() and not settings.allow_same_user:
        return None
    return BecomeTarget(
        method=text(given.get("become_method"), settings.method).removeprefix("ansible.builtin."),
        user=text(given.get("become_user"), settings.user),
        password=optional(given.get("become_password", settings.password)),
        exe=text(given.get("become_exe"), settings.exe or ""),
        flags=optional(given.get("become_flags", settings.flags)),
        chdir=text(given.get("become_chdir"), ""),
    )


def without_become(target: ExecutionTarget) -> ExecutionTarget:
    return replace(target, become=None) if target.become else target


def text(value: Value, default: str) -> str:
    return default if value is None or value == "" else str(value)


def optional(value: Value) -> str | None:
    return None if value is None or value == "" else str(value)
