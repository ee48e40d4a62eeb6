"""Options that several commands share, under Ansible's names, and how they become settings."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

HELP = {"help_option_names": ["-h", "--help"]}
"""For every command of its own, so that it does not depend on the way it was reached."""

RUN = (
    click.option(
        "-i",
        "--inventory",
        "--inventory-file",
        "inventory",
        multiple=True,
        metavar="SOURCE",
        help="Inventory file, folder, script, or `host,host`. May be given more than once.",
    ),
    click.option("-l", "--limit", "--subset", metavar="PATTERN", help="Only these hosts; `@file` names a file of them."),
    click.option("-e", "--extra-vars", multiple=True, metavar="VARS", help="Variables: k=v, JSON or YAML text, or @file."),
    click.option("-t", "--tags", multiple=True, metavar="TAGS", help="Only tasks with one of these tags."),
    click.option("--skip-tags", multiple=True, metavar="TAGS", help="Not the tasks with one of these tags."),
    click.option("-C", "--check", is_flag=True, default=None, help="Say what would change, change nothing."),
    click.option("-D", "--diff", is_flag=True, default=None, help="Show differences of files."),
    click.option("-f", "--forks", type=int, help="Most hosts at work at the same time."),
    click.option("--force-handlers", is_flag=True, default=None, help="Run notified handlers on failed hosts too."),
    click.option("--flush-cache", is_flag=True, default=None, help="Forget the facts of earlier runs first."),
    click.option("--step", is_flag=True, default=None, help="Ask before each task."),
    click.option("-M", "--module-path", multiple=True, metavar="FOLDERS", help="Folders of modules, between colons."),
    click.option("--start-at-task", metavar="NAME", help="Begin at the task of this name."),
    click.option("--start-at", metavar="FILE:LINE", help="Begin at the task that stands there, also in a role or an included file."),
)
CONNECTION = (
    click.option("-u", "--user", metavar="NAME", help="Log in as this user."),
    click.option("-c", "--connection", metavar="KIND", help="ssh or local."),
    click.option("-T", "--timeout", type=float, metavar="SECONDS", help="How long an unanswered connection is waited for."),
    click.option("--private-key", "--key-file", "private_key", metavar="FILE", help="Private key to log in with."),
    click.option("-k", "--ask-pass", is_flag=True, default=None, help="Ask for the login password."),
    click.option("--connection-password-file", "--conn-pass-file", "connection_password_file", metavar="FILE"),
    click.option("--ssh-common-args", metavar="ARGS", help="OpenSSH options, such as `-o ProxyJump=gate`."),
    click.option("--ssh-extra-args", metavar="ARGS"),
    click.option("-b", "--become", is_flag=True, default=None, help="Become another user (root, without --become-user)."),
    click.option("--become-method", metavar="METHOD", help="sudo or su."),
    click.option("--become-user", metavar="NAME"),
    click.option("-K", "--ask-become-pass", is_flag=True, default=None, help="Ask for the password of become."),
    click.option("--become-password-file", "--become-pass-file", "become_password_file", metavar="FILE"),
)
VAULT = (
    click.option("--vault-id", multiple=True, metavar="LABEL@SOURCE"),
    click.option("--vault-password-file", "--vault-pass-file", "vault_password_file", metavar="FILE"),
    click.option("-J", "--ask-vault-password", "--ask-vault-pass", "ask_vault_password", is_flag=True, default=None),
)
LOCKS = (
    click.option("--lock-timeout", type=float, metavar="SECONDS", help="How long hosts that another run holds are waited for."),
    click.option("--no-lock", "lock", flag_value=False, default=None, help="Do not hold the hosts, nor heed who does."),
    click.option("--workspace", metavar="NAME", help="The state that is meant; see engine state workspace."),
    click.option("--force-unlock", is_flag=True, default=None, help="Take the hosts from whoever holds them."),
)
OUTPUT = (
    click.option("-v", "--verbose", count=True, help="More to read; -vvv shows everything."),
    click.option("--color/--no-color", "color", default=None, help="Colours, whatever the output is."),
)
KEYS = {
    "inventory": "inventory.sources",
    "limit": "inventory.limit",
    "tags": "run.tags",
    "skip_tags": "run.skip_tags",
    "check": "run.check",
    "diff": "run.diff",
    "forks": "run.forks",
    "force_handlers": "run.force_handlers",
    "flush_cache": "facts.flush",
    "step": "run.step",
    "start_at_task": "run.start_at_task",
    "start_at": "run.start_at",
    "module_path": "paths.library",
    "user": "ssh.user",
    "connection": "ssh.connection",
    "timeout": "ssh.timeout",
    "private_key": "ssh.private_key_file",
    "ask_pass": "ssh.ask_password",
    "connection_password_file": "ssh.password_file",
    "ssh_common_args": "ssh.common_args",
    "ssh_extra_args": "ssh.extra_args",
    "become": "become.become",
    "become_method": "become.method",
    "become_user": "become.user",
    "ask_become_pass": "become.ask_password",
    "become_password_file": "become.password_file",
    "vault_id": "vault.identities",
    "vault_password_file": "vault.password_file",
    "ask_vault_password": "vault.ask_password",
    "lock_timeout": "state.lock_timeout",
    "lock": "state.lock",
    "workspace": "state.workspace",
    "force_unlock": "state.force_unlock",
    "verbose": "output.verbosity",
    "color": "output.color",
}
"""Option → the setting that it overrules, as settings/sources.py names it."""
COMMA_LISTS = ("tags", "skip_tags")
PATH_LISTS = ("module_path",)


def options(*groups: tuple[Callable[[Any], Any], ...]) -> Callable[[Command], Command]:
    """Decorate a command with groups of options, in order."""

    def decorate(command: Command) -> Command:
        for option in reversed([each for group in groups for each in group]):
            command = option(command)
        return command

    return decorate


def overrides(given: dict[str, Any]) -> dict[str, Any]:
    """Settings by `group.field` from what click parsed; what was not given is not in it."""
    found: dict[str, Any] = {}
    for name, key in KEYS.items():
        value = given.get(name)
        if value is None or value == () or (name == "verbose" and value == 0):
            continue
        if name in COMMA_LISTS:
            value = tuple(part.strip() for each in value for part in each.split(",") if part.strip())
        if name in PATH_LISTS:
            value = tuple(os.path.abspath(os.path.expanduser(part)) for each in value for part in each.split(":") if part)
        found[key] = value
    return found
